"""The importance-weighted autoencoder: a tighter bound from several draws of z.

Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders".
"""

from models import bernoulli
from models.blocks.importance import (
    FirstDraw,
    ImportanceWeightedELBO,
    LogRatio,
    MeanOfDraws,
)
from models.blocks.model import VAE, check_elbo


def tighten(model):
    """The same model, same weights, with the k-sample bound, k its `n_samples`.

    Its objective, in training and in evaluation, is

        E_q[log 1/k sum_i w_i],  w_i = p(x|z_i) p(z_i) / q(z_i|x),  z_i ~ q(z|x),

    between the ELBO and log p(x). With k = 1 it is the ELBO, and the model itself is
    returned. `log_likelihood` and `kl` remain what they are in the ELBO.

    Args:
        model: any variant whose objective is the ELBO, also one that listens.

    Raises:
        ValueError: the model's objective is another one, such as this one.
    """
    schedules = check_elbo(model, "be tightened", "give one that is not tight yet")
    if model.get_layer("z").n_samples == 1:
        return model  # the bound of one draw is the ELBO
    x, q = observed(model), model.output
    q = {name: q[name] for name in ("z_mean", "z_log_var")}

    # z_i ~ q(z|x), i = 1 .. k
    z = model.get_layer("z")(*q.values(), always=True)

    # log q(z_i|x) - log p(z_i)
    log_ratios = LogRatio(name="log_ratio")(z, *q.values(), **prior_of(model))

    # log p(x|z_i)
    parameters = model.get_layer("decoder")(with_label(model, z))
    log_likelihoods = model.get_layer("log_likelihood")(x, parameters, each_draw=True)

    # log 1/k sum_i w_i
    terms = {
        "log_likelihood": MeanOfDraws(name="mean_of_draws")(log_likelihoods),
        "kl": model.output["kl"],
    }
    objective = ImportanceWeightedELBO(**schedules, name="elbo")
    terms["elbo"] = objective(*terms.values(), log_likelihoods, log_ratios)

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
    _, _, log_likelihoods, _ = objective.input
    return [log_likelihoods, log_ratio(z, z_mean, z_log_var, **prior)]


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


def build(*args, n_samples=5, **kwargs):
    """The Bernoulli VAE, tightened; other arguments are `models.bernoulli.build`'s."""
    return tighten(bernoulli.build(*args, n_samples=n_samples, **kwargs))
