import shutil

import numpy as np
import pytest

from amalthea import data
from amalthea.data import changes, examples, fingerprint
from amalthea.data.features import Text
from amalthea.data.features.text import UNKNOWN
from amalthea.errors import UserError

from harness import one_sentence


def of(tmp_path, content, split="train", **settings):
    (tmp_path / "a.txt").write_text(content, "utf-8")
    return data.read(f"text:{tmp_path / 'a.txt'}", split, **settings)


def test_the_parts_of_a_text_are_the_text(tmp_path):
    text = "".join(np.random.default_rng(0).choice(list("abc \n"), 1000))
    kinds = {split: of(tmp_path, text, split, sequence_length=7) for split in data.SPLITS}
    feature = kinds["train"].features["text"]
    joined = ""
    for split in ("train", "validation", "test"):
        rows = kinds[split].columns["text"]
        assert rows.shape[1] == 8
        joined += feature.decode(np.concatenate([rows[0, :1], rows[:, 1:].ravel()]))
    assert joined[:700] == text[:700]
    assert len(joined) > 980  # but for the ends of the parts


def test_characters_that_the_training_text_lacks_are_unknown(tmp_path):
    examples_ = of(tmp_path, "ab" * 200 + "c" * 100, "test", sequence_length=5)
    feature = examples_.features["text"]
    assert feature.vocabulary == f"abc{UNKNOWN}"[:2] + UNKNOWN
    assert feature.decode(examples_.columns["text"][0]) == UNKNOWN * 6
    assert (
        feature.decode(feature.encode("a\N{SNOWMAN}b\N{GRINNING FACE}")) == f"a{UNKNOWN}b{UNKNOWN}"
    )


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (b"", {}, "is empty, but there must be two different characters"),
        (b"aaaa" * 100, {}, "consists of 'a' alone"),
        (b"abc" * 20, {}, "too few for a sequence of 50 and the next one"),
        (b"\xff\xfe\x80", {}, "is no text in UTF-8"),
        (b"abc" * 20, {"image_size": 3}, "has no images, which alone have an image_size"),
        (b"abc" * 20, {"sequence_length": 0}, "sequence_length must be"),
    ],
)
def test_what_is_no_text_to_learn_from_is_one_sentence(tmp_path, content, settings, message):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        data.read(f"text:{tmp_path / 'a.txt'}", "train", **settings)
    one_sentence(error)


def test_a_folder_is_its_texts_one_after_another(tmp_path):
    for name, content in (("b.txt", "second " * 60), ("a.txt", "first " * 60), ("c.md", "no")):
        (tmp_path / name).write_text(content)
    examples_ = data.read(f"text:{tmp_path}", "train", sequence_length=4)
    text = examples_.features["text"]
    assert text.decode(examples_.columns["text"][0]) == "first"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"there are no files \*\.txt in the folder"):
        data.read(f"text:{tmp_path / 'empty'}")
    with pytest.raises(UserError, match="is no file or folder"):
        data.read(f"text:{tmp_path / 'nowhere'}")


def test_images_have_no_sequence_length():
    with pytest.raises(UserError, match="has no texts or series, which alone have a seq"):
        data.read("digits", sequence_length=4)


def test_a_text_that_has_changed_is_told(tmp_path):
    def print_of(content):
        return fingerprint({"train": of(tmp_path, content, sequence_length=5)}, "text:a.txt")

    old = print_of("ab" * 200)
    assert changes(old, print_of("ab" * 200)) is None
    assert changes(old, print_of("ba" * 200)) == "other characters"
    assert changes(old, print_of("ab" * 201)) == "402 characters instead of 400"
    assert changes(old, print_of("abc" * 200)) == (
        "a vocabulary of 4 characters instead of 3 characters, 600 characters instead of 400"
    )


class Words(Text):
    """Sequences whose lengths differ, as bytes."""

    def lengths(self, column):
        return np.array([len(row) for row in column])

    def stored_tensor(self, column):
        import tensorflow as tf

        return tf.ragged.constant([list(row) for row in column], dtype="int32")

    def given_tensor(self, rows):
        return rows.to_tensor(-1)

    def given(self, column):
        return np.array([len(row) for row in column])


def test_sequences_of_about_one_length_share_a_batch_in_an_order_of_the_seed():
    random = np.random.default_rng(0)
    rows = np.empty(200, object)
    rows[:] = [random.integers(0, 9, random.integers(1, 60)).tolist() for _ in range(200)]
    words = examples.Examples("words", {"text": rows}, {"text": Words("abc")})
    batches = words.batches(8, seed=1)
    first, second = ([batch.numpy() for batch in batches] for _ in range(2))
    assert [len(batch) for batch in first] == [8] * 25
    seen = sorted(tuple(row[row >= 0].tolist()) for batch in first for row in batch)
    assert seen == sorted(map(tuple, rows))
    padding = np.mean([(batch < 0).mean() for batch in first])
    plain = words.batches(8, shuffle=False)
    assert padding < 0.5 * np.mean([(batch.numpy() < 0).mean() for batch in plain])
    resumed = [batch.numpy() for batch in words.batches(8, seed=1, epoch=1)]
    for a, b in zip(second, resumed, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(first, second, strict=True))


def test_tokens_one_after_another_are_the_text(tmp_path):
    text = 'The cat sat\n on "the mat", and\n\nit\'s 3.5 – über_all!\n' * 40
    examples_ = data.read(f"words:text:{written(tmp_path, text)}", sequence_length=9)
    feature, rows = examples_.features["text"], examples_.columns["text"]
    wanted = text.replace("\n on", "\non")
    assert wanted.startswith(feature.decode(rows[:, :-1].ravel()))
    assert {"\n", ",", '"', " cat", " it's", "!"} - {" it's"} <= set(feature.vocabulary)
    assert feature.vocabulary[0] == UNKNOWN
    assert feature.decode(feature.encode("The dog sat.")) == f"The{UNKNOWN} sat."
    with pytest.raises(UserError, match="words:digits needs a text, such as python_docs"):
        data.read("words:digits")


def test_a_text_that_others_have_cut_is_taken_as_they_did(tmp_path):
    text = " no it was n't <unk> monday \n but the u.s. N \n" * 60
    examples_ = data.read(f"tokens:text:{written(tmp_path, text)}", sequence_length=5)
    feature, rows = examples_.features["text"], examples_.columns["text"]
    tokens = [" no", " it", " was", " n't", " monday", "\n", " but", " the", " u.s.", " N"]
    assert sorted(feature.vocabulary) == sorted([UNKNOWN, *tokens])
    assert feature.decode(rows[0]) == f" no it was n't{UNKNOWN} monday"


def test_the_most_frequent_words_are_known(tmp_path):
    text = "a a a b b c\n" * 100
    name = f"words:text:{written(tmp_path, text)}"
    vocabulary = data.read(name, vocabulary_size=4).features["text"].vocabulary
    assert vocabulary == (UNKNOWN, " a", " b", "\n")
    with pytest.raises(UserError, match="vocabulary_size must be a whole number of at least 3"):
        data.read(name, vocabulary_size=2)
    with pytest.raises(UserError, match="cut into words or sub-words, which alone"):
        data.read("python_docs", vocabulary_size=100)
    few = data.read("python_topics", vocabulary_size=50).features["text"].vocabulary
    assert few == data.read("python_topics").features["text"].vocabulary[:50]


def written(tmp_path, text):
    (tmp_path / "a.txt").write_text(text, "utf-8")
    return tmp_path / "a.txt"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bible"), reason="Debian's package bible-kjv is not there")
def test_the_bible_begins_with_the_beginning():
    examples_ = data.read("words:kjv")
    text = examples_.features["text"].decode(examples_.columns["text"][0])
    assert "In the beginning God created the heaven" in text


def test_a_bible_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="install that package") as error:
        data.read("kjv")
    one_sentence(error)
