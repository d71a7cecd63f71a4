"""Sub-words and bytes of a text: what they are, and that they are the same ones everywhere."""

import sys

import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers

from amalthea import data
from amalthea.data.features import Text, words
from amalthea.data.features.subwords import LONGEST
from amalthea.data.texts import part_of, python_docs
from amalthea.errors import UserError
from amalthea.recipes.language.strings import to_numbers, to_strings

from harness import one_sentence

ODD = [
    "",
    " ",
    "\n\n  two  spaces,\tand a tab\n",
    "naïve café e\u0301te\u0301, Straße; Привет, 世界! \N{SNOWMAN} \N{GRINNING FACE}\N{SNOWMAN}",
    "##hashes ## __init__(self, *args) [UNK] <unk>\r\n",
    "a\u00a0b\u2028c\v\f \x1f\x00 \N{REPLACEMENT CHARACTER}",
    "supercalifragilistic" * 5 + "-" * 200 + " " * 99 + "x",
]


def of(tmp_path, text, split="train", rule="subwords", **settings):
    raw = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "a.txt").write_bytes(raw)
    return data.read(f"{rule}:text:{tmp_path / 'a.txt'}", split, **settings)


@pytest.fixture(scope="module")
def docs():
    return data.read("subwords:python_docs", "test", vocabulary_size=1000)


def library(vocabulary):
    """What the library cuts a text into by these pieces, all by its own means."""
    alphabet = "".join(rf"\x{{{ord(c):x}}}" for c in vocabulary if len(c) == 1)
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    wordpiece = models.WordPiece(
        numbers,
        unk_token=words.UNKNOWN,
        continuing_subword_prefix="",
        max_input_chars_per_word=10**6,
    )
    tokenizer = tokenizers.Tokenizer(wordpiece)
    tokenizer.normalizer = normalizers.Replace(Regex(f"[^{alphabet}]"), words.UNKNOWN)
    pattern = Regex(words.PATTERNS[words.SUBWORDS])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, "isolated")
    return tokenizer


def test_a_graph_cuts_a_text_as_the_library_does(docs):
    feature = docs.features["text"]
    tokenizer = library(feature.vocabulary)
    texts = [*ODD, part_of(python_docs(), "test")[:20_000]]
    cut = tf.function(lambda given: words.encoded(given, feature.vocabulary, feature.rule))
    found = cut(tf.constant(texts)).to_list()
    for row, text in zip(found, texts, strict=True):
        assert row == tokenizer.encode(text).ids
    assert max(found[-1]) > 900


def test_sub_words_one_after_another_are_the_text_with_all_its_spaces(docs):
    feature = docs.features["text"]
    known = {*feature.vocabulary}
    for text in ["|".join(ODD), python_docs()[:20_000]]:
        wanted = "".join(c if c in known else words.UNKNOWN for c in text)
        numbers = feature.encode(text)
        assert feature.decode(numbers) == wanted
        back = to_strings(numbers[None], feature.vocabulary, feature.rule)
        assert back.numpy()[0].decode() == wanted
    rows = docs.columns["text"]
    read = feature.decode(np.concatenate([rows[0, :1], rows[:, 1:].ravel()]))
    assert part_of(python_docs(), "test").startswith(read)


def test_the_vocabulary_is_that_of_the_training_text_alone(tmp_path, docs):
    text = "the cat sat on the mat\n" * 80 + "zebra quiz " * 40
    kinds = [of(tmp_path, text, split, sequence_length=4) for split in ("train", "test")]
    vocabulary = kinds[0].features["text"].vocabulary
    assert kinds[0].features == kinds[1].features
    assert vocabulary[0] == words.UNKNOWN
    assert {" the", "\n"} < {*vocabulary}
    assert not {*"zqui"} & {*"".join(vocabulary)} - {*"the cat sat on the mat"}
    assert (kinds[1].columns["text"] == 0).any()  # an unknown one for each such letter
    again = data.read("subwords:python_docs", "validation", vocabulary_size=1000)
    assert again.features == docs.features
    assert len(docs.features["text"].vocabulary) == 1000
    assert max(map(len, docs.features["text"].vocabulary)) <= LONGEST


@pytest.mark.parametrize(
    ("rule", "text", "settings", "message"),
    [
        ("subwords", "", {}, "is empty, but there must be two different sub-words"),
        ("subwords", "a", {}, "consists of 'a' alone"),
        ("bytes", "", {}, "is empty, but there must be two different bytes"),
        ("bytes", "é", {}, "consists of 'é' alone"),
        (
            "bytes",
            "abcde",
            {"sequence_length": 360},
            "has 360 bytes in its train split, too few for a sequence of 360",
        ),
        (
            "subwords",
            "abcdefgh",
            {"vocabulary_size": 8},
            "of a text of 8 different characters the vocabulary_size must be at least 9 .*, got 8",
        ),
        ("bytes", "ab", {"vocabulary_size": 99}, "which alone have a vocabulary_size"),
        ("subwords", b"\xff\xfe", {}, "is no text in UTF-8"),
    ],
)
def test_what_is_no_text_to_learn_from_is_one_sentence(tmp_path, rule, text, settings, message):
    with pytest.raises(UserError, match=message) as error:
        of(tmp_path, text * 90, rule=rule, **settings)
    one_sentence(error)


@pytest.mark.parametrize("rule", ["bytes", "subwords"])
def test_what_is_no_text_has_neither(rule):
    for of_it in ("digits", "python_topics"):
        with pytest.raises(UserError, match=f"{rule}:{of_it} needs a text, such as") as error:
            data.read(f"{rule}:{of_it}")
        one_sentence(error)


def test_where_the_library_is_not_there_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UserError, match=r"pip install 'amalthea\[subwords\]'") as error:
        of(tmp_path, "ab" * 900)
    one_sentence(error)
    # What has been learnt needs it no more.
    assert Text(("\ufffd", "a", "b", "ab"), 3, "subwords").encode("abba").tolist() == [3, 2, 1]


def test_any_file_is_bytes(tmp_path):
    raw = np.random.default_rng(0).integers(0, 256, 4000, "uint8").tobytes() + b"\r\n\xc3"
    joined = b""
    for split in ("train", "validation", "test"):
        rows = of(tmp_path, raw, split, "bytes", sequence_length=1).columns["text"]
        joined += bytes(rows[:, 0].tolist()) + bytes(rows[-1:, 1].tolist())
    assert joined == raw
    print_ = data.fingerprint({"train": of(tmp_path, raw, rule="bytes")}, "bytes:text:a.txt")
    other = data.fingerprint(
        {"train": of(tmp_path, raw[:-1] + b"\xc4", rule="bytes")}, "bytes:text:a"
    )
    assert data.changes(print_, other) == "other characters"


def test_bytes_are_their_own_numbers_and_what_is_no_utf8_is_replaced():
    feature = Text(256, 50, "bytes")
    rows = tf.TensorSpec((None, None), tf.int32)
    back = tf.function(lambda given: to_strings(given, 256, "bytes"), input_signature=[rows])
    cut = tf.function(lambda given: to_numbers(given, 256, "bytes"))
    for text in ODD:
        numbers = list(text.encode())
        assert feature.encode(text).tolist() == numbers
        assert feature.decode(numbers) == text
        assert cut(tf.constant([text, "abc"])).numpy()[0][: len(numbers)].tolist() == numbers
        assert back(np.array([[*numbers, -1]])).numpy()[0].decode() == text
    some = [*b"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\xff"]
    drawn = np.random.default_rng(0).choice(some, (50, 9)).astype("int32")
    for row, text in zip(drawn, back(drawn).numpy(), strict=True):
        assert feature.decode(row) == text.decode() == bytes(row.tolist()).decode(errors="replace")


def test_another_text_is_read_by_the_sub_words_of_a_model(tmp_path):
    model = Text(("\ufffd", "a", "b", " ", " ab", "z"), 4, "subwords")
    other = of(tmp_path, "ab ab ba\n" * 90, "test", sequence_length=4)
    feature, rows = model.adopted(other.columns["text"], other.features["text"])
    assert feature.vocabulary == model.vocabulary
    assert rows.shape[1] == 5
    np.testing.assert_array_equal(rows[:-1, -1], rows[1:, 0])
    read = feature.decode(np.concatenate([rows[0, :1], rows[:, 1:].ravel()]))
    test_part = part_of("ab ab ba\n" * 90, "test").replace("\n", "\ufffd")
    assert len(read) > 60
    assert test_part.startswith(read)
    few = of(tmp_path, "abababab\n" * 90, "test", sequence_length=60, vocabulary_size=4)
    model = Text(("\ufffd", "\n", "abababab"), 60, "subwords")
    with pytest.raises(
        UserError, match=r"of the model the text has \d+ sub-words, too few"
    ) as error:
        model.adopted(few.columns["text"], few.features["text"])
    one_sentence(error)
