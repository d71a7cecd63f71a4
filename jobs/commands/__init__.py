"""The commands of `amalthea`, one file a verb."""
