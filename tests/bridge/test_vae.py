"""The VAE as a module: the messages it receives and sends, and its training."""

import keras
import numpy as np
import pytest
from scipy import stats

import models
from models.blocks.schedules import LinearWarmUp
from serket_bridge import GMM, VAE, Gaussian, Observation
from serket_bridge.vae import mean, moments, sample

N, BATCH, STEPS = 60, 16, 4  # the last batch is short


@pytest.fixture(scope="module")
def x():
    """Two patterns with noise, (60, 4, 3) in [0, 1]."""
    rng = np.random.default_rng(0)
    pattern = (rng.random((2, 4, 3)) < 0.5).astype("float32")
    return np.abs(pattern[np.arange(N) % 2] - rng.uniform(0, 0.2, (N, 4, 3)))


def make(x, variant="serket", build=None, **kwargs):
    model = models.VARIANTS[variant](
        x.shape[1:], **{"latent_dim": 2, "hidden_dims": (8,), "seed": 0} | (build or {})
    )
    settings = {"itr": 2, "batch_size": BATCH, "learning_rate": 1e-2, "seed": 1}
    vae = VAE(model=model, **settings | kwargs)
    vae.connect(Observation(x))
    return vae


def updated(*args, **kwargs):
    vae = make(*args, **kwargs)
    vae.update()
    return vae


@pytest.fixture(scope="module")
def trained(x):
    """One that was updated, without a backward message."""
    return updated(x, learning_rate=0.03)


def send_two(send_message, vae, rng):
    """Two modules send messages; returns the product's mean and precision."""
    means, precisions = rng.normal(size=(2, N, 2)), rng.gamma(2.0, size=(2, N, 2))
    for i in range(2):
        send_message(vae, means[i], precisions[i], name=f"child {i}")
    total = precisions.sum(axis=0)
    return (means * precisions).sum(axis=0) / total, total


# --- Messages that it receives --------------------------------------------------------


def kl_per_example(posterior, m, precision):
    """KL(N(mean, 1 / precision) || N(m, 1 / precision)), summed over dimensions."""
    variance = 1 / posterior.precision
    terms = precision * (variance + (posterior.mean - m) ** 2) - 1
    return 0.5 * (terms - np.log(precision * variance)).sum(axis=1)


@pytest.mark.parametrize("has_messages", [False, True])
def test_the_kl_is_to_the_product_of_the_messages(x, send_message, rng, has_messages):
    """A rate of 0 keeps q, so that the epoch's KL is the closed form's mean."""
    vae = make(x, itr=1)
    vae.model.compile(keras.optimizers.SGD(0.0))
    m, precision = (
        send_two(send_message, vae, rng)
        if has_messages
        else (np.zeros(2), np.ones((N, 2)))
    )
    vae.update()
    expected = kl_per_example(vae.posterior, m, precision).mean()
    assert vae.metrics["kl"] == pytest.approx(expected, rel=1e-4)


def test_the_message_moves_the_latents(x, send_message):
    target = np.where(np.arange(N)[:, None] % 2, 2.0, -2.0) * np.ones((N, 2))
    vae = make(x, itr=150, build={"kl_weight": 20.0})
    send_message(vae, target, np.ones((N, 2)))
    vae.update()
    np.testing.assert_allclose(vae.posterior.mean, target, atol=0.5)


def test_a_model_that_takes_no_message_trains_and_ignores_messages(
    x, send_message, rng
):
    alone, receiving = make(x, "bernoulli", itr=8), make(x, "bernoulli", itr=8)
    assert not receiving.takes_message and make(x).takes_message
    send_two(send_message, receiving, rng)
    for vae in (alone, receiving):
        vae.update()
    assert alone.history == receiving.history
    np.testing.assert_array_equal(alone.forward.mean, receiving.forward.mean)
    assert receiving.history["loss"][-1] < receiving.history["loss"][0] - 0.5


@pytest.mark.parametrize("shape", [(N, 3), (N - 1, 2)])
def test_a_message_of_another_shape_is_refused_naming_both(x, send_message, shape):
    vae = make(x, name="eye")
    send_message(vae, np.zeros(shape), np.ones(shape), name="words")
    with pytest.raises(ValueError, match=r"eye expects .*\(60, 2\) from words"):
        vae.update()


def test_data_of_another_shape_than_the_models_are_refused(x):
    vae = make(x)
    vae.connect(Observation(x[:, :3]))
    with pytest.raises(ValueError, match=r"x must have the shape \(n, 4, 3\)"):
        vae.update()


# --- Messages that it sends -----------------------------------------------------------


def test_posterior_is_the_encoders(trained, x):
    z_mean, z_log_var = trained.model.encode(x)
    np.testing.assert_array_equal(trained.posterior.mean, z_mean)
    np.testing.assert_allclose(
        trained.posterior.precision, 1 / np.exp(z_log_var), rtol=1e-5
    )


@pytest.mark.parametrize("send", [mean, moments])
def test_send_mean_and_moments(rng, send):
    posterior = Gaussian(rng.normal(size=(5, 2)), rng.gamma(2.0, size=(5, 2)))
    forward = send(posterior, rng)
    np.testing.assert_array_equal(forward.mean, posterior.mean)
    expected = posterior.precision if send is moments else np.full((5, 2), np.inf)
    np.testing.assert_array_equal(forward.precision, expected)


def test_send_sample_is_a_draw_of_the_posterior(rng):
    posterior = Gaussian(rng.normal(size=(2000, 2)), rng.gamma(2.0, size=(2000, 2)))
    forward = sample(posterior, rng)
    np.testing.assert_array_equal(forward.precision, np.inf)
    z = (forward.mean - posterior.mean) * np.sqrt(posterior.precision)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3


def test_by_default_a_sample_is_sent(trained):
    assert trained.message is sample
    assert trained.forward.mean.shape == (N, 2)
    assert np.all(np.isinf(trained.forward.precision))
    z = trained.forward.mean - trained.posterior.mean
    z = z * np.sqrt(trained.posterior.precision)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3


def test_x_hat_is_decoded_from_the_message_when_it_is_read(trained, x, monkeypatch):
    vae = trained
    assert not vae.parents[0]._backward  # data use no message
    np.testing.assert_allclose(vae.x_hat, vae.model.decode(vae.forward.mean), rtol=1e-6)
    copied, calls = vae.inference_copy(), []
    copied.connect(Observation(x))
    monkeypatch.setattr(type(vae.model), "decode", lambda *_: calls.append(1))
    copied.step()
    assert not calls
    assert copied.x_hat is None and len(calls) == 1


def test_a_point_as_a_backward_message_is_refused(x, trained):
    vae = trained.inference_copy()
    vae.connect(Observation(x))
    other = GMM(2, name="other")
    other.connect(vae)
    other.send_backward(vae, Gaussian.point(np.zeros((N, 2))))
    with pytest.raises(ValueError, match="vae received a backward .* infinite precis"):
        vae.training_inputs(x)


def test_the_error_of_a_diverged_training_names_what_to_change(x):
    vae = make(x, learning_rate=1e30)
    with pytest.raises(ValueError) as error:
        vae.update()
    for part in ("vae: training diverged", "smaller learning rate", "1e+30"):
        assert part in str(error.value)


# --- Training continues ---------------------------------------------------------------


def test_two_updates_are_one_of_twice_the_epochs(x, send_message):
    """Weights, optimiser, noise, order of the data and KL weight all continue."""
    build = {"kl_weight": LinearWarmUp(6)}
    once, twice = (make(x, build=build, itr=epochs, message=mean) for epochs in (6, 3))
    for vae in (once, twice):
        send_two(send_message, vae, np.random.default_rng(3))
    ticks = []
    once.update()
    for update in range(2):
        twice.step(lambda: ticks.append(1))
        assert len(ticks) == (update + 1) * twice.n_steps
    assert twice.epochs_trained == once.epochs_trained == 6
    assert int(twice.model.optimizer.iterations) == 6 * STEPS
    np.testing.assert_allclose(twice.history["kl_weight"], np.arange(6) / 6, rtol=1e-6)
    for name, values in once.history.items():
        np.testing.assert_allclose(twice.history[name], values, rtol=1e-5)
    np.testing.assert_allclose(twice.forward.mean, once.forward.mean, rtol=1e-4)


def test_the_report_is_the_last_epochs(trained):
    assert {"loss", "log_likelihood", "kl"} <= set(trained.metrics)
    for name, value in trained.metrics.items():
        assert len(trained.history[name]) == 2
        assert value == trained.history[name][-1]


def test_a_model_compiled_before_keeps_its_optimiser(x):
    vae = make(x, itr=1)
    vae.model.compile(keras.optimizers.SGD(0.0))
    before = [w.copy() for w in vae.model.get_weights()]
    vae.update()
    assert isinstance(vae.model.optimizer, keras.optimizers.SGD)
    for one, two in zip(before, vae.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_compiled_here_it_is_adam_at_the_rate_asked_for(trained):
    assert isinstance(trained.model.optimizer, keras.optimizers.Adam)
    assert float(trained.model.optimizer.learning_rate) == pytest.approx(0.03)


def test_same_seeds_same_messages_bit_for_bit(x):
    one, two, other = (updated(x, itr=1, seed=seed) for seed in (5, 5, 6))
    assert one.history == two.history == other.history
    np.testing.assert_array_equal(one.forward.mean, two.forward.mean)
    assert np.all(one.forward.mean != other.forward.mean)
