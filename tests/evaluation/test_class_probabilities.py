"""Classes of a mixture under q(z|x), not at one point of it."""

import numpy as np
from scipy import special, stats
from sklearn.mixture import GaussianMixture

from models.evaluation.latent_statistics import class_probabilities


def fitted(rng):
    z = np.concatenate([rng.normal(-2, 0.5, (80, 2)), rng.normal(2, 2.0, (80, 2))])
    return GaussianMixture(2, random_state=0).fit(z), z


def test_it_is_the_expected_log_density_under_q(rng):
    mixture, z = fitted(rng)
    mean, log_var = z[:5] + 1.0, rng.uniform(-2, 0, (5, 2))
    noise = rng.standard_normal((200_000, 1, 2))
    draws = mean + np.exp(0.5 * log_var) * noise
    expected = np.stack(
        [
            np.log(mixture.weights_[k])
            + stats.multivariate_normal(mixture.means_[k], mixture.covariances_[k])
            .logpdf(draws)
            .mean(axis=0)
            for k in range(2)
        ],
        axis=1,
    )
    found = class_probabilities(mixture, mean, log_var)
    np.testing.assert_allclose(found, special.softmax(expected, axis=1), atol=0.01)
    at_the_mean = mixture.predict_proba(mean)
    assert np.abs(found - at_the_mean).max() > 0.05  # the variance matters here


def test_points_are_sorted_as_scikit_learn_does(rng):
    mixture, z = fitted(rng)
    expected = mixture.predict_proba(z)
    np.testing.assert_allclose(class_probabilities(mixture, z), expected, atol=1e-12)
