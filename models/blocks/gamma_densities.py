"""Log-densities with a Gamma function in them: of counts, and of Student's t.

Differences of log Gamma functions lose in float32 what a count has in digits. Here each
is Stirling's formula, whose large terms are subtracted by hand, and an error S that is
small (Loader, 2000, "Fast and accurate computation of binomial probabilities"):

    log Gamma(a) = (a - 1/2) log a - a + 1/2 log 2 pi + S(a).

All are pure functions of tensors that broadcast, nats for each entry, not summed.
"""

import math

from keras import ops

from models.blocks.densities import softplus

LOG_2_PI = math.log(2.0 * math.pi)


def stirling_error(a):
    """S(a) for a > 0, to 1e-6.

    S(a) = S(a + 1) + (a + 1/2) log(1 + 1/a) - 1, four times, and then the series
    1 / (12 b) - 1 / (360 b^3) + 1 / (1260 b^5).
    """
    steps = sum((b + 0.5) * ops.log1p(1.0 / b) - 1.0 for b in (a, a + 1, a + 2, a + 3))
    b = a + 4.0
    square = b * b
    return steps + (1.0 - (1.0 / 30.0 - 1.0 / (105.0 * square)) / square) / (12.0 * b)


def poisson_log_prob(x, log_mean):
    """log Poisson(x; mean) = x log mean - mean - log x!, for integers x >= 0."""
    log_ratio, residual = deviation(x, log_mean)
    return x * log_ratio + residual - factorial_error(x)


def negative_binomial_log_prob(x, log_mean, log_dispersion):
    """log NB(x; mean m, dispersion r), for integers x >= 0.

    Gamma(x + r) / (Gamma(r) x!) (r / (r + m))^r (m / (r + m))^x: Poisson with a mean
    that is Gamma-distributed with mean m and shape r; the variance is m + m^2 / r.
    """
    r = ops.exp(log_dispersion)
    log_ratio, residual = deviation(x, log_mean)
    other = (r + x) * ops.log1p(residual / (r + ops.exp(log_mean)))
    error = stirling_error(x + r) - stirling_error(r) - factorial_error(x)
    return x * log_ratio + other - 0.5 * ops.log1p(x / r) + error


def zero_inflated(x, log_prob, logit):
    """log(pi 1[x = 0] + (1 - pi) p(x)) with pi = sigmoid(logit), p = exp(log_prob)."""
    more = ops.where(x > 0.0, 0.0, softplus(logit - log_prob))
    return log_prob + more - softplus(logit)


def student_t_log_prob(x, mean, log_scale, log_degrees):
    """log t(x; mean, scale s, nu degrees of freedom); N(mean, s^2) for large nu.

    Gamma(a + 1/2) / (Gamma(a) s sqrt(2 pi a)) (1 + y^2 / (2 a))^-(a + 1/2) with
    a = nu / 2 and y = (x - mean) / s.
    """
    a = 0.5 * ops.exp(log_degrees)
    y = (x - mean) * ops.exp(-log_scale)
    ratio = a * ops.log1p(0.5 / a) - 0.5 + stirling_error(a + 0.5) - stirling_error(a)
    tail = (a + 0.5) * ops.log1p(0.5 * y * y / a)
    return ratio - tail - log_scale - 0.5 * LOG_2_PI


def deviation(x, log_mean):
    """(log(mean / x), or log mean for x = 0; x - mean, from the former for x > 0)."""
    log_ratio = log_mean - ops.log(ops.maximum(x, 1.0))
    near = -x * ops.expm1(log_ratio)
    return log_ratio, ops.where(x > 0.0, near, -ops.exp(log_mean))


def factorial_error(x):
    """log x! - x log x + x, for integers x >= 0."""
    positive = ops.maximum(x, 1.0)
    error = 0.5 * (LOG_2_PI + ops.log(positive)) + stirling_error(positive)
    return ops.where(x > 0.0, error, 0.0)
