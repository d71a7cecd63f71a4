"""What models of bytes and of sub-words write, are told by, and take."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from amalthea import jobs
from amalthea.data.features import words
from amalthea.errors import UserError
from amalthea.recipes import char_rnn, get_recipe, word_lm

from harness import call_endpoint, one_sentence

PIECES = (words.UNKNOWN, *"\n abc", " a", "bc", "  ", " abc")
TEXT = "def f(x):\n    return  x + 12\n\n"
DRAWN = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 0}


def of_bytes(recipe):
    arguments = {"rule": "bytes", "hidden_units": (4,), "carried": False, "seed": 0}
    return get_recipe(recipe).build(256, **arguments)


def of_pieces(**arguments):
    given = {"rule": "subwords", "hidden_units": (4,), "carried": False, "seed": 0}
    return word_lm(PIECES, **{**given, **arguments})


def sampled(model, prompts, n, **asked):
    """Texts for texts, as a server gives them."""
    import tensorflow as tf

    sample = get_recipe(model.origin.recipe).endpoints["sample"].bind(model, n=n)
    given = {"prompts": prompts, **DRAWN, **asked}
    given = {name: tf.constant(value, sample.input[name].dtype) for name, value in given.items()}
    return [text.decode() for text in np.asarray(sample(given)["texts"])]


@pytest.mark.tensorflow
@pytest.mark.parametrize("recipe", ["char_rnn", "word_lm"])
def test_a_model_of_bytes_goes_on_with_any_text_and_gives_utf8(recipe):
    model = of_bytes(recipe)
    prompts = ["naïve \N{SNOWMAN}", "", "a"]
    texts = sampled(model, prompts, 9)
    assert all(text.startswith(prompt) for text, prompt in zip(texts, prompts, strict=True))
    assert words.UNKNOWN in "".join(texts)  # untrained, it draws bytes that are no characters
    numbers = np.array([[*"naïve \N{SNOWMAN}".encode()]], "int32")
    drawn = call_endpoint(model, "continue", numbers=numbers, n=9, **DRAWN)["numbers"]
    entry = get_recipe(recipe)
    (text,) = entry.task.sample(entry, model, seed=0, prompt=prompts[0], length=9)
    assert text == bytes(drawn[0].tolist()).decode(errors="replace")


@pytest.mark.tensorflow
def test_a_text_of_sub_words_begins_with_its_prompt_and_all_its_spaces():
    """But for a space at the end, which the next word has."""
    model, entry = of_pieces(), get_recipe("word_lm")
    prompts = ["  abc", " a", "a  ", "\n", "ab\N{SNOWMAN}"]
    wanted = ["  abc", " a", "a ", "\n", "ab\ufffd"]
    for text, begun in zip(sampled(model, prompts, 3), wanted, strict=True):
        assert text.startswith(begun)
        assert words.UNKNOWN not in text[len(begun) :]
    (text,) = entry.task.sample(entry, model, seed=0, prompt="a  ", length=3)
    assert text == sampled(model, ["a  "], 3)[0]


@pytest.mark.tensorflow
def test_an_empty_prompt_begins_as_after_the_end_of_a_line():
    for model in (of_pieces(), of_bytes("char_rnn")):
        begun, line = sampled(model, ["", "\n"], 5, temperature=0.0)
        assert line == f"\n{begun}"


def test_bits_are_those_of_a_byte_or_of_a_character():
    text = np.frombuffer(("café " * 9).encode(), np.uint8).astype("int32")[None]
    model = of_bytes("char_rnn")
    figures = get_recipe("char_rnn").measures(model, text[:, :-1], text[:, 1:], 4)
    assert figures.keys() == {"perplexity", "bits_per_byte"}
    assert figures["bits_per_byte"] == pytest.approx(np.log2(figures["perplexity"]), rel=1e-6)
    # Of sub-words the unknown one is a character, too.
    model, written = of_pieces(), " abc\N{SNOWMAN}  abc a\n" * 9
    text = get_recipe("word_lm").features(model.origin.arguments)["text"].encode(written)[None]
    figures = get_recipe("word_lm").measures(model, text[:, :-1], text[:, 1:], 4)
    bits = figures["bits_per_token"] * (text.shape[1] - 1)
    assert figures["bits_per_character"] == pytest.approx(bits / (len(written) - 4), rel=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: char_rnn(256),
            "of rule='bytes' alone the vocabulary is 256, got 256 of rule=None",
        ),
        (lambda: char_rnn("abc", "bytes"), "vocabulary is 256, got 'abc' of rule='bytes'"),
        (lambda: char_rnn(255, "bytes"), "or 256, of bytes, got 255"),
        (lambda: char_rnn("abc", "subwords"), "'bytes', or None for characters, got 'subwords'"),
        (lambda: word_lm(99, "bytes"), "of rule='bytes' the vocabulary is 256, got one of 99"),
        (lambda: word_lm(99, "plain"), "one of words, tokens, subwords, bytes, got 'plain'"),
    ],
)
def test_a_vocabulary_that_is_not_of_its_rule_is_one_sentence(build, message):
    with pytest.raises(UserError, match=message) as error:
        build()
    one_sentence(error)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("recipe", "source", "message"),
    [
        (
            "char_rnn",
            "subwords:text:FILE",
            "takes sequences of characters, but .* of sub-words, su",
        ),
        ("skip_gram", "subwords:text:FILE", "takes sequences of plain words, .* of sub-words"),
        ("skip_gram", "bytes:text:FILE", "takes sequences of plain words, .* of bytes, such as by"),
        ("recurrent_text_classifier", "bytes:text:FILE", "learns from labels, and .* has none"),
        ("recurrent_text_classifier", "subwords:python_topics", "needs a text, such as"),
    ],
)
def test_who_takes_neither_bytes_nor_sub_words_says_so(recipe, source, message, tmp_path):
    (tmp_path / "a.txt").write_text("the cat sat on the mat\n" * 90)
    with pytest.raises(UserError, match=message) as error:
        jobs.train(recipe, source.replace("FILE", f"{tmp_path / 'a.txt'}"), out=tmp_path / "a")
    one_sentence(error)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "own.txt").write_text(TEXT * 80, "utf-8")
    arguments = {"hidden_units": (24,), "learning_rate": 1.0}
    settings = {"batch_size": 4, "sequence_length": 8, "epochs": 8, "vocabulary_size": 40}
    data = f"subwords:text:{folder / 'own.txt'}"
    return jobs.train("word_lm", data, out=folder / "a", arguments=arguments, **settings, verbose=0)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_sub_words_are_learnt_and_served_without_what_learnt_them(run, tmp_path):
    figures = jobs.evaluate(run.path)
    assert figures["bits_per_character"] < figures["bits_per_token"] < 0.5
    (written,) = jobs.sample(run.path, prompt="def f", temperature=0, length=30)
    assert written.startswith("def f(x):\n    return  x + 12\n\ndef f(")
    out = jobs.export(run.path)
    code = """
import sys
sys.modules["tokenizers"] = sys.modules["amalthea"] = None
import tensorflow as tf
sample = tf.saved_model.load(sys.argv[1]).signatures["sample"]
given = {"prompts": tf.constant(["def", "", "    return "]), "n": tf.constant(9)}
given |= {"top_k": tf.constant(0), "top_p": tf.constant(1.0), "seed": tf.constant(0)}
texts = sample(**given, temperature=tf.constant(0.0))["texts"]
print("|".join(text.decode() for text in texts.numpy()), end="")
"""
    done = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True)
    first, second, third = done.stdout.split("|")
    assert first.startswith("def f(x):\n"), done.stderr
    assert second
    assert third.startswith("    return  x + 12\n")


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:the data of")
def test_a_run_goes_on_by_the_sub_words_that_it_knows(run, tmp_path):
    out = shutil.copytree(run.path, tmp_path / "a")
    known = json.loads((out / "run.json").read_text())["features"]["text"]
    assert known["rule"] == "subwords"
    assert known["vocabulary"] == list(run.settings["arguments"]["vocabulary"])
    # Of another text others would be learnt, and it is read by those of the run all the same.
    (tmp_path / "other.txt").write_text("zz\n" * 9 + TEXT * 70, "utf-8")
    other = f"subwords:text:{tmp_path / 'other.txt'}"
    assert jobs.evaluate(out, other)["bits_per_character"] < 1
    with pytest.raises(UserError, match="2127 characters instead of 2400"):
        jobs.resume(out, other, epochs=9, verbose=0)
    more = {"epochs": 9, "accept_changed_data": True, "verbose": 0}
    resumed = jobs.resume(out, other, **more)
    assert list(resumed.load_model().origin.arguments["vocabulary"]) == known["vocabulary"]
    assert jobs.evaluate(out)["bits_per_character"] < 1


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_file_that_is_no_text_is_learnt_and_gone_on_with(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\xff\x00\xc3\xa9!" * 300)
    settings = {"batch_size": 4, "sequence_length": 10, "epochs": 12, "verbose": 0}
    arguments = {"hidden_units": (16,), "learning_rate": 0.03}
    data = f"bytes:text:{tmp_path / 'a.bin'}"
    run = jobs.train("char_rnn", data, out=tmp_path / "a", arguments=arguments, **settings)
    assert jobs.evaluate(run.path)["bits_per_byte"] < 1
    (text,) = jobs.sample(run.path, prompt="é!", temperature=0, length=5)
    assert text == "é!\ufffd\0é!"
    # A prompt from a shell has bytes that are no text as Python does.
    (text,) = jobs.sample(run.path, prompt="\udcff\0", temperature=0, length=3)
    assert text == "\ufffd\0é!"
