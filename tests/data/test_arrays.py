"""Arrays of the user: keys, scaling, image shapes; what is refused."""

import tracemalloc

import numpy as np
import pytest

import models
from models import data, networks
from models.data import load
from models.data.errors import DataError


class TestArrays:
    def test_npy(self, save_npy, rng):
        x = np.asfortranarray(rng.normal(size=(5, 3)))
        dataset = load(save_npy(x, "mine.npy"), standardize=False)
        assert dataset.name == "mine"
        assert dataset.describe() == (
            "mine: 5 rows of 3 features: column 1, column 2, column 3; no labels\n"
            "  in the units of the columns"
        )
        assert dataset.labels is None and dataset.label_names is None
        assert dataset.x.dtype == np.float32 and dataset.x.flags.c_contiguous
        np.testing.assert_array_equal(dataset.x, x.astype(np.float32))
        assert not dataset.is_image

    @pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 1)])
    def test_shapes(self, save_npy, shape):
        dataset = load(save_npy(np.zeros(shape)))
        assert dataset.x.shape == shape
        assert dataset.is_image == (len(shape) > 2)

    @pytest.mark.parametrize("key", ["x", "x_train", "data", "image", "images", "any"])
    @pytest.mark.parametrize("label_key", ["y", "y_train", "label", "labels", "target"])
    def test_npz_keys(self, tmp_path, rng, key, label_key):
        x = rng.random((4, 3))
        np.savez(tmp_path / "a.npz", **{label_key: [7, 5, 5, 9], key: x})
        dataset = load(tmp_path / "a.npz", standardize=False)
        np.testing.assert_array_equal(dataset.x, x.astype(np.float32))
        assert dataset.labels.tolist() == [1, 0, 0, 2]
        assert dataset.label_names == ("5", "7", "9")
        assert f"labels: {label_key} (3)" in dataset.describe()

    @pytest.mark.parametrize("label_key", ["y", "kind"])
    def test_npz_without_its_labels(self, tmp_path, label_key):
        np.savez(tmp_path / "a.npz", **{"x": np.eye(3), label_key: [7, 5, 5]})
        dataset = load(tmp_path / "a.npz", labels="none")
        assert dataset.labels is None and dataset.input_shape == (3,)

    def test_npz_with_a_label_key(self, tmp_path):
        np.savez(tmp_path / "a.npz", signal=np.ones((2, 3)), kind=["b", "a"])
        dataset = load(tmp_path / "a.npz", labels="kind")
        assert dataset.labels.tolist() == [1, 0]
        assert dataset.label_names == ("a", "b")

    def test_npz_without_that_key(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=np.ones((2, 3)), y=[0, 1])
        with pytest.raises(DataError, match="--labels kind: .* only x, y"):
            load(tmp_path / "a.npz", labels="kind")

    def test_npz_with_several_arrays_lists_its_keys(self, tmp_path):
        np.savez(tmp_path / "a.npz", vision=np.ones((2, 3)), audio=np.ones((2, 3)))
        with pytest.raises(DataError, match="the keys are vision, audio; save .* 'x'"):
            load(tmp_path / "a.npz")

    @pytest.mark.parametrize(
        "option, message",
        [
            ({"labels": "kind"}, "no named columns"),
            ({"image_size": 8}, "--image-size is for a folder"),
        ],
    )
    def test_options_that_do_not_go_with_an_npy(self, save_npy, option, message):
        with pytest.raises(DataError, match=message):
            load(save_npy(np.ones((2, 3))), **option)

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    @pytest.mark.parametrize("fraction", [0, 0.1, 0.99])
    def test_npz_cut_short(self, tmp_path, rng, save, fraction):
        path = tmp_path / "a.npz"
        save(path, x=rng.random((30, 9)), y=np.arange(30))
        content = path.read_bytes()
        path.write_bytes(content[: int(fraction * len(content))])
        with pytest.raises(DataError, match="a.npz: is empty, damaged, cut short"):
            load(path)

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_npz_with_a_flipped_byte(self, tmp_path, rng, save):
        path = tmp_path / "a.npz"
        save(path, x=rng.random((30, 9)))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(DataError, match="a.npz: is empty, damaged, cut short"):
            load(path)

    @pytest.mark.parametrize("content", [b"", b"no array at all", b"\x93NUMPY\x01\x00"])
    def test_npy_damaged(self, tmp_path, content):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(DataError, match="a.npy: is empty, damaged, cut short"):
            load(tmp_path / "a.npy")

    def test_npy_cut_short(self, save_npy, rng):
        path = save_npy(rng.random((9, 9)), "a.npy")
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(DataError, match="a.npy: is empty, damaged, cut short"):
            load(path)

    def test_objects_are_never_unpickled(self, tmp_path, save_npy):
        ragged = np.array([[1, 2], [3]], dtype=object)
        np.savez(tmp_path / "a.npz", x=ragged)
        for path in (save_npy(ragged, "a.npy"), tmp_path / "a.npz"):
            with pytest.raises(DataError, match="holds Python objects; expected"):
                load(path)

    @pytest.mark.parametrize(
        "x, message",
        [
            (np.ones((2, 3), complex), "real numbers, got .* complex128"),
            (np.full((2, 3), "a"), "real numbers, got an array of dtype <U1"),
            (np.zeros((2, 3), "datetime64[s]"), "real numbers, got .* datetime64"),
            (np.ones(6), r"expected \(rows, features\) or images .* got shape \(6,\)"),
            (np.float64(3), r"got shape \(\)"),
            (np.ones((1, 2, 2, 2, 2)), r"got shape \(1, 2, 2, 2, 2\)"),
            (np.ones((0, 3)), r"at least one row .* got shape \(0, 3\)"),
            (np.ones((3, 0)), r"one feature, got shape \(3, 0\)"),
        ],
    )
    def test_refused(self, save_npy, x, message):
        with pytest.raises(DataError, match=message):
            load(save_npy(x))

    def test_unknown_suffix(self, tmp_path):
        (tmp_path / "x.mat").write_bytes(b"1")
        message = "'.mat'; expected .* .npy, .npz, .csv, .tsv, .txt, .xlsx, .parquet"
        with pytest.raises(DataError, match=message):
            load(tmp_path / "x.mat")


class TestValues:
    @pytest.mark.parametrize(
        "x, expected, note",
        [
            (np.array([[0, 51, 255]]), [[0, 0.2, 1]], "integers 0..255 divided by 255"),
            (np.array([[0, 51]], np.uint8), [[0, 0.2]], "integers 0..51 divided by 25"),
            (np.array([[0, 1], [1, 1]]), [[0, 1], [1, 1]], "values 0..1"),
            (np.array([[0, 256]]), [[0, 256]], "values 0..256"),
            (np.array([[-1, 2]]), [[-1, 2]], "values -1..2"),
            (np.array([[True, False]]), [[1, 0]], "values 0..1"),
            (np.array([[0.0, 255.0]]), [[0, 255]], "values 0..255"),
            (np.array([[1.5]], ">f8"), [[1.5]], "values 1.5..1.5"),
            (np.array([[2]], ">u2"), [[2 / 255]], "integers 2..2 divided by 255"),
        ],
    )
    def test_scale_of_images(self, save_npy, x, expected, note):
        dataset = load(save_npy(x[None]))
        assert dataset.x.dtype == np.dtype("f4")
        np.testing.assert_array_equal(dataset.x, np.float32([expected]))
        assert note in dataset.describe().splitlines()[-1]

    @pytest.mark.parametrize("kind", ["u1", "i8", ">f4", "f8"])
    def test_tables_are_standardised(self, save_npy, rng, kind):
        x = rng.integers(0, 255, (50, 3)).astype(kind)
        dataset = load(save_npy(x))
        expected = (x - x.mean(0, float)) / x.std(0, dtype=float)
        np.testing.assert_allclose(dataset.x, expected, rtol=1e-5, atol=1e-6)
        assert dataset.describe().endswith("standardised")
        dataset = load(save_npy(x), standardize=False)
        np.testing.assert_array_equal(dataset.x, x.astype("f4"))
        np.testing.assert_array_equal(dataset.unstandardized().x, x.astype("f4"))

    def test_standardised_in_double_precision(self, save_npy, rng):
        """Numbers that are equal in single precision differ."""
        x = 1.7e9 + rng.normal(size=(50, 1))
        assert len(np.unique(x.astype("f4"))) == 1
        expected = (x - x.mean()) / x.std()
        np.testing.assert_allclose(load(save_npy(x)).x, expected, rtol=1e-4, atol=1e-5)

    def test_a_constant_is_zero(self, save_npy):
        x = np.array([[1.0, 1e9], [2, 1e9]])
        np.testing.assert_array_equal(load(save_npy(x)).x, [[-1, 0], [1, 0]])

    @pytest.mark.parametrize("stream", [False, True])
    def test_empty_values_are_the_mean(self, save_npy, stream):
        x = np.array([[1, np.nan], [3, 5], [np.nan, 7]])
        dataset = load(save_npy(x), standardize=False, stream=stream)
        np.testing.assert_array_equal(dataset.x[:], [[1, 6], [3, 5], [2, 7]])
        assert "2 empty values (NaN) read as the mean" in dataset.describe()

    def test_not_finite(self, save_npy):
        x = np.zeros((6, 4))
        x[2, 3], x[4, 0], x[4, 1] = np.inf, np.inf, -np.inf
        message = r"3 values \(the first in row 2, column 3, counted from 0\)"
        with pytest.raises(DataError, match=message):
            load(save_npy(x, "100%s.npy"))

    def test_not_finite_in_an_image(self, save_npy):
        x = np.zeros((3, 4, 5))
        x[1, 2, 3] = np.nan
        message = "1 values .* row 1, column 2, 3"
        with pytest.raises(DataError, match=message):
            load(save_npy(x))

    def test_too_large_for_float32(self, save_npy):
        with pytest.raises(DataError, match="row 1, column 0.* too large for float32"):
            load(save_npy(np.array([[1.0], [1e39]])))

    def test_memory_and_passes(self, save_npy, rng):
        """The peak is the stored and the converted array: no mask, no second copy."""
        path = save_npy(rng.integers(256, size=(40_000, 10, 10), dtype=np.uint8))
        load(path)  # imports
        tracemalloc.start()
        dataset = load(path)
        n_bytes = dataset.x.nbytes
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1.1 * (path.stat().st_size + n_bytes)
        assert dataset.extremes == (dataset.x.min(), dataset.x.max())

    def test_extremes_of_rows_that_were_selected(self, save_npy):
        x = np.arange(24.0).reshape(6, 4) / 20
        dataset = load(save_npy(x), standardize=False)
        assert dataset.extremes == (0, np.float32(1.15))
        assert dataset.select_rows((0, 4)).extremes == (0, np.float32(0.95))
        train, test = dataset.split(0.5, seed=0)
        assert train.extremes == (train.x.min(), train.x.max())
        assert test.extremes == (test.x.min(), test.x.max())


class TestImageShape:
    @pytest.mark.parametrize("shape", [(16, 16), (8, 8, 4), (16, 16, 1), (4, 64)])
    @pytest.mark.parametrize("stream", [False, True])
    def test_rows_of_an_array(self, save_npy, rng, shape, stream):
        x = rng.integers(256, size=(10, 256), dtype=np.uint8)
        dataset = load(save_npy(x), stream=stream, image_shape=shape)
        assert dataset.input_shape == shape and dataset.is_image
        expected = (x / np.float32(255)).reshape(10, *shape)
        np.testing.assert_array_equal(dataset.x[:], expected)
        np.testing.assert_array_equal(dataset.select_rows((3, 5)).x[:], expected[3:6])

    def test_rows_of_a_fortran_array_on_disk(self, save_npy, rng):
        x = rng.normal(size=(10, 16)).astype("f4")
        dataset = load(save_npy(np.asfortranarray(x)), stream=True, image_shape=(4, 4))
        np.testing.assert_array_equal(dataset.x[2:7], x.reshape(10, 4, 4)[2:7])

    def test_columns_of_a_table_without_its_labels(self, write_csv, rng):
        x = rng.integers(256, size=(10, 12))
        x[0, :2] = 0, 255
        header = [*map(str, range(12)), "label"]
        rows = [header, *np.column_stack([x, np.arange(10) % 3]).tolist()]
        dataset = load(write_csv(rows), image_shape=(2, 2, 3))
        expected = np.float32(x).reshape(10, 2, 2, 3) / np.float32(255)
        np.testing.assert_array_equal(dataset.x, expected)
        assert dataset.labels.tolist() == [0, 1, 2] * 3 + [0]

    def test_a_convolutional_model_takes_the_rows(self, save_npy, rng):
        x = load(save_npy(rng.random((6, 256))), image_shape=(16, 16)).x
        model = models.vanilla.build((16, 16), 2, network=networks.Conv(), seed=0)
        assert model.reconstruct(x).shape == (6, 16, 16)

    def test_images_of_this_shape_already(self):
        assert load("digits", image_shape=(8, 8)).input_shape == (8, 8)

    @pytest.mark.parametrize(
        "source_shape, shape, message",
        [
            ((3, 250), (16, 16), r"--image-shape: .* \(250,\). .* \(16, 16\), 256 v"),
            ((3, 12), (12,), "expected height, width and perhaps channels"),
            ((3, 16), (-4, -4), "expected height, width and perhaps channels"),
            ((3, 4, 4), (2, 8), r"shape is \(4, 4\). Received: \(2, 8\), 16 values"),
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    def test_refused(self, save_npy, source_shape, shape, message, stream):
        with pytest.raises(DataError, match=message):
            load(save_npy(np.ones(source_shape)), stream=stream, image_shape=shape)


class TestChecks:
    def test_unit_interval(self, save_npy):
        data.check_unit_interval(load("digits"))
        x = np.array([[0.0, 0.5], [1.0, 1.5], [-2.0, 7.0]])
        dataset = load(save_npy(x), standardize=False)
        message = r"lie in \[0, 1\] .* Received: -2 to 7; use --likelihood gaussian"
        with pytest.raises(DataError, match=message):
            data.check_unit_interval(dataset)

    @pytest.mark.parametrize(
        "batch_size, n_components, option",
        [(9, 2, "--batch-size 9"), (4, 9, "--n-components 9")],
    )
    def test_enough_rows(self, save_npy, batch_size, n_components, option):
        dataset = load(save_npy(np.ones((8, 2))))
        data.check_enough_rows(dataset, batch_size=8, n_components=8)
        with pytest.raises(DataError, match=f"{option}: x has only 8 rows"):
            data.check_enough_rows(dataset, batch_size, n_components)
