"""A function of a Gaussian variable: its expectation and slope, and a message back.

The third-degree spherical rule (Arasaratnam and Haykin, 2009): the mean of a function
of z ~ N(m, diag s^2), (n, D), is its mean over the 2 D points m +- sqrt(D) s_d e_d. It
is exact for polynomials of degree 3, and needs no derivatives of the function.
"""

import numpy as np


def points(mean, deviation):
    """The points, (2 D, n, D), those of the positive sign first, of m and s, (n, D)."""
    steps = np.sqrt(mean.shape[1]) * np.eye(mean.shape[1])
    return mean + np.concatenate([steps, -steps])[:, None] * deviation


def linear_fit(values, deviation):
    """The best linear function of z for the values of a function at the points.

    values: (2 D, n, m); deviation: (n, D). Returns its value at the mean, (n, m), and
    its matrix A, (n, m, D).
    """
    plus, minus = np.split(values, 2)
    slopes = np.moveaxis(plus - minus, 0, -1) / (2 * np.sqrt(len(plus)))
    return values.mean(axis=0), slopes / deviation[:, None]


def gaussian_message(mean, curvature, gradient, prior_mean, prior_precision):
    """Mean and precision, (n, D) each, of a Gaussian close to p(y|z) N(prior).

    log p(y|z) is close to g' (z - mean) - (z - mean)' H (z - mean) / 2 around the mean,
    where H, (n, D, D), has no negative eigenvalues: those of `curvature` become 0. With
    the prior precision P the product has the precision H + P, of which the diagonal is
    kept, and the mean that solves (H + P) (m - mean) = g + P (prior_mean - mean).
    """
    scale, basis = np.linalg.eigh(curvature)
    scale = np.maximum(scale, 0.0)
    shift = gradient + prior_precision * (prior_mean - mean)
    coordinates = np.einsum("nde,nd->ne", basis, shift) / (scale + prior_precision)
    precision = np.einsum("nde,ne->nd", np.square(basis), scale) + prior_precision
    return mean + np.einsum("nde,ne->nd", basis, coordinates), precision
