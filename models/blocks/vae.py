"""The one model class of the zoo, and the only place where its graph is written.

features(x) -> Posterior -> z, log q(z|x)
               Prior     -> log p(z), KL
decoder(z)  -> Likelihood -> log p(x|z), mean of x
               Objective  -> what `fit` maximises, and what it reports
"""

import keras
import numpy as np
from keras import ops

from models.blocks import component
from models.blocks.component import (
    Context,
    FirstSample,
    FoldSamples,
    RepeatForSamples,
    seed_stream,
)
from models.blocks.inputs import checked, count_rows, with_label
from models.blocks.likelihoods import Likelihood
from models.blocks.objectives import Objective
from models.blocks.posteriors import Posterior
from models.blocks.priors import MESSAGE, GaussianPrior, Prior
from models.training import device_loop, fit_data, streaming, xla

LAYERS = ("encoder", "decoder", "posterior", "prior", "likelihood", "objective")


class NegativeMean(keras.losses.Loss):
    """The mean of -values: with Keras's sample weights and replica scaling."""

    def call(self, y_true, y_pred):
        return -y_pred


class ScheduleCallback(keras.callbacks.Callback):
    """Sets the weights of the objective to their schedules when an epoch begins."""

    def on_epoch_begin(self, epoch, logs=None):
        self.values = self.model.objective.follow_schedules(epoch)

    def on_epoch_end(self, epoch, logs=None):
        logs |= self.values


@component.register
class VAE(keras.Model):
    """A functional Keras model that maximises the mean of its output `objective`.

    `assemble` makes it. loss = mean over the batch of -objective, in nats per example;
    the reports of the objective, such as `log_likelihood` and `kl`, are metrics. With
    `sample_weight`, the terms of each example are multiplied by its weight and their
    sum is divided by the number of examples, as Keras does with every loss.

    Inputs: a dict of `x`; of `label` where the networks take one; of `prior_mean` and
    `prior_precision` where the prior takes a message. Outputs: a dict of `objective`
    and its reports, (B,); `x_mean`, as x; `z`, (B, D), the first sample; and the
    parameters of q(z|x), such as `z_mean` and `z_log_var`.

    `compile(optimizer)` needs no loss. `model.save("x.keras")` and
    `keras.saving.load_model("x.keras")` need no `custom_objects`.
    """

    def __init__(self, *args, dtype=None, **kwargs):
        super().__init__(*args, **kwargs)
        if dtype is not None:
            self.dtype_policy = dtype
        self.negative_mean = NegativeMean()
        self.reports = [keras.metrics.Mean(name=n) for n in self.objective.reports]
        self.requested_jit, self.is_jitted, self.step_batch_size = "auto", None, None
        self.prior.bind(self.encoder, self.posterior)

    # --- Components -------------------------------------------------------------------

    @property
    def encoder(self) -> keras.Model:
        """x, or [x, label] -> features."""
        return self.get_layer("encoder")

    @property
    def decoder(self) -> keras.Model:
        """z, or [z, label] -> the parameters of p(x|z)."""
        return self.get_layer("decoder")

    @property
    def posterior(self) -> Posterior:
        """q(z|x)."""
        return self.get_layer("posterior")

    @property
    def prior(self) -> Prior:
        """p(z)."""
        return self.get_layer("prior")

    @property
    def likelihood(self) -> Likelihood:
        """p(x|z)."""
        return self.get_layer("likelihood")

    @property
    def objective(self) -> Objective:
        """What `fit` maximises."""
        return self.get_layer("objective")

    @property
    def observation(self):
        """The layer x -> what p(x|z) is the density of, or `None` for x itself."""
        found = [layer for layer in self.layers if layer.name == "observation"]
        return found[0] if found else None

    def replace(self, takes_message: bool | None = None, **components) -> "VAE":
        """The same model, weights shared, but for these components; not compiled.

        Args:
            takes_message: whether the prior takes a message; `None` is as in this one.
            **components: `posterior`, `prior`, `likelihood` or `objective`.

        Raises:
            ValueError: a component of another name, or one that does not fit.
        """
        for name in set(components) - set(LAYERS[2:]):
            raise ValueError(
                f"replace takes {', '.join(LAYERS[2:])}. Received: {name}={components}"
            )
        seeds = seed_stream(self.posterior.seed)
        context = Context(
            self.input["x"].shape[1:],
            self.latent_dim,
            seeds,
            lambda: keras.initializers.GlorotUniform(next(seeds)),
        )
        for replacement in components.values():
            if not replacement.built:
                replacement.configure(context)
        own = {name: self.get_layer(name) for name in LAYERS}
        return connect(
            **own | components,
            observation=self.observation,
            takes_message=self.takes_message
            if takes_message is None
            else takes_message,
            name=self.name,
        )

    # --- Training ---------------------------------------------------------------------

    def compile(self, *args, jit_compile="auto", **kwargs):
        """`keras.Model.compile`; "auto" is decided by each `fit`, and saved as such."""
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
            sample_weight = ops.cast(sample_weight, "float32")
        weight = 1.0 if sample_weight is None else sample_weight
        for report in self.reports:
            report.update_state(y_pred[report.name] * weight)
        objective = y_pred["objective"]
        loss = self.negative_mean(objective, objective, sample_weight)  # the one mean
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
        """`keras.Model.fit`, with weights on their schedules and reproducible batches.

        The order of the rows follows from the seed of the model and the steps that it
        was trained; arrays are put on the device once (`models.training`).

        Args:
            x: a dict of arrays by input name, or one array where `x` is the only input.
                Memory maps and rows on disk (`models.blocks.ondisk_array`) are read as
                they are needed, shuffled block by block; they take no
                `validation_split`. Data sets and generators are passed on to Keras.
            y, batch_size, epochs, verbose, callbacks, validation_split,
                validation_data, shuffle, sample_weight: as Keras's.
            **kwargs: as Keras's; and `within_pass`: whether arrays continue in the pass
                that the steps trained fall in, as data on disk always do.

        Raises:
            ValueError: an input is missing, unknown or of a wrong shape.
        """
        n_rows = count_rows(x, 0.0 if validation_data is not None else validation_split)
        if n_rows is not None:
            self.objective.start_fit(n_rows)
        n_rows = count_rows(x, 0.0 if validation_data is not None else validation_split)
        if n_rows is not None:
            self.objective.start_fit(n_rows)
        callbacks = [ScheduleCallback(), *keras.tree.flatten(callbacks or [])]
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
        """Keras's; `fit` on arrays may make many steps in one call, or use XLA."""
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

    def steps_trained(self) -> int:
        """How many steps the optimiser made since `compile`; saved with it."""
        return int(self.optimizer.iterations)

    # --- Use --------------------------------------------------------------------------

    def encode(self, x, label=None, batch_size=1024) -> tuple:
        """q(z|x), or q(z|x, y): (z_mean, z_log_var), each (n, latent_dim).

        Args:
            x: (n, *input_shape); no message is needed.
            label: of a conditional model, one for all rows or one for each.
            batch_size: rows that are encoded at a time.

        Raises:
            ValueError: q(z|x) is no diagonal Gaussian (use `latents`), or x or label
                has another shape.
        """
        if not self.posterior.is_gaussian:
            raise ValueError(
                "encode returns the mean and the log-variance of a diagonal Gaussian, "
                f"and this model has the posterior {type(self.posterior).__name__}: "
                "use latents(x), which gives one point for each row"
            )
        q = self._encoded(x, label, batch_size)
        return q["z_mean"], q["z_log_var"]

    def latents(self, x, label=None, batch_size=1024) -> np.ndarray:
        """The points that stand for q(z|x), (n, latent_dim): its means if Gaussian.

        Args and Raises: as `encode`'s, for any posterior.
        """
        return self._encoded(x, label, batch_size)["z_point"]

    def _encoded(self, x, label, batch_size):
        x = checked("x", x, self.input["x"].shape[1:])
        inputs = with_label(self, x, label)
        return streaming.predict_in_chunks(self._latent_model(), inputs, batch_size)

    def _latent_model(self):
        """The model x, or [x, label] -> the parameters of q(z|x) and its point."""
        if "latent_model" not in vars(self):
            inputs = [keras.Input(t.shape[1:]) for t in self.encoder.inputs]
            q = self.posterior(self.encoder(inputs if len(inputs) > 1 else inputs[0]))
            names = (*self.posterior.head_sizes(), "z_point")
            # past `__setattr__`, which would make it a part of this model
            vars(self)["latent_model"] = keras.Model(inputs, {n: q[n] for n in names})
        return vars(self)["latent_model"]

    def decode(self, z, label=None, batch_size=1024) -> np.ndarray:
        """The mean of p(x|z), or p(x|z, y): (n, latent_dim) -> (n, *input_shape)."""
        z = checked("z", z, (self.latent_dim,))
        inputs = with_label(self, z, label)
        parameters = streaming.predict_in_chunks(self.decoder, inputs, batch_size)
        return ops.convert_to_numpy(self.likelihood.mean(parameters))

    def reconstruct(self, x, label=None, batch_size=1024) -> np.ndarray:
        """The mean of p(x|z) at the latents of x: (n, *input_shape), as x."""
        return self.decode(self.latents(x, label, batch_size), label, batch_size)

    def sample(self, n: int, label=None, seed=None) -> tuple:
        """n draws of z from the prior, and their decoded means: (z, x_mean).

        Args:
            n: how many.
            label: of a conditional model, one for all draws or one for each.
            seed: as `numpy.random.default_rng` takes it.
        """
        seed = int(np.random.default_rng(seed).integers(2**31 - 1))
        z = self.prior.sample(n, seed, **self._prior_conditions(n, label))
        z = ops.convert_to_numpy(z)
        return z, self.decode(z, label)

    def prior_moments(self, n: int, label=None) -> tuple | None:
        """Mean and precision of p(z), each (n, latent_dim); `None` if not Gaussian.

        Without a message: those of p(z) before one was sent.
        """
        if not isinstance(self.prior, GaussianPrior):
            return None
        moments = self.prior.moments(**self._prior_conditions(n, label))
        shape = (n, self.latent_dim)
        return tuple(
            np.broadcast_to(ops.convert_to_numpy(m), shape).astype("float32")
            for m in moments
        )

    def _prior_conditions(self, n, label):
        """What p(z) depends on without a message, by name."""
        if "label" not in self.prior.conditions:
            return {}
        return {"label": with_label(self, range(n), label)[1]}

    @property
    def is_conditional(self) -> bool:
        """Whether the model takes labels."""
        return "label" in self.input

    @property
    def takes_message(self) -> bool:
        """Whether the prior takes a message."""
        return "prior_mean" in self.input

    @property
    def latent_dim(self) -> int:
        """The number of dimensions of z."""
        return self.posterior.latent_dim


# --- The graph, written once ----------------------------------------------------------


def assemble(
    networks, posterior, prior, likelihood, objective, takes_message=False
) -> VAE:
    """The VAE of these networks and components, each of which it builds.

    Args:
        networks: a `models.networks.NetworkConfig`: sizes, seeds, and what makes the
            encoder and the decoder.
        posterior: q(z|x), a `Posterior`.
        prior: p(z), a `Prior`.
        likelihood: p(x|z), a `Likelihood`.
        objective: an `Objective`.
        takes_message: whether p(z) takes a message, a Gaussian for each example, in the
            further inputs `prior_mean` and `prior_precision`, (batch, latent_dim).

    Raises:
        ValueError: a component is part of a model already, or does not fit the others.
    """
    observation = likelihood.observation()
    components = {"posterior": posterior, "prior": prior}
    components |= {"likelihood": likelihood, "objective": objective}
    for name, each in components.items():
        if each.built:
            raise ValueError(
                f"{name} must be new, and this {type(each).__name__} is part of a "
                "model already: use replace(...) of that model, or make another one"
            )
    context = networks.context()
    if observation is not None:
        observation.configure(context)
    encoder = networks.make_encoder()
    posterior.configure(context)
    decoder = networks.make_decoder(likelihood.n_parameters)
    for each in (prior, likelihood, objective):
        each.configure(context)
    return connect(
        encoder,
        decoder,
        **components,
        observation=observation,
        takes_message=takes_message,
    )


def connect(
    encoder,
    decoder,
    posterior,
    prior,
    likelihood,
    objective,
    observation=None,
    takes_message=False,
    name="vae",
) -> VAE:
    """The graph of a VAE; the arguments are its layers."""
    inputs = {"x": keras.Input(encoder.inputs[0].shape[1:], name="x")}
    if len(encoder.inputs) > 1:
        inputs["label"] = keras.Input(encoder.inputs[1].shape[1:], name="label")
    if "label" in prior.conditions and "label" not in inputs:
        raise ValueError(
            f"the prior {type(prior).__name__} depends on a label, and the networks "
            "take none: use the variant conditional, or another prior"
        )
    conditions = {name: inputs[name] for name in prior.conditions}
    if takes_message:
        conditions |= message_inputs(prior, posterior.latent_dim)
    inputs |= conditions
    x, label = inputs["x"], [inputs[name] for name in inputs if name == "label"]
    if observation is not None:
        x = observation(x)

    # q(z|x)
    features = encoder([x, *label] if label else x)
    q = posterior(features, all_samples=objective.all_samples)
    q = objective.transform(q)

    # p(z)
    p_z = prior(q, conditions)

    # p(x|z)
    z = FoldSamples(name="fold_samples")(q["z"])
    if label:
        repeat = RepeatForSamples(name="repeat_label")
        z = [z, repeat(*label, q["z"])]
    p_x = likelihood(x, decoder(z))

    terms = objective({**q, **p_z, "log_px": p_x["log_px"]})
    parameters = {name: q[name] for name in posterior.head_sizes()}
    z = FirstSample(name="first_sample")(q["z"])
    outputs = {**terms, "x_mean": p_x["x_mean"], **parameters, "z": z}
    return VAE(inputs, outputs, name=name)


def message_inputs(prior, latent_dim):
    """The inputs of a message, (batch, latent_dim) each, by name."""
    if not prior.supports_message:
        raise ValueError(
            f"takes_message must be False for the prior {type(prior).__name__}, whose "
            "product with a Gaussian has no closed form. Received: True"
        )
    return {name: keras.Input((latent_dim,), name=name) for name in MESSAGE}
