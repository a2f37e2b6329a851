"""The VAE that Serket's arguments describe, as a model of the zoo."""

from functools import partial

import keras

from models import bernoulli, networks, serket, vanilla
from models.blocks.likelihoods import Bernoulli

# Serket's names of p(x|z). Its squared error has no 1/2, which is a variance of 1/2.
RECONSTRUCTION_ERRORS = {
    "BCE": bernoulli.build,
    "MSE": partial(vanilla.build, sigma=0.5**0.5),
}


class Building:
    """input_shape -> a compiled model that listens.

    Args:
        owner: a `serket_bridge.VAE`; `build_encoder` and `build_decoder`, if it has
            them, are the networks, and the latter may return (outputs, optimiser).
        RE: "BCE" or "MSE".
        weight_stddev, hidden_encoder_dim, hidden_decoder_dim: of other networks.
        learning_rate: of Adam, unless `build_decoder` brings an optimiser.
        others: `build`'s of the variant.

    Raises ValueError for another RE, TypeError where one of the functions is missing.
    """

    def __init__(
        self,
        owner,
        RE,
        weight_stddev,
        hidden_encoder_dim,
        hidden_decoder_dim,
        learning_rate,
        **others,
    ):
        if RE not in RECONSTRUCTION_ERRORS:
            raise ValueError(f'RE must be "BCE" or "MSE". Received: RE={RE!r}')
        self.build = partial(
            RECONSTRUCTION_ERRORS[RE], hidden_dims=(hidden_encoder_dim,), **others
        )
        self.identity = {  # what makes this model another one, as JSON
            "RE": RE,
            "weight_stddev": weight_stddev,
            "hidden_encoder_dim": hidden_encoder_dim,
            "hidden_decoder_dim": hidden_decoder_dim,
            "latent_dim": others["latent_dim"],
            "KL_param": keras.saving.serialize_keras_object(others["kl_weight"]),
        }
        self.owner, self.optimizer = owner, None
        self.learning_rate = learning_rate
        own = [hasattr(owner, name) for name in ("build_encoder", "build_decoder")]
        if any(own) and not all(own):
            raise TypeError(
                f"{type(owner).__name__} must have build_encoder and build_decoder. "
                "Received: only one of them"
            )
        self.network = (
            networks.FromFunctions(owner.build_encoder, self.decoder)
            if all(own)
            else networks.MLP((hidden_decoder_dim,), weight_stddev)
        )

    def decoder(self, z):
        """The subclass's decoder, without the optimiser that it may bring along."""
        outputs = self.owner.build_decoder(z)
        if isinstance(outputs, tuple) and len(outputs) == 2:
            outputs, self.optimizer = outputs
        return outputs

    def __call__(self, input_shape):
        model = serket.with_prior_message(self.build(input_shape, network=self.network))
        model.compile(self.optimizer or keras.optimizers.Adam(self.learning_rate))
        return model


def shapes(model):
    """The shapes of the weights, by path, as JSON."""
    return {weight.path: list(weight.shape) for weight in model.weights}


def check_support(name, model, x):
    """Raises ValueError if a Bernoulli p(x|z) is asked for values it cannot have."""
    likelihood = model.likelihood
    if isinstance(likelihood, Bernoulli) and (x.min() < 0 or x.max() > 1):
        raise ValueError(
            f"{name} has a Bernoulli p(x|z) (BCE), so its data must lie in [0, 1]: "
            'scale them, or take a Gaussian one (RE="MSE"). '
            f"Received: {x.min():g} to {x.max():g}"
        )
