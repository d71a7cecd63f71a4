"""Classification: the class of an image, of a text, of values over time."""

from dataclasses import replace

from .task import Task

CLASSIFICATION = Task("classification", targets=("label",), answers=("probabilities",))
TEXT_CLASSIFICATION = replace(CLASSIFICATION, name="text classification", inputs=("text",))
SERIES_CLASSIFICATION = replace(CLASSIFICATION, name="series classification", inputs=("series",))
