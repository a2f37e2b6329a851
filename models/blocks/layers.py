"""The layers a VAE's graph is written in: Sampling, likelihoods, KL, and ELBO.

All of them compute in float32 under any mixed-precision policy, take and return one
value per datum, and hold no metrics.
"""

import math

import keras
from keras import ops

from models.blocks import densities
from models.blocks.schedules import PACKAGE, as_schedule


class Float32Layer(keras.layers.Layer):
    """A layer whose arithmetic stays in float32 whatever the global policy is."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})


class Noisy(Float32Layer):
    """A layer with a stream of random numbers in training.

    Outside training its noise is the same in every call, so that `evaluate` gives the
    same number twice.

    Args:
        seed: an integer; the state of the stream is saved with the weights.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def noise(self, training):
        """The seed that a function of `keras.random` takes."""
        return self.seed_generator if training else self.seed

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}

    # Keras leaves the state of seed generators out of saved weights; a resumed run
    # would repeat the noise of its first steps.
    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["seed_state"])


@keras.saving.register_keras_serializable(PACKAGE)
class Binarize(Noisy):
    """Each entry of x in [0, 1] becomes 1 with probability x, else 0.

    In training anew in every step ("dynamically binarised MNIST", Burda et al. 2016).
    """

    def call(self, x, training=False):
        u = keras.random.uniform(
            ops.shape(x), dtype="float32", seed=self.noise(training)
        )
        return ops.cast(u < x, self.compute_dtype)

    def compute_output_shape(self, x_shape):
        return x_shape


@keras.saving.register_keras_serializable(PACKAGE)
class Sampling(Noisy):
    """Draws z = z_mean + exp(z_log_var / 2) * noise, the reparameterised sample of q.

    In training, `n_samples` draws for each datum, stacked sample by sample. Outside
    training, one draw (with `always`, as many) whose noise is the same in every call,
    so that `evaluate` is an honest (unbiased) estimate and yet gives the same number
    twice.

    Args:
        n_samples: draws for each datum in one training step.
        seed: an integer; the state of the stream is saved with the weights.

    Input: z_mean, z_log_var, (batch, latent_dim).
    Output: (n_samples * batch, latent_dim) in training, else (batch, latent_dim).
    """

    def __init__(self, n_samples=1, seed=0, **kwargs):
        super().__init__(seed, **kwargs)
        if not isinstance(n_samples, int) or n_samples < 1:
            raise ValueError(
                f"n_samples must be an integer >= 1. Received: n_samples={n_samples!r}"
            )
        self.n_samples = n_samples

    def call(self, z_mean, z_log_var, always=False, training=False):
        draws = self.n_samples if training or always else 1
        mean, seed = ops.tile(z_mean, (draws, 1)), self.noise(training)
        noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=seed)
        return mean + ops.tile(ops.exp(0.5 * z_log_var), (draws, 1)) * noise

    def compute_output_spec(self, z_mean, z_log_var, always=False, training=False):
        return keras.KerasTensor((None, *z_mean.shape[1:]), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "n_samples": self.n_samples}


def by_draw(stacked, one_for_each_datum):
    """What `Sampling` stacks, by draw: (n_samples, batch, ...)."""
    return ops.reshape(stacked, (-1, *ops.shape(one_for_each_datum)))


class LogLikelihood(Float32Layer):
    """E_q[log p(x|z)] for each datum: the mean over the draws of z.

    Subclasses give `log_prob(x, parameters, batch_axes)`.

    Input: x, (batch, ...); the decoder's output, (n_samples * batch, ...).
    Output: (batch,), nats; with `each_draw` log p(x|z) itself, (n_samples, batch).
    """

    def call(self, x, parameters, each_draw=False):
        x = ops.cast(x, self.compute_dtype)
        log_prob = self.log_prob(x[None], by_draw(parameters, x), batch_axes=2)
        return log_prob if each_draw else ops.mean(log_prob, axis=0)

    def compute_output_spec(self, x, parameters, each_draw=False):
        draws = (None,) if each_draw else ()
        return keras.KerasTensor((*draws, x.shape[0]), self.compute_dtype)


@keras.saving.register_keras_serializable(PACKAGE)
class BernoulliLogLikelihood(LogLikelihood):
    """p(x|z) = Bernoulli(sigmoid(logits)), for x in [0, 1]."""

    def log_prob(self, x, logits, batch_axes):
        return densities.bernoulli_log_likelihood(x, logits, batch_axes)


@keras.saving.register_keras_serializable(PACKAGE)
class GaussianLogLikelihood(LogLikelihood):
    """p(x|z) = N(mean, sigma^2 I).

    Args:
        sigma: the standard deviation, in the units of x. `None` learns one scale for
            all of x by gradient (the sigma-VAE of Rybkin et al., 2021).
    """

    def __init__(self, sigma=1.0, **kwargs):
        super().__init__(**kwargs)
        if sigma is not None and not sigma > 0.0:
            raise ValueError(
                f"sigma must be a number > 0, or None to learn it. "
                f"Received: sigma={sigma!r}"
            )
        self.sigma = sigma

    def build(self, x_shape, parameters_shape=None):
        if self.sigma is None:
            self.log_sigma = self.add_weight(name="log_sigma", initializer="zeros")
        else:
            self.log_sigma = math.log(self.sigma)

    def log_prob(self, x, mean, batch_axes):
        return densities.gaussian_log_likelihood(x, mean, self.log_sigma, batch_axes)

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable(PACKAGE)
class GaussianKL(Float32Layer):
    """KL(q(z|x) || p(z)) with p(z) = N(0, I), or the message N(m, 1 / precision).

    Input: z_mean, z_log_var and, if a message is heard, prior_mean and
    prior_precision; each (batch, latent_dim). Output: (batch,), nats.
    """

    def call(self, z_mean, z_log_var, prior_mean=0.0, prior_precision=1.0):
        return densities.gaussian_kl(z_mean, z_log_var, prior_mean, prior_precision)

    def compute_output_shape(
        self,
        z_mean_shape,
        z_log_var_shape=None,
        prior_mean_shape=None,
        prior_precision_shape=None,
    ):
        return (z_mean_shape[0],)


@keras.saving.register_keras_serializable(PACKAGE)
class ELBO(Float32Layer):
    """The objective: elbo = E_q[log p(x|z)] - kl_weight * KL(q(z|x) || p(z)).

    With a capacity C the KL is held near C nats instead: kl_weight * |KL - C| (Burgess
    et al. 2018, equation 8).

    Nats per datum; nothing is averaged here. `VAE.compute_loss` takes the mean of
    -elbo over the batch. `kl_weight` multiplies the KL term only, in training and in
    evaluation alike; it is Serket's alpha and the beta of Higgins et al. (2017). With
    kl_weight = 1 the value is a lower bound of log p(x).

    Args:
        kl_weight: a number >= 0, or a schedule by epoch (`models.blocks.schedules`).
        capacity: of the KL, nats: the same, or `None`.

    Input: log_likelihood, kl, both (batch,). Output: (batch,), nats.
    """

    def __init__(self, kl_weight=1.0, capacity=None, **kwargs):
        super().__init__(**kwargs)
        self.schedules = {"kl_weight": as_schedule("kl_weight", kl_weight)}
        if capacity is not None:
            self.schedules["capacity"] = as_schedule("capacity", capacity)

    def build(self, log_likelihood_shape, kl_shape=None):
        self.scheduled = {
            name: self.add_weight(
                name=name,
                initializer=keras.initializers.Constant(schedule(0)),
                trainable=False,
            )
            for name, schedule in self.schedules.items()
        }

    @property
    def kl_weight(self):
        """The variable, as it is in this epoch."""
        return self.scheduled["kl_weight"]

    def follow_schedules(self, epoch):
        """Sets what follows a schedule to its value in this epoch; returns them."""
        values = {name: schedule(epoch) for name, schedule in self.schedules.items()}
        for name, value in values.items():
            self.scheduled[name].assign(value)
        return values

    def call(self, log_likelihood, kl):
        if "capacity" in self.schedules:
            kl = ops.abs(kl - self.scheduled["capacity"])
        return log_likelihood - self.kl_weight * kl

    def compute_output_shape(self, log_likelihood_shape, kl_shape=None):
        return log_likelihood_shape

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        schedules = {name: serialize(s) for name, s in self.schedules.items()}
        return {**super().get_config(), **schedules}
