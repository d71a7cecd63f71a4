"""Classification: the class of an image."""

from .task import Task

CLASSIFICATION = Task("classification", targets=("label",), answers=("probabilities",))
