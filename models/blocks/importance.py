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

    Args:
        through_z_only: whether gradients reach q through z alone, and not through its
            mean and log-variance as well.

    Input: z, (n_samples * batch, latent_dim); z_mean, z_log_var and, if there is
    another prior than N(0, I), prior_mean and prior_precision, (batch, latent_dim).
    Output: (n_samples, batch), nats.
    """

    def __init__(self, through_z_only=False, **kwargs):
        super().__init__(**kwargs)
        self.through_z_only = through_z_only

    def call(self, z, z_mean, z_log_var, prior_mean=0.0, prior_precision=1.0):
        q = z_mean, z_log_var
        if self.through_z_only:
            q = [ops.stop_gradient(each) for each in q]
        z = by_draw(z, z_mean)
        return densities.gaussian_log_ratio(z, *q, prior_mean, prior_precision)

    def compute_output_spec(self, z, z_mean, *others, **prior):
        return keras.KerasTensor((None, z_mean.shape[0]), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "through_z_only": self.through_z_only}


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
        log_w = self.log_w(log_likelihoods, log_ratios)
        gain = densities.log_mean_exp(log_w) - ops.mean(log_w, axis=0)
        return super().call(log_likelihood, kl) + gain

    def log_w(self, log_likelihoods, log_ratios):
        return log_likelihoods - self.kl_weight * log_ratios

    def build(self, log_likelihood_shape, *others, **shapes):
        super().build(log_likelihood_shape)

    def compute_output_shape(self, log_likelihood_shape, *others, **shapes):
        return log_likelihood_shape


@ops.custom_gradient
def beside_its_scale(z):
    """[z, 0, 0], (n, latent_dim + 2), whose gradient (g, s, c) is s / c g for z."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        g, s, c = upstream[:, :-2], upstream[:, -2:-1], upstream[:, -1:]
        none = ops.equal(c, 0.0)
        return ops.where(none, 0.0, s / ops.where(none, 1.0, c)) * g

    return ops.concatenate([z, ops.zeros((ops.shape(z)[0], 2), z.dtype)], 1), gradient


@keras.saving.register_keras_serializable(PACKAGE)
class ScaledGradient(Float32Layer):
    """z, and a `scale` of zeros by which the objective scales the gradient of z.

    Where the objective's gradient with respect to scale is (s, c), that with respect to
    z is multiplied by s / c.

    Input: (n, latent_dim). Output: z, the same, and scale, (n, 2).
    """

    def call(self, z):
        both = beside_its_scale(z)
        return both[:, :-2], both[:, -2:]

    def compute_output_shape(self, z_shape):
        return z_shape, (*z_shape[:-1], 2)


@keras.saving.register_keras_serializable(PACKAGE)
class DoublyReparameterizedELBO(ImportanceWeightedELBO):
    """The same objective, with an encoder's gradient of less variance.

    Tucker, Lawson, Gu and Maddison (2019), "Doubly reparameterized gradient estimators
    for Monte Carlo objectives", equation 8. With v_i = w_i / sum_j w_j the gradient is

        sum_i v_i d log w_i / d theta                    of decoder and prior,
        sum_i v_i^2 (d log w_i / d z_i) (d z_i / d phi)  of the encoder,

    for kl_weight = 1; with b in its place v_i ((1 - b) + b v_i) stands for v_i^2. The
    one backward pass gives v_i d log w_i, and `scale` has z's part multiplied.

    Input: as before, log_ratios through z only, and scale, (n_samples * batch, 2).
    """

    def call(self, log_likelihood, kl, log_likelihoods, log_ratios, scale):
        log_w = self.log_w(log_likelihoods, log_ratios)
        plain = ELBO.call(self, log_likelihood, kl) - ops.mean(log_w, axis=0)
        v = ops.stop_gradient(ops.softmax(log_w, axis=0))
        factor = (1.0 - self.kl_weight) + self.kl_weight * v
        scale = by_draw(scale[:, 0], kl) * factor + by_draw(scale[:, 1], kl)
        bound = ops.stop_gradient(plain) + densities.log_mean_exp(log_w)
        return bound + ops.sum(scale, axis=0)
