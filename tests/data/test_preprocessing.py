"""Fit here, transform there: what training data decide is applied to all others."""

import json

import numpy as np
import pandas
import pytest

from models.data import load
from models.data.columns import Column
from models.data.errors import DataError
from models.data.preprocessing import Preprocessing

FORMATS = ("csv", "tsv", "xlsx", "parquet")


def restored(dataset):
    """The preprocessing of a data set, as config.json holds it."""
    return Preprocessing.from_json(
        json.loads(json.dumps(dataset.preprocessing.to_json()))
    )


def save(frame, path, **options):
    """Saves a pandas.DataFrame in the format of the suffix."""
    if path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        frame.to_csv(path, index=False, sep=separator, **options)
    return path


@pytest.fixture
def frame(rng):
    """Columns of every kind, some with empty cells."""
    days = pandas.Timestamp("2021-03-01") + pandas.to_timedelta(
        rng.integers(0, 900, 40), "D"
    )
    return pandas.DataFrame(
        {
            "age": rng.integers(18, 205, 40),
            "weight": np.where(rng.random(40) < 0.1, np.nan, rng.normal(70, 9, 40)),
            "when": days,
            "smokes": rng.random(40) < 0.4,
            "kind": rng.choice(["u", "v", "w"], 40),
            "sex": rng.choice(["f", "m"], 40),
            "label": rng.choice(["ill", "well"], 40),
        }
    )


@pytest.fixture
def train(frame, tmp_path):
    return load(save(frame, tmp_path / "train.csv"))


class TestScale:
    """The scale of new data is that of the run."""

    @pytest.mark.parametrize("suffix", ["csv", "npy"])
    def test_one_larger_number_changes_no_other_row(self, tmp_path, rng, suffix):
        values = rng.integers(18, 205, (50, 4))
        values[0, 0], values[1, 0] = 18, 204
        new = values.copy()
        new[7, 2] = 260

        def write(values, name):
            path = tmp_path / f"{name}.{suffix}"
            if suffix == "npy":
                np.save(path, values)
                return path
            return save(pandas.DataFrame(values, columns=list("abcd")), path)

        train = load(write(values, "train"))
        x = load(write(new, "new"), preprocessing=restored(train)).x
        assert abs(x[7, 2] - train.x[7, 2]) > 0.1
        x[7, 2] = train.x[7, 2]
        np.testing.assert_array_equal(x, train.x)

    def test_images(self, save_npy, rng):
        """A dark image is divided by 255 too, and floats in [0, 1] are not."""
        x = rng.integers(0, 256, (9, 4, 4), dtype=np.uint8)
        stored = restored(load(save_npy(x)))
        dark = x // 255
        dataset = load(save_npy(dark, "dark.npy"), preprocessing=stored)
        np.testing.assert_array_equal(dataset.x, dark / np.float32(255))
        floats = load(save_npy(x / 255, "float.npy"), preprocessing=stored)
        np.testing.assert_array_equal(floats.x, np.float32(x / 255))

    @pytest.mark.parametrize(
        "train, new, received",
        [
            (np.uint8([0, 255]), np.int64([0, 256]), "0 to 256"),
            (np.uint8([0, 255]), np.float64([0, 254]), "0 to 254"),
            (np.uint8([0, 1]), np.uint8([0, 255]), "0 to 255"),
            (np.uint8([0, 200]), np.int64([-1, 200]), "-1 to 200"),
        ],
    )
    def test_images_of_another_scale_are_refused(self, save_npy, train, new, received):
        stored = restored(load(save_npy(train.reshape(1, 2, 1))))
        path = save_npy(new.reshape(1, 2, 1), "new.npy")
        with pytest.raises(DataError, match=f"new.npy: .*Received: {received}"):
            load(path, preprocessing=stored)

    def test_tables_and_images_are_different(self, save_npy):
        table, images = np.eye(4), np.ones((3, 2, 2))
        for train, new in ((table, images), (images, table)):
            stored = restored(load(save_npy(train)))
            with pytest.raises(
                DataError, match="this model was trained on (table|ima)"
            ):
                load(save_npy(new), preprocessing=stored)


class TestColumnsByName:
    @pytest.mark.parametrize("suffix", FORMATS)
    def test_the_same_file_in_each_format(self, frame, train, tmp_path, suffix):
        path = save(frame, tmp_path / f"new.{suffix}")
        new = load(path, preprocessing=restored(train))
        np.testing.assert_array_equal(new.x, train.x)
        assert new.columns == train.columns
        np.testing.assert_array_equal(new.labels, train.labels)
        refitted = load(path)
        np.testing.assert_array_equal(refitted.x, train.x)

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_shuffled_reordered_and_extended(self, frame, train, tmp_path, rng, suffix):
        rows = rng.permutation(40)
        new = frame.iloc[rows][rng.permutation(frame.columns)]
        new.insert(2, "more", np.arange(40.0))
        new = new.drop(columns="label")
        dataset = load(
            save(new, tmp_path / f"new.{suffix}"), preprocessing=restored(train)
        )
        np.testing.assert_array_equal(dataset.x, train.x[rows])
        assert dataset.labels is None
        assert "columns that are not used: more" in dataset.describe()

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("row", [0, 1, 7, 39])
    def test_a_single_row(self, frame, train, tmp_path, suffix, row):
        path = save(frame.iloc[[row]], tmp_path / f"new.{suffix}")
        dataset = load(path, preprocessing=restored(train))
        np.testing.assert_array_equal(dataset.x, train.x[[row]])

    @pytest.mark.parametrize("suffix", ["csv", "xlsx"])
    def test_a_single_row_with_gaps(self, frame, train, tmp_path, suffix):
        row = frame.iloc[[3]].astype(object)
        row[["age", "when", "smokes", "kind"]] = None
        path = save(row, tmp_path / f"new.{suffix}")
        x = load(path, preprocessing=restored(train)).x[0]
        expected = train.preprocessing.transform(train.preprocessing.empty[None])[0]
        is_gap = [not name.startswith(("weight", "sex")) for name in train.columns]
        np.testing.assert_array_equal(x[is_gap], expected[is_gap])
        np.testing.assert_allclose(x[:4][np.array(is_gap[:4])], 0, atol=1e-6)
        assert x[4:7].sum() == pytest.approx(1)

    @pytest.mark.parametrize("suffix", ["npy", "npz"])
    def test_arrays_have_no_names(self, tmp_path, rng, suffix):
        values = rng.normal(size=(20, 3))
        train = load(
            save(pandas.DataFrame(values, columns=list("abc")), tmp_path / "a.csv")
        )
        path = tmp_path / f"new.{suffix}"
        np.save(path, values) if suffix == "npy" else np.savez(path, x=values)
        dataset = load(path, preprocessing=restored(train))
        np.testing.assert_array_equal(dataset.x, train.x)
        assert "no names; read as a, b, c" in dataset.describe()
        with pytest.raises(
            DataError, match="takes data of the shape .3,., got .2,.; give"
        ):
            np.save(tmp_path / "b.npy", values[:, :2])
            load(tmp_path / "b.npy", preprocessing=restored(train))

    def test_a_run_of_an_array_takes_tables_by_position(self, save_npy, tmp_path, rng):
        values = rng.normal(size=(20, 3))
        train = load(save_npy(values))
        path = save(pandas.DataFrame(values, columns=list("abc")), tmp_path / "a.csv")
        dataset = load(path, preprocessing=restored(train))
        np.testing.assert_array_equal(dataset.x, train.x)

    def test_missing_columns_are_named(self, frame, train, tmp_path):
        path = save(frame.drop(columns=["age", "kind"]), tmp_path / "new.csv")
        message = (
            "the columns age, kind .* are missing; its columns are weight, when, sm"
        )
        with pytest.raises(DataError, match=message):
            load(path, preprocessing=restored(train))

    def test_a_file_without_names(self, frame, train, tmp_path):
        path = save(frame.iloc[1:], tmp_path / "new.csv", header=False)
        with pytest.raises(DataError, match="are missing; it has no header, and 7 col"):
            load(path, preprocessing=restored(train))

    @pytest.mark.parametrize(
        "name, value, message",
        [
            ("kind", "z", "line 5, column 'kind' holds 'z', expected one of u, v, w;"),
            ("age", "old", "line 5, column 'age' holds 'old', expected a number;"),
            (
                "when",
                "soon",
                "line 5, column 'when' holds 'soon', expected a date like",
            ),
        ],
    )
    def test_unknown_values(self, frame, train, tmp_path, name, value, message):
        frame = frame.astype({name: object})
        frame.loc[3, name] = value
        with pytest.raises(DataError, match=message):
            load(save(frame, tmp_path / "new.csv"), preprocessing=restored(train))

    def test_labels(self, frame, train, tmp_path):
        stored = restored(train)
        path = save(frame.rename(columns={"label": "class"}), tmp_path / "new.csv")
        assert load(path, preprocessing=stored).label_names == ("ill", "well")
        assert load(path, labels="none", preprocessing=stored).labels is None
        assert load(path, labels="sex", preprocessing=stored).label_names == ("f", "m")

    def test_a_feature_called_y_stays_one(self, tmp_path, rng):
        frame = pandas.DataFrame({"a": rng.normal(size=9), "y": [0, 1, 2] * 3})
        path = save(frame, tmp_path / "a.csv")
        train = load(path, labels="none")
        new = load(path, preprocessing=restored(train))
        assert new.columns == ("a", "y") and new.labels is None

    @pytest.mark.parametrize(
        "train, new, expected",
        [
            ("a;b\n1,5;1\n2,5;2\n", "a;b\n1,500;1\n", 1.5),
            ("a;b\n1,5;1\n2,5;2\n", "a;b\n1.234;1\n", 1234),
            ("a;b\n1,5;1\n2,5;2\n", "a,b\n1.234,1\n", 1.234),
            ('a,b\n"1,234",1\n"2,500",2\n', "a,b\n950,1\n", 950),
            ('a,b\n"1,234",1\n"2,500",2\n', 'a,b\n"3,456",1\n', 3456),
            ("a,b\n5 kg,1\n6 kg,2\n", "a,b\n7,1\n", 7),
            ("a,b\n007x,1\n007x,2\n1,3\n1,4\n", "a,b\n1,1\n", 1),
            ("a,b\n007,1\nx,2\n007,3\nx,4\nx,4\n", "a,b\n007,1\n", 0),
        ],
    )
    def test_formats_of_cells(self, tmp_path, train, new, expected):
        (tmp_path / "train.csv").write_text(train)
        (tmp_path / "new.csv").write_text(new)
        dataset = load(tmp_path / "train.csv", standardize=False)
        x = load(tmp_path / "new.csv", preprocessing=restored(dataset)).x
        assert x[0, 0] == np.float32(expected)


class TestPreprocessing:
    def test_json(self, train):
        stored = restored(train)
        for name, value in vars(train.preprocessing).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(stored, name), value)
            else:
                assert getattr(stored, name) == value

    def test_json_of_images(self, save_npy):
        path = save_npy(np.arange(32).reshape(2, 16))
        stored = restored(load(path, image_shape=(4, 4)))
        assert (stored.kind, stored.white) == ("images", 255)
        assert load(path, preprocessing=stored).input_shape == (4, 4)

    @pytest.mark.parametrize("standardize", [True, False])
    def test_cells_are_those_of_the_file(self, frame, tmp_path, standardize):
        frame = frame.drop(columns="label").dropna()
        path = save(frame, tmp_path / "a.csv")
        dataset = load(path, standardize=standardize)
        cells = dataset.preprocessing.to_cells(dataset.x)
        assert list(cells) == list(frame.columns)
        assert cells["kind"] == frame["kind"].tolist()
        assert cells["sex"] == frame["sex"].tolist()
        assert cells["when"] == [str(day.date()) for day in frame["when"]]
        for name in ("age", "weight", "smokes"):
            expected = frame[name].astype(float)
            np.testing.assert_allclose(cells[name], expected, rtol=1e-5, atol=1e-5)
        again = save(pandas.DataFrame(cells), tmp_path / "again.csv")
        x = load(again, preprocessing=dataset.preprocessing).x
        np.testing.assert_allclose(x, dataset.x, rtol=1e-5, atol=1e-5)

    def test_cells_without_names(self, save_npy):
        x = np.array([[1.0, 5], [3, 9]])
        dataset = load(save_npy(x))
        cells = dataset.preprocessing.to_cells(dataset.x)
        assert cells == {"column 1": [1, 3], "column 2": [5, 9]}
        np.testing.assert_array_equal(dataset.preprocessing.inverse(dataset.x), x)

    def test_fitted_to_the_training_rows(self, save_npy, rng):
        values = rng.normal(5, 3, (60, 2))
        dataset, test = load(save_npy(values)).split(0.5, seed=0)
        dataset = dataset.fit_preprocessing()
        np.testing.assert_allclose(dataset.x.mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(dataset.x.std(0), 1, rtol=1e-5)
        assert abs(test.x.mean()) > 1e-3

    def test_empty_cells_of_categories_are_the_shares(self, tmp_path):
        (tmp_path / "a.csv").write_text("a,b\nu,1\nv,2\nu,3\n,4\nu,5\n")
        dataset = load(tmp_path / "a.csv")
        np.testing.assert_array_equal(dataset.x[:, 0], [0, 1, 0, 0.25, 0])


class TestDecode:
    @pytest.mark.parametrize(
        "column, values, cells",
        [
            (Column("a"), [[1.5]], [1.5]),
            (Column("a", "date"), [[18687.4]], ["2021-03-01"]),
            (Column("a", "category", ("u", "v")), [[0.4], [0.6]], ["u", "v"]),
            (Column("a", "category", ("u", "v", "w")), [[0.1, 0.5, 0.4]], ["v"]),
        ],
    )
    def test_the_nearest_cell(self, column, values, cells):
        assert column.decode(np.array(values)) == cells


class TestFolders:
    def test_size_and_mode_are_those_of_the_run(self, tmp_path, rng):
        from PIL import Image

        for name, size, mode in (("train/a", (4, 3), "L"), ("new/a", (8, 8), "RGB")):
            path = tmp_path / f"{name}.png"
            path.parent.mkdir()
            Image.new(mode, size, 51 if mode == "L" else (51, 51, 51)).save(path)
        stored = restored(load(tmp_path / "train"))
        dataset = load(tmp_path / "new", preprocessing=stored)
        assert dataset.input_shape == (3, 4)
        np.testing.assert_array_equal(dataset.x, np.float32(51) / np.float32(255))
        assert "resized from 8 x 8 to 3 x 4 (stretch)" in dataset.describe()

    def test_images_for_a_run_of_an_array(self, tmp_path, save_npy):
        from PIL import Image

        (tmp_path / "new").mkdir()
        Image.new("L", (8, 8), 51).save(tmp_path / "new" / "a.png")
        stored = restored(load("digits"))
        dataset = load(tmp_path / "new", preprocessing=stored)
        np.testing.assert_array_equal(dataset.x, np.full((1, 8, 8), np.float32(0.2)))
