import numpy as np
import pytest

from amalthea import data
from amalthea.errors import UserError

from harness import one_sentence


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [["a", "b", "the price"], []])
def test_a_table_is_its_numbers(tmp_path, delimiter, header):
    numbers = np.random.default_rng(0).normal(size=(50, 3))
    rows = ([header] if header else []) + numbers.tolist()
    lines = [delimiter.join(map(str, row)) for row in rows]
    (tmp_path / "a.csv").write_text("\ufeff" * bool(header) + "\r\n".join(lines) + "\n\n")
    names, read = data.read_columns(tmp_path / "a.csv")
    assert names == tuple(header)
    np.testing.assert_array_equal(read, numbers)
    parts = [data.read(f"table:{tmp_path / 'a.csv'}", s) for s in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [40, 5, 5]
    assert parts[0].features["values"].names == tuple(header[:2])
    rows = np.concatenate([np.hstack([p.given("values"), p.given("targets")]) for p in parts])
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(np.float32(numbers), axis=0))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no rows"),
        (b"a,b\n", "has no rows"),
        (b"a\n1\n2\n", "has one column, but must have at least two"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 cells, the others have 2"),
        (b"a,b\n1,2\n3,four\n", "got 'four' in line 3, b"),
        (b"1,2\n3,nan\n", "got 'nan' in line 2, column 2"),
        (b"\xff\xfe,1\n", "is no text in UTF-8"),
    ],
)
def test_what_is_no_table_of_numbers_is_one_sentence(tmp_path, content, words):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UserError, match=f"^table:.*{words}") as error:
        data.read(f"table:{tmp_path / 'a.csv'}")
    one_sentence(error)


def test_a_table_has_no_image_size(tmp_path):
    with pytest.raises(UserError, match="no file"):
        data.read(f"table:{tmp_path / 'nowhere.csv'}")
    with pytest.raises(UserError, match="diabetes has no images, which alone have an image_size"):
        data.read("diabetes", image_size=3)
    with pytest.raises(UserError, match="has no images to bring to another form"):
        data.read("padded:diabetes")


@pytest.mark.parametrize("header", ["date,temperature,rain\n", ""])
def test_columns_of_dates_are_left_out_and_no_row_is_taken_for_names(tmp_path, header):
    (tmp_path / "a.csv").write_text(header + "2010-01-01,3.5,0\n2010-01-02,4,1\n")
    names, numbers = data.read_columns(tmp_path / "a.csv")
    assert names == (("temperature", "rain") if header else ())
    np.testing.assert_array_equal(numbers, [[3.5, 0], [4, 1]])
    (tmp_path / "a.csv").write_text("date,place\n2010,here\nlater,there\n")
    with pytest.raises(UserError, match="got 'later' in line 3, date"):
        data.read_columns(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("date,place\n2010-01-01,here\n")
    with pytest.raises(UserError, match="has no column of numbers"):
        data.read_columns(tmp_path / "a.csv")
