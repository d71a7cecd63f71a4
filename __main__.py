"""`python -m amalthea`: the command line."""

from .jobs.cli import program

program()
