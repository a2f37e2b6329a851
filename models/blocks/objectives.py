"""What `fit` maximises, in nats for each example.

An objective is a layer: terms -> {"objective": (B,), and what it reports}. The terms
are the parameters of q(z|x), z, log_q, log_pz, log_px, (S, B), and kl, (B,). The mean
over the batch is taken in one place, `models.blocks.vae.VAE.compute_loss`.
"""

import keras
from keras import ops

from models.blocks import densities
from models.blocks.component import Component, register
from models.blocks.schedules import as_schedule


class Objective(Component):
    """What `fit` maximises. Subclasses give `call`.

    Attributes:
        reports: the names of the further outputs, (B,), that `fit` reports.
        all_samples: whether it needs all samples of z outside training too.
        schedules: weights that change with the epoch, name -> `Schedule`.
    """

    role = "objective"
    reports = ("log_likelihood", "kl")
    all_samples = False
    schedules: dict = {}

    def transform(self, q: dict) -> dict:
        """What the posterior returned, as the rest of the model is to have it."""
        return q

    def start_fit(self, n_rows: int) -> None:
        """Learns how many rows `fit` trains on."""

    def follow_schedules(self, epoch: int) -> dict[str, float]:
        """Sets the variables that follow a schedule; returns their values."""
        values = {name: schedule(epoch) for name, schedule in self.schedules.items()}
        for name, value in values.items():
            self.scheduled[name].assign(value)
        return values

    def build(self, terms_shape):
        self.scheduled = {}
        for name, schedule in self.schedules.items():
            start = keras.initializers.Constant(schedule(0))
            self.scheduled[name] = self.add_weight(
                name=name, initializer=start, trainable=False
            )

    def compute_output_spec(self, terms):
        batch = terms["kl"].shape[0]
        return {name: self.spec(batch) for name in ("objective", *self.reports)}

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        schedules = {name: serialize(s) for name, s in self.schedules.items()}
        return {**super().get_config(), **schedules}


@register
class ELBO(Objective):
    """E_q[log p(x|z)] - kl_weight KL(q(z|x) || p(z)).

    With a capacity C the KL is held near C nats instead: kl_weight |KL - C| (Burgess et
    al., 2018, equation 8). `kl_weight` multiplies the KL only, in training and in
    evaluation alike; it is Serket's alpha and the beta of Higgins et al. (2017). With
    kl_weight = 1 and no capacity it is a lower bound of log p(x).

    Args:
        kl_weight: a number >= 0, or a schedule by epoch (`models.blocks.schedules`).
        capacity: of the KL, nats: the same, or `None`.

    Raises ValueError if one is neither a number >= 0 nor a schedule.
    """

    def __init__(self, kl_weight=1.0, capacity=None, **kwargs):
        super().__init__(**kwargs)
        self.schedules = {"kl_weight": as_schedule("kl_weight", kl_weight)}
        if capacity is not None:
            self.schedules["capacity"] = as_schedule("capacity", capacity)

    @property
    def kl_weight(self):
        """The variable, with its value in this epoch."""
        return self.scheduled["kl_weight"]

    def call(self, terms):
        log_likelihood, kl = ops.mean(terms["log_px"], axis=0), terms["kl"]
        distance = ops.abs(kl - self.scheduled["capacity"]) if self.capacity else kl
        objective = log_likelihood - self.kl_weight * distance
        return {"objective": objective, "log_likelihood": log_likelihood, "kl": kl}

    @property
    def capacity(self):
        """The schedule of the capacity, or `None`."""
        return self.schedules.get("capacity")


@register
class ImportanceWeighted(ELBO):
    """The bound of S samples, n_samples of the posterior: E_q[log 1/S sum_i w_i].

    log w_i = log p(x|z_i) - kl_weight (log q(z_i|x) - log p(z_i)). Computed as

        ELBO + log mean_i w_i - mean_i log w_i,

    since the expectation of mean_i log w_i is the ELBO: with kl_weight = 1 this is the
    bound of Burda et al. (2016, equation 8) in expectation, it lies above the ELBO by
    Jensen's inequality, and with one sample the model is the VAE itself.

    Args:
        kl_weight, capacity: as `ELBO`'s.
        doubly_reparameterized: whether the gradient of the encoder is that of Tucker et
            al. (2019), whose noise does not grow with S: see `DoublyReparameterized`.

    Raises ValueError if doubly_reparameterized goes with a capacity.
    """

    all_samples = True

    def __init__(
        self, kl_weight=1.0, capacity=None, doubly_reparameterized=False, **kwargs
    ):
        super().__init__(kl_weight, capacity, **kwargs)
        self.doubly_reparameterized = bool(doubly_reparameterized)
        if doubly_reparameterized and capacity is not None:
            raise ValueError(
                "doubly_reparameterized must be False for a KL with a capacity, whose "
                "gradient it would lose. Received: True"
            )

    def transform(self, q):
        if not self.doubly_reparameterized:
            return q
        if not {"z_mean", "z_log_var"} <= set(q):
            raise ValueError(
                "doubly_reparameterized must be False for a posterior that is not a "
                "diagonal Gaussian. Received: True, and a posterior with "
                f"{', '.join(q)}"
            )
        if q["z"].shape[0] == 1:
            raise ValueError(
                "doubly_reparameterized must be False for a posterior of n_samples=1, "
                "whose gradient is that of the ELBO. Received: True"
            )
        return DoublyReparameterized(name="doubly_reparameterized")(q)

    def call(self, terms):
        elbo = super().call(terms)
        log_ratios = terms["log_q"] - terms["log_pz"]
        log_w = terms["log_px"] - self.kl_weight * log_ratios
        bound, mean = densities.log_mean_exp(log_w), ops.mean(log_w, axis=0)
        if not self.doubly_reparameterized:
            return elbo | {"objective": elbo["objective"] + (bound - mean)}
        v = ops.stop_gradient(ops.softmax(log_w, axis=0))
        factor = (1.0 - self.kl_weight) + self.kl_weight * v
        scale = terms["gradient_scale"]
        zero = ops.sum(scale[..., 0] * factor + scale[..., 1], axis=0)
        rest = ops.stop_gradient(elbo["objective"] - mean)
        return elbo | {"objective": rest + bound + zero}


def require_plain_elbo(objective: Objective, function: str) -> ELBO:
    """The objective, if it is the ELBO; `function` would lose another one.

    Raises ValueError otherwise.
    """
    if type(objective) is not ELBO:
        raise ValueError(
            f"{function} needs a model that maximises the ELBO, because it replaces "
            f"the objective. Received: the objective {type(objective).__name__}"
        )
    return objective


@ops.custom_gradient
def gradient_scale(z):
    """[z, 0, 0], (..., D + 2), whose gradient (g, s, c) is s / c g for z."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        g, s, c = upstream[..., :-2], upstream[..., -2:-1], upstream[..., -1:]
        none = ops.equal(c, 0.0)
        return ops.where(none, 0.0, s / ops.where(none, 1.0, c)) * g

    zeros = ops.zeros((*ops.shape(z)[:-1], 2), z.dtype)
    return ops.concatenate([z, zeros], axis=-1), gradient


@register
class DoublyReparameterized(Component):
    """z whose gradient the objective scales, and log q(z|x) through z alone.

    Tucker, Lawson, Gu and Maddison (2019), "Doubly reparameterized gradient estimators
    for Monte Carlo objectives", equation 8. With v_i = w_i / sum_j w_j the gradient is

        sum_i v_i d log w_i / d theta                    of decoder and prior,
        sum_i v_i^2 (d log w_i / d z_i) (d z_i / d phi)  of the encoder,

    for kl_weight = 1; with b in its place v_i ((1 - b) + b v_i) stands for v_i^2. The
    one backward pass gives v_i d log w_i. Where the gradient of the objective with
    respect to `gradient_scale`, zeros of the shape (S, B, 2), is (s, c), that with
    respect to z is multiplied by s / c.

    Input and output: what a `DiagonalGaussian` returns.
    """

    def call(self, q):
        both = gradient_scale(q["z"])
        z, scale = both[..., :-2], both[..., -2:]
        mean, log_var = map(ops.stop_gradient, (q["z_mean"], q["z_log_var"]))
        log_q = densities.gaussian_log_prob(z, mean, log_var)
        return q | {"z": z, "log_q": log_q, "gradient_scale": scale}

    def compute_output_spec(self, q):
        same = {name: self.spec(*tensor.shape) for name, tensor in q.items()}
        return same | {"gradient_scale": self.spec(*q["log_q"].shape, 2)}
