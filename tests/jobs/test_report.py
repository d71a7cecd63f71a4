"""The report of a search: a page that says all, and needs nothing beside it."""

import html.parser
import re
import shutil
import subprocess

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.trial import Trial
from matplotlib.image import imread

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs.search.report import importance, page

SETTINGS = {
    "recipe": "lenet5",
    "arguments": {"learning_rate": 0.1},
    "data": "digits",
    "image_size": [28, 28],
    "value_range": None,
    "sequence_length": None,
    "epochs": 3,
    "seed": 0,
    "trials": 99,
    "strategy": "random",
    "objective": ["val_accuracy", "max"],
}


def trials(count, failed=()):
    """Trials whose score is by the rate, and a little by the units."""
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        hp = keras_tuner.HyperParameters()
        rate = 10 ** random.uniform(-5, -1)
        units = int(random.integers(1, 100))
        hp.values = {"rate": rate, "units": units, "kind": random.choice(["<a>", "b & c"])}
        hp.Float("rate", 1e-5, 1e-1, sampling="log")
        hp.Int("units", 1, 100)
        hp.Choice("kind", ["<a>", "b & c"])
        with hp.conditional_scope("kind", ["<a>"]):
            if hp.values["kind"] == "<a>":
                hp.Float("only", 0.0, 1.0)
                hp.values["only"] = random.random()
        trial = Trial(hp, trial_id=f"{number:02d}", status="COMPLETED")
        trial.score = 1 - abs(np.log10(rate) + 3) / 4 + units / 2000
        trial.best_step = 2
        if number in failed:
            trial.status, trial.score = "FAILED", None
            trial.message = "its process died <of it>"
        made.append(trial)
    return made


def space(made):
    hp = keras_tuner.HyperParameters()
    for trial in made:
        hp.merge(trial.hyperparameters.space)
    return list({each.name: each for each in hp.space}.values())


class Tags(html.parser.HTMLParser):
    """The elements of a page, each of which must be closed."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_a_page_shows_all_and_asks_for_nothing(tmp_path):
    written = page(SETTINGS, trials(40, failed={3, 5}), tmp_path / "a b")
    tags = Tags()
    tags.feed(written)
    assert not tags.open
    assert sum(tag == "svg" for tag, _ in tags.seen) == 4
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags.seen}
    for _, attributes in tags.seen:
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
    assert "@import" not in written
    assert not re.search(r"url\((?!#)", written)
    command = f"amalthea train lenet5 --best '{tmp_path / 'a b'}' --data digits --image-size 28,28"
    assert f"<pre>{command} --epochs 3 --seed 0 --out runs/best</pre>" in html.unescape(written)
    assert "its process died &lt;of it&gt;" in written
    assert "<td>03, 05</td>" in written
    assert "40 of 99 trials" in written
    assert len(written) < 300_000


def test_the_command_that_trains_the_best_is_one_that_can(tmp_path):
    unfinished = page(SETTINGS | {"arguments": {}}, trials(3), tmp_path)
    assert f"<pre>amalthea tune --resume {tmp_path}\namalthea train" in unfinished
    arrays = page(SETTINGS | {"data": None}, trials(3), tmp_path)
    assert f"jobs.train('lenet5', data, best='{tmp_path}'" in html.unescape(arrays)


def test_what_decides_the_score_is_the_most_important():
    made = trials(60, failed={1})
    found = importance(made, space(made), "max")
    assert next(iter(found)) == "rate"
    assert found["rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)
    assert importance(made[:5], space(made), "max") is None


@pytest.mark.slow
def test_thousands_of_trials_are_a_megabyte_at_the_most(tmp_path):
    assert len(page(SETTINGS, trials(3000, failed=set(range(1000))), tmp_path)) < 1_000_000


def test_where_all_failed_or_one_has_ended_there_is_a_page_too(tmp_path):
    assert "Failed trials" in page(SETTINGS, trials(2, failed={0, 1}), tmp_path)
    assert "It is trained by" in page(SETTINGS, trials(1), tmp_path)


@pytest.mark.slow
def test_the_report_of_a_search_is_written_anew(command, arrays, tmp_path):
    run = jobs.tune("tied_autoencoder", arrays, out=tmp_path / "a", trials=2, epochs=1, verbose=0)
    written = (run.path / "report.html").read_text()
    (run.path / "report.html").unlink()
    status, out, _ = command("tune", "--report", run.path)
    assert status == 0
    assert str(run.path / "report.html") in out
    assert (run.path / "report.html").read_text() == written
    status, _, err = command("tune", "--report", run.path, "--trials", 3)
    assert status == 2
    assert "takes nothing beside the folder, got --trials" in err
    (run.path / "trials.json").unlink()
    with pytest.raises(UserError, match="has no trial that has ended"):
        jobs.report(run.path)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no browser to look with")
def test_a_browser_shows_it_without_an_error(tmp_path):
    (tmp_path / "report.html").write_text(page(SETTINGS, trials(40, failed={3}), tmp_path))
    browser = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,2600",
            f"--screenshot={tmp_path / 'shown.png'}", (tmp_path / "report.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "CONSOLE" not in browser.stderr
    shown = imread(tmp_path / "shown.png")[..., :3]
    assert shown.shape[:2] == (2600, 1280)
    # Every quarter of the page has something on it, the plots among it in colour.
    for quarter in np.array_split(shown, 4):
        assert (quarter.min(-1) < 0.5).mean() > 0.001
    assert (np.ptp(shown, axis=-1) > 0.3).sum() > 2000
