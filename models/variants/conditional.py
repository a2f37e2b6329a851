"""The conditional VAE: encoder, decoder and, if wanted, the prior read a label too.

Sohn, Lee and Yan (2015), "Learning structured output representation using deep
conditional generative models". With kl_weight > 1 it is the beta-CVAE.
"""

import keras

from models import networks
from models.blocks.layers import GaussianKL
from models.blocks.model import assemble
from models.networks.conditioned import Conditional, ForEachDraw
from models.variants import bernoulli


def build(
    input_shape,
    latent_dim=2,
    hidden_dims=(512,),
    *,
    n_labels=10,
    label_dim=None,
    learned_prior=False,
    p_x=bernoulli.p_x,
    network=networks.MLP(),  # noqa: B008, it is frozen
    activation="relu",
    kl_weight=1.0,
    n_samples=1,
    seed=None,
):
    """The VAE of x given y, with the further input `label`.

    Args:
        n_labels: how many labels there are, the integers 0 .. n_labels - 1, (batch,).
        label_dim: if given, labels are real vectors, (batch, label_dim), instead.
        learned_prior: whether p(z|y) is a Gaussian for each label, linear in its code,
            rather than N(0, I) for all.
        p_x: the density of x: `bernoulli.p_x`, `vanilla.p_x` or, with its scale
            learned, `functools.partial(vanilla.p_x, sigma=None)`.
        others: as every variant's; see `models`.
    """
    settings = networks.Settings(
        input_shape, latent_dim, hidden_dims, activation, seed, network
    )
    network = Conditional(settings.network, n_labels, label_dim)
    settings = settings.replace(network=network)
    x = keras.Input(settings.input_shape, name="x")
    label, _ = network.label("label")

    # q(z|x, y) = N(z_mean, diag exp(z_log_var))
    q = networks.gaussian_posterior([x, label], settings, n_samples)

    # p(z|y) = N(0, I), or N(prior_mean, diag 1 / prior_precision)
    prior = network.prior(settings)(label) if learned_prior else {}
    kl = GaussianKL(name="kl")(q["z_mean"], q["z_log_var"], **prior)

    # p(x|z, y)
    labels = ForEachDraw(name="label_of_z")(label, q["z"])
    log_likelihood, x_mean = p_x(x, network.decoder(settings)([q["z"], labels]))

    inputs = {"x": x, "label": label}
    return assemble(inputs, q, kl, log_likelihood, x_mean, kl_weight)
