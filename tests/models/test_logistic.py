"""The discretised logistic likelihood: against SciPy's logistic distribution."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import special, stats

from models.variants.logistic import DiscretizedLogistic, build


def log_probabilities(levels, parameter, log_scale=-2.302585):
    """log P(x|z) of every level, by the layer, (levels,)."""
    x = np.linspace(0, 1, levels, dtype="float32")[:, None]
    layer = DiscretizedLogistic(levels)
    parameters = np.full((levels, 1), parameter, "float32")
    layer(x, parameters)
    layer.log_scale.assign(log_scale)
    return ops.convert_to_numpy(layer(x, parameters)["log_px"])[0].astype("float64")


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("parameter", [-3.0, 0.2, 8.0])
def test_the_probabilities_are_differences_of_scipys_and_sum_to_one(levels, parameter):
    log_p = log_probabilities(levels, parameter)
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-4)
    edges = (np.arange(1, levels) - 0.5) / (levels - 1)
    law = stats.logistic(special.expit(parameter), 0.1)
    expected = np.diff(np.concatenate([[0], law.cdf(edges), [1]]))
    some = expected > 1e-5
    np.testing.assert_allclose(np.exp(log_p)[some], expected[some], rtol=2e-3)


def test_it_is_finite_far_from_the_mean_and_for_a_small_scale():
    log_p = log_probabilities(256, -20.0, log_scale=-7.0)
    assert np.isfinite(log_p).all()
    # F(w/2 / s), of a level that is 2 scales wide on this side
    expected = stats.logistic.logcdf(0.5 / 255 * np.exp(7.0))
    assert log_p[0] == pytest.approx(expected, abs=1e-3)


def test_the_learned_scale_follows_the_noise_of_the_data():
    """Noise of a logistic distribution of scale s around one image."""
    rng = np.random.default_rng(0)
    noise = stats.logistic.rvs(scale=0.03, size=(300, 16), random_state=rng)
    x = np.clip(np.round((0.5 + noise) * 255), 0, 255) / 255
    model = build((16,), 1, (8,), seed=0)
    model.compile(keras.optimizers.Adam(0.03))
    model.fit(x, epochs=60, batch_size=100, verbose=0)
    scale = np.exp(float(ops.convert_to_numpy(model.likelihood.log_scale)))
    assert scale == pytest.approx(0.03, rel=0.12)


@pytest.mark.parametrize("levels", [1, 2.5, "many"])
def test_levels_that_are_no_number_of_values_are_refused(levels):
    with pytest.raises(ValueError, match="levels must be an integer >= 2"):
        DiscretizedLogistic(levels)
