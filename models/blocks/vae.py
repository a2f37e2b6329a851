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
from models.blocks.inputs import checked, with_label
from models.blocks.likelihoods import Likelihood
from models.blocks.objective_model import ObjectiveModel, layer_property
from models.blocks.posteriors import Posterior
from models.blocks.priors import MESSAGE, GaussianPrior, Prior
from models.blocks.submodels import density_model, latent_model
from models.training import streaming

LAYERS = ("encoder", "decoder", "posterior", "prior", "likelihood", "objective")


@component.register
class VAE(ObjectiveModel):
    """A variational autoencoder of four components, which `assemble` makes.

    `fit` maximises the mean of the output `objective`, in nats for each example.

    Inputs: a dict of `x`; of `label` where the networks take one; of `prior_mean` and
    `prior_precision` where the prior takes a message. Outputs: a dict of `objective`
    and its reports, (B,); `x_mean`, as x; `z`, (B, D), the first sample; and the
    parameters of q(z|x), such as `z_mean` and `z_log_var`.

    `compile(optimizer)` needs no loss. `model.save("x.keras")` and
    `keras.saving.load_model("x.keras")` need no `custom_objects`.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.prior.bind(self.encoder, self.posterior)

    encoder = layer_property("encoder", keras.Model, "x, or [x, label] -> features.")
    decoder = layer_property("decoder", keras.Model, "z, or [z, label] -> parameters.")
    posterior = layer_property("posterior", Posterior, "q(z|x).")
    prior = layer_property("prior", Prior, "p(z).")
    likelihood = layer_property("likelihood", Likelihood, "p(x|z).")

    @property
    def observation(self):
        """The layer x -> what p(x|z) is the density of, or `None` for x itself."""
        return next((each for each in self.layers if each.name == "observation"), None)

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
        seeds, shape = seed_stream(self.posterior.seed), self.input["x"].shape[1:]
        glorot = keras.initializers.GlorotUniform
        context = Context(shape, self.latent_dim, seeds, lambda: glorot(next(seeds)))
        for replacement in components.values():
            if not replacement.built:
                replacement.configure(context)
        if takes_message is None:
            takes_message = self.takes_message
        encoder, decoder, *parts = (
            components.get(name) or self.get_layer(name) for name in LAYERS
        )
        own = {"observation": self.observation, "name": self.name}
        return connect(encoder, decoder, parts, takes_message, **own)

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
        q = self._encoded(x, label, batch_size)
        return q["z_mean" if self.posterior.is_gaussian else "z_point"]

    def _encoded(self, x, label, batch_size):
        x = checked("x", x, self.input["x"].shape[1:])
        inputs = with_label(self, x, label)
        return streaming.predict_in_chunks(latent_model(self), inputs, batch_size)

    def decode(self, z, label=None, batch_size=1024) -> np.ndarray:
        """The mean of p(x|z), or p(x|z, y): (n, latent_dim) -> (n, *input_shape)."""
        z = checked("z", z, (self.latent_dim,))
        inputs = with_label(self, z, label)
        parameters = streaming.predict_in_chunks(self.decoder, inputs, batch_size)
        return ops.convert_to_numpy(self.likelihood.mean(parameters))

    def log_likelihood(self, x, z, label=None, batch_size=1024) -> np.ndarray:
        """log p(x|z), or log p(x|z, y), of each row, (n,), nats.

        Args as `encode`'s and `decode`'s. If the model binarises x, this is the
        expectation over the samples of 0 and 1 with the means x.
        """
        x = checked("x", x, self.input["x"].shape[1:])
        z = checked("z", z, (self.latent_dim,))
        inputs = keras.tree.flatten([x, with_label(self, z, label)])
        return streaming.predict_in_chunks(density_model(self), inputs, batch_size)

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
        rng, moments = np.random.default_rng(seed), self.prior_moments(n, label)
        if moments is None:
            conditions = self._prior_conditions(n, label)
            z = self.prior.sample(n, int(rng.integers(2**31 - 1)), **conditions)
            z = ops.convert_to_numpy(z)
        else:  # faster in NumPy
            mean, precision = moments
            z = mean + rng.standard_normal(mean.shape) / np.sqrt(precision)
        return z, self.decode(z, label)

    def prior_moments(self, n: int, label=None) -> tuple | None:
        """Mean and precision of p(z), each (n, latent_dim); `None` if not Gaussian.

        Without a message: those of p(z) before one was sent.
        """
        if not isinstance(self.prior, GaussianPrior):
            return None
        moments = self.prior.moments(**self._prior_conditions(n, label))
        zeros = np.zeros((n, self.latent_dim), "float32")
        return tuple(ops.convert_to_numpy(moment) + zeros for moment in moments)

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
    components = posterior, prior, likelihood, objective
    for each in components:
        if each.built:
            raise ValueError(
                f"{each.role} must be new, and this {type(each).__name__} is part of a "
                "model already: use replace(...) of that model, or make another one"
            )
    context, observation = networks.context(), likelihood.observation()
    if observation is not None:
        observation.configure(context)
    encoder = networks.network.encoder(networks)
    posterior.configure(context)
    n_parameters = likelihood.n_parameters
    decoder = networks.network.decoder(networks.replace(n_parameters=n_parameters))
    for each in (prior, likelihood, objective):
        each.configure(context)
    return connect(encoder, decoder, components, takes_message, observation)


def connect(
    encoder, decoder, components, takes_message, observation=None, name="vae"
) -> VAE:
    """The graph of a VAE; the arguments are its layers, the components in order."""
    posterior, prior, likelihood, objective = components
    inputs = make_inputs(encoder, prior, posterior.latent_dim, takes_message)
    x, label = inputs["x"], inputs.get("label")
    if observation is not None:
        x = observation(x)

    # q(z|x)
    features = encoder(x if label is None else [x, label])
    q = posterior(features, all_samples=objective.all_samples)
    q = objective.transform(q)

    # p(z)
    conditions = (*prior.conditions, *MESSAGE * takes_message)
    p_z = prior(q, {name: inputs[name] for name in conditions})

    # p(x|z)
    z = FoldSamples(name="fold_samples")(q["z"])
    if label is not None:
        z = [z, RepeatForSamples(name="repeat_label")(label, q["z"])]
    p_x = likelihood(x, decoder(z))

    terms = objective({**q, **p_z, "log_px": p_x["log_px"]})
    parameters = {name: q[name] for name in posterior.head_sizes()}
    z = FirstSample(name="first_sample")(q["z"])
    outputs = {**terms, "x_mean": p_x["x_mean"], **parameters, "z": z}
    return VAE(inputs, outputs, name=name)


def make_inputs(encoder, prior, latent_dim, takes_message) -> dict:
    """The inputs of the graph by name: x, and the label and the message if taken."""
    shapes = {"x": encoder.inputs[0].shape[1:]}
    if len(encoder.inputs) > 1:
        shapes["label"] = encoder.inputs[1].shape[1:]
    if "label" in prior.conditions and "label" not in shapes:
        raise ValueError(
            f"the prior {type(prior).__name__} depends on a label, and the networks "
            "take none: use the variant conditional, or another prior"
        )
    if takes_message:
        if not prior.supports_message:
            raise ValueError(
                f"takes_message must be False for the prior {type(prior).__name__}, "
                "whose product with a Gaussian has no closed form. Received: True"
            )
        shapes |= dict.fromkeys(MESSAGE, (latent_dim,))
    return {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
