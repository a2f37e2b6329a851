"""A finished run, opened again, and what is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from models.data.errors import DataError
from models.runs import saved_run
from models.runs.saved_run import Round, Run


def some_round(rng, n=20, dim=2, k=3):
    factor = rng.normal(size=(k, dim, dim))
    return Round(
        *rng.normal(size=(3, n, dim)),
        classes=rng.integers(k, size=n),
        responsibilities=rng.dirichlet(np.ones(k), size=n),
        weights=rng.dirichlet(np.ones(k)),
        means=rng.normal(0, 3, size=(k, dim)),
        precisions=np.einsum("kij,klj->kil", factor, factor) + np.eye(dim),
        model=[rng.normal(size=(2, 3)), rng.normal(size=3)],
    )


@pytest.fixture
def rounds(rng):
    return [some_round(rng) for _ in range(3)]


@pytest.fixture
def run(tmp_path, rounds):
    """Of three rounds; its model has two weights."""
    config = {"variant": "serket", "data": "digits", "labels": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "metrics.json").write_text(json.dumps({"last": {"round": 3}}))
    np.savez(tmp_path / "rounds.npz", **saved_run.round_arrays(rounds))
    run = Run(tmp_path)
    vars(run)["model"] = SimpleNamespace(weights=[0, 0])  # as if it was loaded
    return run


def test_every_round_comes_back_as_it_was(run, rounds):
    assert run.n_rounds == 3
    for number, expected in enumerate(rounds, start=1):
        for name in saved_run.LATENTS + saved_run.MIXTURE:
            kept = getattr(run.round(number), name)
            np.testing.assert_array_equal(kept, getattr(expected, name))
        for weight, same in zip(run.round(number).model, expected.model, strict=True):
            np.testing.assert_array_equal(weight, same)
    np.testing.assert_array_equal(run.round().z, rounds[-1].z)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_rounds_it_never_had_are_refused(run, number):
    with pytest.raises(ValueError, match=f"--round must be 1 to 3, .*: {number}"):
        run.round(number)


def test_a_tag_is_a_folder_below_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text('{"variant": "beta"}')
    assert Run("mine").path.resolve() == tmp_path / "runs" / "mine"
    assert Run(tmp_path / "runs" / "mine").n_rounds == 0
    with pytest.raises(DataError, match="RUN other: .* no such run.*runs/ holds mine"):
        Run("other")


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"epochs": 3}', "\x00\x01"])
def test_a_damaged_configuration_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(DataError, match="config.json"):
        Run(tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="is no folder of a run"):
        Run(tmp_path)


@pytest.mark.parametrize("name", ["rounds.npz", "metrics.json"])
def test_damaged_files_are_refused(run, name):
    (run.path / name).write_bytes(b"nothing")
    with pytest.raises(DataError, match=name):
        Run(run.path).round(1)


def test_samples_have_the_moments_of_their_class(rng):
    kept = some_round(rng)
    for k in range(3):
        draws = kept.mixture.sample(k, 20_000, rng)
        covariance = np.linalg.inv(kept.precisions[k])
        sd = np.sqrt(np.diag(covariance))
        error = (draws.mean(axis=0) - kept.means[k]) / sd * np.sqrt(20_000)
        assert np.abs(error).max() < 4.5
        # a covariance has a standard error of at most sqrt(2 / n) sd_i sd_j
        difference = (np.cov(draws.T) - covariance) / np.outer(sd, sd)
        assert np.abs(difference).max() < 4.5 * np.sqrt(2 / 20_000)
