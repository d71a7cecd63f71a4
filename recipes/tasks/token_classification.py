"""Token classification: the class of each token of a text."""

from .task import Task

TOKEN_CLASSIFICATION = Task(
    "token classification",
    inputs=("text",),
    targets=("token_labels",),
    answers=("labels",),
)
