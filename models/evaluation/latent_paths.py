"""Paths through a latent space: straight, spherical, and along its axes."""

import numpy as np


def linear(first, last, steps):
    """`steps` points on the straight line between two vectors, both ends included.

    first, last: (latent_dim,). Returns (steps, latent_dim).
    """
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * first + t * last


def spherical(first, last, steps):
    """`steps` points on the great circle between two vectors, both ends included.

    Shoemake (1985), "Animating rotation with quaternion curves", of the directions, and
    the length in even steps from one to the other (White 2016, "Sampling generative
    networks"): points stay where a Gaussian has its mass, rather than cut through its
    thin middle. Where no one great circle joins the two (one is zero, or they point the
    same or the opposite way, as all do in one dimension), the path is the straight one.
    """
    lengths = np.linalg.norm(first), np.linalg.norm(last)
    if min(lengths) == 0:
        return linear(first, last, steps)
    a, b = first / lengths[0], last / lengths[1]
    angle = 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))
    if np.sin(angle) < 1e-6:
        return linear(first, last, steps)
    t = np.linspace(0, 1, steps)[:, None]
    directions = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    return linear(*lengths, steps) * directions


def along_axes(start, axes, values):
    """From `start`, one coordinate at a time takes the values, the others stay.

    start: (latent_dim,). axes: d coordinates, from 0. values: (d, steps).
    Returns (d, steps, latent_dim).
    """
    z = np.tile(start, (*np.shape(values), 1))
    for row, axis in enumerate(axes):
        z[row, :, axis] = values[row]
    return z
