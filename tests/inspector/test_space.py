"""What a tab shows, without a browser: data, drawings, neighbours, rounds, labels."""

import json
import shutil

import numpy as np
import pytest

from models import explorer
from models.data.errors import DataError
from models.explorer.page import Page
from models.explorer.space import Space
from models.explorer.state import SLIDERS, State, shown_dimensions
from models.runs.saved_run import Run

FAR = np.array([50.0, 50.0])
PIXEL = np.array([0.01, 0.01])


@pytest.fixture(params=["serket", "strip", "conditional"])
def space(request, space_of):
    return space_of(request.param)


@pytest.fixture
def state(space):
    return State(space)


def assert_drawn(state, z):
    """The state draws z, as the model itself decodes it."""
    np.testing.assert_allclose(state.z, z, atol=1e-6)
    model = Run(state.space.run.path).model
    kept = state.space.run.round(state.round)
    model.set_weights(kept.model)
    expected = model.decode(np.reshape(z, (1, -1)), state.label)[0]
    np.testing.assert_allclose(state.drawn, expected, atol=1e-5)


def test_it_begins_at_the_mean_of_the_last_round(state):
    assert state.datum is None and state.round == state.space.run.n_rounds
    assert_drawn(state, state.space.run.round().z_mean.mean(axis=0))


def test_a_click_on_a_point_chooses_its_datum(state):
    at = state.space.points[state.round][17]
    state.click(at, PIXEL * 1e-6)
    assert state.datum == 17 and state.source == "datum 17"
    assert_drawn(state, state.latents.z_mean[17])
    np.testing.assert_array_equal(state.x, state.space.data.x[17])
    np.testing.assert_array_equal(state.reconstruction, state.drawn)


def test_a_click_beside_all_points_draws_the_place(state):
    state.click(FAR, PIXEL)
    assert state.datum is None and state.source == "the place clicked"
    plane = state.space.plane
    place = FAR[: len(plane.axes)]
    assert_drawn(state, plane.lift(place, state.latents.z_mean.mean(axis=0)))
    np.testing.assert_allclose(state.at[: len(place)], place, rtol=1e-5)


def test_outside_the_plane_a_place_is_as_the_chosen_datum(space_of):
    state = State(space_of("serket"))
    state.choose(5)
    state.click(FAR, PIXEL)
    assert state.datum == 5 and state.source == "the place clicked, else as datum 5"
    assert_drawn(state, state.space.plane.lift(FAR, state.latents.z_mean[5]))


def test_neighbours_are_the_nearest_in_all_dimensions(state):
    state.choose(3)
    z = state.latents.z_mean.astype(float)
    distances = np.linalg.norm(z - z[3], axis=1)
    distances[3] = np.inf
    found, at = state.neighbours
    np.testing.assert_array_equal(found, np.argsort(distances)[:8])
    np.testing.assert_allclose(at, np.sort(distances)[:8], atol=1e-5)


def test_a_slider_moves_one_dimension(state):
    state.choose(2)
    z = state.latents.z_mean[2].astype(float)
    assert state.move(0, 1.5) and not state.move(0, 1.5)
    z[0] = 1.5
    assert_drawn(state, z)
    state.move(0, -1.5)
    assert state.source == "datum 2, moved"


def test_sliders_span_all_latents_and_three_deviations(space):
    low, high = space.limits
    z = np.concatenate([latents.z_mean for latents in space.latents.values()])
    assert np.all(low <= np.minimum(z.min(axis=0), -3))
    assert np.all(high >= np.maximum(z.max(axis=0), 3))


def test_only_the_dimensions_with_the_largest_kl_get_sliders(rng):
    kl = rng.uniform(size=33)
    shown = shown_dimensions(kl)
    assert len(shown) == SLIDERS and np.all(np.diff(shown) > 0)
    assert kl[shown].min() >= np.delete(kl, shown).max()
    np.testing.assert_array_equal(shown_dimensions(kl[:4]), range(4))


def test_every_round_has_its_own_points_classes_and_decoder(space_of):
    state = State(space_of("serket"))
    state.choose(9)
    drawn = state.drawn
    state.to_round(1)
    kept = state.space.run.round(1)
    assert state.datum == 9
    assert_drawn(state, kept.z_mean[9])
    assert not np.allclose(state.drawn, drawn, atol=1e-3)
    state.to_class(2)
    assert state.source == "the mean of class 2"
    assert_drawn(state, kept.means[2])
    np.testing.assert_allclose(state.class_means[2], state.drawn, atol=1e-6)
    np.testing.assert_array_equal(state.class_sizes, np.bincount(kept.classes))
    state.to_round(2)
    np.testing.assert_array_equal(state.drawn, drawn)


def test_two_tabs_in_different_rounds_do_not_disturb_each_other(space_of):
    first, second = State(space_of("serket")), State(space_of("serket"))
    drawn = first.drawn
    second.to_round(1)
    assert not np.allclose(second.drawn, drawn, atol=1e-3)
    np.testing.assert_array_equal(first.drawn, drawn)


def test_a_conditional_model_decodes_with_the_label_that_was_chosen(space_of):
    page = Page(space_of("conditional"))
    assert page.label.visible and page.label.value == 0
    page.choose(7)
    own = int(page.space.data.labels[7])
    assert page.label.value == page.state.label == own
    before = page.drawing.picture.object, page.classes.tiles.tiles
    page.label.value = (own + 1) % 10
    assert_drawn(page.state, page.state.latents.z_mean[7])
    assert page.drawing.picture.object != before[0]
    assert page.classes.tiles.tiles != before[1]


def test_a_page_without_labels_is_coloured_by_class_and_has_one_slider(space_of):
    page = Page(space_of("strip"))
    assert not page.colour.visible and not page.round.visible
    assert ">class<" in page.legend.object and "match" not in page.legend.object
    (slider,) = page.drawing.sliders.sliders.values()
    page.click(FAR, PIXEL)
    assert slider.value == slider.end == 50.0
    assert slider.name.startswith("z1 (KL ")
    slider.value = 1.0
    assert "z1 1.00" in page.drawing.picture.object


def test_a_run_stopped_in_round_1_is_shown_without_classes(run_of, tmp_path):
    shutil.copytree(run_of("serket"), tmp_path / "run")
    for name in ("metrics.json", "latents.npz", "gmm.npz", "rounds.npz"):
        (tmp_path / "run" / name).unlink()
    page = Page(Space(Run(tmp_path / "run")))
    page.choose(4)
    assert not page.classes.layout.visible and page.state.round == 0
    z_mean, _ = page.space.run.model.encode(page.space.data.x)
    np.testing.assert_allclose(page.state.z, z_mean[4], atol=1e-6)


def test_data_that_have_changed_are_refused(run_of, tmp_path):
    shutil.copytree(run_of("strip"), tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    np.save(tmp_path / "fewer.npy", np.zeros((59, 5)) + np.arange(5))
    config = json.loads(path.read_text()) | {"data": str(tmp_path / "fewer.npy")}
    path.write_text(json.dumps(config))
    with pytest.raises(DataError, match="trained on 60 rows, and now there are 59"):
        Space(Run(tmp_path / "run"))


def test_latents_that_are_no_numbers_are_refused(run_of, tmp_path):
    shutil.copytree(run_of("strip"), tmp_path / "run")
    path = tmp_path / "run" / "latents.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["z_mean"][7] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="run: its latents are not all finite"):
        Space(Run(tmp_path / "run"))


def test_a_notebook_cell_displays_the_page(run_of):
    run = Run(run_of("serket"))
    html = explorer.view(run)._repr_mimebundle_()[0]["text/html"]
    assert "Latent space of" in html and "//cdn." not in html
    weights = Run(run.path).model.get_weights()
    for ours, own in zip(run.model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, own)  # the user's model is left alone
