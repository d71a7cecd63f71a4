"""Pairs of lines: where they come from, their numbers, and their batches."""

import datetime
import json
import re
import struct

import numpy as np
import pytest

from amalthea import data
from amalthea.data import changes, fingerprint, pairs
from amalthea.data.features import Line
from amalthea.data.features.line import END, PADDING, SPECIAL, START
from amalthea.errors import UserError

from harness import one_sentence


def written(path, count=40):
    rows = [f"{'ab' * (1 + n % 5)} {n}\t{n:03}" for n in range(count)]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return f"pairs:{path}"


def test_a_line_is_numbers_between_a_start_and_an_end():
    feature = Line(f"{SPECIAL}ab", 5)
    column = np.array(["ba", "", "abc", "\0a\x03"], object)
    given = feature.given(column)
    unknown = SPECIAL.index("\N{REPLACEMENT CHARACTER}")
    np.testing.assert_array_equal(
        given,
        [
            [START, 5, 4, END, PADDING],
            [START, END, PADDING, PADDING, PADDING],
            [START, 4, 5, unknown, END],
            # What stands for padding or an end is no character of a line.
            [START, unknown, 4, unknown, END],
        ],
    )
    np.testing.assert_array_equal(feature.lengths(column), (given != PADDING).sum(1))
    np.testing.assert_array_equal(feature.given_tensor(feature.stored_tensor(column)), given)
    assert [feature.decode(row) for row in given[:2]] == ["ba", ""]
    assert feature.decode([START, 4, END, 5, 5]) == "a"


def test_characters_and_lengths_are_those_of_the_training_lines_alone(tmp_path):
    rows = [f"{chr(0x4E00 + n)}\t{'y' * n}" for n in range(50)]
    (tmp_path / "a.txt").write_text("\n".join(rows), "utf-8")
    parts = {s: data.read(f"pairs:{tmp_path / 'a.txt'}", s) for s in ("train", "test")}
    known = parts["train"].features["source"].vocabulary
    assert known == SPECIAL + "".join(sorted(parts["train"].columns["source"]))
    assert parts["test"].features == parts["train"].features
    held_out = parts["test"].given("source")
    assert (held_out[:, 1] == SPECIAL.index("\N{REPLACEMENT CHARACTER}")).all()
    longest = max(map(len, parts["train"].columns["translation"]))
    assert parts["train"].features["translation"].length == longest + 2
    assert set(parts["train"].columns["source"]).isdisjoint(parts["test"].columns["source"])


def test_a_batch_is_as_wide_as_its_longest_lines_and_has_all_pairs_once(tmp_path):
    train = data.read(written(tmp_path / "a.txt"))
    read, seen = [train.features[column].decode for column in train.columns], []
    for batch in train.batches(5, seed=1):
        source, translation = (part.numpy() for part in batch)
        for part in (source, translation):
            assert (part[:, 0] == START).all()
            assert (part != PADDING).any(axis=0).all()
        pairs_ = zip(source, translation, strict=True)
        seen += [(read[0](a), read[1](b)) for a, b in pairs_]
    columns = train.columns["source"], train.columns["translation"]
    assert sorted(seen) == sorted(zip(*columns, strict=True))


def test_a_file_may_end_its_lines_in_any_way_and_pairs_count_once(tmp_path):
    (tmp_path / "a.txt").write_bytes(
        "\ufeffa\tb\r\n\n".encode() + b"".join(b"%d\t%d\n" % (n, n) for n in range(20)) * 2
    )
    whole = [data.read(f"pairs:{tmp_path / 'a.txt'}", s) for s in ("train+validation", "test")]
    found = [(a, b) for e in whole for a, b in zip(*e.columns.values(), strict=True)]
    assert sorted(found) == sorted([("a", "b"), *((str(n), str(n)) for n in range(20))])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no pairs of lines"),
        (b"\n \n", "has no pairs of lines"),
        (b"a\tb\nab\n", "line 2 has no tab, but must have one, between a line and its translation"),
        (b"a\tb\tc\n", "line 1 has 2 tabs, but must have one"),
        (b"a\tb\n\xff\tc\n", "line 2 is no UTF-8: invalid start byte"),
    ],
)
def test_what_is_no_file_of_pairs_is_one_sentence(tmp_path, content, words):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"pairs:.*a.txt:? {words}") as error:
        data.read(f"pairs:{tmp_path / 'a.txt'}")
    one_sentence(error)


def test_a_file_that_is_not_there_and_settings_without_use_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"pairs:.*b.txt is no file") as error:
        data.read(f"pairs:{tmp_path / 'b.txt'}")
    one_sentence(error)
    with pytest.raises(UserError, match="dates has no images, which alone have an image_size"):
        data.read("dates", image_size=8)


def test_pairs_from_python_are_columns_by_name():
    lines, translations = [f"a{n}" for n in range(20)], [f"b{n}" for n in range(20)]
    whole = data.from_python({"source": lines, "translation": translations})
    assert whole.given("source").shape == (20, 5)
    assert data.split(whole, "train").features["source"].length == 5


def test_other_lines_are_told():
    def print_of(lines):
        whole = data.from_python({"source": lines, "translation": ["b"] * len(lines)})
        return fingerprint({"train": whole}, "pairs:a")

    old = print_of(["a", "aa"])
    assert changes(old, print_of(["a", "aa"])) is None
    assert changes(old, print_of(["a", "ab"])) == "other lines in train"
    assert changes(old, print_of(["a", "aa", "a"])) == "3 pairs instead of 2 in train"


def test_dates_mean_one_day_and_are_the_same_each_time():
    parts = [data.read("dates", split) for split in ("train", "validation", "test")]
    sources = [source for part in parts for source in part.columns["source"]]
    assert len(set(sources)) == len(sources) > 10_000
    assert parts[0].columns["source"].tolist() == data.read("dates").columns["source"].tolist()
    for part in parts:
        for line, iso in zip(part.columns["source"], part.columns["translation"], strict=True):
            date = datetime.date.fromisoformat(iso)
            digits = sorted(int(n) for n in re.findall(r"\d+", line))
            assert digits == sorted([date.day, date.year])
            month = pairs.MONTHS[date.month - 1]
            assert month in line or month[:3] in line.split()
            named = [day for day in pairs.WEEKDAYS if day in line]
            assert named in ([], [pairs.WEEKDAYS[date.weekday()]])


def of_words(words):
    """The number that English words stand for, read from the left."""
    total = below = 0
    for word in re.split(r"[ -]", words.replace(" and ", " ")):
        if word == "thousand":
            total, below = total + 1000 * below, 0
        elif word == "hundred":
            below *= 100
        elif word in pairs.TENS:
            below += 10 * pairs.TENS.index(word)
        else:
            below += pairs.BELOW_TWENTY.index(word)
    return total + below


def test_words_of_numbers_are_read_back():
    some = [*range(2000), *range(99_000, 101_200, 7), 999_999]
    assert [of_words(pairs.in_words(n)) for n in some] == some
    assert pairs.in_words(999_999) == (
        "nine hundred and ninety-nine thousand nine hundred and ninety-nine"
    )
    assert pairs.in_words(120_003) == "one hundred and twenty thousand and three"
    test = data.read("numbers", "test")
    for line, words in zip(test.columns["source"], test.columns["translation"], strict=True):
        assert of_words(words) == int(line)


def catalogue(translations):
    """A file of translations as `gettext` reads it."""
    texts = [(k.encode(), v.encode()) for k, v in sorted(translations.items())]
    offset, tables, strings = 28 + 16 * len(texts), [], b""
    for column in (0, 1):
        for pair in texts:
            tables.append(struct.pack("<II", len(pair[column]), offset + len(strings)))
            strings += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(texts), 28, 28 + 8 * len(texts), 0, 0)
    return head + b"".join(tables) + strings


def test_iso_codes_are_the_names_that_have_a_translation(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "ISO_CODES", tmp_path / "json")
    monkeypatch.setattr(pairs, "LOCALE", tmp_path / "locale")
    with pytest.raises(UserError, match="install Debian's package iso-codes") as error:
        data.read("iso_codes")
    one_sentence(error)
    french = {f"Country {n}": f"Pays n° {n}" for n in range(20)}
    known = [{"name": name, "alpha_2": "XX"} for name in [*french, "Elsewhere"]]
    known += [{"name": "Country 1", "official_name": "Country 2"}]
    (tmp_path / "json").mkdir()
    (tmp_path / "json/iso_3166-1.json").write_text(json.dumps({"3166-1": known}))
    (tmp_path / "locale/fr/LC_MESSAGES").mkdir(parents=True)
    head = {"": "Content-Type: text/plain; charset=UTF-8\n"}
    (tmp_path / "locale/fr/LC_MESSAGES/iso_3166-1.mo").write_bytes(catalogue(head | french))
    parts = [data.read("iso_codes", split) for split in ("train+validation", "test")]
    found = [pair for p in parts for pair in zip(*p.columns.values(), strict=True)]
    assert sorted(found) == sorted(french.items())
