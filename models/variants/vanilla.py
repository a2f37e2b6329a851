"""The vanilla VAE: a Gaussian decoder (Kingma and Welling, 2014)."""

import keras

from models import networks
from models.blocks.layers import GaussianKL, GaussianLogLikelihood
from models.blocks.model import assemble


def build(
    input_shape,
    latent_dim=2,
    hidden_dims=(512,),
    *,
    sigma=1.0,
    network=networks.MLP(),  # noqa: B008, it is frozen
    activation="relu",
    kl_weight=1.0,
    n_samples=1,
    seed=None,
):
    """The VAE with p(x|z) = N(x_mean, sigma^2 I), for real-valued x.

    Args:
        sigma: the standard deviation of p(x|z), in the units of x. 1.0 is the textbook
            "MSE" VAE; `None` learns one scale for all of x (the sigma-VAE of Rybkin
            et al., 2021), and the KL needs no weight of its own.
        others: as every variant's; see `models`.
    """
    settings = networks.Settings(
        input_shape, latent_dim, hidden_dims, activation, seed, network
    )
    x = keras.Input(settings.input_shape, name="x")

    # q(z|x) = N(z_mean, diag exp(z_log_var))
    q = networks.gaussian_posterior(x, settings, n_samples)

    # p(z) = N(0, I)
    kl = GaussianKL(name="kl")(q["z_mean"], q["z_log_var"])

    # p(x|z) = N(x_mean, sigma^2 I)
    log_likelihood, x_mean = p_x(x, settings.network.decoder(settings)(q["z"]), sigma)

    return assemble({"x": x}, q, kl, log_likelihood, x_mean, kl_weight)


def p_x(x, mean, sigma=1.0):
    """N(mean, sigma^2 I): its log-likelihood of x, and its mean; as `build`."""
    log_likelihood = GaussianLogLikelihood(sigma, name="log_likelihood")(x, mean)
    x_mean = keras.layers.Activation("linear", dtype="float32", name="x_mean")(mean)
    return log_likelihood, x_mean
