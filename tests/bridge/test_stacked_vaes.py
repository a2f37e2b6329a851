"""A VAE over a VAE: messages of unit precision, metrics by name, the bound."""

import numpy as np
import pytest

import models
from serket_bridge import VAE, MessageLoop, Observation

ROUNDS = 4


def stacked(seed):
    """A loop of two VAEs after some rounds on 120 points of three groups."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 8))
    x = centres[np.arange(120) % 3] + 0.3 * rng.normal(size=(120, 8))
    lower = models.vanilla.build((8,), 4, (16,), seed=seed)
    lower = models.serket.with_prior_message(lower)
    upper = models.vanilla.build((4,), 2, (16,), seed=seed + 1)
    settings = {"itr": 10, "batch_size": 30, "learning_rate": 1e-2, "seed": seed}
    modules = [
        Observation(x),
        VAE(model=lower, name="lower", **settings),
        VAE(model=upper, name="upper", **settings),
    ]
    for parent, child in zip(modules, modules[1:], strict=False):
        child.connect(parent)
    loop = MessageLoop(modules)
    loop.run(ROUNDS, verbose=False)
    return loop


@pytest.fixture(scope="module", params=range(3))
def loop(request):
    return stacked(request.param)


def test_training_stays_finite_and_improves(loop):
    """Serket's message is N(x_hat, I); a point would have infinite precision."""
    for name in ("lower", "upper"):
        assert all(np.isfinite(w).all() for w in loop[name].model.get_weights())
        losses = loop[name].history["loss"]
        assert len(losses) == ROUNDS * 10
        assert max(losses) < 2 * losses[0]
    assert loop.rows[-1]["lower.loss"] < loop["lower"].history["loss"][0]


def test_the_backward_message_is_the_reconstruction_with_unit_precision(loop):
    lower, upper = loop["lower"], loop["upper"]
    inputs = lower.training_inputs(loop["obs"].forward.mean)
    np.testing.assert_array_equal(inputs["prior_mean"], upper.x_hat)
    np.testing.assert_array_equal(inputs["prior_precision"], 1.0)
    decoded = upper.model.decode(upper.forward.mean)
    np.testing.assert_allclose(upper.x_hat, decoded, rtol=1e-6)


def test_the_rows_have_the_metrics_of_both(loop):
    row = loop.rows[-1]
    for name in ("lower", "upper"):
        for metric in ("loss", "log_likelihood", "kl"):
            assert row[f"{name}.{metric}"] == loop[name].history[metric][-1]
    assert row["lower.loss"] != row["upper.loss"]


def test_elbo_includes_the_entropy_of_the_lower_posterior(loop):
    """E_q[log p(x|z1) + log p(z1|z2)] - KL(q(z2) || p(z2)) + H(q(z1))."""
    lower, upper = loop["lower"], loop["upper"]
    quiet = {"batch_size": 1024, "verbose": 0, "return_dict": True}
    inputs = lower.training_inputs(loop["obs"].forward.mean)
    below = lower.model.evaluate(inputs, **quiet)
    above = upper.model.evaluate({"x": lower.forward.mean}, **quiet)
    precision = lower.posterior.precision
    entropy = (0.5 * np.log(2 * np.pi * np.e / precision)).sum(axis=1).mean()
    expected = below["log_likelihood"] + above["log_likelihood"] - above["kl"] + entropy
    assert loop.rows[-1]["elbo"] == pytest.approx(expected, rel=1e-5)
