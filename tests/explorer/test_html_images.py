"""Images as HTML, and the colours of labels and classes."""

import re
import tracemalloc
from base64 import b64decode
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from models.blocks.ondisk_array import ArrayRows
from models.explorer.colours import make_colourings
from models.explorer.html_images import ImageRenderer
from models.plotting.style import GREY, PALETTE


def pixels(html):
    """The array in an <img>."""
    code = re.search(r'base64,([^"]+)"', html)[1]
    return np.asarray(Image.open(BytesIO(b64decode(code))))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3)])
def test_an_image_is_rendered_pixel_by_pixel(rng, shape):
    x = rng.uniform(size=(3, *shape))
    drawn = pixels(ImageRenderer(x).render(x[1]))
    expected = np.rint(255 * x[1].squeeze()).astype(np.uint8)
    np.testing.assert_array_equal(drawn, expected)


def test_black_and_white_are_the_extremes_of_data_outside_0_1(rng):
    x = rng.uniform(-3, 5, (20, 4, 4))
    x.flat[:2] = -3, 5
    drawn = pixels(ImageRenderer(x).render(np.full((4, 4), 1.0)))
    assert np.all(drawn == 128)
    assert np.all(pixels(ImageRenderer(x).render(np.full((4, 4), 99.0))) == 255)


def test_nan_is_rendered_as_zero(rng):
    x = rng.uniform(size=(3, 4, 4))
    assert np.all(pixels(ImageRenderer(x).render(np.full((4, 4), np.nan))) == 0)


def data_with(labels, names=None):
    return SimpleNamespace(
        x=np.zeros((len(labels), 2)), labels=labels, label_names=names
    )


def test_classes_have_the_colours_of_their_matched_labels():
    labels = np.repeat([0, 1, 2], 10)
    classes = np.repeat([2, 0, 1], 10)
    classes[:3] = 5  # a class without a label of its own
    both = make_colourings(data_with(labels, ["a", "b", "c"]), classes)
    by_label, by_class = both["label"], both["class"]
    for label, k in ((0, 2), (1, 0), (2, 1)):
        assert by_class.colours[k] == by_label.colours[label]
    assert by_class.colours[5] not in by_label.colours.values()
    assert by_class.describe_example(0) == ("5", by_class.colours[5])
    assert by_label.describe_example(29) == ("c", by_label.colours[2])
    for each in both.values():
        np.testing.assert_array_equal(np.take([*each.colours], each.codes), each.values)


def test_more_values_than_colours_are_a_range():
    labels = np.arange(50) % 30
    many = make_colourings(data_with(labels, [*map(str, range(30))]), None)["label"]
    palette = {*many.colours.values()}
    assert len(palette) == 30 and not palette & {*PALETTE}
    np.testing.assert_array_equal(many.codes, labels)
    classes = make_colourings(data_with(labels, [*range(30)]), labels % 3)["class"]
    assert [*classes.colours.values()] == PALETTE[:3]


def test_data_without_labels_and_classes_are_grey():
    data = SimpleNamespace(x=np.zeros((4, 2)), labels=None, label_names=None)
    (grey,) = make_colourings(data, None).values()
    assert [grey.describe_example(i)[1] for i in range(4)] == [GREY] * 4
    assert list(make_colourings(data, np.arange(4))) == ["class"]


def test_images_on_disk_are_not_read_at_once():
    """The limits are those of 100 000 images, a third of a GB, in parts of 32 MB."""
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    x = ArrayRows(np.broadcast_to(image, (100_000, 28, 28)))
    tracemalloc.start()
    try:
        assert ImageRenderer(x).limits == (0, 255)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1e8
