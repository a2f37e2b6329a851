"""Text tables and files of labels: what is read; what is refused, and where."""

import numpy as np
import pytest

from models.data import load
from models.data.errors import DataError


class TestTables:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
    @pytest.mark.parametrize("suffix", [".csv", ".txt", ".CSV"])
    def test_header_and_labels(self, write_csv, rng, delimiter, suffix):
        values = rng.normal(size=(6, 2))
        words = ["cat", "dog", "ant", "dog", "cat", "cat"]
        rows = [[a, w, b] for (a, b), w in zip(values, words, strict=True)]
        rows.insert(0, ["a", "Label", "b"])
        dataset = load(write_csv(rows, f"pets{suffix}", delimiter))
        np.testing.assert_array_equal(dataset.x, values.astype(np.float32))
        assert dataset.label_names == ("ant", "cat", "dog")
        assert dataset.labels.tolist() == [1, 2, 0, 2, 1, 1]
        assert dataset.name == "pets"

    @pytest.mark.parametrize("name", ["label", "LABELS", "class", "Target", "y"])
    def test_names_of_the_label_column(self, write_csv, name):
        dataset = load(write_csv([["0", name], [0.5, 3], [1, 10]]))
        assert dataset.x.tolist() == [[0.5], [1]]
        assert dataset.label_names == ("3", "10")

    def test_label_column_by_argument(self, write_csv):
        rows = [["x", "y", "species"], [1.5, 2, "b"], [3, 4, "a"]]
        dataset = load(write_csv(rows), labels="species")
        assert dataset.x.tolist() == [[1.5, 2], [3, 4]]
        assert dataset.labels.tolist() == [1, 0]

    @pytest.mark.parametrize(
        "first, message",
        [(["a", "b"], "only a, b"), ([1, 2], "no named columns")],
    )
    def test_missing_label_column(self, write_csv, first, message):
        with pytest.raises(DataError, match=f"--labels kind: .* {message}"):
            load(write_csv([first, [3, 4]]), labels="kind")

    def test_no_header(self, write_csv):
        dataset = load(write_csv([[1.5, 2], [-3, 4e2]]))
        assert dataset.x.tolist() == [[1.5, 2], [-3, 400]]
        assert dataset.labels is None

    def test_integers_count_as_integers(self, write_csv):
        dataset = load(write_csv([["p", "q", "y"], [0, 255, 1.0], [51, 1, 2]]))
        np.testing.assert_array_equal(dataset.x, np.float32([[0, 1], [0.2, 1 / 255]]))
        assert dataset.note == "integers 0..255 divided by 255"

    def test_one_float_makes_floats(self, write_csv):
        dataset = load(write_csv([[0, 255], [51, "1.0"]]))
        assert dataset.x.tolist() == [[0, 255], [51, 1]] and dataset.note == ""

    def test_integers_beyond_int64(self, write_csv):
        dataset = load(write_csv([[10**30, 1]]))
        np.testing.assert_array_equal(dataset.x, np.float32([[1e30, 1]]))

    @pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
    def test_savetxt(self, tmp_path, rng, delimiter):
        x = rng.normal(size=(4, 3))
        header = delimiter.join(["label", "b", "c"])
        np.savetxt(tmp_path / "a.txt", x, delimiter=delimiter)
        dataset = load(tmp_path / "a.txt")
        np.testing.assert_array_equal(dataset.x, x.astype(np.float32))
        x[:, 0] = [2, 0, 1, 0]
        np.savetxt(tmp_path / "b.txt", x, delimiter=delimiter, header=header)
        dataset = load(tmp_path / "b.txt")
        np.testing.assert_array_equal(dataset.x, x[:, 1:].astype(np.float32))
        assert dataset.labels.tolist() == [2, 0, 1, 0]

    def test_layout_does_not_matter(self, tmp_path):
        text = '\ufeff\r\n"a, b" ,label\r\n\r\n  1.5,  "x, y"\r\n2.5 , z\r\n\r\n'
        (tmp_path / "a.csv").write_bytes(text.encode())
        dataset = load(tmp_path / "a.csv")
        assert dataset.x.tolist() == [[1.5], [2.5]]
        assert dataset.label_names == ("x, y", "z")

    def test_aligned_columns(self, tmp_path):
        (tmp_path / "a.txt").write_text("  1.5   20\n 10.25   3  \n")
        assert load(tmp_path / "a.txt").x.tolist() == [[1.5, 20], [10.25, 3]]

    @pytest.mark.parametrize(
        "text, message",
        [
            ("", r"got shape \(0, 0\)"),
            ("\n \n", r"got shape \(0, 0\)"),
            ("a,b\n", r"got shape \(0, 2\)"),
            ("label\n1\n2\n", r"got shape \(2, 0\)"),
            ("1,2\n\n3,4,5\n", "Expected 2 fields in line 3, saw 3; make all"),
            ("1,2\n3\n", "line 2, column 2 holds '', expected a number"),
            ("a,b\n1,2\n3,oops\n", "line 3, column 'b' holds 'oops', expected a n"),
            ("label,b,c\nu,1,\n", "line 2, column 'c' holds '', expected a number"),
            ("a,label,c\n1,u,x\n", "line 2, column 'c' holds 'x', expected a number"),
            ("5.1,setosa\n", "line 1, column 2 holds 'setosa', expected a number"),
            ("1,nan\n2,3\n", "1 values in 1 rows .* row 0, column 1"),
            ("a,label\n1,u\n2,\n", "1 labels .* row 1 .*''"),
            ("a,label\n1,0\n2,nan\n", "1 labels .* row 1 .*nan"),
            ("x,y\n1,0.5\n2,1\n", "1 labels .* row 0 .*0.5"),
        ],
    )
    def test_refused(self, tmp_path, text, message):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(DataError, match=f"a.csv: .*{message}"):
            load(tmp_path / "a.csv")

    def test_not_text(self, tmp_path):
        (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x81\n")
        with pytest.raises(DataError, match="expected a table of text in UTF-8"):
            load(tmp_path / "a.csv")


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
        dataset = load(path, labels=save_npy(np.array([4, 3]), "l.npy"))
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
        with pytest.raises(DataError, match="expected one column, .* there are 0"):
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
