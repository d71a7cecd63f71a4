import numpy as np
import pytest

from amalthea import data
from amalthea.data.features import words
from amalthea.data.features.words import WRITTEN
from amalthea.errors import UserError

from harness import one_sentence

TEXT = "The HTTP server: it's fast, isn't it? Ask Anna_Lee (or me).\nYes! No;\n\n" * 40


def of(tmp_path, split="train", text=TEXT, **settings):
    (tmp_path / "a.txt").write_text(text, "utf-8")
    return data.read(f"written:text:{tmp_path / 'a.txt'}", split, **settings)


def test_words_say_how_they_were_written(tmp_path):
    examples = of(tmp_path, sequence_length=15)
    text, labels = examples.features["text"], examples.features["token_labels"]
    assert labels.names == WRITTEN
    row = zip(examples.columns["text"][0], examples.columns["token_labels"][0], strict=True)
    found = [f"{text.vocabulary[word]}/{labels.names[label]}" for word, label in row]
    assert found == [
        "the/Xx", "http/XX", "server/xx:", "its/xx", "fast/xx,", "isnt/xx", "it/xx?", "ask/Xx",
        "anna/Xx", "lee/Xx", "or/xx", "me/xx", "yes/Xx!", "no/Xx;", "the/Xx",
    ]  # fmt: skip
    # They are cut as a server cuts texts.
    same = words.numbers_of(words.words([TEXT]), text.vocabulary).flat_values.numpy()
    all_ = examples.columns["text"].ravel()
    np.testing.assert_array_equal(all_, same[: len(all_)])


def test_words_that_the_training_text_lacks_are_unknown(tmp_path):
    text = "a b c " * 400 + "d " * 200
    examples = of(tmp_path, "test", text)
    assert set(examples.columns["text"].ravel()) == {1}
    few = of(tmp_path, "train", text, vocabulary_size=4)
    assert few.features["text"].vocabulary == (words.PADDING, words.UNKNOWN, "a", "b")


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("a b " * 30, {}, "has 48 words in its train split, of 2 different ones, too few"),
        ("a " * 2000, {}, "of 1 different ones, too few"),
        ("", {}, "has 0 words"),
        (TEXT, {"horizon": 3}, "which alone have a horizon"),
    ],
)
def test_a_text_without_enough_words_is_one_sentence(tmp_path, text, settings, message):
    with pytest.raises(UserError, match=message) as error:
        of(tmp_path, text=text, **settings)
    one_sentence(error)


def test_what_is_to_be_copied_comes_first_and_again_at_last():
    examples = data.read("copying", "test", sequence_length=40)
    tokens, labels = examples.columns["text"], examples.columns["token_labels"]
    assert tokens.shape == labels.shape == (6250, 40)
    np.testing.assert_array_equal(labels[:, -10:], tokens[:, :10] - 1)
    assert set(labels[:, :-10].ravel()) == {0}
    assert set(labels[:, -10:].ravel()) == set(range(1, 9))
    np.testing.assert_array_equal(tokens[:, 29], 10)
    assert (np.delete(tokens[:, 10:], 19, axis=1) == 1).all()
    assert data.read("copying").columns["text"].shape[1] == 120
    with pytest.raises(UserError, match="sequence_length of 21 or more, got 20"):
        data.read("copying", sequence_length=20)


@pytest.mark.parametrize(
    "text",
    [
        "E\u0301te\u0301 de\u0301ja\u0300 vu",
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0939\u0948",
        "a''b 'tis x\u00b2 it's",
    ],
)
def test_words_of_any_language_are_cut_as_a_server_cuts_them(text, tmp_path):
    examples = of(tmp_path, text=f"{text} one two three. " * 40, sequence_length=5)
    vocabulary = examples.features["text"].vocabulary
    same = words.numbers_of(words.words([f"{text} one two three. " * 40]), vocabulary)
    all_ = examples.columns["text"].ravel()
    np.testing.assert_array_equal(all_, same.flat_values.numpy()[: len(all_)])
