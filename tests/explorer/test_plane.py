"""The plane of the scatter plot: projecting, lifting back, and clicks."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from models.explorer.state import find_clicked_point
from models.plotting.plane import fit_plane


@pytest.fixture
def latents(rng):
    """Two rounds of 50 latents in five correlated dimensions."""
    return [rng.normal(size=(50, 5)) @ rng.normal(size=(5, 5)) + 3 for _ in range(2)]


def test_many_dimensions_are_projected_as_scikit_learn_does(latents):
    pca = PCA(2).fit(np.concatenate(latents))
    fitted = fit_plane(latents)
    points = fitted.project(latents[0])
    np.testing.assert_allclose(points, pca.transform(latents[0]), atol=1e-10)
    first, second = 100 * pca.explained_variance_ratio_
    assert fitted.names == (f"PC 1 ({first:.0f} %)", f"PC 2 ({second:.0f} %)")


def test_a_point_lifted_from_the_mean_is_the_inverse_pca(latents, rng):
    pca = PCA(2).fit(np.concatenate(latents))
    point, fitted = rng.normal(size=2), fit_plane(latents)
    z = fitted.lift(point, np.concatenate(latents).mean(axis=0))
    np.testing.assert_allclose(z, pca.inverse_transform([point])[0], atol=1e-10)


def test_a_point_lifted_from_an_example_keeps_what_is_outside_the_plane(latents, rng):
    fitted, base, point = fit_plane(latents), latents[0][7], rng.normal(size=2)
    z = fitted.lift(point, base)
    np.testing.assert_allclose(fitted.project(z), point, atol=1e-10)
    outside = PCA(5).fit(np.concatenate(latents)).components_[2:]
    np.testing.assert_allclose(outside @ z, outside @ base, atol=1e-10)
    np.testing.assert_allclose(fitted.lift(fitted.project(base), base), base)


@pytest.mark.parametrize("dims", [1, 2])
def test_one_and_two_dimensions_are_their_own_plane(rng, dims):
    z = rng.normal(size=(20, dims))
    fitted = fit_plane([z])
    np.testing.assert_array_equal(fitted.project(z), z)
    np.testing.assert_array_equal(fitted.lift(z[3], z[0]), z[3])
    assert fitted.names == ("z1", "z2")[:dims]


def test_a_click_selects_the_nearest_point_within_reach_in_pixels():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 100.0]])
    pixel = np.array([0.1, 10.0])  # 100 of y are as wide on the screen as 1 of x
    near = [([0.3, 0], 0), ([0.7, 0], 1), ([0.1, 60], 2), ([0.5, 0], None)]
    near += [([0, 49], 0), ([-3, 0], None), ([0, -81], None), ([0, -79], 0)]
    for point, expected in near:
        reach = 4.9 if expected is None and point[0] == 0.5 else 8
        assert find_clicked_point(points, point, pixel, reach) == expected, point
