"""What every test starts from."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

# Keras is imported where it is used: the process that hands out the tests has to wait for it else,
# and the workers for that process.


@pytest.fixture(autouse=True)
def _fresh_keras():
    """Equal random numbers for every test, and names of layers counted from 0."""
    import keras

    # Collecting garbage would take longer than most tests.
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)


@pytest.fixture
def float64():
    """Float64 as Keras' default, for finite differences."""
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras on JAX rounds some products of float64 to float32")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


@pytest.fixture(scope="session")
def lives():
    """The life of a recipe by its name; the one before ends when another begins."""
    from life import AFTERLIFE, FreshProcess, Life

    process, known = FreshProcess(AFTERLIFE), {}

    def life(name):
        if name not in known:
            for earlier in known.values():
                earlier.close()
            known.clear()
            known[name] = Life(name, process)
        return known[name]

    yield life
    for last in known.values():
        last.close()
    process.close()


@pytest.fixture
def life(name, lives):
    """The life of the recipe `name`, a parameter of the test."""
    return lives(name)


def _group(item):
    """Which tests share something: those of the life of a recipe, else those of a file."""
    return item.callspec.params["name"] if "life" in item.fixturenames else str(item.path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    import keras

    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _group(item) if "life" in item.fixturenames else "")
    if keras.backend.backend() != "tensorflow":
        for item in items:
            if item.get_closest_marker("tensorflow"):
                item.add_marker(pytest.mark.skip(reason="needs the TensorFlow backend"))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """Fail where tests of a group would run on several workers, each of which makes all anew."""
    grouped = getattr(session.config.option, "loadgroup", False)
    if grouped and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("this pytest-xdist groups no tests of this pytest: take others")
