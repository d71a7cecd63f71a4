"""What jobs and commands do with pairs of lines."""

import json

import numpy as np
import pytest
from PIL import Image

from amalthea import jobs
from amalthea.errors import UserError

from harness import arrays, one_sentence

TINY = {"hidden_units": (8,), "embedding_units": 4}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "own.txt"
    random = np.random.default_rng(0)
    lines = ["".join(random.choice(list("abc"), random.integers(1, 6))) for _ in range(200)]
    path.write_text("".join(f"{line}\t{line.upper()}\n" for line in lines), "utf-8")
    return f"pairs:{path}"


@pytest.fixture(scope="module")
def run(pairs, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "a"
    return jobs.train("translator", pairs, out=out, arguments=TINY, epochs=2, verbose=0)


@pytest.mark.slow
def test_a_training_is_measured_drawn_asked_and_resumed_exactly(run, pairs, tmp_path, command):
    for epoch in (1, 2):
        lines = (run.path / f"samples/epoch-0000{epoch}.txt").read_text().splitlines()
        assert len(lines) == 4 * 3 - 1
        with Image.open(run.path / f"samples/epoch-0000{epoch}.png") as picture:
            assert min(picture.size) > 50
    figures = jobs.evaluate(run.path)
    assert figures.keys() == {"loss", "accuracy", "exact_match"}
    assert (run.path / "attention.png").stat().st_size > 1000
    settings = {"arguments": TINY, "verbose": 0}
    half = jobs.train("translator", pairs, out=tmp_path / "b", epochs=1, **settings)
    jobs.resume(half.path, epochs=2, verbose=0)
    weights = [arrays(each.load_model().variables) for each in (run, half)]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    # Strings from Python, files of lines, and the command line give the same.
    strings = ["abc", "a", "cab"]
    (tmp_path / "lines.txt").write_text("\n".join([*strings, ""]))
    found = jobs.predict(run.path, strings)
    assert found.endpoint == "translate"
    assert [row["line"] for row in found.rows()] == strings
    status, out, _ = command("predict", run.path, tmp_path / "lines.txt", "--json")
    assert status == 0
    assert [r["translations"] for r in json.loads(out)] == found.outputs["translations"].tolist()
    wide = jobs.predict(run.path, [tmp_path / "lines.txt"], beam=5).outputs["scores"]
    assert wide.shape == (3,)
    numbers = jobs.predict(run.path, strings, endpoint="decode").outputs["numbers"]
    decode = run.features["translation"].decode
    assert [decode(row) for row in numbers] == found.outputs["translations"].tolist()
    with pytest.raises(UserError, match="'decode' searches for nothing, got beam=3") as error:
        jobs.predict(run.path, strings, endpoint="decode", beam=3)
    one_sentence(error)


@pytest.mark.slow
def test_an_export_translates_strings_without_the_package(run):
    import tensorflow as tf

    out = jobs.export(run.path)
    described = json.loads((out / "endpoints.json").read_text())
    assert described.keys() == {"translate", "decode", "attend"}
    loaded = tf.saved_model.load(out)
    strings = ["abc", "", "b\N{SNOWMAN}"]
    for beam in (1, 4):
        given = {"texts": tf.constant(strings), "beam": tf.constant(beam)}
        texts = loaded.signatures["translate"](**given)["translations"].numpy()
        wanted = jobs.predict(run.path, strings, beam=beam).outputs["translations"]
        assert [text.decode() for text in texts] == wanted.tolist()


@pytest.mark.exhaustive
def test_without_attention_there_is_nothing_to_draw(pairs, tmp_path):
    arguments = {**TINY, "attention": "none", "bidirectional": False, "reverse": True}
    run = jobs.train(
        "translator", pairs, out=tmp_path / "a", arguments=arguments, epochs=1, verbose=0
    )
    assert [path.name for path in (run.path / "samples").iterdir()] == ["epoch-00001.txt"]
    jobs.evaluate(run.path)
    assert not (run.path / "attention.png").exists()
    out = jobs.export(run.path)
    assert json.loads((out / "endpoints.json").read_text()).keys() == {"translate", "decode"}


@pytest.mark.parametrize(
    ("recipe", "source", "message"),
    [
        ("translator", "digits", "translator learns from lines, and digits has none"),
        ("recurrent_text_classifier", "dates", "learns from texts, and dates has none"),
    ],
)
def test_data_of_another_kind_are_one_sentence(recipe, source, message, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        jobs.train(recipe, source, out=tmp_path / "a", verbose=0)
    one_sentence(error)


@pytest.mark.exhaustive
def test_translators_are_searched_for(pairs, tmp_path, no_report):
    found = jobs.tune(
        "translator", pairs, out=tmp_path / "a", trials=2, epochs=1, fixed=TINY, verbose=0
    )
    rows = (found.path / "trials.csv").read_text().splitlines()
    assert len(rows) == 3
    best = jobs.train("translator", pairs, out=tmp_path / "b", best=found.path, epochs=1, verbose=0)
    assert best.settings["arguments"]["hidden_units"] == TINY["hidden_units"]


@pytest.mark.exhaustive
def test_dates_are_learnt(tmp_path):
    run = jobs.train("translator", "dates", out=tmp_path / "a", epochs=5, verbose=0)
    assert jobs.evaluate(run.path)["exact_match"] > 0.9
    found = jobs.predict(run.path, ["3 March 1998", "the 21st of May 2044"], beam=3)
    assert found.outputs["translations"].tolist() == ["1998-03-03", "2044-05-21"]
