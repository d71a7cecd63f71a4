"""The wheel and a plain installation hold every module and data file of the package."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import amalthea

ROOT = Path(amalthea.__file__).parent
FOLDERS = ("callbacks", "data", "jobs", "layers", "metrics", "optimizers", "recipes")

pytestmark = pytest.mark.slow


def files():
    """What an installation must hold, as paths below the package."""
    found = [*ROOT.glob("*.py"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))]
    return {
        str(path.relative_to(ROOT))
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the sources without what lies around them, so that nothing built is picked up."""
    copy = tmp_path_factory.mktemp("sources") / "amalthea"
    copy.mkdir()
    kept = [*FOLDERS, *(path.name for path in ROOT.glob("*.*") if path.is_file()), "LICENSE"]
    for name in kept:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    return copy


def test_the_wheel_holds_everything_and_runs(checkout, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, checkout],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {f"amalthea/{name}" for name in files()}
    _check_installation(wheel, tmp_path / "environment")


def test_a_clean_checkout_installs_with_pip(checkout, tmp_path):
    _check_installation(checkout, tmp_path / "environment")


def _check_installation(source, environment):
    """Install without the dependencies, which this process' own environment lends."""
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", source]
    subprocess.run(install, check=True, capture_output=True)
    (site,) = environment.glob("lib/python*/site-packages")
    installed = {
        str(path.relative_to(site / "amalthea"))
        for path in (site / "amalthea").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert installed == files()
    lent = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "zz_lent.pth").write_text(lent)
    program = "import amalthea; amalthea.recipes.lenet5(); print(amalthea.__file__)"
    done = subprocess.run(
        [python, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.split()[-1]).parent == site / "amalthea"
    listed = subprocess.run(
        [environment / "bin" / "amalthea", "list"], capture_output=True, text=True
    )
    assert "lenet5" in listed.stdout, listed.stderr
