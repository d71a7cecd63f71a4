"""The one exception that every part of the package raises for a user's mistake."""

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator


class UserError(ValueError):
    """Input that cannot be used: one sentence saying what was received and what would be right.

    It is a `ValueError`, so library code may catch it as such; the command line prints its message
    without a traceback and exits with status 2.
    """


@contextlib.contextmanager
def out_of_pipelines() -> Iterator[None]:
    """Within, a `UserError` that TensorFlow meets in an input pipeline is raised as such."""
    try:
        yield
    except Exception as error:
        said = re.search(r"\bUserError: (.*?)\n+Traceback \(most recent", str(error), re.DOTALL)
        if said is None:
            raise
        raise UserError(said[1]) from None


def nearest(name: str, names: Iterable[str]) -> str:
    """How a sentence about the unknown `name` ends: what may have been meant, of `names`."""
    names = sorted(names)
    if near := difflib.get_close_matches(name, names):
        return f": did you mean {' or '.join(near)}?"
    return f": it is one of {', '.join(names)}"
