"""What a tab shows, without a browser: examples, neighbours, rounds, labels."""

import json
import shutil

import numpy as np
import pytest

from models import explorer
from models.data.errors import DataError
from models.explorer.page import Page
from models.explorer.space import LatentSpace
from models.explorer.state import MAX_SLIDERS, ViewState, most_relevant
from models.runs.saved_run import SavedRun

FAR = np.array([50.0, 50.0])
PIXEL = np.array([0.01, 0.01])


@pytest.fixture(params=["serket", "strip", "conditional"])
def space(request, space_of):
    return space_of(request.param)


@pytest.fixture
def state(space):
    return ViewState(space)


def assert_decoded(state, z):
    """The state decodes z as the model does."""
    np.testing.assert_allclose(state.z, z, atol=1e-6)
    model = SavedRun(state.space.run.path).model
    kept = state.space.run.round(state.round)
    model.set_weights(kept.model)
    expected = model.decode(np.reshape(z, (1, -1)), state.label)[0]
    np.testing.assert_allclose(state.decoded, expected, atol=1e-5)


def test_it_starts_at_the_mean_of_the_last_round(state):
    assert state.example is None and state.round == state.space.run.n_rounds
    assert_decoded(state, state.space.run.round().z_mean.mean(axis=0))


def test_a_click_on_a_point_selects_its_example(state):
    at = state.space.points[state.round][17]
    state.click(at, PIXEL * 1e-6)
    assert state.example == 17 and state.source == "example 17"
    assert_decoded(state, state.latents.z[17])


def test_a_click_beside_all_points_decodes_the_point(state):
    state.click(FAR, PIXEL)
    assert state.example is None and state.source == "the clicked point"
    plane = state.space.plane
    point = FAR[: len(plane.axes)]
    assert_decoded(state, plane.lift(point, state.latents.z.mean(axis=0)))
    np.testing.assert_allclose(state.point[: len(point)], point, rtol=1e-5)


def test_outside_the_plane_z_is_that_of_the_selected_example(space_of):
    state = ViewState(space_of("serket"))
    state.select_example(5)
    state.click(FAR, PIXEL)
    assert (
        state.example == 5
        and state.source == "the clicked point, otherwise as example 5"
    )
    assert_decoded(state, state.space.plane.lift(FAR, state.latents.z[5]))


def test_neighbours_are_the_nearest_in_all_dimensions(state):
    state.select_example(3)
    z = state.latents.z.astype(float)
    distances = np.linalg.norm(z - z[3], axis=1)
    distances[3] = np.inf
    found, at = state.latents.nearest(3)
    np.testing.assert_array_equal(found, np.argsort(distances)[:8])
    np.testing.assert_allclose(at, np.sort(distances)[:8], atol=1e-5)


def test_a_slider_moves_one_dimension(state):
    state.select_example(2)
    z = state.latents.z[2].astype(float)
    assert state.move_slider(0, 1.5) and not state.move_slider(0, 1.5)
    z[0] = 1.5
    assert_decoded(state, z)
    state.move_slider(0, -1.5)
    assert state.source == "example 2, moved"


def test_sliders_span_all_latents_and_three_deviations(space):
    low, high = space.limits
    z = np.concatenate([latents.z for latents in space.latents.values()])
    assert np.all(low <= np.minimum(z.min(axis=0), -3))
    assert np.all(high >= np.maximum(z.max(axis=0), 3))


def test_only_the_most_relevant_dimensions_get_sliders(rng):
    relevance = rng.uniform(size=33)
    shown = most_relevant(relevance)
    assert len(shown) == MAX_SLIDERS and np.all(np.diff(shown) > 0)
    assert relevance[shown].min() >= np.delete(relevance, shown).max()
    np.testing.assert_array_equal(most_relevant(relevance[:4]), range(4))


def test_every_round_has_its_own_points_classes_and_decoder(space_of):
    state = ViewState(space_of("serket"))
    state.select_example(9)
    decoded = state.decoded
    state.select_round(1)
    kept = state.space.run.round(1)
    assert state.example == 9
    assert_decoded(state, kept.z_mean[9])
    assert not np.allclose(state.decoded, decoded, atol=1e-3)
    state.move_to_class(2)
    assert state.source == "the mean of class 2"
    assert_decoded(state, kept.means[2])
    means = state.decode(state.latents.class_means)
    np.testing.assert_allclose(means[2], state.decoded, atol=1e-6)
    state.select_round(2)
    np.testing.assert_array_equal(state.decoded, decoded)


def test_two_tabs_in_different_rounds_do_not_disturb_each_other(space_of):
    first, second = ViewState(space_of("serket")), ViewState(space_of("serket"))
    decoded = first.decoded
    second.select_round(1)
    assert not np.allclose(second.decoded, decoded, atol=1e-3)
    np.testing.assert_array_equal(first.decoded, decoded)


def test_a_conditional_model_decodes_with_the_selected_label(space_of):
    page = Page(space_of("conditional"))
    assert page.label.visible and page.label.value == 0
    page.select_example(7)
    own = int(page.space.data.labels[7])
    assert page.label.value == page.state.label == own
    before = page.decoded.picture.object, page.classes.thumbnails.items
    page.label.value = (own + 1) % 10
    assert_decoded(page.state, page.state.latents.z[7])
    assert page.decoded.picture.object != before[0]
    assert page.classes.thumbnails.items != before[1]


def test_a_page_without_labels_is_coloured_by_class(space_of):
    page = Page(space_of("strip"))
    assert not page.colour.visible and not page.round.visible
    assert ">class<" in page.legend.object and "match" not in page.legend.object
    sizes = np.bincount(page.state.latents.classes, minlength=4)
    notes = [each["note"] for each in page.classes.thumbnails.items]
    assert notes == [str(size) for size in sizes]
    (slider,) = page.decoded.sliders.values()
    page.click(FAR, PIXEL)
    assert slider.value == slider.end == 50.0
    assert slider.name.startswith("z1 (KL ")
    slider.value = 1.0
    assert "z1 1.00" in page.decoded.picture.object


def test_a_posterior_that_is_not_gaussian_is_shown_by_its_points(space_of):
    page = Page(space_of("flow"))
    z = page.space.vae.latents(page.space.data.x)
    np.testing.assert_allclose(page.state.latents.z, z, atol=1e-5)
    page.select_example(7)
    assert_decoded(page.state, z[7])
    slider, _ = page.decoded.sliders.values()
    assert slider.name == f"z1 (sd {z[:, 0].std():.2f})"
    assert not page.classes.layout.visible and [*page.state.latents.colourings] == [
        "label"
    ]


def test_a_run_stopped_in_round_1_is_shown_without_classes(run_of, tmp_path):
    shutil.copytree(run_of("serket"), tmp_path / "run")
    for name in ("metrics.json", "latents.npz", "gmm.npz", "rounds.npz"):
        (tmp_path / "run" / name).unlink()
    page = Page(LatentSpace(SavedRun(tmp_path / "run")))
    page.select_example(4)
    assert not page.classes.layout.visible and page.state.round == 0
    z_mean, _ = page.space.run.model.encode(page.space.data.x)
    np.testing.assert_allclose(page.state.z, z_mean[4], atol=1e-6)


def test_changed_data_are_refused(run_of, tmp_path):
    shutil.copytree(run_of("strip"), tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    np.save(tmp_path / "fewer.npy", np.zeros((59, 5)) + np.arange(5))
    config = json.loads(path.read_text()) | {"data": str(tmp_path / "fewer.npy")}
    path.write_text(json.dumps(config))
    with pytest.raises(DataError, match="trained on 60 rows, and now there are 59"):
        LatentSpace(SavedRun(tmp_path / "run"))


def test_latents_that_are_not_finite_are_refused(run_of, tmp_path):
    shutil.copytree(run_of("strip"), tmp_path / "run")
    path = tmp_path / "run" / "latents.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["z_mean"][7] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="run: its latents are not all finite"):
        LatentSpace(SavedRun(tmp_path / "run"))


def test_a_notebook_cell_displays_the_page(run_of):
    run = SavedRun(run_of("serket"))
    html = explorer.show_run(run)._repr_mimebundle_()[0]["text/html"]
    assert "Latent space of" in html and "//cdn." not in html
    weights = SavedRun(run.path).model.get_weights()
    for ours, own in zip(run.model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, own)  # the user's model is unchanged
