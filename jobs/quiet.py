"""What libraries print from their C++ parts, left unheard."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from ..compatibility import check_keras, configured_backend


def prepare_keras() -> None:
    """Check Keras, and import TensorFlow without what its C++ parts print as they are loaded."""
    check_keras()
    if configured_backend() != "tensorflow":
        return
    with unheard():
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Within, nothing that this process writes to the standard error is seen."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
