"""The structure of the package: what imports what, what is listed, what is documented."""

import ast
import configparser
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import amalthea
from amalthea import callbacks, data, jobs, layers, metrics, optimizers, recipes

ROOT = Path(amalthea.__file__).parent
FOLDERS = ("callbacks", "data", "jobs", "layers", "metrics", "optimizers", "recipes")
MAY_IMPORT = {
    "layers": set(),
    "metrics": {"layers"},
    "optimizers": set(),
    "callbacks": {"layers", "metrics"},
    # A recipe that is trained in stages names the callback that does it; what it learns from has
    # features, and an order where states are carried.
    "recipes": {"callbacks", "data.features", "data.streams", "layers", "metrics", "optimizers"},
    "data": set(),
    "jobs": set(FOLDERS),
}
# Ground that every folder stands on.
GROUND = {"errors", "compatibility"}


def sources(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path):
    """Modules that a file imports, those of ours as paths from the root: `layers.rbm`."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (".".join((*base, name)) for name in names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_what_it_may(folder):
    for path in sources(folder):
        ours = {name for name in imports(path) if name.split(".")[0] in {*FOLDERS, "amalthea"}}
        may = MAY_IMPORT[folder] | {folder} | GROUND
        inside = {name for name in ours if any(f"{name}.".startswith(f"{m}.") for m in may)}
        assert not ours - inside, path


# What Keras lacks, and a backend has.
KNOW_A_BACKEND = {
    "hypermodel.py": "takes anyone's tf.data.Dataset, which only TensorFlow can measure",
    "input_gradient.py": "gradients with respect to inputs",
    "fused_batch_normalization.py": "one kernel for batch normalisation",
    "local_response_normalization.py": "one kernel for it",
    "replica.py": "replicas of a model, which another backend has not",
    "ridge_dense.py": "a closed form in double precision, on the host",
    "skip_zero_gradients.py": "optimizers on several replicas",
    "strings.py": "texts, which no other backend has",
}


def test_only_data_and_jobs_know_a_backend():
    for folder in set(FOLDERS) - {"data", "jobs"}:
        for path in sources(folder):
            backends = {name.split(".")[0] for name in imports(path)} & {"tensorflow", "jax"}
            assert not backends or path.name in KNOW_A_BACKEND, path


def test_nobody_overrides_train_step():
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] in FOLDERS:
            assert "def train_step" not in path.read_text(), path


def test_setup_lists_every_package():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    found = {
        ".".join(("amalthea", *path.parent.relative_to(ROOT).parts))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == found | {"amalthea"}


def test_the_version_is_that_of_the_metadata():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert amalthea.__version__ == setup["metadata"]["version"]
    assert amalthea.__version__ in (ROOT / "CHANGELOG.md").read_text()


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_importing_the_package_imports_no_keras():
    code = """
import sys, amalthea
dir(amalthea), amalthea.__version__
import amalthea.jobs.cli
heavy = {"keras", "tensorflow", "numpy", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_parts_are_imported_by_name_and_unknown_ones_are_errors():
    assert amalthea.layers is layers
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        amalthea.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        jobs.nothing  # noqa: B018


@pytest.mark.parametrize("backend", ["torch", "openvino", "nonsense"])
def test_an_unsupported_backend_is_one_sentence(backend):
    done = run("import amalthea.recipes", KERAS_BACKEND=backend)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"not on {backend!r}: set KERAS_BACKEND=tensorflow" in last
    done = subprocess.run(
        [sys.executable, "-m", "amalthea", "evaluate", "nowhere"],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": backend},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_backend_in_keras_own_settings_is_seen(tmp_path, monkeypatch):
    from amalthea.compatibility import configured_backend

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert configured_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert configured_backend() == "torch"


def test_an_old_keras_is_one_sentence(monkeypatch):
    from amalthea import compatibility

    monkeypatch.setattr(compatibility, "version", lambda name: "3.9.2")
    with pytest.raises(ImportError, match=r"needs Keras 3.15 or newer and found 3.9.2"):
        compatibility.check_keras()


def public():
    for package in (callbacks, data, jobs, layers, metrics, optimizers, recipes):
        for name in package.__all__:
            thing = getattr(package, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield pytest.param(thing, id=f"{package.__name__}.{name}")


@pytest.mark.parametrize("thing", list(public()))
def test_what_is_public_is_documented(thing):
    documentation = inspect.getdoc(thing)
    assert documentation
    assert documentation.splitlines()[0].endswith(".")
    function = thing.__init__ if inspect.isclass(thing) else thing
    if not inspect.isfunction(function) or "dataclass" in repr(function):
        return
    arguments = inspect.signature(inspect.unwrap(function)).parameters
    for name in set(arguments) - {"self", "args", "kwargs"}:
        assert f"{name}:" in documentation, f"{name} is not explained"


@pytest.mark.parametrize("name", layers.__all__)
def test_a_layers_docstring_says_all_and_its_example_runs(name):
    import doctest

    layer = getattr(layers, name)
    documentation = inspect.getdoc(layer)
    for section in ("Args:", "Call arguments:", "Returns:", "Raises:", "Example:", "Reference:"):
        assert section in documentation, section
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder(recurse=False).find(layer, name, globs={}):
        runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0
    assert issubclass(layer, keras.layers.Layer)
    assert not name.endswith("Layer")


def test_no_executed_notebook_has_more_than_a_megabyte():
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        assert notebook.stat().st_size <= 1_000_000, f"{notebook}: run notebooks/tools/shrink.py"
        source = notebook.with_suffix(".py").read_text()
        for cell in json.loads(notebook.read_text())["cells"]:
            if cell["cell_type"] == "code":
                assert "".join(cell["source"]).strip() in source, f"{notebook}: execute it anew"
