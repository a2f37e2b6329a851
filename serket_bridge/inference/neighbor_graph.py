"""Classes of a graph of nearest neighbours, and the mixture of these classes.

EM from k-means finds Gaussians, and of curved classes it merges some and divides
others. Paths between neighbours stay within a class. The number of steps that a random
walk on the graph needs from one row to another and back, its commute time, is the
squared distance of the rows of

    sqrt(w_i / (1 - w_i)) v_i / sqrt(degree),    i = 1, 2, ...

for the eigenvectors v_i of the normalised adjacency matrix D^-1/2 A D^-1/2 with the
eigenvalues w_i < 1 (Qiu and Hancock, 2007), up to constants. Directions of these rows,
as in spectral clustering (Ng, Jordan and Weiss, 2002), are clustered by k-means. All
eigenvectors count by their eigenvalues, so that their number makes no difference.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import diags
from scipy.sparse.linalg import LinearOperator, eigsh
from scipy.special import logsumexp, softmax
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import kneighbors_graph

from serket_bridge.inference.gaussian_mixture import FitResult, GaussianMixture
from serket_bridge.serialization import register

# Eigenvectors for each class; of far more than there are classes the weights are small.
EIGENVECTORS = 3
# As a part of 1 - w_K it is added to 1 - w_i, so that small parts of the graph that no
# path leads to, with w_i = 1, do not outweigh everything.
FLOOR = 0.1
TINY = np.finfo(float).tiny  # the share of a class that no neighbour is in


def neighbor_graph(z: np.ndarray, neighbors: int):
    """A_nm = 1 for two rows of z, (n, D), each a neighbour of the other; 1/2 for one.

    Returns a sparse (n, n) matrix.
    """
    graph = kneighbors_graph(z, min(neighbors, len(z) - 1))
    return (graph + graph.T) / 2


def commute_directions(graph, n_components: int, rng) -> np.ndarray:
    """The directions of the commute-time embedding of a graph, (n, about 3 K)."""
    n, root = graph.shape[0], np.sqrt(np.asarray(graph.sum(axis=1)).ravel())
    walk = diags(1 / root) @ graph @ diags(1 / root)
    first = root / np.linalg.norm(root)  # the eigenvector of w = 1, of no class

    def multiply(v):
        return walk @ v - first * (first @ v)

    dim, start = min(EIGENVECTORS * n_components, n - 2), rng.uniform(size=n)
    operator = LinearOperator((n, n), multiply, dtype=float)
    w, v = eigsh(operator, dim, which="LA", v0=start, tol=1e-6)
    w, v = np.clip(w[::-1], 0, 1), v[:, ::-1] / root[:, None]
    gap = 1 - w + FLOOR * (1 - w[min(n_components, dim) - 1]) + 1e-9
    embedding = v * np.sqrt(w / gap)
    lengths = np.linalg.norm(embedding, axis=1, keepdims=True)
    return embedding / np.maximum(lengths, TINY)


def graph_classes(graph, n_components: int, rng, n_init: int = 20) -> np.ndarray:
    """Clusters the nodes of a graph, (n, n) sparse, into K = n_components classes.

    n_init: starts of k-means. Returns (n,) int.
    """
    n = graph.shape[0]
    if n_components in (1, n) or n < 3:
        return np.arange(n) % n_components
    directions = commute_directions(graph, n_components, rng)
    seed = int(rng.integers(2**31))
    with warnings.catch_warnings():  # fewer different rows than classes
        warnings.simplefilter("ignore", ConvergenceWarning)
        k_means = KMeans(n_components, n_init=n_init, random_state=seed)
        return k_means.fit_predict(directions)


@register
@dataclass(frozen=True)
class NeighborGraph:
    """The Gaussian mixture of the classes of a graph, which each fit makes anew.

    p(c_n = k) is the share of class k among row n and its neighbours, times the
    backward message; the mixture is the M-step of these. A class has the number of the
    last fit's class with the most rows in common. `bound` is log p(z) of the mixture.

    Args:
        neighbors: of each row in the graph.
        reg_covar: what is added to the variances of the classes.
        max_rows: the most rows of the graph, a random part of more; the others have the
            classes of the mixture.
    """

    neighbors: int = 10
    reg_covar: float = 1e-6
    max_rows: int = 100_000

    @classmethod
    def from_iterations(cls, iterations: int, n_init: int | None = None):
        """The defaults: there are no iterations."""
        return cls()

    def __call__(self, z, log_prior, n_components, state, rng) -> FitResult:
        """Fits K = n_components Gaussians; arguments as `EM`'s."""
        rows = slice(None)
        if len(z) > self.max_rows:
            rows = np.sort(rng.choice(len(z), self.max_rows, replace=False))
        part, prior = np.asarray(z[rows], np.float64), np.asarray(log_prior[rows])
        graph = neighbor_graph(part, self.neighbors)
        classes = graph_classes(graph, n_components, rng)
        last = None if state is None else state["responsibilities"]
        if last is not None and len(last) == len(z):
            classes = match_numbers(classes, last[rows])
        own = np.eye(n_components)[classes]
        r = softmax(np.log(own + graph @ own + TINY) + prior, axis=1)
        mixture = GaussianMixture.from_responsibilities(r, part, self.reg_covar)
        log_joint = mixture.log_joint(np.asarray(z, np.float64)) + log_prior
        if len(part) < len(z):
            r = softmax(log_joint, axis=1)
        bound = float(logsumexp(log_joint, axis=1).mean())
        return FitResult(mixture, bound, {"responsibilities": r})


def match_numbers(classes: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The classes, (n,) int, numbered as the last responsibilities, (n, K)."""
    in_common = np.eye(last.shape[1])[classes].T @ last
    _, number = linear_sum_assignment(in_common, maximize=True)
    return number[classes]
