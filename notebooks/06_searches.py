# %% [markdown]
# # Searches that nothing stops
#
# A search of hyperparameters takes hours, and in hours things happen: a process runs out of memory,
# a machine is restarted, someone closes a laptop. This notebook searches a variational autoencoder
# on two workers, kills the search in the middle, goes on, narrows the ranges to where the best
# trials were, and looks at the report. It needs `pip install 'amalthea[ray]'`.
#
# With the environment variable `AMALTHEA_FAST=1` it takes a minute or two, but tries too little for
# what the text says of the results.

# %%
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from IPython.display import SVG, display

FAST = os.environ.get("AMALTHEA_FAST") == "1"

# TensorFlow's C++ part logs to the standard error of the process when it is imported.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
standard_error = os.dup(2)
with open(os.devnull, "w") as nowhere:
    os.dup2(nowhere.fileno(), 2)
import tensorflow as tf

os.dup2(standard_error, 2)
tf.get_logger().setLevel("ERROR")

from amalthea import jobs, recipes

folder = tempfile.TemporaryDirectory()  # removed when the notebook ends
work = Path(folder.name)
TRIALS, EPOCHS = (4, 1) if FAST else (24, 20)


def rows(run):
    """The table of a search's trials."""
    table = run / "trials.csv"
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def show(run, *columns):
    """Some columns of that table, numbers in four digits."""
    print("".join(f"{name:>16}" for name in columns))
    for row in rows(run):
        numbers = (f"{float(row[name]):.4g}" if row[name] else "" for name in columns[2:])
        print("".join(f"{cell:>16}" for cell in (*(row[name] for name in columns[:2]), *numbers)))


# %% [markdown]
# ## 1. What there is to search
#
# A recipe carries its search space, in the order in which tuning matters. `--top 3` takes the first
# three and leaves the others at their defaults.

# %%
entry = recipes.get_recipe("variational_autoencoder")
for name, rank in entry.hyperparameters().items():
    print(f"{rank:>3}  {name}")
print(entry.objective)

# %% [markdown]
# ## 2. A search, killed
#
# The search is a process of its own, as it is at a shell. It starts two workers, each of which does
# a trial at a time, and writes down each trial when it has ended. After the third one we kill it,
# with the signal that no process can catch.

# %%
run = work / "search"
command = [
    *(sys.executable, "-m", "amalthea", "tune", "variational_autoencoder", "--data", "digits"),
    *("--strategy", "bayesian", "--top", "3", "--trials", str(TRIALS), "--epochs", str(EPOCHS)),
    *("--workers", "2", "--out", str(run)),
]
search = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while search.poll() is None and len(rows(run)) < min(3, TRIALS - 2):
    time.sleep(0.05)
search.kill()
print("exit status", search.wait())
show(run, "trial", "status", "score", "learning_rate", "batch_size")

# %% [markdown]
# Its workers are gone with it: they notice within seconds that the process which they work for is.
#
# ## 3. And resumed
#
# `resume_search`, or `amalthea tune --resume`, goes on. The trials that had ended are kept, those
# that were under way are done again, and the number of workers may be another one.

# %%
before = rows(run)
jobs.resume_search(run, workers=2, verbose=0)
assert [row for row in rows(run) if row in before] == before
show(run, "trial", "status", "score", "learning_rate", "batch_size")

# %% [markdown]
# Rows are in the order in which trials were begun. The first one is the recipe with its defaults. A
# few random ones follow, then those of which a Gaussian process expects the largest improvement. A
# trial of the same values has the same score wherever it is done, on whichever worker.
#
# ## 4. The report
#
# `report.html` in the run folder is a page of its own. These are its pictures: the best so far,
# each hyperparameter against the score, all of them together, and how much each decides.


# %%
def pictures(run):
    """The drawings of a report."""
    page = (run / "report.html").read_text()
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        display(SVG(drawing))


pictures(run)

# %% [markdown]
# ## 5. From coarse to fine
#
# A second search begins where the first one ended: each range is narrowed, on its own scale, to
# where the best trials lie and a little beyond; choices that none of them has are left out.

# %%
fine = work / "fine"
jobs.tune(
    "variational_autoencoder", "digits", out=fine, from_run=run, trials=max(4, TRIALS // 2),
    epochs=EPOCHS, top=3, workers=2, verbose=0,
)  # fmt: skip
for name in ("search", "fine"):
    settings = json.loads((work / name / "run.json").read_text())
    best = json.loads((work / name / "best.json").read_text())
    print(f"{name:>8}: {best['objective']} {best['score']:.4f} in trial {best['trial']}")
    for hp in settings.get("from", {}).get("space", {}).get("space", []):
        config = hp["config"]
        of = config.get("values") or (config["min_value"], config["max_value"])
        print(f"          {config['name']}: {of}")

# %%
pictures(fine)

# %% [markdown]
# ## 6. The best, trained
#
# Arguments and batch size of the best trial are where `train` takes them from.

# %%
trained = jobs.train(
    "variational_autoencoder", "digits", out=work / "best", best=fine, epochs=2 * EPOCHS, verbose=0
)
figures = jobs.evaluate(trained.path)
print({name: round(value, 3) for name, value in figures.items() if isinstance(value, float)})
