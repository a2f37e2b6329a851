"""Pieces of sequences as trajectories: P Gaussians along a piece of any length.

Class k is a trajectory of P positions, each with a Gaussian of diagonal covariance. A
piece of d steps is stretched to these positions: its step i = 0 .. d - 1 is at position
floor((i + 1/2) P / d), so that each position has a run of consecutive steps. `lengths`
are the numbers of rows of the sequences, (S,) int, as in `semi_markov`.
"""

from dataclasses import dataclass

import numpy as np

from serket_bridge.inference.semi_markov import steps_left


@dataclass(frozen=True, eq=False)
class Trajectories:
    """N(x; means_kp, diag variances_kp) of each class and position.

    Args:
        means: (K, P, D).
        variances: (K, P, D), > 0.
    """

    means: np.ndarray
    variances: np.ndarray

    def log_density(self, x, variance=0.0) -> np.ndarray:
        """E_q[log N(x_t; means_kp, diag variances_kp)], (n, K, P), nats.

        x: (n, D), the mean of q = N(x_t, diag variance_t); variance: (n, D), or 0.
        """
        result = np.empty((len(x), *self.means.shape[:2]))
        for k, p in np.ndindex(result.shape[1:]):
            mean, scale = self.means[k, p], self.variances[k, p]
            squares = (np.square(x - mean) + variance) / scale
            result[:, k, p] = -0.5 * (np.log(2 * np.pi * scale) + squares).sum(axis=1)
        return result


def position_cuts(n_steps: int, n_positions: int) -> np.ndarray:
    """The first step of each position in a piece of `n_steps`, (P + 1,) int.

    The last entry is `n_steps`. In a piece of d < P steps some positions have no step.
    """
    twice = 2 * n_steps * np.arange(n_positions + 1) - n_positions
    return -(-twice // (2 * n_positions))


def stretch(trajectory, n_steps: int) -> np.ndarray:
    """A trajectory, (P, D), as a piece of `n_steps`, (n_steps, D)."""
    return np.repeat(trajectory, np.diff(position_cuts(n_steps, len(trajectory))), 0)


def shrink(piece, n_positions: int) -> np.ndarray:
    """The steps of a piece, (d, D), in the middle of each position, (P, D)."""
    middles = (np.arange(n_positions) + 0.5) / n_positions
    return piece[(middles * len(piece)).astype(int)]


def runs(max_duration: int, n_positions: int):
    """(d, first step, step after the last, position) of all runs in pieces of d steps.

    A position that has no step in pieces of d < P steps is left out.
    """
    for d in range(1, max_duration + 1):
        cuts = position_cuts(d, n_positions)
        for p in np.flatnonzero(np.diff(cuts)):
            yield d, cuts[p], cuts[p + 1], p


def piece_log_likelihoods(log_density, lengths, max_duration: int) -> np.ndarray:
    """log p(x_t .. x_t+d-1 | class k), (n, M, K), for d = 1 .. M = max_duration.

    It is the sum of log_density, (n, K, P), over the steps of each position: a
    difference of two cumulative sums. -inf where the sequence ends before the piece.
    """
    n, n_classes, n_positions = log_density.shape
    total = np.zeros((n_positions, n + 1, n_classes))
    np.cumsum(log_density.transpose(2, 0, 1), axis=1, out=total[:, 1:])
    result = np.zeros((n, max_duration, n_classes))
    for d, first, end, p in runs(min(max_duration, n), n_positions):
        size = n - d + 1  # beginnings of pieces that end within the rows
        result[:size, d - 1] += total[p, end : end + size]
        result[:size, d - 1] -= total[p, first : first + size]
    ends_before = steps_left(lengths)[:, None] <= np.arange(max_duration)
    result[ends_before] = -np.inf
    return result


def position_probs(piece_probs, n_positions: int) -> np.ndarray:
    """p(step t is at position p of a piece of class k), (K, P, n).

    The sum of p(a piece of d steps and class k begins at t), (n, M, K), over the pieces
    that have step t at this position: the cumulative sum of what begins there, less
    what has ended. It is the transpose of the linear map `piece_log_likelihoods`.
    """
    n, max_duration, n_classes = piece_probs.shape
    change = np.zeros((n_positions, n + 1, n_classes))
    for d, first, end, p in runs(min(max_duration, n), n_positions):
        size = n - d + 1
        change[p, first : first + size] += piece_probs[:size, d - 1]
        change[p, end : end + size] -= piece_probs[:size, d - 1]
    result = np.cumsum(change, axis=1)[:, :-1]
    return np.maximum(result, 0).transpose(2, 0, 1)  # rounding may be below 0
