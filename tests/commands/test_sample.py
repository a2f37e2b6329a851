"""python -m models.sample."""

import numpy as np
import pytest

import models


def mixture_of(folder):
    with np.load(folder / "gmm.npz") as stored:
        return {name: stored[name] for name in ("weights", "means", "precisions")}


def test_samples_of_the_standard_normal_are_decoded(done, run_of):
    result = done("sample", "digits", "--num-samples", 3000)
    model = models.load(run_of("digits") / "model.keras")
    assert result.left == {"samples.npz", "samples.png"}
    np.testing.assert_allclose(result.x_mean, model.decode(result.z), atol=1e-5)
    np.testing.assert_allclose(result.z.mean(axis=0), np.zeros(3), atol=0.1)
    np.testing.assert_allclose(np.cov(result.z.T), np.eye(3), atol=0.1)


@pytest.mark.parametrize("run", ["digits", "serket", "conditional", "flow"])
def test_the_seed_decides_the_samples(run, done):
    seeds = 3, 3, 4
    first, again, other = (
        done("sample", run, "--num-samples", 9, "--seed", s) for s in seeds
    )
    np.testing.assert_array_equal(first.z, again.z)
    np.testing.assert_array_equal(first.x_mean, again.x_mean)
    assert not np.isclose(first.z, other.z).any()


def test_a_model_that_takes_messages_is_sampled_from_its_mixture(done, run_of):
    result = done("sample", "serket", "--num-samples", 4000)
    mixture = mixture_of(run_of("serket"))
    shares = np.bincount(result.classes, minlength=3) / 4000
    np.testing.assert_allclose(shares, mixture["weights"], atol=0.04)
    for k in range(3):
        z = result.z[result.classes == k]
        covariance = np.linalg.inv(mixture["precisions"][k])
        off = (z.mean(axis=0) - mixture["means"][k]) / np.sqrt(np.diag(covariance))
        assert np.abs(off).max() < 5 / np.sqrt(len(z))
        whiten = np.linalg.inv(np.linalg.cholesky(covariance))
        white = whiten @ np.cov(z.T) @ whiten.T
        np.testing.assert_allclose(white, np.eye(2), atol=0.3)


def test_one_class_of_the_mixture(done, run_of):
    result = done("sample", "serket", "--num-samples", 500, "--class", 2)
    mixture = mixture_of(run_of("serket"))
    assert (result.classes == 2).all()
    scale = np.sqrt(np.diag(np.linalg.inv(mixture["precisions"][2])))
    off = (result.z.mean(axis=0) - mixture["means"][2]) / scale
    assert np.abs(off).max() < 5 / np.sqrt(500)


def test_a_run_stopped_in_its_first_round_is_sampled_from_the_prior(
    call, run_of, tmp_path
):
    for name in ("config.json", "model.keras"):
        (tmp_path / name).write_bytes((run_of("serket") / name).read_bytes())
    assert call("sample", tmp_path, "--num-samples", 9).code == 0
    expected, _ = models.load(tmp_path / "model.keras").sample(9, seed=0)
    with np.load(tmp_path / "sample-001" / "samples.npz") as stored:
        np.testing.assert_array_equal(stored["z"], expected)
        assert "classes" not in stored


def test_a_prior_that_is_not_gaussian(done):
    """A Laplace distribution: mean 0, variance 2, mean absolute value 1."""
    z = done("sample", "flow", "--num-samples", 4000).z
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(np.abs(z).mean(axis=0), 1, atol=0.07)
    np.testing.assert_allclose(z.var(axis=0), 2, atol=0.3)


def test_the_former_flag_warns(call, run_of, tmp_path):
    given = run_of("flow"), "--n", 2, "--out", tmp_path / "out"
    result = call("sample", *given)
    assert result.code == 0 and "--n is now --num-samples" in result.err


def test_a_conditional_model_is_sampled_for_every_label_in_turn(done, run_of):
    result = done("sample", "conditional", "--num-samples", 23)
    model = models.load(run_of("conditional") / "model.keras")
    assert np.bincount(result.labels).tolist() == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]
    decoded = model.decode(result.z, result.labels)
    np.testing.assert_allclose(result.x_mean, decoded, atol=1e-5)


def test_a_conditional_model_is_sampled_for_one_label(done, run_of):
    result = done("sample", "conditional", "--num-samples", 5, "--label", "7")
    assert result.labels.tolist() == [7] * 5
    model = models.load(run_of("conditional") / "model.keras")
    np.testing.assert_allclose(result.x_mean, model.decode(result.z, 7), atol=1e-5)
