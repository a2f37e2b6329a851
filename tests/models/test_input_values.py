"""Values that a model cannot be trained on are refused before the first step."""

import numpy as np
import pytest

from models import VARIANTS


@pytest.fixture(scope="module")
def bernoulli():
    model = VARIANTS["bernoulli"]((3,), 2, (4,), seed=0)
    model.compile("adam")
    return model


@pytest.mark.parametrize("low, high", [(-1.0, 1.0), (0.0, 1.5), (0.0, 255.0)])
def test_values_outside_the_unit_interval(bernoulli, rng, low, high):
    x = rng.uniform(low, high, (10, 3))
    x[0, :2] = low, high
    before = bernoulli.get_weights()
    with pytest.raises(
        ValueError, match=rf"x must lie in \[0, 1\].*{low:g} to {high:g}"
    ):
        bernoulli.fit(x, verbose=0)
    for old, new in zip(before, bernoulli.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("call", ["fit", "evaluate", "encode", "latents"])
def test_values_that_are_no_numbers(rng, call, value):
    model = VARIANTS["vanilla"]((3,), 2, (4,), seed=0)
    model.compile("adam")
    x = rng.normal(size=(10, 3))
    x[7, 1] = value
    with pytest.raises(
        ValueError, match=f"x must be finite .*{value} in row 7, col.* 1 "
    ):
        getattr(model, call)(x)


def test_a_gaussian_takes_any_real_values(rng):
    model = VARIANTS["vanilla"]((3,), 2, (4,), seed=0)
    model.compile("adam")
    history = model.fit(rng.uniform(-3, 3, (10, 3)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
