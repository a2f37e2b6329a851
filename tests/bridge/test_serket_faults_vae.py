"""Faults of Serket's VAE that must not return.

The numbers are the sections of the list of faults: 1.2 the VAE of its documents, 1.3
that of its newest code.
"""

import keras
import numpy as np
import pytest
from scipy.special import expit

import serket_bridge as srk
from serket_bridge import GMM, VAE, MessageLoop, Observation
from serket_bridge.gmm import collapsed_gaussian_message
from serket_bridge.inference.em import GaussianMixture
from serket_bridge.vae import mean

N, D, LATENT = 30, 6, 2
WIDTHS = {"hidden_encoder_dim": 5, "hidden_decoder_dim": 7}
RATE, LOGIT = 0.02, 0.7
MEANS = np.array([[-1.0, 0.5], [0.0, 2.0], [1.5, -1.0]])


class Constant(VAE):
    """q(z|x) = N(0, I), and one parameter for all of x: its losses are known."""

    def build_encoder(self, x, latent_dim):
        zeros = {"units": latent_dim, "kernel_initializer": "zeros"}
        return keras.layers.Dense(**zeros)(x), keras.layers.Dense(**zeros)(x)

    def build_decoder(self, z):
        bias = keras.initializers.Constant(LOGIT)
        layer = keras.layers.Dense(D, kernel_initializer="zeros", bias_initializer=bias)
        return layer(z)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((N, D)).astype("float32")


@pytest.fixture(scope="module")
def new():
    return np.random.default_rng(9).random((11, D)).astype("float32")


def made(x, kind=VAE, **kwargs):
    settings = {"itr": 3, "learning_rate": RATE, "seed": 1, "verbose": False}
    vae = kind(LATENT, **settings | WIDTHS | kwargs)
    vae.connect(Observation(x))
    return vae


def updated(*args, **kwargs):
    vae = made(*args, **kwargs)
    vae.update()
    return vae


@pytest.fixture(scope="module")
def trained(x, tmp_path_factory):
    """(a VAE after one update, its folder)."""
    home = tmp_path_factory.mktemp("trained")
    with srk.output_dir(home):
        return updated(x), home / "module001_vae"


def mixture_above(vae, precision=(1.0, 1.0), **kwargs):
    """Three classes at MEANS, known beforehand."""
    gmm = GMM(3, mode="recog", seed=0, **kwargs)
    precisions = np.stack([np.diag(precision)] * 3)
    gmm.mixture, gmm.learned = (
        GaussianMixture(np.full(3, 1 / 3), MEANS, precisions),
        True,
    )
    gmm.connect(vae)
    return gmm


def weights(vae, name):
    return vae.model.get_layer(name).get_weights()


def decoded(vae, z):
    """relu(z W3 + b3) W4 + b4, and its sigmoid."""
    W3, b3, W4, b4 = weights(vae, "decoder")
    return expit(np.maximum(z @ W3 + b3, 0.0) @ W4 + b4)


def encoded(vae, x):
    """relu(x W1 + b1) W2 + b2, the mean of q(z|x)."""
    (W1, b1), (W2, b2) = weights(vae, "encoder"), weights(vae, "posterior")[:2]
    return np.maximum(x @ W1 + b1, 0.0) @ W2 + b2


def cross_entropy(x):
    """-log p(x) of a Bernoulli of LOGIT in each entry, summed: (n,)."""
    return -(x * np.log(expit(LOGIT)) + (1 - x) * np.log(expit(-LOGIT))).sum(axis=1)


# --- 1.2 ------------------------------------------------------------------------------


def test_1_2_hidden_decoder_dim_is_not_the_encoders(trained):
    shapes = {
        name: [w.shape for w in weights(trained[0], name)][::2]
        for name in ("encoder", "posterior", "decoder")
    }
    assert shapes["encoder"] == [(D, 5)]
    assert shapes["posterior"] == [(5, LATENT), (5, LATENT)]
    assert shapes["decoder"] == [(LATENT, 7), (7, D)]


def test_1_2_x_hat_is_a_probability_in_the_file_and_in_memory(trained):
    vae, folder = trained
    expected = decoded(vae, np.loadtxt(folder / "z_learn.txt"))
    written = np.loadtxt(folder / "x_hat_learn.txt")
    np.testing.assert_allclose(written, expected, rtol=1e-5)
    np.testing.assert_allclose(vae.x_hat, expected, rtol=1e-5)


def test_1_2_the_loss_is_the_mean_over_the_data_not_the_last_minibatchs(tmp_path):
    """Six examples in batches of four and two; no two batches have the same mean."""
    x = np.repeat(2.0 ** np.arange(6)[:, None] / 32, D, axis=1)
    with srk.output_dir(tmp_path):
        vae = updated(x, Constant, batch_size=4, learning_rate=0.0)
    expected = cross_entropy(x).mean()
    epochs, losses = np.loadtxt(tmp_path / vae.folder / "loss.txt").T
    np.testing.assert_array_equal(epochs, [1, 2, 3])
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(vae.history["loss"], losses, rtol=1e-6)


@pytest.mark.parametrize("low, high", [(-0.01, 1.0), (0.0, 255.0)])
def test_1_2_data_outside_0_and_1_are_refused_for_bce(x, low, high):
    with pytest.raises(ValueError, match=rf"vae has a Bernoulli.*{low:g} to {high:g}"):
        made(np.where(np.eye(N, D) > 0, high, low)).update()


@pytest.mark.parametrize("warm_start", [True, False])
def test_1_2_weights_continue_unless_warm_start_is_off(x, monkeypatch, warm_start):
    vae, ends = made(x, **({} if warm_start else {"warm_start": False})), []
    train, begins = vae.train, []

    def spy(*args):
        begins.append(vae.model.get_weights())
        train(*args)
        ends.append(vae.model.get_weights())

    monkeypatch.setattr(vae, "train", spy)
    for _ in range(2):
        vae.update()
    for first, end, second in zip(begins[0], ends[0], begins[1], strict=True):
        np.testing.assert_array_equal(second, end if warm_start else first)
    assert not np.allclose(begins[0][0], ends[0][0])
    assert int(vae.model.optimizer.iterations) == (6 if warm_start else 3)


# --- 1.3: recognition and prediction --------------------------------------------------


def test_1_3_a_just_trained_object_recognises_without_files(
    trained, new, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    vae, _ = trained
    loop = MessageLoop([*vae.parents, vae, mixture_above(vae)])
    once, twice = (loop.recognize(new)["vae"] for _ in range(2))
    for array in (once.forward.mean, once.x_hat):
        assert type(array) is np.ndarray
    np.testing.assert_allclose(once.forward.mean, encoded(vae, new), atol=1e-5)
    np.testing.assert_array_equal(once.forward.mean, twice.forward.mean)
    np.testing.assert_allclose(once.x_hat, decoded(vae, encoded(vae, new)), rtol=1e-5)
    assert not list(tmp_path.iterdir())


def test_1_3_a_just_trained_object_predicts(trained):
    vae, _ = trained
    np.testing.assert_allclose(vae.predict(MEANS), decoded(vae, MEANS), rtol=1e-5)
    predicted = mixture_above(vae).predict([2, 0])
    np.testing.assert_allclose(predicted, decoded(vae, MEANS[[2, 0]]), rtol=1e-5)


def test_1_3_held_out_data_have_a_loss(x, new):
    vae = updated(x, Constant, learning_rate=0.0)
    evidence = MessageLoop([*vae.parents, vae]).recognize(new)["vae"].evidence()
    assert evidence == pytest.approx(-cross_entropy(new).mean(), rel=1e-5)


def test_1_3_large_data_are_encoded_and_decoded_in_batches(monkeypatch):
    rows, calls = 1500, []

    def spy_on(original):
        def spy(self, *args, **kwargs):
            calls.append(kwargs["batch_size"])
            return original(self, *args, **kwargs)

        return spy

    monkeypatch.setattr(keras.Model, "predict", spy_on(keras.Model.predict))
    monkeypatch.setattr(keras.Model, "evaluate", spy_on(keras.Model.evaluate))
    x = np.zeros((rows, D), "float32")
    vae = made(x)
    vae.prepare(x)
    vae.send()
    assert len(vae.x_hat) == rows
    vae.evidence()
    assert len(calls) == 3
    assert max(calls) < rows


# --- 1.3: messages --------------------------------------------------------------------


def test_1_3_the_message_up_need_not_be_a_random_sample(x):
    vae = made(x, message=mean)
    vae.prepare(x)
    vae.send()
    np.testing.assert_allclose(vae.forward.mean, encoded(vae, x), atol=1e-5)


def test_1_3_the_prior_has_the_covariance_that_the_mixture_found(trained, x):
    vae, _ = trained
    gmm = mixture_above(vae, precision=(4.0, 9.0), message=collapsed_gaussian_message)
    gmm.update()
    inputs = vae.training_inputs(x)
    np.testing.assert_allclose(inputs["prior_precision"], [[4.0, 9.0]] * N)
    np.testing.assert_allclose(inputs["prior_mean"], gmm.responsibilities @ MEANS)


# --- 1.3: training --------------------------------------------------------------------


def test_1_3_re_is_mse_on_request_and_nothing_unknown(x):
    """Serket's squared error is a Gaussian of variance 1/2, but for its constant."""
    x = 5 * x - 2
    vae = updated(x, Constant, RE="MSE", learning_rate=0.0)
    squared = np.square(x - LOGIT).sum(axis=1).mean()
    assert vae.history["loss"][-1] - D / 2 * np.log(np.pi) == pytest.approx(squared)
    np.testing.assert_allclose(vae.x_hat, LOGIT, rtol=1e-6)
    with pytest.raises(ValueError, match='RE must be "BCE" or "MSE".*mse'):
        made(x, RE="mse")


def test_1_3_loss_txt_has_the_last_step_however_few(trained):
    vae, folder = trained
    step, loss = np.loadtxt(folder / "loss.txt")
    assert step == vae.itr == 3
    assert loss == pytest.approx(vae.history["loss"][-1])


def test_1_3_two_vaes_in_one_process_do_not_touch_each_other(x):
    alone, beside = made(x), made(x)
    other = made(x[:, :4], seed=5, hidden_encoder_dim=3)
    for module in (alone, alone, beside, other, beside):
        module.update()
    for one, two in zip(alone.model.weights, beside.model.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(alone.forward.mean, beside.forward.mean)
    assert other.epochs_trained == 3


def test_1_3_learning_rate_is_the_size_of_adams_first_step(x):
    vae = made(x, itr=1)
    vae.prepare(x)
    before = vae.model.get_weights()
    vae.update()
    pairs = zip(vae.model.get_weights(), before, strict=True)
    steps = [np.abs(after - first).max() for after, first in pairs]
    assert max(steps) == pytest.approx(RATE, rel=1e-3)
