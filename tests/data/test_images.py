"""Folders of images: pixels, order, labels and sizes; what is refused."""

import numpy as np
import pytest
from PIL import Image

from models.data import load
from models.data.errors import DataError

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def save_image(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


class TestImages:
    def test_grey_in_sorted_order(self, tmp_path):
        for k, name in enumerate(["c.png", "a.bmp", "b.tif"]):
            save_image(tmp_path / "set.v1" / name, GREY + k)
        dataset = load(tmp_path / "set.v1")
        expected = np.stack([GREY + 1, GREY + 2, GREY])
        np.testing.assert_array_equal(dataset.x, expected.astype(np.float32) / 255)
        assert dataset.name == "set.v1" and dataset.labels is None
        assert dataset.describe() == (
            "set.v1: 3 rows of 3 x 4; no labels\n  integers divided by 255"
        )

    def test_sub_folders_are_labels(self, tmp_path):
        for name in ("07/b.png", "07/deep/a.png", "10/a.png", "cat/z.png"):
            save_image(tmp_path / name, GREY)
        dataset = load(tmp_path)
        assert dataset.labels.tolist() == [0, 0, 1, 2]
        assert dataset.label_names == ("07", "10", "cat")

    def test_no_labels_if_an_image_lies_outside(self, tmp_path):
        for name in ("a/b.png", "c.png"):
            save_image(tmp_path / name, GREY)
        assert load(tmp_path).labels is None

    def test_one_in_colour_makes_all_colour(self, tmp_path, rng):
        colour = rng.integers(0, 256, (3, 4, 3))
        save_image(tmp_path / "a.png", GREY)
        save_image(tmp_path / "b.png", colour)
        dataset = load(tmp_path)
        assert dataset.x.shape == (2, 3, 4, 3) and dataset.is_image
        np.testing.assert_array_equal(np.round(dataset.x[1] * 255), colour)
        for channel in range(3):
            values = np.round(dataset.x[0, ..., channel] * 255)
            np.testing.assert_array_equal(values, GREY)

    def test_alpha_is_dropped(self, tmp_path, rng):
        colour = rng.integers(0, 256, (3, 4, 4))
        save_image(tmp_path / "colour" / "a.png", colour)
        pixels = load(tmp_path / "colour").x * 255
        np.testing.assert_array_equal(np.round(pixels[0]), colour[..., :3])
        grey = np.stack([GREY, 255 - GREY], axis=-1)
        save_image(tmp_path / "grey" / "a.png", grey)
        pixels = load(tmp_path / "grey").x * 255
        np.testing.assert_array_equal(np.round(pixels[0]), GREY)

    def test_other_files_are_ignored(self, tmp_path):
        save_image(tmp_path / "a.PNG", GREY)
        save_image(tmp_path / ".hidden.png", GREY[:2])
        save_image(tmp_path / ".thumbs" / "a.png", GREY[:2])
        (tmp_path / "notes.md").write_text("no image")
        assert load(tmp_path).x.shape == (1, 3, 4)

    def test_different_sizes(self, tmp_path):
        save_image(tmp_path / "a.png", GREY)
        save_image(tmp_path / "b.png", GREY[:2])
        message = r"b.png: is 2 x 4, expected 3 x 4 .* image_size \(--image-size\)"
        with pytest.raises(DataError, match=message):
            load(tmp_path)

    @pytest.mark.parametrize("size, shape", [(5, (5, 5)), ((2, 6), (2, 6))])
    def test_resized(self, tmp_path, size, shape):
        save_image(tmp_path / "a.png", np.full((3, 4), 51))
        save_image(tmp_path / "b.png", np.full((8, 2), 51))
        dataset = load(tmp_path, image_size=size)
        assert dataset.x.shape == (2, *shape)
        assert np.all(dataset.x == np.float32(0.2))

    def test_cropped_and_padded(self, tmp_path):
        """The columns of 2 x 6 pixels: 0, 0, 100, 200, 0, 0."""
        save_image(tmp_path / "a.png", np.tile([0, 0, 100, 200, 0, 0], (2, 1)))
        stretched, cropped, padded = (
            np.round(load(tmp_path, image_size=size, resize=resize).x[0] * 255)
            for size, resize in ((2, "stretch"), (2, "crop"), (6, "pad"))
        )
        assert stretched.max() < 200
        np.testing.assert_array_equal(cropped, [[100, 200]] * 2)
        expected = np.zeros((6, 6))
        expected[2:4] = [0, 0, 100, 200, 0, 0]
        np.testing.assert_array_equal(padded, expected)

    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize("orientation, k", [(1, 0), (3, 2), (6, -1), (8, 1)])
    def test_turned_as_the_camera_was(self, tmp_path, orientation, k, stream):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = Image.fromarray(np.rot90(GREY, -k).copy())
        image.save(tmp_path / "a.png", exif=exif)
        pixels = load(tmp_path, stream=stream).x[0] * 255
        np.testing.assert_array_equal(np.round(pixels), GREY)

    def test_one_that_cannot_be_read_is_left_out(self, tmp_path):
        for name in ("u/a.png", "v/b.png", "v/c.png"):
            save_image(tmp_path / name, GREY)
        (tmp_path / "u" / "broken.png").write_bytes(b"no image")
        dataset = load(tmp_path)
        assert len(dataset.x) == 3 and dataset.labels.tolist() == [0, 1, 1]
        assert "1 images left out: " in dataset.describe()
        assert "broken.png: is empty, damaged" in dataset.describe()

    @pytest.mark.parametrize("size", [0, (4, -1)])
    def test_size_below_one(self, tmp_path, size):
        save_image(tmp_path / "a.png", GREY)
        with pytest.raises(DataError, match="--image-size: .* above 0"):
            load(tmp_path, image_size=size)

    @pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tif", "webp"])
    def test_damaged(self, tmp_path, rng, suffix):
        noise = rng.integers(0, 256, (40, 40))
        whole = save_image(tmp_path / f"a.{suffix}", noise).read_bytes()
        (tmp_path / f"b.{suffix}").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match=rf"b.{suffix}: is .*damaged.* an image"):
            load(tmp_path)

    def test_deep_pixels(self, tmp_path):
        Image.fromarray(np.full((3, 4), 40_000, np.uint16)).save(tmp_path / "a.png")
        with pytest.raises(DataError, match="a.png: expected 8-bit pixels"):
            load(tmp_path)

    def test_no_images(self, tmp_path):
        (tmp_path / "notes.md").write_text("no image")
        with pytest.raises(DataError, match="no images in this folder; .*.png"):
            load(tmp_path)

    def test_folder_has_no_columns(self, tmp_path):
        save_image(tmp_path / "a.png", GREY)
        with pytest.raises(DataError, match="no named columns"):
            load(tmp_path, labels="kind")
