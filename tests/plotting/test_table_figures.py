"""The figures of a table and a model, against the arrays of both."""

import numpy as np
import pandas
import pytest

import models
from models import data
from models.cli import report, table_figures
from models.evaluation.latent_effects import latent_effects
from models.runs.rounds import Round


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("table") / "t.csv"
    columns = {"pay": rng.normal(40_000, 5_000, 50), "age": rng.normal(40, 9, 50)}
    columns["age"][4] = np.nan
    columns |= {"town": rng.choice(["Bern", "Oslo", "Rome"], 50)}
    pandas.DataFrame(columns).to_csv(path, index=False)
    return data.load(path).fit_preprocessing()


@pytest.fixture(scope="module")
def vae(dataset):
    return models.vanilla.build(dataset.input_shape, 2, (8,), seed=0)


def test_effects_are_finite_differences_of_the_decoder(vae, dataset, rng):
    z = rng.normal([1, -2], [0.5, 2], (80, 2))
    effects = latent_effects(vae, z, np.full(dataset.input_shape, 0.5))
    mean, sd = z.mean(axis=0), z.std(axis=0)
    for d in range(2):
        step = np.eye(2)[d] * sd
        change = vae.decode([mean + step]) - vae.decode([mean - step])
        np.testing.assert_allclose(effects[d], change[0] / 0.5, atol=1e-5)


def test_the_heat_map_of_a_run_is_in_standard_deviations_of_the_columns(vae, dataset):
    z = vae.latents(dataset.x)
    effects = table_figures.find_effects(dataset, vae, z)
    image = table_figures.draw_effects(dataset, effects).axes[0].get_images()[0]
    expected = latent_effects(vae, z, dataset.x.std(axis=0))
    order = np.argsort(-np.square(expected).sum(axis=1))
    np.testing.assert_allclose(image.get_array(), expected[order].T, atol=1e-6)


def test_reconstructions_are_in_the_users_units_without_empty_cells(vae, dataset):
    x_mean = vae.reconstruct(dataset.x)
    figure = table_figures.draw_reconstructions(dataset, x_mean)
    axes = {ax.get_title(): ax for ax in figure.axes}
    points = axes["age"].collections[0].get_offsets().data
    values = dataset.values.raw(slice(None))[:, 1]
    filled = ~np.isnan(values)
    predicted = dataset.preprocessing.inverse(x_mean)[:, 1]
    np.testing.assert_array_equal(points[:, 0], values[filled])
    np.testing.assert_allclose(points[:, 1], predicted[filled], rtol=1e-5)
    assert filled.sum() == 49 and axes["town"].get_images()


def test_the_plane_of_a_table_is_in_the_users_units(vae, dataset):
    z = vae.latents(dataset.x)
    figure = report.draw_manifold(vae, dataset, Round(z=z, model=[]), None)
    axes = {ax.get_title(): ax for ax in figure.axes}
    drawn = axes["pay"].get_images()[0].get_array()
    low = z.mean(axis=0) - 2 * z.std(axis=0)  # the lower left corner
    expected = dataset.preprocessing.inverse(vae.decode(low[None]))[0, 0]
    assert drawn[-1, 0] == pytest.approx(expected, rel=1e-4)


def test_the_picture_of_latents_shows_the_means_of_q_not_draws(dataset, rng):
    z, z_mean = rng.normal(size=(2, 50, 2))
    last = Round(z=z, z_mean=z_mean, z_log_var=z, model=[])
    points = report.draw_latents(dataset, [last]).axes[0].collections[0].get_offsets()
    drawn = points.data[np.lexsort(points.data.T)]
    np.testing.assert_allclose(drawn, z_mean[np.lexsort(z_mean.T)])
