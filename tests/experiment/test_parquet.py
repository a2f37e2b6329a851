"""Parquet tables: what is read, in memory and on disk; what is refused, and where."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models import vanilla
from models.blocks.temporary_array import TemporaryRows
from models.data import load, on_disk, parquet
from models.data.errors import DataError
from models.training.streaming import BlockStream


@pytest.fixture
def save(tmp_path):
    """Saves columns in groups of four rows, and returns the path of the table."""

    def save(columns, name="x.parquet"):
        pq.write_table(pa.table(columns), tmp_path / name, row_group_size=4)
        return tmp_path / name

    return save


@pytest.fixture(params=[False, True], ids=["memory", "disk"])
def read(request, monkeypatch):
    """`load` with `stream` off or on, seven rows at once."""
    monkeypatch.setattr(parquet, "MAX_ROWS", 7)
    return lambda path, **options: load(path, stream=request.param, **options)


def lists(x):
    """(n, ...) as a column of lists, all of them of a fixed size but the outermost."""
    column = pa.array(x.ravel())
    for length in x.shape[:1:-1]:
        column = pa.FixedSizeListArray.from_arrays(column, length)
    ends = np.arange(0, len(column) + 1, x.shape[1], dtype="int32")
    return pa.ListArray.from_arrays(ends, column)


KINDS = ["float32", "float64", "float16", "uint8", "int64", "bool"]


class TestNumbers:
    @pytest.mark.parametrize("kind", KINDS)
    def test_columns_are_features_in_their_order(self, save, save_npy, read, rng, kind):
        x = rng.integers(0, 200, (30, 5)).astype(kind)
        dataset = read(save({f"c{9 - i}": x[:, i] for i in range(5)}))
        expected = read(save_npy(x))
        np.testing.assert_array_equal(dataset.x[:], expected.x[:])
        np.testing.assert_array_equal(dataset.x[5:22], expected.x[5:22])
        assert dataset.x.shape == (30, 5) and dataset.x.dtype == np.float32
        assert dataset.name == "x" and dataset.labels is None
        assert dataset.in_unit_interval == expected.in_unit_interval
        notes = dataset.note.replace("unpacked into a temporary file; ", "")
        assert notes == expected.note

    @pytest.mark.parametrize("shape", [(30, 5), (30, 4, 3), (30, 4, 3, 1)])
    @pytest.mark.parametrize("fixed", [False, True])
    def test_a_column_of_lists_is_the_vector(self, save, read, rng, shape, fixed):
        x = rng.integers(0, 256, shape).astype("uint8")
        column = lists(x)
        if fixed:
            column = pa.FixedSizeListArray.from_arrays(column.flatten(), shape[1])
        dataset = read(save({"image": column}))
        np.testing.assert_array_equal(dataset.x[:], x.astype("f4") / np.float32(255))

    def test_columns_of_several_kinds(self, save, read):
        dataset = read(save({"a": [True, False], "b": [200, 0], "c": [0.5, -1]}))
        np.testing.assert_array_equal(dataset.x[:], [[1, 200, 0.5], [0, 0, -1]])

    def test_the_index_of_pandas_is_no_column(self, save, read, tmp_path):
        table = pa.table({"a": [0.5, 1.5], "__index_level_0__": [7, 9]})
        about = b'{"index_columns": ["__index_level_0__"], "columns": []}'
        path = tmp_path / "x.parquet"
        pq.write_table(table.replace_schema_metadata({b"pandas": about}), path)
        np.testing.assert_array_equal(read(path).x[:], [[0.5], [1.5]])

    def test_what_is_large_stays_on_disk_by_itself(self, save, rng, monkeypatch):
        path = save({"x": lists(rng.random((30, 4)))})
        assert not load(path).is_on_disk
        monkeypatch.setattr(on_disk, "LIMIT", 900)
        assert isinstance(load(path).x, TemporaryRows)
        assert not load(path, stream=False).is_on_disk


def test_training_is_that_from_an_npy_bit_for_bit(save, save_npy, rng):
    x = rng.normal(size=(300, 5)).astype("float32")
    sources = save({"x": lists(x)}), save_npy(x)
    rows = [load(path, stream=True).x for path in sources]
    batches = [BlockStream((one,), 8, 0, 0, window=2000).batches(2) for one in rows]
    for one, other in zip(*batches, strict=True):
        np.testing.assert_array_equal(one, other)
    models = [vanilla.build((5,), 2, hidden_dims=(4,), seed=0) for _ in rows]
    for model, one in zip(models, rows, strict=True):
        model.compile("adam")
        model.fit(one, batch_size=50, verbose=0)
    one, other = (model.get_weights() for model in models)
    assert all(map(np.array_equal, one, other))


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
    def test_a_column(self, save, read, labels, names, codes, name):
        path = save({"a": np.arange(6.0), name or "Label": labels, "b": np.ones(6)})
        dataset = read(path, labels=name)
        expected = np.stack([np.arange(6), np.ones(6)], axis=1)
        np.testing.assert_array_equal(dataset.x[:], expected)
        assert dataset.label_names == names and dataset.labels.tolist() == codes
        assert dataset.labels.dtype == np.int64

    def test_a_file_of_labels(self, save, read, save_npy):
        x = save_npy(np.zeros((3, 2)))
        only = save({"what": ["u", "v", "u"]}, "labels.parquet")
        named = save({"id": ["1", "2", "3"], "y": [4, 3, 3]}, "named.parquet")
        assert read(x, labels=only).labels.tolist() == [0, 1, 0]
        assert read(x, labels=str(named)).label_names == ("3", "4")
        wrong = save({"one": [1], "two": [2]}, "two.parquet")
        with pytest.raises(DataError, match="expected one column, .* there are 2"):
            read(x, labels=wrong)


PAIR = pa.list_(pa.float32(), 2)


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"a": [1, 2], "t": ["u", "v"]}, "but there is 't' .string.; convert it"),
        (
            {"a": [1], "e": [[1.0]]},
            "one column of lists and no other .* 'a' .int64., 'e'",
        ),
        ({"e": [[1.0]], "f": [[1.0]]}, "one column of lists and no other"),
        ({"label": [1, 2]}, "expected columns of numbers, but there are none"),
        ({"a": pa.array([], pa.int8())}, r"no rows, the shape is \(0, 1\)"),
        ({"e": pa.array([], PAIR)}, "there are no rows"),
        ({"e": [[], []]}, "e' .list<element: null>"),
        (
            {"a": range(9), "b": [1.0] * 8 + [None]},
            "row 8 .*'b' holds null, expected a f",
        ),
        ({"a": [True, None]}, "row 1 .counted from 0., column 'a' holds null"),
        (
            {"a": [1.0] * 8 + [np.nan]},
            "row 8 .*'a' holds nan, expected a finite number",
        ),
        ({"a": [-np.inf, 0]}, "row 0 .* column 'a' holds -inf"),
        ({"a": [1.0, 1e300]}, "first in row 1, .* too large for float32"),
        ({"e": [[1.0, 2]] * 8 + [[1.0]]}, "row 8 .*'e' holds a list of 1, .* of 2 as"),
        (
            {"e": pa.array([None, [1, 2]], PAIR)},
            "row 0 .*'e' holds null, expected a list",
        ),
        (
            {"e": pa.array([[1, 2], None], PAIR)},
            "row 1 .*'e' holds null, .* of 2 as in",
        ),
        (
            {"e": pa.array([[1, 2], [3, None]], PAIR)},
            "row 1 .*'e' holds null, .* finite",
        ),
        ({"a": range(6), "y": [1] * 5 + [None]}, "row 5 .* 'y' holds null, .* a label"),
        ({"a": range(6), "y": [1, 1, 2, 2, 0.5, 2]}, "1 labels .* row 4 .* is 0.5"),
        (
            {"a": range(6), "y": ["u", "v"] * 2 + ["", "u"]},
            "1 labels .* row 4 .* is ''",
        ),
        (
            {"a": [1], "y": pa.array([1], pa.date32())},
            "text as labels, .*'y' holds date",
        ),
    ],
)
def test_refused(save, read, columns, message):
    with pytest.raises(DataError, match=f"x.parquet: .*{message}"):
        read(save(columns))


def test_names_that_are_not_there_or_there_twice(save, read, tmp_path):
    with pytest.raises(DataError, match="--labels kind: .* no such column, only a, b"):
        read(save({"a": [1], "b": [2]}), labels="kind")
    twice = pa.table([[1], [2], [3]], names=["a", "b", "a"])
    with pytest.raises(DataError, match="different names, but 'a' is the name of 2"):
        read(save(twice))
    with pytest.raises(DataError, match="--image-size is for a folder"):
        read(save({"a": [1]}), image_size=8)


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_cut_short(save, read, rng, part):
    path = save({"a": rng.random(30)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(DataError, match="x.parquet: is empty, damaged, cut short"):
        read(path)


def test_a_flipped_byte_in_a_page(save, read, rng):
    path = save({"a": rng.random(30)})
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(content)
    with pytest.raises(DataError, match="x.parquet: is empty, damaged, cut short"):
        read(path)


def test_more_than_there_is_room_for(save, rng, monkeypatch):
    path = save({"a": rng.random(30)})
    full = lambda folder: type("", (), {"free": 100})  # noqa: E731
    monkeypatch.setattr(parquet.shutil, "disk_usage", full)
    with pytest.raises(DataError, match="let the environment variable TMPDIR name"):
        load(path, stream=True)
    assert load(path, stream=False).x.shape == (30, 1)
