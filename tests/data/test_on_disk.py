"""Data that stay on disk: the same values as in memory, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from models.blocks.ondisk_array import Rows, of_map
from models.data import check_unit_interval, load, loading
from models.data.errors import DataError


def assert_same(path, **options):
    """Compares the data set in memory and on disk; returns the latter."""
    memory, disk = (load(path, stream=s, **options) for s in (False, True))
    assert isinstance(disk.x, Rows) and disk.is_on_disk and not memory.is_on_disk
    assert disk.x.shape == memory.x.shape and disk.x.dtype == np.float32
    np.testing.assert_array_equal(disk.x[:], memory.x)
    assert (disk.name, disk.label_names) == (memory.name, memory.label_names)
    assert disk.is_image == memory.is_image
    assert "read as they are needed" in disk.describe()
    return disk


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "int16", "bool"])
@pytest.mark.parametrize("high", [1, 200, 700])
@pytest.mark.parametrize("shape", [(30, 4, 3), (30, 6)])
def test_an_npy(save_npy, rng, kind, high, shape):
    high = min(high, 255) if kind == "uint8" else high
    x = rng.integers(0, high + 1, size=shape).astype(kind)
    x[0, 0], x[1, 0] = 0, high
    disk = assert_same(save_npy(x))
    assert disk.extremes == (disk.x[:].min(), disk.x[:].max())


def test_negative_integers_and_fortran_order(save_npy, rng):
    x = rng.integers(-5, 90, (30, 4, 1))
    disk = assert_same(save_npy(np.asfortranarray(x)))
    assert "values -5..89" in disk.describe()
    with pytest.raises(DataError, match=r"lie in \[0, 1\] .* Received: -5 to 89"):
        check_unit_interval(disk)


def test_a_file_of_labels_and_selected_rows(save_npy, rng, tmp_path):
    np.savetxt(tmp_path / "labels.csv", np.arange(30) % 3, "%d")
    disk = assert_same(save_npy(rng.random((30, 4))), labels=tmp_path / "labels.csv")
    selected = disk.select_rows((10, 19))
    assert selected.is_on_disk and selected.extremes == (
        disk.x[10:20].min(),
        disk.x[10:20].max(),
    )
    np.testing.assert_array_equal(selected.x[:], disk.x[10:20])
    np.testing.assert_array_equal(selected.labels, np.arange(10, 20) % 3)
    np.testing.assert_array_equal(disk.every(7).x, disk.x[::7])


def test_a_large_npy_stays_on_disk_by_itself(save_npy, rng, monkeypatch):
    path = save_npy(rng.random((30, 4)))
    assert not load(path).is_on_disk
    monkeypatch.setattr(loading, "LIMIT", 500)
    assert load(path).is_on_disk and not load(path, stream=False).is_on_disk


def test_a_large_table_is_the_same_bit_for_bit(save_npy, rng, monkeypatch):
    """Also if it is read in several parts."""
    x = rng.normal(1e6, 3, size=(150_000, 3))
    x[::7, 1] = np.nan
    disk = assert_same(save_npy(x))
    np.testing.assert_array_equal(disk.x[65_000:66_000], disk.x[:][65_000:66_000])
    expected = (x[:, 0] - x[:, 0].mean()) / x[:, 0].std()
    np.testing.assert_allclose(disk.x[:][:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("bad", [np.inf, 1e300])
def test_values_that_are_not_finite_are_refused(save_npy, rng, bad):
    x = rng.random((30, 4))
    x[7, 2] = x[9, 1] = bad
    with pytest.raises(DataError, match="but 2 values .the first in row 7, column 2"):
        load(save_npy(x), stream=True)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((3,)), "expected .rows, features. or images"),
        (np.zeros((0, 3)), r"got shape \(0, 3\)"),
        (np.array([["a", "b"]]), "expected real numbers"),
    ],
)
def test_wrong_arrays_are_refused(save_npy, x, message):
    with pytest.raises(DataError, match=message):
        load(save_npy(x), stream=True)


def test_a_file_cut_short_is_refused(save_npy, rng):
    path = save_npy(rng.random((30, 4)))
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DataError, match="is empty, damaged, cut short"):
        load(path, stream=True)


@pytest.mark.parametrize("source", ["a.npz", "a.csv", "a.parquet", "digits"])
def test_other_data_cannot_stay_on_disk(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", x=np.zeros((3, 4)))
    for name in ("a.csv", "a.parquet"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="--stream is for an .npy file or a folder of"):
        load(source, stream=True)


def test_options_that_do_not_go_with_data_on_disk(save_npy, rng):
    with pytest.raises(DataError, match="--test-fraction 0.5: .* a file of its own"):
        load(save_npy(rng.random((30, 4))), stream=True).split(0.5, 0)
    with pytest.raises(DataError, match="--labels kind: .* no named columns"):
        load(save_npy(rng.random((30, 4))), labels="kind", stream=True)


def test_the_former_name_of_from_memmap_warns(save_npy, rng):
    x = rng.integers(256, size=(5, 4), dtype=np.uint8)
    stored = np.load(save_npy(x), mmap_mode="r")
    with pytest.warns(FutureWarning, match=r"now from_memmap\(array, scale\)"):
        rows = of_map(stored, white=255)
    np.testing.assert_array_equal(rows[:], x / np.float32(255))


# --- Folders of images ----------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, rng):
    """A folder with nine images in three sub-folders; one is in colour."""
    for i in range(9):
        place = tmp_path / "images" / "abc"[i % 3]
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(256, size=(5, 4, 3) if i == 4 else (5, 4))
        Image.fromarray(pixels.astype("uint8")).save(place / f"{i}.png")
    return tmp_path / "images"


@pytest.mark.parametrize("size", [None, 3])
def test_a_folder_of_images(folder, size):
    disk = assert_same(folder, image_size=size)
    assert disk.input_shape == ((5, 4, 3) if size is None else (3, 3, 3))
    assert disk.label_names == ("a", "b", "c")
    assert disk.x[2:2].shape == (0, *disk.input_shape)


def test_grey_images(folder):
    (folder / "b" / "4.png").unlink()
    assert assert_same(folder).input_shape == (5, 4)


def test_images_of_another_size_are_refused(folder):
    Image.new("L", (9, 9)).save(folder / "c" / "9.png")
    with pytest.raises(DataError, match="is 9 x 9, expected 5 x 4 as in"):
        load(folder, stream=True)


def test_a_damaged_image_is_named_when_it_is_read(folder):
    path = folder / "c" / "8.png"
    path.write_bytes(path.read_bytes()[:60])
    disk = load(folder, stream=True)
    with pytest.raises(DataError, match="8.png: is empty, damaged, cut short"):
        disk.x[:]
