"""The importance-weighted autoencoder: a tighter bound from several draws of z.

Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders".
"""

from models.blocks.importance import (
    DoublyReparameterizedELBO,
    FirstDraw,
    ImportanceWeightedELBO,
    LogRatio,
    MeanOfDraws,
    ScaledGradient,
)
from models.blocks.model import VAE, check_elbo
from models.variants import bernoulli


def tighten(model, doubly_reparameterized=False):
    """The same model, same weights, with the k-sample bound, k its `n_samples`.

    Its objective, in training and in evaluation, is

        E_q[log 1/k sum_i w_i],  w_i = p(x|z_i) p(z_i) / q(z_i|x),  z_i ~ q(z|x),

    between the ELBO and log p(x). With k = 1 it is the ELBO, and the model itself is
    returned. `log_likelihood` and `kl` remain what they are in the ELBO.

    Args:
        model: any variant whose objective is the ELBO, also one that listens.
        doubly_reparameterized: whether the encoder's gradient is that of Tucker et al.
            (2019), which does not drown in noise as k grows; the bound is the same.

    Raises:
        ValueError: the model's objective is another one, such as this one; or the
            gradient is to be doubly reparameterised, and there is one draw, whose
            gradient is the ELBO's, or the KL has a capacity.
    """
    schedules = check_elbo(model, "be tightened", "give one that is not tight yet")
    if doubly_reparameterized and "capacity" in schedules:
        raise ValueError(
            "doubly_reparameterized must be False for a KL with a capacity, whose "
            "gradient it would lose. Received: True"
        )
    n_samples = model.get_layer("z").n_samples
    if doubly_reparameterized and n_samples == 1:
        raise ValueError(
            "doubly_reparameterized must be False for a model of n_samples=1, which "
            "has no weights to square. Received: True"
        )
    if n_samples == 1:
        return model  # the bound of one draw is the ELBO
    x, q = observed(model), model.output
    q = {name: q[name] for name in ("z_mean", "z_log_var")}

    # z_i ~ q(z|x), i = 1 .. k
    z, scale = model.get_layer("z")(*q.values(), always=True), []
    if doubly_reparameterized:
        z, *scale = ScaledGradient(name="scaled_z")(z)

    # log q(z_i|x) - log p(z_i)
    log_ratio = LogRatio(through_z_only=doubly_reparameterized, name="log_ratio")
    log_ratios = log_ratio(z, *q.values(), **prior_of(model))

    # log p(x|z_i)
    parameters = model.get_layer("decoder")(with_label(model, z))
    log_likelihoods = model.get_layer("log_likelihood")(x, parameters, each_draw=True)

    # log 1/k sum_i w_i
    terms = {
        "log_likelihood": MeanOfDraws(name="mean_of_draws")(log_likelihoods),
        "kl": model.output["kl"],
    }
    kind = DoublyReparameterizedELBO if scale else ImportanceWeightedELBO
    objective = kind(**schedules, name="elbo")
    terms["elbo"] = objective(*terms.values(), log_likelihoods, log_ratios, *scale)

    first = FirstDraw(name="first_parameters")(parameters, x)
    x_mean = model.get_layer("x_mean")(first)
    z = FirstDraw(name="first_z")(z, x)
    return VAE(model.input, {**terms, "x_mean": x_mean, **q, "z": z}, name=model.name)


def draws_under(model, prior):
    """What the objective takes of each draw, under another prior than the model's.

    prior: its prior_mean and prior_precision. Nothing, if the objective is the ELBO.
    """
    objective = model.get_layer("elbo")
    if not isinstance(objective, ImportanceWeightedELBO):
        return []
    log_ratio = model.get_layer("log_ratio")
    z, z_mean, z_log_var, *_ = log_ratio.input
    _, _, log_likelihoods, _, *scale = objective.input
    return [log_likelihoods, log_ratio(z, z_mean, z_log_var, **prior), *scale]


def observed(model):
    """What log p(x|z) is about: x, or what was drawn from it."""
    drawn = [layer.output for layer in model.layers if layer.name == "binarize"]
    return drawn[0] if drawn else model.input["x"]


def prior_of(model):
    """prior_mean and prior_precision: of a message, of a label; nothing for N(0, I)."""
    if any(layer.name == "prior" for layer in model.layers):
        return model.get_layer("prior")(model.input["label"])
    names = ("prior_mean", "prior_precision")
    return {name: model.input[name] for name in names if name in model.input}


def with_label(model, z):
    """What the decoder takes: z, or z and the label of each draw."""
    if not model.is_conditional:
        return z
    return [z, model.get_layer("label_of_z")(model.input["label"], z)]


def build(*args, n_samples=5, doubly_reparameterized=False, **kwargs):
    """The Bernoulli VAE, tightened; other arguments are `models.bernoulli.build`'s."""
    vae = bernoulli.build(*args, n_samples=n_samples, **kwargs)
    return tighten(vae, doubly_reparameterized)
