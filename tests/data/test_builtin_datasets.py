"""The built-in data sets: rows, classes and scale; files, downloads and names."""

import numpy as np
import pytest

from models.data import load
from models.data.errors import DataError


@pytest.fixture
def small_mnist(tmp_path, rng):
    """A function that writes a file like mnist.npz; pixels hold row and class."""

    def write(n_rows):
        labels = rng.permutation(np.arange(n_rows) % 10).astype(np.uint8)
        rows = np.arange(n_rows)
        images = np.zeros((n_rows, 28, 28), np.uint8)
        images[:, 0, 0], images[:, 0, 1] = rows % 256, rows // 256
        images[:, 0, 2], images[:, 0, 3] = labels, 255
        test = {"x_test": images[:5], "y_test": labels[:5]}
        path = tmp_path / "download.npz"
        np.savez(path, x_train=images, y_train=labels, **test)
        return path, images, labels

    return write


class TestDigits:
    def test_values(self):
        digits = load("digits")
        assert digits.name == "digits"
        assert digits.x.shape == (1797, 8, 8)
        assert digits.x.dtype == np.float32 and digits.x.flags.c_contiguous
        assert digits.x.max() == 1 and np.all(digits.x * 16 == np.round(digits.x * 16))
        assert digits.labels.dtype == np.int64
        assert digits.label_names == tuple("0123456789")
        assert digits.describe() == (
            "digits: 1797 rows of 8 x 8; 10 classes\n  integers 0..16 divided by 16"
        )
        assert digits.input_shape == (8, 8)
        assert digits.is_image and digits.extremes == (0, 1)

    def test_other_labels_from_a_file(self, save_npy):
        parity = load("digits").labels % 2
        digits = load("digits", labels=save_npy(parity))
        np.testing.assert_array_equal(digits.labels, parity)
        assert digits.label_names == ("0", "1")

    @pytest.mark.parametrize(
        "option, message",
        [
            ({"labels": "species"}, "--labels species: digits has no named columns"),
            ({"image_size": 16}, "--image-size is for a folder"),
        ],
    )
    def test_options_that_do_not_fit(self, option, message):
        with pytest.raises(DataError, match=message):
            load("digits", **option)


class TestFromAFile:
    @pytest.mark.parametrize("prefix, name", [("mnist:", "mnist"), ("", "download")])
    def test_mnist_with_and_without_its_name(self, small_mnist, prefix, name):
        path, images, labels = small_mnist(100)
        mnist = load(f"{prefix}{path}")
        assert mnist.name == name
        np.testing.assert_array_equal(mnist.x, images.astype(np.float32) / 255)
        np.testing.assert_array_equal(mnist.labels, labels)

    def test_serket_takes_300_of_each_class_in_turn(self, small_mnist):
        path, images, labels = small_mnist(12_000)
        rows = [[] for _ in range(10)]
        for row in range(5000, 12_000):
            rows[labels[row]].append(row)
        expected = [rows[n % 10][n // 10] for n in range(3000)]
        serket = load(f"serket:{path}")
        assert serket.name == "serket"
        assert serket.x.shape == (3000, 28, 28)
        np.testing.assert_array_equal(serket.x, np.float32(images[expected]) / 255)
        np.testing.assert_array_equal(serket.labels, np.arange(3000) % 10)

    def test_serket_equals_the_file_of_the_tutorial(self, mnist_path):
        serket = load(f"serket:{mnist_path}")
        with np.load(mnist_path.with_name("serket_digits.npz")) as tutorial:
            pixels, labels = tutorial["image"], tutorial["label"]
        np.testing.assert_array_equal(
            np.round(serket.x.reshape(3000, 784) * 255), pixels
        )
        np.testing.assert_array_equal(serket.labels, labels)

    def test_serket_needs_enough_images(self, small_mnist):
        path, _, _ = small_mnist(7000)
        with pytest.raises(DataError, match="300 images of each class"):
            load(f"serket:{path}")

    def test_mnist_refuses_another_kind_of_file(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=np.ones((4, 784)), y=np.arange(4))
        with pytest.raises(DataError, match=r"expected images \(n, 28, 28\)"):
            load(f"mnist:{tmp_path / 'a.npz'}")


class TestDownload:
    @pytest.mark.parametrize(
        "name, keras_name",
        [("mnist", "mnist"), ("fashion_mnist", "fashion_mnist"), ("serket", "mnist")],
    )
    @pytest.mark.parametrize(
        "error",
        [
            Exception("URL fetch failure"),  # what Keras raises without a network
            ValueError("Incomplete or corrupted file detected"),
            EOFError("Compressed file ended"),  # gzip, of a file cut short
        ],
    )
    def test_failed(self, monkeypatch, name, keras_name, error):
        def load_data():
            raise error

        monkeypatch.setattr(f"keras.datasets.{keras_name}.load_data", load_data)
        with pytest.raises(DataError, match=f"{error}.*give {name}:PATH") as refusal:
            load(name)
        assert refusal.value.__cause__ is error

    @pytest.mark.parametrize(
        "name, label_names",
        [("mnist", ["9", "0"]), ("fashion_mnist", ["Ankle boot", "T-shirt/top"])],
    )
    def test_training_images(self, monkeypatch, name, label_names):
        def load_data():
            train = np.full((2, 28, 28), 51, np.uint8), np.array([9, 0], np.uint8)
            return train, (np.zeros((1, 28, 28), np.uint8), np.array([5], np.uint8))

        monkeypatch.setattr(f"keras.datasets.{name}.load_data", load_data)
        dataset = load(name)
        assert dataset.name == name and dataset.x.shape == (2, 28, 28)
        assert np.all(dataset.x == np.float32(0.2))
        assert [dataset.label_names[code] for code in dataset.labels] == label_names


class TestNames:
    @pytest.mark.parametrize(
        "source, message",
        [
            ("digit", "did you mean 'digits'"),
            ("MNIST", "did you mean 'mnist'"),
            ("fashon-mnist", "did you mean 'fashion_mnist'"),
            ("no/such/file_at_all.npz", "nothing of that name; check the path"),
            (
                "mnist:nowhere.npz",
                "mnist:nowhere.npz: .* nothing of that name",
            ),
            ("digits:anything.npz", "leave out the path"),
        ],
    )
    def test_nothing_there(self, source, message):
        with pytest.raises(DataError, match=message):
            load(source)


def test_a_file_with_the_name_of_a_built_in_set_is_read(tmp_path):
    x = np.arange(15.0).reshape(5, 3)
    np.savez(tmp_path / "digits.npz", x=x)
    dataset = load(tmp_path / "digits.npz", standardize=False)
    np.testing.assert_array_equal(dataset.x, x)
    assert (dataset.name, dataset.kind) == ("digits", "custom")
