"""Moved images: against SciPy's affine maps, and what a network makes of them."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage

import models
from models.networks import MLP, Augmented, Conv
from models.networks.augmentation import RandomAffine


@pytest.fixture
def images(rng):
    return rng.random((6, 9, 12)).astype("float32")


@pytest.mark.parametrize("channels", [(), (2,)])
def test_each_image_is_moved_by_the_map_that_was_drawn(images, channels, monkeypatch):
    """SciPy's maps go from (row, column) of the result to those of the source."""
    u = np.random.default_rng(1).uniform(-1, 1, (6, 4)).astype("float32")
    monkeypatch.setattr(keras.random, "uniform", lambda *_, **__: ops.array(u))
    x = np.stack([images] * 2, axis=-1) if channels else images
    moved = np.array(RandomAffine((30.0, 0.2, 0.1, 0.3))(x, training=True))
    assert moved.shape == x.shape
    moved = moved[..., 1] if channels else moved
    middle = np.array([4.0, 5.5])
    for image, result, (rotation, zoom, across, down) in zip(
        images, moved, u, strict=True
    ):
        angle = np.radians(30) * rotation
        c, s = np.cos(angle), np.sin(angle)
        matrix = (1 + 0.2 * zoom) * np.array([[c, s], [-s, c]])
        offset = middle - matrix @ middle + [9 * 0.3 * down, 12 * 0.1 * across]
        expected = ndimage.affine_transform(
            image, matrix, offset, order=1, mode="nearest"
        )
        np.testing.assert_allclose(result, expected, atol=1e-4)


def test_every_step_has_maps_of_its_own_and_evaluation_none(images):
    affine = RandomAffine(seed=3)
    one, two = (np.array(affine(images, training=True)) for _ in range(2))
    assert (one != two).any() and (one != images).any()
    np.testing.assert_array_equal(affine(images), images)
    again = RandomAffine.from_config(affine.get_config())
    np.testing.assert_array_equal(again(images, training=True), one)
    np.testing.assert_allclose(
        RandomAffine((0, 0, 0, 0))(images, training=True), images
    )


@pytest.mark.parametrize("network", [MLP(), Conv((2,), dense=4)])
def test_an_augmented_network_learns_and_encodes_images_as_they_are(
    data, make, train, network, tmp_path
):
    model = make("vanilla", network=Augmented(network))
    plain = make("vanilla", network=network)
    assert train(model, 6)["loss"][-1] < train(make("vanilla"), 1)["loss"][0]
    weights = trained_weights(model)
    own = trained_weights(plain)
    for weight, other in zip(own, weights, strict=True):
        weight.assign(keras.ops.convert_to_numpy(other))
    np.testing.assert_allclose(model.encode(data), plain.encode(data), rtol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    assert train(loaded, 2) == train(model, 2)


def trained_weights(model):
    layers = (model.encoder, model.posterior, model.decoder)
    return [w for layer in layers for w in layer.trainable_weights]


def test_what_cannot_be_augmented_is_refused():
    with pytest.raises(ValueError, match=r"needs images.* Received: the shape \(4,\)"):
        models.bernoulli.build((4,), network=Augmented())
    with pytest.raises(ValueError):
        models.conditional.build((4, 3), network=Augmented())
    for wrong in ({"rotation": 180}, {"zoom": -0.1}, {"shift": True}):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"{name} must be a number >= 0"):
            Augmented(**wrong)
