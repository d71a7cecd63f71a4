"""Keras without what TensorFlow prints as it is loaded."""

import os
import sys
import tempfile

from ..compatibility import check_keras, configured_backend


def prepare_keras() -> None:
    """Check Keras, and import TensorFlow without what its C++ parts print as they are loaded."""
    check_keras()
    if configured_backend() != "tensorflow":
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as unheard:
        os.dup2(unheard.fileno(), 2)
        try:
            import tensorflow

            tensorflow.get_logger().setLevel("ERROR")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
