"""Log-likelihoods and KL divergences: pure functions of tensors, nats per datum.

Every function sums over all axes but the first `batch_axes` ones, in float32 or
wider as given, and never averages: the mean over the batch is taken in one place,
`models.blocks.vae.VAE.compute_loss`.
"""

import math

from keras import ops


def sum_event(values, batch_axes=1):
    """Sums over the event axes: (batch, ...) -> (batch,)."""
    axes = tuple(range(batch_axes, len(values.shape)))
    return ops.sum(values, axis=axes) if axes else values


def gaussian_log_likelihood(x, mean, log_sigma=0.0, batch_axes=1):
    """log N(x; mean, sigma^2 I), normalising constant and the 1/2 included.

    -1/2 sum_d [ ((x_d - mean_d) / sigma)^2 + 2 log sigma + log 2 pi ].
    With sigma = 1 this is minus half the summed squared error, less a constant:
    the "MSE" of textbook VAEs without its missing 1/2.

    x, mean: (batch, ...); log_sigma: a scalar. Returns (batch,), nats.
    """
    standardised = (x - mean) * ops.exp(-log_sigma)
    constant = math.log(2.0 * math.pi)
    return -0.5 * sum_event(
        ops.square(standardised) + 2.0 * log_sigma + constant, batch_axes
    )


@ops.custom_gradient
def softplus(x):
    """log(1 + exp(x)) = max(x, 0) - log max(p, 1 - p) with p = sigmoid(x), for any x.

    The derivative is p itself. With one sigmoid for both, and operations that every
    backend has vectorised, it takes two thirds of the time of `ops.softplus` on
    TensorFlow, where that one was the slowest operation of a training step.
    """
    p = ops.sigmoid(x)

    def gradient(*args, upstream=None):
        return (args[0] if upstream is None else upstream) * p

    return ops.relu(x) - ops.log(ops.maximum(p, 1.0 - p)), gradient


def bernoulli_log_likelihood(x, logits, batch_axes=1):
    """sum_d [ x_d log p_d + (1 - x_d) log(1 - p_d) ] with p = sigmoid(logits).

    Written as x * logits - softplus(logits), which is finite for any logit. For x
    strictly between 0 and 1 it is the usual cross-entropy, not a normalised density
    (Loaiza-Ganem and Cunningham, 2019).

    x in [0, 1], logits: (batch, ...). Returns (batch,), nats.
    """
    return sum_event(x * logits - softplus(logits), batch_axes)


def multinomial_log_likelihood(x, logits, batch_axes=1):
    """log N! + sum_d [ x_d log p_d - log x_d! ], p = softmax(logits), N = sum_d x_d.

    x >= 0, logits: (batch, ...), with one softmax over all event axes. Returns
    (batch,), nats: a log-probability where x are integers.
    """
    axes = tuple(range(batch_axes, len(logits.shape)))
    log_p = logits - ops.logsumexp(logits, axis=axes, keepdims=True)
    coefficient = log_factorial(sum_event(x, batch_axes))
    return coefficient + sum_event(x * log_p - log_factorial(x), batch_axes)


def log_factorial(x):
    """log Gamma(x + 1), for x >= 0, to 6 digits; exactly 0 for x = 0.

    With z = x + 7 it is Stirling's series of log Gamma(z), (z - 1/2) log z - z +
    1/2 log 2 pi + 1 / (12 z) - 1 / (360 z^3), less log((x + 1) ... (x + 6)).
    """
    z = x + 7.0
    series = (z - 0.5) * ops.log(z) - z + 0.5 * math.log(2.0 * math.pi)
    series = series + (1.0 - 1.0 / (30.0 * z * z)) / (12.0 * z)
    first = ops.log((x + 1.0) * (x + 2.0) * (x + 3.0))
    second = ops.log((x + 4.0) * (x + 5.0) * (x + 6.0))
    return ops.where(x > 0.0, series - first - second, 0.0)


def gaussian_kl(mean, log_var, prior_mean=0.0, prior_precision=1.0):
    """KL( N(mean, diag exp(log_var)) || N(prior_mean, diag 1 / prior_precision) ).

    1/2 sum_d [ L_d (exp(log_var_d) + (mean_d - m_d)^2) - 1 - log_var_d - log L_d ],
    L = prior_precision, m = prior_mean (Kingma and Welling 2014, appendix B, for
    m = 0 and L = 1).

    All arguments: (batch, latent_dim) or a scalar. Returns (batch,), nats.
    """
    log_precision = ops.log(prior_precision)
    spread = ops.exp(log_var) + ops.square(mean - prior_mean)
    return 0.5 * sum_event(prior_precision * spread - 1.0 - log_var - log_precision)


def gaussian_log_prob(z, mean, log_var):
    """log N(z; mean, diag exp(log_var)).

    -1/2 sum_d [ (z_d - mean_d)^2 exp(-log_var_d) + log_var_d + log 2 pi ].

    All arguments: (..., latent_dim) or a scalar. Returns (...,), nats.
    """
    terms = ops.square(z - mean) * ops.exp(-log_var) + log_var + math.log(2.0 * math.pi)
    return -0.5 * ops.sum(terms, axis=-1)


def log_mean_exp(values):
    """log of the mean of exp(values) over the first axis: (k, ...) -> (...).

    Of log importance weights, log p(x|z_i) + log p(z_i) - log q(z_i|x), this is the
    k-sample lower bound of log p(x) (Burda et al. 2016, equation 8).
    """
    peak = ops.stop_gradient(ops.max(values, axis=0))
    return peak + ops.log(ops.mean(ops.exp(values - peak), axis=0))
