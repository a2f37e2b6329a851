"""Text tables and files of labels: which columns are taken, and as what."""

import numpy as np
import pytest

from models.data import load
from models.data.errors import DataError


class TestTables:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".CSV"])
    def test_header_and_labels(self, write_csv, rng, delimiter, suffix):
        values = rng.normal(size=(6, 2))
        words = ["cat", "dog", "ant", "dog", "cat", "cat"]
        rows = [[a, w, b] for (a, b), w in zip(values, words, strict=True)]
        rows.insert(0, ["a", "Label", "b"])
        path = write_csv(rows, f"pets{suffix}", delimiter)
        dataset = load(path, standardize=False)
        np.testing.assert_array_equal(dataset.x, values.astype(np.float32))
        assert dataset.label_names == ("ant", "cat", "dog")
        assert dataset.labels.tolist() == [1, 2, 0, 2, 1, 1]
        assert dataset.name == "pets" and dataset.columns == ("a", "b")
        assert dataset.describe() == (
            "pets: 6 rows of 2 features: a, b; labels: Label (3)\n"
            "  in the units of the columns"
        )

    @pytest.mark.parametrize("name", ["label", "LABELS", "class", "Target", "y"])
    def test_names_of_the_label_column(self, write_csv, name):
        rows = write_csv([["0", name], [0.5, 3], [1, 10]])
        dataset = load(rows, standardize=False)
        assert dataset.x.tolist() == [[0.5], [1]]
        assert dataset.label_names == ("3", "10")

    def test_label_column_by_argument(self, write_csv):
        rows = [["x", "y", "species"], [1.5, 2, "b"], [3, 4, "a"]]
        dataset = load(write_csv(rows), labels="species", standardize=False)
        assert dataset.x.tolist() == [[1.5, 2], [3, 4]]
        assert dataset.labels.tolist() == [1, 0]
        assert "2 features: x, y; labels: species (2)" in dataset.describe()

    def test_y_beside_x_is_a_coordinate(self, write_csv):
        for names in (["x", "y"], ["y", "z"], ["X", "Y", "Z"]):
            path = write_csv([names, [1, 2, 3][: len(names)], [4, 6, 5][: len(names)]])
            dataset = load(path)
            assert dataset.columns == tuple(names) and dataset.labels is None

    def test_labels_none(self, write_csv):
        rows = [["a", "y"], [1.5, 2], [3, 4]]
        dataset = load(write_csv(rows), labels="none", standardize=False)
        assert dataset.x.tolist() == [[1.5, 2], [3, 4]] and dataset.labels is None
        assert "2 features: a, y; no labels" in dataset.describe()

    def test_a_target_with_many_values_is_a_feature(self, write_csv, rng):
        rows = [["a", "target"], *([i / 7, 25 + 3 * i] for i in range(100))]
        dataset = load(write_csv(rows))
        assert dataset.columns == ("a", "target") and dataset.labels is None
        assert load(write_csv(rows), labels="target").labels.max() == 99

    @pytest.mark.parametrize(
        "first, message",
        [(["a", "b"], "only a, b"), ([1, 2], "no named columns")],
    )
    def test_missing_label_column(self, write_csv, first, message):
        with pytest.raises(DataError, match=f"--labels kind: .* {message}"):
            load(write_csv([first, [3, 4]]), labels="kind")

    def test_no_header(self, write_csv):
        dataset = load(write_csv([[1.5, 2], [-3, 4e2]]), standardize=False)
        assert dataset.x.tolist() == [[1.5, 2], [-3, 400]]
        assert dataset.labels is None and dataset.columns == ("column 1", "column 2")

    def test_bytes_are_no_pixels(self, write_csv):
        """The numbers 0..255 of a table are not divided by 255."""
        path = write_csv([["p", "q"], [0, 255], [51, 1]])
        dataset = load(path, standardize=False)
        np.testing.assert_array_equal(dataset.x, [[0, 255], [51, 1]])
        np.testing.assert_array_equal(load(path).x, [[-1, 1], [1, -1]])

    def test_integers_beyond_int64(self, write_csv):
        dataset = load(write_csv([[10**30, 1], [1, 2]]), standardize=False)
        np.testing.assert_array_equal(dataset.x, np.float32([[1e30, 1], [1, 2]]))

    @pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
    def test_savetxt(self, tmp_path, rng, delimiter):
        x = rng.normal(size=(4, 3))
        header = delimiter.join(["label", "b", "c"])
        np.savetxt(tmp_path / "a.txt", x, delimiter=delimiter)
        dataset = load(tmp_path / "a.txt", standardize=False)
        np.testing.assert_array_equal(dataset.x, x.astype(np.float32))
        x[:, 0] = [2, 0, 1, 0]
        np.savetxt(tmp_path / "b.txt", x, delimiter=delimiter, header=header)
        dataset = load(tmp_path / "b.txt", standardize=False)
        np.testing.assert_array_equal(dataset.x, x[:, 1:].astype(np.float32))
        assert dataset.labels.tolist() == [2, 0, 1, 0]

    def test_layout_does_not_matter(self, tmp_path):
        text = '\ufeff\r\n"a, b" ,label\r\n\r\n  1.5,  "x, y"\r\n2.5 , z\r\n\r\n'
        (tmp_path / "a.csv").write_bytes(text.encode())
        dataset = load(tmp_path / "a.csv", standardize=False)
        assert dataset.x.tolist() == [[1.5], [2.5]] and dataset.columns == ("a, b",)
        assert dataset.label_names == ("x, y", "z")

    @pytest.mark.parametrize(
        "text, message",
        [
            ("a,label\n1,0\n2,nan\n", "1 labels .* row 1 .*nan"),
            ("label\n1\n2\n", "no column is left to learn from; give --columns"),
        ],
    )
    def test_refused(self, tmp_path, text, message):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(DataError, match=f"a.csv: .*{message}"):
            load(tmp_path / "a.csv")

    def test_the_line_of_an_error_far_down(self, tmp_path):
        """Below empty lines, comments, and cells of several lines."""
        block = 'u,1\n\n# comment\n"v\nw",2\n'
        (tmp_path / "a.csv").write_text("a,b\n" + block * 20_000 + "u,oops\n")
        with pytest.raises(DataError, match="line 100002, column 'b' holds 'oops'"):
            load(tmp_path / "a.csv")


class TestColumns:
    ROWS = [["id", "a", "b", "word", "text", "same", "label"]]
    ROWS += [
        [i + 1, i**2, i / 2, "uvw"[i % 3], f"text {i}", 7, i % 2] for i in range(12)
    ]

    @pytest.fixture
    def path(self, write_csv):
        return write_csv(self.ROWS)

    def test_what_is_taken(self, path):
        dataset = load(path)
        assert dataset.columns == ("a", "b", "word=u", "word=v", "word=w")
        assert dataset.describe().splitlines() == [
            "a: 12 rows of 5 features: a, b, word=u, word=v, word=w; labels: label (2)",
            "  word: one-hot: u, v, w",
            "  id: left out, an index",
            "  text: left out, text of 12 different values",
            "  same: left out, the same value in every row",
            "  standardised",
        ]

    def test_entries_of_categories_stay_0_and_1(self, path):
        np.testing.assert_array_equal(load(path).x[:, 2:], np.tile(np.eye(3), (4, 1)))

    def test_drop(self, path):
        dataset = load(path, drop=("word", "b"))
        assert dataset.columns == ("a",)
        assert "b, word: left out, --drop" in dataset.describe()

    def test_columns(self, path):
        dataset = load(path, columns=("b", "id"), standardize=False)
        assert dataset.columns == ("id", "b")
        np.testing.assert_array_equal(dataset.x[:, 0], np.arange(1, 13))
        assert "a, word, text, same: left out, not in --columns" in dataset.describe()

    def test_the_labels_as_a_feature(self, path):
        dataset = load(path, columns=("a", "label"))
        assert dataset.columns == ("a", "label") and dataset.labels is None

    @pytest.mark.parametrize(
        "options, message",
        [
            (
                {"columns": ("c",)},
                "--columns c: .* has the columns id, a, .*, label; g",
            ),
            (
                {"drop": ("c",)},
                "--drop c: .* has the columns id, a, b, .*, label; give",
            ),
            (
                {"columns": ("a", "text")},
                "column text cannot be a feature .text of 12 ",
            ),
            ({"columns": ("same",)}, "column same cannot be a feature .the same value"),
            ({"drop": ("a", "b", "word")}, "no column is left to learn from; id: an "),
        ],
    )
    def test_refused(self, path, options, message):
        with pytest.raises(DataError, match=message):
            load(path, **options)

    @pytest.mark.parametrize("option", [{"columns": ("a",)}, {"drop": ("a",)}])
    def test_only_for_tables(self, save_npy, option):
        with pytest.raises(DataError, match="is for tables with a header, not for"):
            load(save_npy(np.ones((3, 2))), **option)


class TestLabelFiles:
    @pytest.fixture
    def path(self, save_npy):
        return save_npy(np.ones((4, 2)))

    @pytest.mark.parametrize(
        "raw, codes, names",
        [
            (np.array([5, -1, 5, 7]), [1, 0, 1, 2], ("-1", "5", "7")),
            (np.array(["b", "a", "b", "a"]), [1, 0, 1, 0], ("a", "b")),
            (np.array([2.0, 1.0, 1.0, 2.0]), [1, 0, 0, 1], ("1", "2")),
            (np.array(["10", "9", "9", "10"]), [1, 0, 0, 1], ("9", "10")),
            (np.array([[3], [3], [3], [3]], np.uint8), [0, 0, 0, 0], ("3",)),
        ],
    )
    @pytest.mark.parametrize("kind", ["npy", "npz", "csv", "txt"])
    def test_read(self, tmp_path, path, raw, codes, names, kind):
        labels = tmp_path / f"labels.{kind}"
        if kind == "npy":
            np.save(labels, raw)
        elif kind == "npz":
            np.savez(labels, anything=raw)
        else:
            header = ["Label\n"] if kind == "csv" else []
            labels.write_text("".join([*header, *(f"{v}\n" for v in raw.ravel())]))
        dataset = load(path, labels=str(labels))
        assert dataset.labels.dtype == np.int64
        assert dataset.labels.tolist() == codes
        assert dataset.label_names == names

    def test_column_of_a_table(self, write_csv, path):
        rows = [["id", "class"], [1, "u"], [2, "v"], [3, "u"], [4, "u"]]
        dataset = load(path, labels=write_csv(rows, "l.csv"))
        assert dataset.labels.tolist() == [0, 1, 0, 0]

    def test_file_goes_before_the_own_labels(self, save_npy, write_csv):
        rows = [["a", "label"], [1.5, "u"], [2.5, "v"]]
        path = write_csv(rows, "x.csv")
        labels = save_npy(np.array([4, 3]), "l.npy")
        dataset = load(path, labels=labels, standardize=False)
        assert dataset.x.tolist() == [[1.5], [2.5]]
        assert dataset.label_names == ("3", "4")

    @pytest.mark.parametrize(
        "raw, message",
        [
            (np.arange(5), "one label for each of the 4 rows, got 5 labels"),
            (np.array([1, np.nan, 2, np.nan]), "2 labels .* row 1"),
            (np.array([0.5, 1, 2, 3]), "1 labels .* row 0"),
            (np.ones((4, 2), int), r"one label for each row, got shape \(4, 2\)"),
            (np.ones(4, complex), "integers or text.* dtype complex128"),
            (np.array(["a", None, "b", "c"], object), "holds Python objects"),
        ],
    )
    def test_refused(self, save_npy, path, raw, message):
        labels = save_npy(raw, "labels.npy")
        with pytest.raises(DataError, match=f"labels.npy: .*{message}"):
            load(path, labels=labels)

    def test_empty(self, tmp_path, path):
        (tmp_path / "l.txt").write_text("")
        with pytest.raises(DataError, match="l.txt: the table has no rows"):
            load(path, labels=tmp_path / "l.txt")

    def test_missing(self, path):
        with pytest.raises(DataError, match="--labels nowhere.csv: there is no such"):
            load(path, labels="nowhere.csv")

    def test_columns_without_a_label(self, write_csv, path):
        rows = write_csv([[1, 2]] * 4, "l.csv")
        with pytest.raises(DataError, match="expected one column, .* there are 2"):
            load(path, labels=rows)

    def test_length_of_the_own_labels(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=np.ones((3, 2)), y=[0, 1])
        with pytest.raises(DataError, match="each of the 3 rows, got 2 labels"):
            load(tmp_path / "a.npz")
