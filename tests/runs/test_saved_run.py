"""A finished run, opened again, and what is refused."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special, stats

from models.data.errors import DataError
from models.runs import saved_run
from models.runs.rounds import LATENTS, MIXTURE, Round, round_arrays
from models.runs.saved_run import SavedRun

OLD_RUN = Path(__file__).parent / "old_run"


def make_round(rng, n=20, dim=2, k=3):
    factor = rng.normal(size=(k, dim, dim))
    z, z_mean, z_log_var = rng.normal(size=(3, n, dim))
    return Round(
        z=z,
        z_mean=z_mean,
        z_log_var=z_log_var,
        classes=rng.integers(k, size=n),
        responsibilities=rng.dirichlet(np.ones(k), size=n),
        weights=rng.dirichlet(np.ones(k)),
        means=rng.normal(0, 3, size=(k, dim)),
        precisions=np.einsum("kij,klj->kil", factor, factor) + np.eye(dim),
        model=[rng.normal(size=(2, 3)), rng.normal(size=3)],
    )


def make_run(folder, rounds):
    """A folder of these rounds; its model has two weights."""
    config = {"variant": "serket", "data": "digits", "labels": None}
    (folder / "config.json").write_text(json.dumps(config))
    last = {"last": {"round": len(rounds)}}
    (folder / "metrics.json").write_text(json.dumps(last))
    np.savez(folder / "rounds.npz", **round_arrays(rounds))
    run = SavedRun(folder)
    weights = [SimpleNamespace(path=f"decoder/{i}") for i in range(2)]
    vars(run)["model"] = SimpleNamespace(weights=weights)  # as if it was loaded
    return run


@pytest.fixture
def rounds(rng):
    return [make_round(rng) for _ in range(3)]


@pytest.fixture
def run(tmp_path, rounds):
    return make_run(tmp_path, rounds)


# --- Rounds ---------------------------------------------------------------------------


def assert_same_round(saved, expected):
    for name in LATENTS + MIXTURE:
        np.testing.assert_array_equal(getattr(saved, name), getattr(expected, name))
    for weight, same in zip(saved.model, expected.model, strict=True):
        np.testing.assert_array_equal(weight, same)


def test_every_round_is_read_as_it_was_written(run, rounds):
    assert run.n_rounds == 3
    for number, expected in enumerate(rounds, start=1):
        assert_same_round(run.round(number), expected)
    np.testing.assert_array_equal(run.round().z, rounds[-1].z)
    np.testing.assert_array_equal(run.round().points, rounds[-1].z_mean)


def test_a_round_without_a_mixture_and_of_any_posterior(tmp_path, rng):
    rounds = [Round(z=rng.normal(size=(4, 2)), model=[np.ones(2)] * 2)] * 2
    saved = make_run(tmp_path, rounds).round(1)
    assert_same_round(saved, rounds[0])
    assert saved.mixture is None and saved.classes is None and saved.z_mean is None
    np.testing.assert_array_equal(saved.points, rounds[0].z)


def test_every_second_row_of_a_round(rounds):
    half = rounds[0].every(2)
    for name in LATENTS:
        expected = getattr(rounds[0], name)[::2]
        np.testing.assert_array_equal(getattr(half, name), expected)
    np.testing.assert_array_equal(half.means, rounds[0].means)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_rounds_it_never_had_are_refused(run, number):
    with pytest.raises(ValueError, match=f"--round must be 1 to 3, .*: {number}"):
        run.round(number)


# --- The mixture, by SciPy ------------------------------------------------------------


def test_the_mixture_has_the_density_and_the_classes_of_its_parameters(rng):
    saved = make_round(rng)
    z = rng.normal(0, 3, size=(50, 2))
    log_joint = [
        np.log(w) + stats.multivariate_normal(m, np.linalg.inv(p)).logpdf(z)
        for w, m, p in zip(saved.weights, saved.means, saved.precisions, strict=True)
    ]
    log_prob = special.logsumexp(log_joint, axis=0)
    np.testing.assert_allclose(saved.mixture.score_samples(z), log_prob)
    np.testing.assert_array_equal(saved.mixture.predict(z), np.argmax(log_joint, 0))


def test_an_empty_class_takes_no_part(rng):
    saved = make_round(rng)
    saved.weights[:] = 0.0, 0.4, 0.6
    z = rng.normal(size=(9, 2))
    assert np.isfinite(saved.mixture.score_samples(z)).all()
    assert not (saved.mixture.predict(saved.means) == 0).any()
    _, classes = saved.mixture.sample(500)
    assert set(classes) == {1, 2}


def test_samples_have_the_moments_of_their_class(rng):
    saved = make_round(rng)
    for k in range(3):
        mixture = saved.mixture
        mixture.weights_, mixture.random_state = np.eye(3)[k], 0
        samples, classes = mixture.sample(20_000)
        assert (classes == k).all()
        covariance = np.linalg.inv(saved.precisions[k])
        sd = np.sqrt(np.diag(covariance))
        error = (samples.mean(axis=0) - saved.means[k]) / sd * np.sqrt(20_000)
        assert np.abs(error).max() < 4.5
        # a covariance has a standard error of at most sqrt(2 / n) sd_i sd_j
        difference = (np.cov(samples.T) - covariance) / np.outer(sd, sd)
        assert np.abs(difference).max() < 4.5 * np.sqrt(2 / 20_000)


# --- Runs of an earlier release -------------------------------------------------------


def test_an_old_run_opens_with_the_present_names():
    run = SavedRun(OLD_RUN)
    expected = {"rows": [0, 59], "test_fraction": 0.2, "gmm_message": "collapsed"}
    assert run.config.items() >= expected.items()
    assert not {"range", "hold_out", "message", "log_every"} & set(run.config)
    assert (len(run.dataset.x), len(run.test.x), run.n_rounds) == (48, 12, 2)


@pytest.mark.parametrize("number", [1, 2])
def test_the_weights_of_an_old_round_are_put_into_the_model(number):
    """The latents in the file are those that the code of that release computed."""
    run = SavedRun(OLD_RUN)
    saved = run.round(number)
    run.model.set_weights(saved.model)
    z_mean, z_log_var = run.model.encode(run.dataset.x)
    np.testing.assert_allclose(z_mean, saved.z_mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(z_log_var, saved.z_log_var, rtol=1e-4, atol=1e-6)
    assert np.array_equal(saved.mixture.predict(saved.z), saved.classes)


def test_the_former_name_warns():
    with pytest.warns(FutureWarning, match="SavedRun"):
        assert saved_run.Run(OLD_RUN).n_rounds == 2


# --- What is refused ------------------------------------------------------------------


def test_a_name_is_a_folder_below_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text('{"variant": "beta"}')
    assert SavedRun("mine").path.resolve() == tmp_path / "runs" / "mine"
    assert SavedRun(tmp_path / "runs" / "mine").n_rounds == 0
    with pytest.raises(DataError, match="RUN other: .* no such run.*runs/ holds mine"):
        SavedRun("other")


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"epochs": 3}', "\x00\x01"])
def test_a_damaged_configuration_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(DataError, match="config.json"):
        SavedRun(tmp_path)


@pytest.mark.parametrize("number", ['"1"', "-1", "1.5", "null"])
def test_a_number_of_rounds_that_is_none_is_refused(run, number):
    text = f'{{"last": {{"round": {number}}}}}'
    for content in (text, "{}", "[]", '{"last": []}'):
        (run.path / "metrics.json").write_text(content)
        with pytest.raises(DataError, match="metrics.json"):
            SavedRun(run.path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not the folder of a run"):
        SavedRun(tmp_path)


@pytest.mark.parametrize("name", ["rounds.npz", "metrics.json"])
def test_damaged_files_are_refused(run, name):
    (run.path / name).write_bytes(b"nothing")
    with pytest.raises(DataError, match=name):
        SavedRun(run.path).round(1)
