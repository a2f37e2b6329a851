"""Paths through a latent space: linear, spherical, and along its axes."""

import numpy as np


def linear(first: np.ndarray, last: np.ndarray, steps: int) -> np.ndarray:
    """Points at even steps from `first` to `last`, (latent_dim,), both included.

    Returns (steps, latent_dim).
    """
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * first + t * last


def spherical(first: np.ndarray, last: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle between two vectors, both ends included.

    Spherical linear interpolation (Shoemake 1985, "Animating rotation with quaternion
    curves") of the directions, and even steps of the lengths (White 2016, "Sampling
    generative networks"): the path stays where a Gaussian has its mass. Where there is
    no unique great circle (one vector is zero, or both have the same or the opposite
    direction, as always in one dimension), the path is linear. Arguments as `linear`'s.
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


def along_axes(start: np.ndarray, axes, values: np.ndarray) -> np.ndarray:
    """Paths from `start`, (latent_dim,), along each of d axes, counted from 0.

    `values`, (d, steps), are those of its coordinate. Returns (d, steps, latent_dim).
    """
    z = np.tile(start, (*np.shape(values), 1))
    for row, axis in enumerate(axes):
        z[row, :, axis] = values[row]
    return z
