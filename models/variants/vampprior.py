"""The VampPrior VAE: p(z) is the mean of q(z|u_k) over learned pseudo-inputs u_k.

Tomczak and Welling (2018), "VAE with a VampPrior".
"""

import keras
from keras import ops

from models.blocks.component import register
from models.blocks.priors import MixturePrior, log_uniform
from models.variants.variant import Components, variant

SOURCE = "Tomczak and Welling 2018"


@variant(takes_likelihood=True)
def build(*, n_pseudo_inputs: int = 500) -> Components:
    """The VAE with the prior p(z) = 1/K sum_k q(z|u_k), its K pseudo-inputs learned.

    Args:
        n_pseudo_inputs: the number K of pseudo-inputs.
    """
    return Components(prior=VampPrior(n_pseudo_inputs))


@register
class VampPrior(MixturePrior):
    """p(z) = 1/K sum_k q(z|u_k), pseudo-inputs u_k learned.

    q is the posterior of the model.

    Args:
        n_pseudo_inputs: K. They start as uniform draws from [0, 1].
        input_shape: of one pseudo-input; `None` takes the model's.
        latent_dim: D, or `None` to take the model's.

    Raises:
        ValueError: when the model is assembled, if its posterior is no diagonal
            Gaussian or its encoder takes a label.
    """

    def __init__(
        self, n_pseudo_inputs=500, input_shape=None, latent_dim=None, **kwargs
    ):
        super().__init__(latent_dim, **kwargs)
        self.n_pseudo_inputs, self.input_shape = n_pseudo_inputs, input_shape
        self.seed_of_inputs, self.bound_to = None, None

    def configure(self, context):
        super().configure(context)
        self.input_shape = context.input_shape
        self.seed_of_inputs = next(context.seeds)

    def build(self, q_shape, conditions_shape=None):
        self.pseudo_inputs = self.add_weight(
            shape=(self.n_pseudo_inputs, *self.input_shape),
            initializer=keras.initializers.RandomUniform(0, 1, self.seed_of_inputs),
            name="pseudo_inputs",
        )

    def bind(self, encoder, posterior):
        if not posterior.is_gaussian or len(encoder.inputs) > 1:
            raise ValueError(
                "VampPrior needs a diagonal Gaussian posterior and an encoder that "
                f"takes x alone. Received: {type(posterior).__name__}, and an encoder "
                f"of {len(encoder.inputs)} inputs"
            )
        if self.bound_to not in (None, id(posterior)):
            raise ValueError(
                "this VampPrior is that of another posterior: replace the prior too by "
                "a new VampPrior"
            )
        self.bound_to = id(posterior)
        # in a closure, because Keras counts attributes as layers of this one
        self.encode = lambda u: posterior.parameters(encoder(u, training=False))

    def components(self):
        q = self.encode(self.pseudo_inputs)
        return log_uniform(self.n_pseudo_inputs), q["z_mean"], ops.exp(-q["z_log_var"])
