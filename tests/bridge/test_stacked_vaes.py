"""A VAE over a VAE: messages of unit precision, metrics by name, the bound."""

import numpy as np
import pytest

import models
from serket_bridge import VAE, MessageLoop, Observation
from serket_bridge import vae as messages

ROUNDS = 4


def stacked(seed, message=messages.sample):
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
        VAE(model=lower, name="lower", message=message, **settings),
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


def log_normal(x, mean):
    return -0.5 * np.square(x - mean) - 0.5 * np.log(2 * np.pi)


@pytest.mark.parametrize("message", [messages.sample, messages.moments, messages.mean])
def test_elbo_is_that_of_both(rng, message):
    """E_q[log p(x|z1) + log p(z1|z2)] - KL(q(z2) || p(z2)) + H(q(z1)).

    What was sent decides q(z2|.); where it was no draw, z1 is drawn beside it.
    """
    loop = stacked(0, message)
    (x, q1), q2 = (
        (loop[name].posterior for name in ("obs", "lower")),
        loop["upper"].posterior,
    )
    z1, z2 = (np.stack([q.sample(rng) for _ in range(200)]) for q in (q1, q2))
    x_mean, z1_mean = (
        loop[name].model.decode(z.reshape(-1, z.shape[-1])).reshape(200, 120, -1)
        for name, z in (("lower", z1), ("upper", z2))
    )
    if message is messages.sample:
        z1 = loop["lower"].forward.mean
    draws = log_normal(x.mean, x_mean).sum(axis=-1) + log_normal(z1, z1_mean).sum(
        axis=-1
    )
    kl = 0.5 * (1 / q2.precision + q2.mean**2 - 1 + np.log(q2.precision)).sum(axis=1)
    entropy = (0.5 * np.log(2 * np.pi * np.e / q1.precision)).sum(axis=1)
    expected = np.mean(draws) - kl.mean() + entropy.mean()
    error = np.std(draws, axis=0).mean() / np.sqrt(120)
    assert loop.rows[-1]["elbo"] == pytest.approx(expected, abs=4 * error)
    assert error < 0.2
