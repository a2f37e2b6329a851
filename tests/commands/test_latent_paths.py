"""Paths through a latent space, against closed forms."""

import numpy as np
import pytest

from models.evaluation.latent_paths import along_axes, linear, spherical


def test_a_linear_path_has_even_steps_between_its_ends(rng):
    first, last = rng.normal(size=(2, 5))
    path = linear(first, last, 7)
    np.testing.assert_array_equal(path[[0, -1]], [first, last])
    np.testing.assert_allclose(
        np.diff(path, axis=0), np.tile((last - first) / 6, (6, 1))
    )


@pytest.mark.parametrize("angle", [1e-3, 0.5, np.pi / 2, 3.0, np.pi - 1e-3])
def test_slerp_on_the_unit_sphere_is_a_rotation_at_an_even_pace(angle, rng):
    plane, _ = np.linalg.qr(rng.normal(size=(6, 2)))  # any plane through the origin

    def at(turn):
        return np.stack([np.cos(turn), np.sin(turn)], axis=-1) @ plane.T

    path = spherical(at(0.0), at(angle), 9)
    np.testing.assert_allclose(path, at(np.linspace(0, angle, 9)), atol=1e-9)


def test_slerp_ends_where_it_should_and_its_length_changes_evenly(rng):
    first, last = 3 * rng.normal(size=(2, 4))
    path = spherical(first, last, 11)
    np.testing.assert_allclose(path[[0, -1]], [first, last])
    lengths = np.linalg.norm(path, axis=1)
    np.testing.assert_allclose(np.diff(lengths), (lengths[-1] - lengths[0]) / 10)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ([1.0, 2.0], [3.0, 6.0]),
        ([1.0, 2.0], [-2.0, -4.0]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([1.0, 1.0], [0.0, 0.0]),
        ([2.0], [5.0]),
        ([2.0], [-5.0]),
    ],
    ids="parallel opposite from-0 to-0 one-dimension through-0".split(),
)
def test_without_one_great_circle_slerp_is_straight(first, last):
    first, last = np.array(first), np.array(last)
    np.testing.assert_array_equal(spherical(first, last, 5), linear(first, last, 5))


def test_float32_latents_stay_finite(rng):
    first, last = rng.normal(size=(2, 3)).astype("float32")
    for end in (last, first, -first, first * np.float32(1 + 1e-7)):
        assert np.isfinite(spherical(first, end, 4)).all()


def test_along_axes_one_coordinate_moves_and_the_others_stay(rng):
    start = rng.normal(size=4)
    values = rng.normal(size=(2, 3))
    z = along_axes(start, [3, 0], values)
    assert z.shape == (2, 3, 4)
    np.testing.assert_array_equal(z[0, :, 3], values[0])
    np.testing.assert_array_equal(z[1, :, 0], values[1])
    np.testing.assert_array_equal(z[0, :, :3], np.tile(start[:3], (3, 1)))
    np.testing.assert_array_equal(z[1, :, 1:], np.tile(start[1:], (3, 1)))
