"""Sums over all paths of a Markov chain, for the tests of chains."""

from itertools import product

import numpy as np
from scipy.special import logsumexp, softmax

LENGTHS = np.array([5, 1, 3, 5, 2])


def all_paths(chain, log_likelihoods):
    """Every path (K^T, T) of one sequence, and log p(path, x) of each."""
    n_steps, n_classes = log_likelihoods.shape
    paths = np.array([*product(range(n_classes), repeat=n_steps)])
    with np.errstate(divide="ignore"):
        log_p = np.log(chain.initial_probs)[paths[:, 0]]
        for t in range(1, n_steps):
            log_p = (
                log_p + np.log(chain.transition_matrix)[paths[:, t - 1], paths[:, t]]
            )
    return paths, log_p + log_likelihoods[np.arange(n_steps), paths].sum(axis=1)


def enumerate_sequences(chain, log_likelihoods, lengths):
    """By sums over all paths: smoothed (n, K), first (K,), pairs (K, K), log p (S,)."""
    n_classes = log_likelihoods.shape[1]
    smoothed, log_evidence = [], []
    first, pairs = np.zeros(n_classes), np.zeros((n_classes, n_classes))
    for part in np.split(log_likelihoods, np.cumsum(lengths)[:-1]):
        paths, log_p = all_paths(chain, part)
        p = softmax(log_p)
        one_hot = np.eye(n_classes)[paths]
        smoothed.append(np.einsum("p,ptk->tk", p, one_hot))
        first += smoothed[-1][0]
        pairs += np.einsum("p,ptk,ptl->kl", p, one_hot[:, :-1], one_hot[:, 1:])
        log_evidence.append(logsumexp(log_p))
    return np.concatenate(smoothed), first, pairs, np.array(log_evidence)
