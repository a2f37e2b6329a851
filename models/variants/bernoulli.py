"""The Bernoulli VAE: binary cross-entropy on logits (Kingma and Welling, 2014)."""

import keras

from models import networks
from models.blocks.layers import BernoulliLogLikelihood, Binarize, GaussianKL
from models.blocks.model import assemble


def build(
    input_shape,
    latent_dim=2,
    hidden_dims=(512,),
    *,
    binarize=False,
    network=networks.MLP(),  # noqa: B008, it is frozen
    activation="relu",
    kl_weight=1.0,
    n_samples=1,
    seed=None,
):
    """The VAE with p(x|z) = Bernoulli(sigmoid(logits)), for x in [0, 1].

    Args:
        binarize: whether x is a probability for each entry, from which 0 or 1 is drawn
            anew in every step, and these are what the model learns.
        others: as every variant's; see `models`.
    """
    settings = networks.Settings(
        input_shape, latent_dim, hidden_dims, activation, seed, network
    )
    inputs = {"x": keras.Input(settings.input_shape, name="x")}
    x = inputs["x"]
    if binarize:
        x = Binarize(next(settings.seeds), name="binarize")(x)

    # q(z|x) = N(z_mean, diag exp(z_log_var))
    q = networks.gaussian_posterior(x, settings, n_samples)

    # p(z) = N(0, I)
    kl = GaussianKL(name="kl")(q["z_mean"], q["z_log_var"])

    # p(x|z) = Bernoulli(sigmoid(logits))
    log_likelihood, x_mean = p_x(x, settings.network.decoder(settings)(q["z"]))

    return assemble(inputs, q, kl, log_likelihood, x_mean, kl_weight)


def p_x(x, logits):
    """Bernoulli(sigmoid(logits)): its log-likelihood of x, and its mean."""
    log_likelihood = BernoulliLogLikelihood(name="log_likelihood")(x, logits)
    x_mean = keras.layers.Activation("sigmoid", dtype="float32", name="x_mean")(logits)
    return log_likelihood, x_mean
