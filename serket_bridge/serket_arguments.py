"""The VAE that Serket's arguments describe, as a model of the zoo."""

from functools import partial

import numpy as np

# The first of them imports Keras without the notes of its backend, so that it is not
# imported at the top of this file or of vae.py.
from models import bernoulli, multinomial, networks, serket, vanilla
from models.blocks.likelihoods import Bernoulli
from models.blocks.ondisk_array import ArrayRows, Rows
from models.blocks.schedules import Step
from serket_bridge.checks import require

# Serket's names of p(x|z), and that of counts. The squared error has no 1/2 in Serket,
# which is a variance of 1/2.
RECONSTRUCTION_ERRORS = {
    "BCE": bernoulli.build,
    "MSE": partial(vanilla.build, sigma=0.5**0.5),
    "multinomial": multinomial.build,
}


class ModelFactory:
    """input_shape -> a compiled model whose prior takes a message.

    The methods `build_encoder` and `build_decoder` of the owner, a `serket_bridge.VAE`,
    are the networks, if it has them. Otherwise `widths` are those of the hidden layers
    of encoder and decoder. `fingerprint` distinguishes it from other models, as JSON.
    """

    def __init__(self, owner, RE, weight_stddev, widths, latent_dim, kl_weight):
        import keras

        is_known = RE in RECONSTRUCTION_ERRORS
        rule = 'RE must be "BCE" or "MSE", or "multinomial" for counts'
        require(is_known, rule, f"RE={RE!r}")
        self.owner, self.optimizer = owner, None
        names = ("RE", "weight_stddev", "hidden_encoder_dim", "hidden_decoder_dim")
        weight = keras.saving.serialize_keras_object(kl_weight)
        self.fingerprint = dict(zip(names, (RE, weight_stddev, *widths), strict=True))
        self.fingerprint |= {"latent_dim": latent_dim, "KL_param": weight}
        own = [hasattr(owner, name) for name in ("build_encoder", "build_decoder")]
        rule = f"{type(owner).__name__} must have build_encoder and build_decoder"
        require(all(own) or not any(own), rule, "only one of them", TypeError)
        network = networks.MLP(widths[1:], weight_stddev)
        if all(own):
            network = networks.FromFunctions(owner.build_encoder, self.build_decoder)
        self.build = partial(
            RECONSTRUCTION_ERRORS[RE],
            latent_dim=latent_dim,
            hidden_dims=widths[:1],
            network=network,
            kl_weight=kl_weight,
            seed=int(np.random.SeedSequence(owner.seed).generate_state(1)[0]),
        )

    def build_decoder(self, z):
        """The owner's decoder; keeps the optimiser that it may also return."""
        outputs = self.owner.build_decoder(z)
        if isinstance(outputs, tuple) and len(outputs) == 2:
            outputs, self.optimizer = outputs
        return outputs

    def __call__(self, input_shape: tuple):
        model = serket.with_prior_message(self.build(input_shape))
        compile_model(model, self.owner.learning_rate, self.optimizer)
        return model


def kl_schedule(weights, epochs: int):
    """A weight of the KL, or two: of the first epochs, and of the later ones."""
    if not isinstance(weights, tuple | list):
        return weights
    require(len(weights) == 2, "KLD_weights must be a number, or two", weights)
    return Step(epochs, weights[1], start=weights[0])


def compile_model(model, learning_rate: float, optimizer=None) -> None:
    """Compiles a model with an optimiser, or else with Adam."""
    import keras

    model.compile(optimizer or keras.optimizers.Adam(learning_rate))


def check_support(vae, x) -> None:
    """Raises ValueError if x, (n, ...), has values that p(x|z) cannot have."""
    if not isinstance(vae.model.likelihood, Bernoulli):
        return
    low, high = extremes(x)
    rule = f"{vae.name} has a Bernoulli p(x|z) (BCE), so its data must lie in [0, 1]: "
    rule += 'scale them, or use a Gaussian one (RE="MSE")'
    require(low >= 0 and high <= 1, rule, f"{low:g} to {high:g}")


def check_convergence(vae, inputs: dict) -> None:
    """Raises ValueError if the last loss is not finite."""
    loss = vae.metrics["loss"]
    if not np.isfinite(loss):
        low, high = extremes(inputs["x"])
        precision = np.max(inputs.get("prior_precision", 1.0))
        rate = float(vae.model.optimizer.learning_rate)
        raise ValueError(
            f"{vae.name}: training diverged, the loss is {loss}, and its weights "
            "cannot be used. Standardise x (--standardize), or use a smaller learning "
            "rate (learning_rate, --learning-rate) or weight of the KL (KL_param, "
            f"--kl-weight). Received: learning_rate={rate:g}, x from "
            f"{low:g} to {high:g}, a backward message of precision up to {precision:g}"
        )


def extremes(x) -> tuple[float, float]:
    """(minimum, maximum) of x, (n, ...), in memory or on disk."""
    return (x if isinstance(x, Rows) else ArrayRows(x)).extremes
