"""Folders of images as people have them: read, and it is said how; or refused."""

import numpy as np
import pytest
from PIL import Image

from models.data import load
from models.data.errors import DataError


class Folder:
    """A folder that images are written to; their pixels are the number of the image."""

    def __init__(self, path):
        self.path, self.n_images = path, 0

    def add(self, name, size=(3, 4), mode="L", **options):
        self.n_images += 1
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = 10 * self.n_images
        colour = colour if mode in ("L", "I;16") else (colour,) * len(mode)
        Image.new(mode, size[::-1], colour).save(path, **options)
        return path


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "images")


def grey(folder, n=3):
    for i in range(n):
        folder.add(f"a{i}.png")


def hidden_files(folder):
    grey(folder)
    folder.add(".hidden.png")
    folder.add(".thumbs/b.png")
    folder.add("__MACOSX/._a0.png")
    (folder.path / ".DS_Store").write_bytes(b"1")


def other_files(folder):
    grey(folder)
    (folder.path / "notes.md").write_text("notes")
    (folder.path / "labels.csv").write_text("a\n1\n")


def zero_bytes(folder):
    grey(folder)
    (folder.path / "b.png").write_bytes(b"")


def truncated(folder):
    grey(folder)
    path = folder.add("b.png", mode="L", size=(80, 80))
    path.write_bytes(path.read_bytes()[:60])


def no_image(folder):
    grey(folder)
    (folder.path / "b.jpg").write_text("<html>404</html>")


def deep(folder):
    grey(folder)
    folder.add("b.png", mode="I;16")


def animated(folder):
    grey(folder)
    frames = [Image.new("L", (4, 3), 40), Image.new("L", (4, 3), 200)]
    frames[0].save(folder.path / "b.gif", save_all=True, append_images=frames[1:])


def colours(folder):
    grey(folder)
    folder.add("b.png", mode="RGB")


def four_inks(folder):
    folder.path.mkdir()
    for i in range(3):
        Image.new("CMYK", (4, 3), (0, 0, 0, 255 - 51 * i)).save(
            folder.path / f"{i}.tif"
        )


def labelled(folder):
    for name in ("u/a.png", "v/a.png", "v/deep/b.png"):
        folder.add(name)


def partly_labelled(folder):
    for name in ("u/a.png", "v/a.png", "top.png"):
        folder.add(name)


def one_sub_folder(folder):
    for name in ("2021/a.png", "2021/b.png"):
        folder.add(name)


def turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    folder.add("a.png")
    folder.add("b.jpg", size=(4, 3), exif=exif, quality=100)


def upper_case(folder):
    for name in ("A.PNG", "B.Jpeg", "c d (1).png"):
        folder.add(name)


def several_sizes(folder):
    folder.add("a.png")
    folder.add("b.png", size=(6, 6))
    folder.add("c.png", size=(3, 4))


FOLDERS = {
    hidden_files: ({}, [10, 20, 30], ["3 rows of 3 x 4; no labels"]),
    other_files: ({}, [10, 20, 30], ["files that are no images: labels.csv, notes.md"]),
    zero_bytes: ({}, [10, 20, 30], ["1 images left out: ", "b.png: is empty"]),
    truncated: ({}, [10, 20, 30], ["1 images left out: ", "cut short"]),
    no_image: ({}, [10, 20, 30], ["1 images left out: ", "b.jpg: is empty, damaged"]),
    deep: ({}, [10, 20, 30], ["1 images left out: ", "expected 8-bit pixels"]),
    animated: ({}, [10, 20, 30, 40], ["1 images of several frames: the first one is"]),
    colours: ({}, [10, 20, 30, 40], ["3 x 4 x 3", "images in grey and in colour"]),
    four_inks: ({}, [0, 51, 102], ["3 rows of 3 x 4 x 3"]),
    labelled: ({}, [10, 20, 30], ["labels: sub-folders (2)"]),
    partly_labelled: ({}, [30, 10, 20], ["no labels", "top.png lie in none"]),
    one_sub_folder: ({}, [10, 20], ["no labels: all images lie in 2021"]),
    turned: ({}, [10, 20], ["2 rows of 3 x 4"]),
    upper_case: ({}, [10, 20, 30], ["3 rows of 3 x 4"]),
    several_sizes: (
        {"image_size": (3, 4)},
        [10, 20, 30],
        ["resized from 2 sizes to 3 x 4 (stretch)"],
    ),
}


@pytest.mark.parametrize("make", FOLDERS, ids=lambda make: make.__name__)
def test_folders_that_are_read(folder, make):
    make(folder)
    options, values, sentences = FOLDERS[make]
    dataset = load(folder.path, **options)
    pixels = dataset.x.reshape(len(dataset.x), -1) * 255
    np.testing.assert_allclose(pixels, np.array(values)[:, None] + 0 * pixels, atol=1)
    for sentence in (*sentences, "divided by 255"):
        assert sentence in dataset.describe()


def only(make, *kept):
    def without(folder):
        make(folder)
        for path in folder.path.iterdir():
            if path.name not in kept:
                path.unlink()

    return without


@pytest.mark.parametrize(
    "make, message",
    [
        (several_sizes, "b.png: is 6 x 6, expected 3 x 4 .*image_size .--image-size."),
        (only(deep, "b.png"), "b.png: expected 8-bit pixels.*save it as an 8-bit"),
        (only(zero_bytes, "b.png"), "b.png: is empty.*expected an image, so save"),
        (only(truncated, "b.png", "a0.png"), "b.png: is empty, damaged, cut short"),
        (only(other_files, "notes.md"), "no images in this folder; .* holds notes.md"),
        (lambda folder: folder.path.mkdir(), "no images in this folder; expected fil"),
    ],
)
def test_folders_that_are_refused(folder, make, message):
    make(folder)
    with pytest.raises(DataError, match=message):
        load(folder.path)
