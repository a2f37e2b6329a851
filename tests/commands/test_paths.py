"""python -m models.interpolate and models.traverse."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import models
from models.data import load
from models.traverse import make_title, plot_traversal


def model_and_x(run_of, data, run):
    sources = {"serket": "table.npz", "colour": "colour.npz"}
    x = load(data / sources.get(run, "digits.npz")).x
    return models.load(run_of(run) / "model.keras"), x


def in_units(run, data, x):
    """x, or its mean, in the units of the data: those of the table are scaled."""
    if run != "serket":
        return x
    table = np.load(data / "table.npz")["x"]
    return table.std(axis=0) * x + table.mean(axis=0)


def frames_in(path):
    with Image.open(path) as gif:
        assert gif.format == "GIF" and gif.info["loop"] == 0
        return gif.n_frames


def decoded(model, z, *label):
    x_mean = model.decode(z.reshape(-1, z.shape[-1]), *label)
    return x_mean.reshape(*z.shape[:2], *x_mean.shape[1:])


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# Interpolation


@pytest.mark.parametrize("run", ["serket", "colour"])
def test_both_paths_lead_from_one_example_to_the_other(run, done, run_of, data):
    result = done("interpolate", run, "--from", 3, "--to", 50, "--steps", 5)
    model, x = model_and_x(run_of, data, run)
    (first, last), _ = model.encode(x[[3, 50]])
    linear, spherical = result.z
    close(linear, np.linspace(first, last, 5))
    close(spherical[[0, -1]], [first, last])
    if model.latent_dim > 1:
        lengths = np.linalg.norm(spherical, axis=1)
        close(lengths, np.linspace(lengths[0], lengths[-1], 5))
    close(result.x_mean, in_units(run, data, decoded(model, result.z)))
    close(result.x, in_units(run, data, x[[3, 50]]))
    files, gif = {"interpolation.npz", "interpolation.png"}, "interpolation.gif"
    if run == "serket":  # a table is no film
        assert result.left == files
        return
    assert result.left == files | {gif}
    assert frames_in(result.folder / gif) == 8  # 5 forwards, and 3 in between backwards


def test_the_label_of_the_first_example_is_decoded_unless_another_is_given(
    done, run_of, data, digits
):
    model, x = model_and_x(run_of, data, "conditional")
    ends = ["--from", 3, "--to", 4, "--steps", 2]
    result = done("interpolate", "conditional", *ends)
    rows = model.encode(x[[3, 4]], digits[1][[3, 4]])[0]
    close(result.z[0], rows)
    close(result.x_mean, decoded(model, result.z, 3))
    result = done("interpolate", "conditional", *ends, "--label", "8")
    close(result.x_mean, decoded(model, result.z, 8))


def test_a_flow_is_interpolated_between_its_points(done, run_of, data):
    result = done("interpolate", "flow", "--from", 3, "--to", 50, "--steps", 3)
    vae, x = model_and_x(run_of, data, "flow")
    close(result.z[0], np.linspace(*vae.latents(x[[3, 50]]), 3))
    close(result.x_mean, decoded(vae, result.z))


# Traversal


def kl_of(z_mean, z_log_var, mean=0.0, precision=1.0):
    """KL(N(z_mean, exp z_log_var) || N(mean, 1 / precision)), by dimension."""
    squares = np.exp(z_log_var) + (z_mean - mean) ** 2
    kl = precision * squares - 1 - z_log_var - np.log(precision)
    return kl.mean(axis=0) / 2


@pytest.mark.parametrize("run", ["serket", "colour"])
def test_a_row_of_a_traversal_changes_one_dimension(run, done, run_of, data):
    result = done("traverse", run, "--steps", 4, "--range", 2)
    model, x = model_and_x(run_of, data, run)
    kl = kl_of(*model.encode(x))
    assert result.dims.tolist() == (1 + np.argsort(-kl)).tolist()
    close(result.kl, np.sort(kl)[::-1])
    close(result.values, [-2, -2 / 3, 2 / 3, 2])
    expected = np.zeros((model.latent_dim, 4, model.latent_dim))
    for row, d in enumerate(result.dims):
        expected[row, :, d - 1] = result.values
    close(result.z, expected)
    close(result.x_mean, in_units(run, data, decoded(model, result.z)))
    files, gif = {"traversal.npz", "traversal.png"}, "traversal.gif"
    if run == "serket":
        assert result.left == files | {"latent_effects.png"}
        return
    assert result.left == files | {gif}
    assert frames_in(result.folder / gif) == 6


def test_a_traversal_from_an_example_of_chosen_dimensions(done, run_of, data):
    model, x = model_and_x(run_of, data, "serket")
    options = "--row 5 --dims 2 1 --steps 3 --range 1".split()
    result = done("traverse", "serket", *options)
    start = model.encode(x[[5]])[0][0]
    expected = np.tile(start, (2, 3, 1))
    expected[0, :, 1] = expected[1, :, 0] = [-1, 0, 1]
    assert result.dims.tolist() == [2, 1]
    close(result.z, expected)


def test_a_learned_prior_is_the_start_and_the_scale_of_a_traversal(
    done, run_of, data, digits
):
    model, x = model_and_x(run_of, data, "conditional")
    result = done("traverse", "conditional", "--label", "7", "--steps", 3)
    z, _ = model.sample(4000, 7, seed=0)
    start, d = result.z[0, 1], result.dims[0] - 1
    np.testing.assert_allclose(start, z.mean(axis=0), atol=0.1)
    assert np.abs(start).max() > 1e-3  # it was learned
    assert (result.z[0, 2, d] - start[d]) / 3 == pytest.approx(z[:, d].std(), rel=0.05)
    close(result.x_mean, decoded(model, result.z, 7))
    row = done("traverse", "conditional", "--row", 5, "--steps", 2)
    close(row.x_mean, decoded(model, row.z, digits[1][5]))
    other = 1 - (row.dims[0] - 1)
    close(row.z[0, :, other], model.encode(x[[5]], digits[1][[5]])[0][0, other])


def test_without_a_gaussian_prior_the_latents_are_the_scale(done, run_of, data):
    result = done("traverse", "flow", "--steps", 3, "--range", 2)
    vae, x = model_and_x(run_of, data, "flow")
    z = vae.latents(x)
    first, second = np.argsort(-z.std(axis=0))
    assert result.dims.tolist() == [first + 1, second + 1]
    close(result.sd, z.std(axis=0)[[first, second]])
    expected = np.tile(z.mean(axis=0), (3, 1))
    expected[:, first] += np.array([-2, 0, 2]) * z[:, first].std()
    close(result.z[0], expected)
    title = make_title(SimpleNamespace(row=None, dims=None), 2, "sd", "latents")
    assert "standard deviations of the latents (the prior is not Gaussian)" in title


def test_twenty_of_many_dimensions_are_shown_and_the_title_says_so():
    title = make_title(SimpleNamespace(row=None, dims=None), 30, "KL", "prior")
    assert title.startswith("The 20 of 30 dimensions with the largest KL")
    x_mean, values = np.zeros((30, 40, 2, 2)), np.linspace(-3, 3, 40)
    figure = plot_traversal(x_mean, ["z"] * 30, values, title)
    (ax,) = figure.axes
    assert len(ax.get_yticks()) == 20 and len(ax.get_xticks()) == 20
    assert ax.get_xticklabels()[0].get_text() == "−3"
