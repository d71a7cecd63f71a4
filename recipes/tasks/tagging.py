"""Tagging: all the things that an image shows."""

from .task import Task

TAGGING = Task("tagging", targets=("tags",), answers=("tags",))
