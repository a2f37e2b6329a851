"""The layers of the importance-weighted bound: what several draws of z give together.

The draws are stacked as `Sampling` stacks them, (n_samples * batch, ...).
"""

import keras
from keras import ops

from models.blocks import densities
from models.blocks.layers import ELBO, Float32Layer, by_draw
from models.blocks.schedules import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class FirstDraw(Float32Layer):
    """What belongs to the first draw: (n_samples * batch, ...) -> (batch, ...)."""

    def call(self, stacked, x):
        return stacked[: ops.shape(x)[0]]

    def compute_output_shape(self, stacked_shape, x_shape=None):
        return (x_shape[0], *stacked_shape[1:])


@keras.saving.register_keras_serializable(PACKAGE)
class MeanOfDraws(Float32Layer):
    """(n_samples, batch) -> (batch,)."""

    def call(self, values):
        return ops.mean(values, axis=0)

    def compute_output_shape(self, values_shape):
        return values_shape[1:]


@keras.saving.register_keras_serializable(PACKAGE)
class LogRatio(Float32Layer):
    """log q(z|x) - log p(z) of each draw, whose expectation is the KL.

    Input: z, (n_samples * batch, latent_dim); z_mean, z_log_var and, if there is
    another prior than N(0, I), prior_mean and prior_precision, (batch, latent_dim).
    Output: (n_samples, batch), nats.
    """

    def call(self, z, z_mean, z_log_var, prior_mean=0.0, prior_precision=1.0):
        z = by_draw(z, z_mean)
        return densities.gaussian_log_ratio(
            z, z_mean, z_log_var, prior_mean, prior_precision
        )

    def compute_output_spec(self, z, z_mean, *others, **prior):
        return keras.KerasTensor((None, z_mean.shape[0]), self.compute_dtype)


@keras.saving.register_keras_serializable(PACKAGE)
class ImportanceWeightedELBO(ELBO):
    """The objective with k draws: elbo + log mean_i w_i - mean_i log w_i.

    log w_i = log p(x|z_i) - kl_weight (log q(z_i|x) - log p(z_i)). The expectation of
    mean_i log w_i is the ELBO, so that with kl_weight = 1 that of the whole is the
    bound of Burda et al. (2016, equation 8); it lies above the ELBO by Jensen's
    inequality. Written so, one draw gives the VAE itself: the difference is 0, and the
    KL is the closed form, not a draw.

    Input: log_likelihood, kl, (batch,); log_likelihoods, log_ratios, (n_samples,
    batch). Output: (batch,), nats.
    """

    def call(self, log_likelihood, kl, log_likelihoods, log_ratios):
        log_w = log_likelihoods - self.kl_weight * log_ratios
        gain = densities.log_mean_exp(log_w) - ops.mean(log_w, axis=0)
        return super().call(log_likelihood, kl) + gain

    def build(self, log_likelihood_shape, *others, **shapes):
        super().build(log_likelihood_shape)

    def compute_output_shape(self, log_likelihood_shape, *others, **shapes):
        return log_likelihood_shape
