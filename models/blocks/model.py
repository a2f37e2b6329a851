"""The one model class of the zoo: a functional model that knows its loss."""

import keras
import numpy as np

from models.blocks.inputs import checked, with_label
from models.blocks.layers import ELBO
from models.blocks.schedules import PACKAGE
from models.training import device_loop, fit_data, streaming, xla


class Negative(keras.losses.Loss):
    """The mean of -values: with Keras's sample weights and replica scaling."""

    def call(self, y_true, y_pred):
        return -y_pred


class FollowSchedule(keras.callbacks.Callback):
    """Sets the layer `elbo` to its schedules as each epoch begins."""

    def on_epoch_begin(self, epoch, logs=None):
        self.values = self.model.get_layer("elbo").follow_schedules(epoch)

    def on_epoch_end(self, epoch, logs=None):
        logs |= self.values


@keras.saving.register_keras_serializable(PACKAGE)
class VAE(keras.Model):
    """A functional Keras model whose output `elbo` is what it maximises.

    loss = mean over the batch of -elbo, in nats per datum; `log_likelihood` and `kl`
    are reported beside it, and loss = -(log_likelihood - kl_weight * kl). With
    `sample_weight`, each datum's terms are multiplied by its weight and their sum is
    divided by the number of data, as Keras does with every loss.

    The layers and outputs it has are the contract in `models/__init__.py`.
    `compile(optimizer)` needs no loss.
    """

    def __init__(self, *args, dtype=None, **kwargs):
        super().__init__(*args, **kwargs)
        if dtype is not None:
            self.dtype_policy = dtype
        self.negative_elbo = Negative()
        self.terms = [
            keras.metrics.Mean(name=name) for name in ("log_likelihood", "kl")
        ]

        self.requested_jit, self.is_jitted, self.step_batch_size = "auto", None, None

    def compile(self, *args, jit_compile="auto", **kwargs):
        """`keras.Model.compile`; "auto" is decided anew by each `fit`, and saved."""
        self.requested_jit = jit_compile
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def get_compile_config(self):
        config = super().get_compile_config()
        return config and config | {"jit_compile": self.requested_jit}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def get_config(self):
        # A functional model forgets its policy, and with it that float16 needs its
        # loss scaled, so that the optimiser's state would not fit after loading.
        policy = keras.saving.serialize_keras_object(self.dtype_policy)
        return {**super().get_config(), "dtype": policy}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if sample_weight is not None:  # of any type, from train_on_batch
            sample_weight = keras.ops.cast(sample_weight, "float32")
        weight = 1.0 if sample_weight is None else sample_weight
        for term in self.terms:
            term.update_state(y_pred[term.name] * weight)
        elbo = y_pred["elbo"]
        loss = self.negative_elbo(elbo, elbo, sample_weight)  # the one mean
        for regulariser in self.losses:
            loss += self._aggregate_additional_loss(regulariser)
        return loss

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        sample_weight=None,
        **kwargs,
    ):
        """`keras.Model.fit`, with the KL weight on its schedule and the data's order
        decided by the model's seed and the steps it was trained
        (`models.training.batching`), and arrays on the device, many steps a call (`models.training.device_loop`).

        x: a dict of arrays by input name, or one array where `x` is the only input.
        Memory maps and `models.blocks.ondisk_array` are read as they are needed,
        shuffled block by block (`models.training.streaming`); they take no `validation_split`.
        within_pass: whether arrays go on in the pass that the steps trained fall in, as
        what is on disk always does; else a new pass begins.
        Any data set or generator that Keras takes is passed on as it is.
        Raises ValueError if an input is missing, unknown or of a wrong shape.
        """
        callbacks = [FollowSchedule(), *keras.tree.flatten(callbacks or [])]
        prepared = fit_data.fit_arguments(
            self,
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            callbacks=callbacks,
            shuffle=shuffle,
            validation_split=validation_split,
            validation_data=validation_data,
            **kwargs,
        )
        with prepared as arguments:
            return super().fit(epochs=epochs, verbose=verbose, **arguments)

    def make_train_function(self, force=False):
        """Keras's, which `fit` on arrays may have many steps made at once, by XLA where
        it pays (`models.training.xla`)."""
        is_jit = xla.should_jit(self, self.step_batch_size)
        if self.train_function is None or force or is_jit != self.is_jitted:
            self.is_jitted = is_jit
            with xla.override_jit_compile(self, is_jit):
                super().make_train_function(force=True)
                if device_loop.is_supported(self):
                    one_by_one = self.train_function
                    self.train_function = device_loop.TrainFunction(self, one_by_one)

    def evaluate(self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs):
        """`keras.Model.evaluate`; weights count without targets too."""
        prepared = fit_data.evaluate_arguments(self, x, y, sample_weight, batch_size)
        with prepared as arguments:
            return super().evaluate(**arguments, **kwargs)

    def steps_trained(self):
        """How many steps the optimiser has made since `compile`; saved with it."""
        return int(self.optimizer.iterations)

    def encode(self, x, label=None, batch_size=1024):
        """q(z|x), or q(z|x, y): (z_mean, z_log_var), each (n, latent_dim).

        Needs no message. label: of a conditional model, one for all or one a row.
        """
        x = checked("x", x, self.input["x"].shape[1:])
        q = self.half("encoder", with_label(self, x, label), batch_size)
        return q["z_mean"], q["z_log_var"]

    def decode(self, z, label=None, batch_size=1024):
        """The mean of p(x|z), or p(x|z, y): (n, latent_dim) -> (n, *input_shape)."""
        z = checked("z", z, (self.latent_dim,))
        parameters = self.half("decoder", with_label(self, z, label), batch_size)
        return keras.ops.convert_to_numpy(self.get_layer("x_mean")(parameters))

    def reconstruct(self, x, label=None, batch_size=1024):
        """The mean of p(x|z) at z = z_mean: (n, *input_shape), as x."""
        z_mean, _ = self.encode(x, label, batch_size)
        return self.decode(z_mean, label, batch_size)

    def prior(self, n, label=None):
        """Mean and precision of p(z), or of a learned p(z|y), each (n, latent_dim).

        N(0, I) for a model that listens: nothing said yet.
        """
        if all(layer.name != "prior" for layer in self.layers):
            shape = (n, self.latent_dim)
            return np.zeros(shape, "float32"), np.ones(shape, "float32")
        _, labels = with_label(self, range(n), label)
        prior = self.half("prior", labels, batch_size=1024)
        return prior["prior_mean"], prior["prior_precision"]

    def sample(self, n, label=None, seed=None):
        """n draws of z from the prior, and what they decode to: (z, x_mean).

        seed: as `numpy.random.default_rng` takes it.
        """
        mean, precision = self.prior(n, label)
        noise = np.random.default_rng(seed).standard_normal(mean.shape)
        z = mean + noise / np.sqrt(precision)
        return z, self.decode(z, label)

    def half(self, name, inputs, batch_size):
        """What this layer, a model by itself, makes of the inputs."""
        return streaming.predict_in_chunks(self.get_layer(name), inputs, batch_size)

    @property
    def is_conditional(self):
        return "label" in self.input

    @property
    def latent_dim(self):
        return self.output["z_mean"].shape[-1]


def check_elbo(model, verb, way_out):
    """The schedules of the layer `elbo`; ValueError if it is not the plain ELBO.

    A model cannot <verb> whose objective would be lost by it.
    """
    elbo = model.get_layer("elbo")
    if type(elbo) is not ELBO:
        raise ValueError(
            f"model cannot {verb}, for its objective is not the ELBO: {way_out}. "
            f"Received: a model with the objective {type(elbo).__name__}"
        )
    return elbo.schedules


def assemble(inputs, q, kl, log_likelihood, x_mean, kl_weight):
    """The VAE of these inputs, posterior, terms and reconstruction."""
    elbo = ELBO(kl_weight, name="elbo")(log_likelihood, kl)
    terms = {"elbo": elbo, "log_likelihood": log_likelihood, "kl": kl}
    return VAE(inputs, {**terms, "x_mean": x_mean, **q}, name="vae")
