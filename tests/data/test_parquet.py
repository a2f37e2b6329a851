"""Parquet tables: which columns are read, and which raise an error that names them."""

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.data import load
from models.data.errors import DataError


@pytest.fixture
def save(tmp_path):
    """A function that saves columns in groups of four rows and returns the path."""

    def save(columns, name="x.parquet"):
        pq.write_table(pa.table(columns), tmp_path / name, row_group_size=4)
        return tmp_path / name

    return save


def lists(x):
    """(n, ...) as a column of lists, all but the outermost of a fixed size."""
    column = pa.array(x.ravel())
    for length in x.shape[:1:-1]:
        column = pa.FixedSizeListArray.from_arrays(column, length)
    ends = np.arange(0, len(column) + 1, x.shape[1], dtype="int32")
    return pa.ListArray.from_arrays(ends, column)


class TestNumbers:
    KINDS = ["float32", "float64", "float16", "uint8", "int64", "bool"]

    @pytest.mark.parametrize("kind", KINDS)
    def test_columns_are_features_in_their_order(self, save, save_npy, rng, kind):
        x = rng.integers(0, 2 if kind == "bool" else 200, (30, 5)).astype(kind)
        path = save({f"c{9 - i}": x[:, i] for i in range(5)})
        dataset = load(path)
        expected = load(save_npy(x))
        np.testing.assert_array_equal(dataset.x, expected.x)
        assert dataset.x.dtype == np.float32 and dataset.x.flags.c_contiguous
        assert dataset.name == "x" and dataset.labels is None
        assert dataset.columns == ("c9", "c8", "c7", "c6", "c5")
        assert dataset.describe().endswith("standardised")

    @pytest.mark.parametrize("shape", [(30, 5), (30, 4, 3), (30, 4, 3, 1)])
    @pytest.mark.parametrize("fixed", [False, True])
    def test_a_column_of_lists_is_one_array(self, save, rng, shape, fixed):
        x = rng.integers(0, 256, shape).astype("uint8")
        x.ravel()[:2] = 0, 255
        expected = x.astype("f4") / np.float32(255) if x.ndim > 2 else x
        column = lists(x)
        if fixed:
            column = pa.FixedSizeListArray.from_arrays(column.flatten(), shape[1])
        path = save({"image": column, "label": np.arange(30) % 2})
        dataset = load(path, standardize=False)
        np.testing.assert_array_equal(dataset.x, expected)
        assert dataset.labels.tolist() == [0, 1] * 15

    def test_columns_of_several_dtypes(self, save):
        path = save({"a": [True, False], "b": [200, 0], "c": [0.5, -1]})
        dataset = load(path, standardize=False)
        np.testing.assert_array_equal(dataset.x, [[1, 200, 0.5], [0, 0, -1]])

    def test_the_index_of_pandas_is_left_out(self, tmp_path):
        path = tmp_path / "x.parquet"
        pandas.DataFrame({"a": [0.5, 1.5]}, index=[7, 9]).to_parquet(path)
        x = load(path, standardize=False).x
        np.testing.assert_array_equal(x, [[0.5], [1.5]])

    def test_columns_of_one_name(self, tmp_path):
        path = tmp_path / "x.parquet"
        columns = [[1.5, 2], [2, 3], [3, 5]]
        pq.write_table(pa.table(columns, names=["a", "b", "a"]), path)
        dataset = load(path, standardize=False)
        np.testing.assert_array_equal(dataset.x, [[1.5, 2, 3], [2, 3, 5]])
        assert dataset.columns == ("a", "b", "a.2")


class TestLabels:
    WORDS = ["cat", "dog", "ant", "dog", "cat", "cat"]
    ENCODED = pa.DictionaryArray.from_arrays(
        [2, 0, 3, 0, 2, 2], ["dog", "unused", "cat", "ant"]
    )

    @pytest.mark.parametrize(
        "labels, names, codes",
        [
            (WORDS, ("ant", "cat", "dog"), [1, 2, 0, 2, 1, 1]),
            (ENCODED, ("ant", "cat", "dog"), [1, 2, 0, 2, 1, 1]),
            ([5, -1, 5, 7, 7, 5], ("-1", "5", "7"), [1, 0, 1, 2, 2, 1]),
            ([2.0, 1, 1, 2, 1, 1], ("1", "2"), [1, 0, 0, 1, 0, 0]),
            (["10", "9", "9", "9", "9", "10"], ("9", "10"), [1, 0, 0, 0, 0, 1]),
            ([True, False] * 3, ("False", "True"), [1, 0] * 3),
        ],
    )
    @pytest.mark.parametrize("name", [None, "kind"])
    def test_a_column(self, save, labels, names, codes, name):
        a, b = np.arange(6.0) / 2, np.eye(6)[0]
        path = save({"a": a, name or "Label": labels, "b": b})
        dataset = load(path, labels=name, standardize=False)
        expected = np.stack([a, b], axis=1)
        np.testing.assert_array_equal(dataset.x, expected)
        assert dataset.label_names == names and dataset.labels.tolist() == codes
        assert dataset.labels.dtype == np.int64

    def test_a_file_of_labels(self, save, save_npy):
        x = save_npy(np.zeros((3, 2)))
        only = save({"what": ["u", "v", "u"]}, "labels.parquet")
        named = save({"id": ["1", "2", "3"], "y": [4, 3, 3]}, "named.parquet")
        assert load(x, labels=only).labels.tolist() == [0, 1, 0]
        assert load(x, labels=str(named)).label_names == ("3", "4")
        wrong = save({"one": [1], "two": [2]}, "two.parquet")
        with pytest.raises(DataError, match="expected one column, .* there are 2"):
            load(x, labels=wrong)

    def test_a_missing_column(self, save):
        with pytest.raises(DataError, match="--labels kind: .* no such .*, only a, b"):
            load(save({"a": [1], "b": [2]}), labels="kind")


PAIR = pa.list_(pa.float32(), 2)


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"a": [1, 2, 3], "t": [None, [1], [2]]}, "row 1 .*'t' holds a list of 1, "),
        ({"a": [1, 2], "e": [[1.0], [2.0]]}, "row 0 .*'e' holds a list of 1, expected"),
        ({"label": [1, 2]}, "no column is left to learn from; give --columns"),
        ({"a": pa.array([], pa.int8())}, "the table has no rows"),
        ({"e": pa.array([], PAIR)}, "the table has no rows"),
        ({"e": [[], []]}, r"got shape \(2, 0\)"),
        ({"a": [-np.inf, 0]}, "row 0 .* column 'a' holds -inf, expected a finite"),
        ({"a": [1.0, 1e300]}, "first in row 1, .* too large for float32"),
        (
            {"e": [[1.0, 2]] * 8 + [[1.0]]},
            r"row 8 .*'e' holds .* of \(2,\) as in",
        ),
        ({"e": [[[1, 2], [3]]] * 2}, "row 0 .*'e' holds .*expected lists of numbers"),
        ({"e": pa.array([None, [1, 2]], PAIR)}, "row 0 .*'e' holds None"),
        ({"e": pa.array([[1, 2], None], PAIR)}, "row 1 .*'e' holds None, expected l"),
        ({"a": [3, 1, 2] * 2, "y": ["1"] * 5 + [None]}, "1 labels .* row 5 .* is ''"),
        ({"a": range(4), "y": ["u", "v", "", "u"]}, "1 labels .* row 2 .* is ''"),
        ({"a": range(3), "y": ["u", None, "u"]}, "1 labels .* row 1 .* is ''"),
        ({"a": [3, 1, 2] * 2, "y": [1] * 5 + [None]}, "1 labels .* row 5 .* is nan"),
    ],
)
def test_refused(save, columns, message):
    with pytest.raises(DataError, match=f"x.parquet: .*{message}"):
        load(save(columns))


@pytest.mark.parametrize("fraction", [0, 0.5, 0.99])
def test_cut_short(save, rng, fraction):
    path = save({"a": rng.random(30)})
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(DataError, match="x.parquet: is empty, damaged, cut short"):
        load(path)


def test_damaged_page(save, rng):
    path = save({"a": rng.random(30)})
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(content)
    with pytest.raises(DataError, match="x.parquet: is empty, damaged, cut short"):
        load(path)
