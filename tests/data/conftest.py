import pytest


@pytest.fixture(autouse=True)
def _fresh_keras():
    """Spare these many small tests what takes longer than they do and is of no use to them."""
