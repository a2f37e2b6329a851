"""Tables of counts, and their likelihoods on the command line."""

import numpy as np
import pytest

import models


@pytest.fixture
def counts(data):
    """The folder of the data, with a table of counts in it."""
    x = np.random.default_rng(0).poisson([3.0, 40.0, 0.5], (60, 3))
    np.savez(data / "counts.npz", x=x)
    return x


@pytest.mark.parametrize(
    "words, kind",
    [
        ("poisson", "Poisson"),
        ("negative_binomial --dispersion 2", "NegativeBinomial"),
        ("zero_inflated_negative_binomial", "ZeroInflatedNegativeBinomial"),
    ],
)
def test_counts_stay_as_they_are_and_have_their_likelihood(light, counts, words, kind):
    result = light(
        "--variant", "iwae", "--likelihood", *words.split(), name="counts.npz"
    )
    assert result.code == 0, result.err
    assert f"{kind} p(x|z)" in result.out
    model = models.load(result.folder / "model.keras")
    assert type(model.likelihood).__name__ == kind
    assert model.reconstruct(counts).shape == counts.shape
    assert model.likelihood.get_config().get("dispersion") == (
        2.0 if "2" in words else None
    )


def test_the_likelihood_of_outliers_takes_any_table(light):
    words = "--likelihood student_t --degrees-of-freedom 4 --scale learn"
    result = light("--variant", "beta", *words.split())
    assert result.code == 0 and "StudentT p(x|z)" in result.out
    likelihood = models.load(result.folder / "model.keras").likelihood
    assert likelihood.degrees_of_freedom == 4.0 and likelihood.scale is None


def test_grey_values_have_their_normalised_density(light):
    words = "--variant beta --likelihood continuous_bernoulli --epochs 1"
    result = light(*words.split(), name="images.npz")
    assert result.code == 0 and "ContinuousBernoulli p(x|z)" in result.out


def test_a_table_of_real_numbers_is_no_table_of_counts(light):
    result = light("--variant", "beta", "--likelihood", "poisson")
    assert result.code == 2
    assert "must be counts, integers >= 0" in result.err
    assert "student_t for real values" in result.err
    result = light("--variant", "beta", "--likelihood", "gaussian", "--dispersion", "2")
    assert result.code == 2 and "--dispersion is an option of" in result.err
