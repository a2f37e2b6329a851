"""q(z|x): from features to parameters, and from parameters to samples.

A posterior owns its heads, one dense layer for each of its parameters; the network only
gives features. One that is not a diagonal Gaussian does not call its parameters
`z_mean` and `z_log_var`, so that nobody takes it for one.
"""

import keras
from keras import layers, ops

from models.blocks import densities
from models.blocks.component import RandomComponent, register
from models.checks import check_integer


class Posterior(RandomComponent):
    """q(z|x), a layer: features -> its parameters, and z drawn from it.

    Subclasses give `head_sizes`, `draw` and `point`.

    Args:
        n_samples: S, draws of z for each example in a training step.
        latent_dim: D, or `None` to take the model's.
        seed: of the noise and of the order of the data, or `None` to take the next one
            of the model; the state of the stream is saved with the weights.

    Input: features, (B, m), or a dict of parameters by name, from a network that has
    the heads itself. Output: a dict of the parameters and

        z       (S, B, D)  draws from q; S = 1 outside training, unless `all_samples`
        log_q   (S, B)     log q(z|x), nats
        z_point (B, D)     the point that stands for q(z|x), such as its mean

    Raises:
        ValueError: n_samples or latent_dim is no integer >= 1.
    """

    role = "posterior"
    is_gaussian = False  # whether q is the Gaussian of z_mean and z_log_var

    def __init__(self, n_samples=1, latent_dim=None, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.n_samples = check_integer("n_samples", n_samples)
        self.latent_dim, self.initializers = latent_dim, {}

    def head_sizes(self) -> dict[str, int]:
        """The width of each parameter, by name."""
        raise NotImplementedError

    def draw(self, q: dict, n: int, seed) -> tuple:
        """z, (n, B, D), from the parameters, and log q(z|x), (n, B)."""
        raise NotImplementedError

    def point(self, q: dict):
        """The point that stands for q(z|x), (B, D)."""
        raise NotImplementedError

    def configure(self, context):
        self.latent_dim = self.latent_dim or context.latent_dim
        for name in self.head_sizes():
            self.initializers[name] = context.kernel_initializer()
        super().configure(context)

    def build(self, features_shape):
        self.heads = {}
        if isinstance(features_shape, dict):
            if set(features_shape) != set(self.head_sizes()):
                raise ValueError(
                    f"the posterior {type(self).__name__} needs the parameters "
                    f"{', '.join(self.head_sizes())}, and the network gives others; "
                    "use a network that gives features, such as networks.MLP(). "
                    f"Received: {', '.join(features_shape)}"
                )
            return
        for name, size in self.head_sizes().items():
            kernel = self.initializers.get(name, "glorot_uniform")
            head = layers.Dense(
                size, kernel_initializer=kernel, dtype="float32", name=name
            )
            head.build(features_shape)
            self.heads[name] = head

    def parameters(self, features) -> dict:
        """The parameters of q(z|x) by name, each (B, size)."""
        if isinstance(features, dict):
            return {name: features[name] for name in self.head_sizes()}
        return {name: head(features) for name, head in self.heads.items()}

    def call(self, features, all_samples=False, training=False):
        q = self.parameters(features)
        n = self.n_samples if training or all_samples else 1
        z, log_q = self.draw(q, n, self.call_seed(training))
        return {**q, "z": z, "log_q": log_q, "z_point": self.point(q)}

    def compute_output_spec(self, features, all_samples=False, training=False):
        batch = next(iter(keras.tree.flatten(features))).shape[0]
        n, dim = self.n_samples if all_samples else None, self.latent_dim
        q = {name: self.spec(batch, size) for name, size in self.head_sizes().items()}
        samples = {"z": self.spec(n, batch, dim), "log_q": self.spec(n, batch)}
        return {**q, **samples, "z_point": self.spec(batch, dim)}


@register
class DiagonalGaussian(Posterior):
    """q(z|x) = N(z_mean, diag exp z_log_var) (Kingma and Welling, 2014).

    Reparameterised: z = z_mean + exp(z_log_var / 2) noise, noise ~ N(0, I). For the
    arguments see `Posterior`.
    """

    is_gaussian = True

    def head_sizes(self):
        return {"z_mean": self.latent_dim, "z_log_var": self.latent_dim}

    def draw(self, q, n, seed):
        return draw_gaussian(q["z_mean"], q["z_log_var"], n, seed)

    def point(self, q):
        return q["z_mean"]


class Flow(Posterior):
    """q(z|x): a diagonal Gaussian through `n_flows` maps. Subclasses give `flow`.

    They add the parameters of their maps to `head_sizes`.
    """

    def __init__(self, n_samples=1, n_flows=2, latent_dim=None, seed=None, **kwargs):
        super().__init__(n_samples, latent_dim, seed, **kwargs)
        self.n_flows = n_flows

    def flow(self, z, log_q, q: dict) -> tuple:
        """z after all maps, (..., B, D), and the log of its density, (..., B)."""
        raise NotImplementedError

    def head_sizes(self):
        return {"base_mean": self.latent_dim, "base_log_var": self.latent_dim}

    def draw(self, q, n, seed):
        return self.flow(*draw_gaussian(q["base_mean"], q["base_log_var"], n, seed), q)

    def point(self, q):
        return self.flow(q["base_mean"], 0.0, q)[0]


def draw_gaussian(mean, log_var, n, seed):
    """n draws of z for each row, (n, B, D), and the log of their density, (n, B)."""
    z = mean + ops.exp(0.5 * log_var) * standard_noise(mean, n, seed)
    return z, densities.gaussian_log_prob(z, mean, log_var)


def standard_noise(mean, n, seed):
    """n draws from N(0, I) for each row of mean: (B, D) -> (n, B, D)."""
    shape = (n, *ops.shape(mean))
    return keras.random.normal(shape, dtype="float32", seed=seed)
