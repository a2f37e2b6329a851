"""Markov chains of hidden classes: forward-backward and Baum-Welch, in log space.

A sequence of T steps has the classes c_1 .. c_T, which are observed through x_t:

    p(c, x) = initial_probs[c_1] prod_t A[c_t-1, c_t] prod_t p(x_t | c_t)

with A = transition_matrix. The functions take `log_likelihoods`, log p(x_t | c_t = k)
in nats up to a constant of each step, (n, K): the rows of all sequences, one sequence
after the other; `lengths` are their numbers of rows, (S,) int. All sequences advance
together, one step at a time; the work is K^2 for each row, and nothing is padded. See
Rabiner (1989), "A tutorial on hidden Markov models", and Murphy (2012), "Machine
Learning", 17.4.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """p(c_1 = k) and p(c_t = l | c_t-1 = k).

    Args:
        initial_probs: (K,).
        transition_matrix: (K, K), of which each row sums to 1.
    """

    initial_probs: np.ndarray
    transition_matrix: np.ndarray

    @classmethod
    def from_counts(cls, initial, transitions, pseudo_count: float) -> "MarkovChain":
        """The mode under a Dirichlet(1 + pseudo_count) prior; counts: (K,), (K, K)."""
        initial, transitions = initial + pseudo_count, transitions + pseudo_count
        total = transitions.sum(axis=1, keepdims=True)
        return cls(initial / initial.sum(), transitions / total)

    @property
    def log_initial(self) -> np.ndarray:
        """(K,), nats; -inf for a probability of 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.initial_probs)

    @property
    def log_transition(self) -> np.ndarray:
        """(K, K), nats; -inf for a probability of 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.transition_matrix)


def first_rows(lengths: np.ndarray) -> np.ndarray:
    """The row of the first step of each sequence, (S,) int."""
    return np.cumsum(lengths) - lengths


def later_rows(lengths: np.ndarray) -> np.ndarray:
    """The rows of all steps but the first of each sequence, (n - S,) int."""
    return np.delete(np.arange(np.sum(lengths)), first_rows(lengths))


def rows_by_step(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """For the steps 2, 3, ...: their rows, of the sequences that are that long."""
    order = np.argsort(-lengths, kind="stable")
    first, descending = first_rows(lengths)[order], -lengths[order]
    for step in range(1, np.max(lengths)):
        yield first[: np.searchsorted(descending, -step)] + step


def forward(chain: MarkovChain, log_likelihoods, lengths) -> np.ndarray:
    """log p(x_1 .. x_t-1, c_t), (n, K): what the earlier steps say of each class.

    The recursion is p(x_<t, c_t) = sum_k p(x_<t-1, c_t-1 = k) p(x_t-1 | k) A[k, c_t].
    """
    log_A = chain.log_transition
    result = np.empty(np.shape(log_likelihoods))
    result[first_rows(lengths)] = chain.log_initial
    for rows in rows_by_step(lengths):
        before = result[rows - 1] + log_likelihoods[rows - 1]
        result[rows] = np.logaddexp.reduce(before[..., None] + log_A, axis=1)
    return result


def backward(chain: MarkovChain, log_likelihoods, lengths) -> np.ndarray:
    """log p(x_t+1 .. x_T | c_t), (n, K): what the later steps say of each class.

    The recursion is p(x_>t | c_t) = sum_l A[c_t, l] p(x_t+1 | l) p(x_>t+1 | l).
    """
    log_A = chain.log_transition
    result = np.zeros(np.shape(log_likelihoods))
    for rows in reversed([*rows_by_step(lengths)]):
        after = result[rows] + log_likelihoods[rows]
        result[rows - 1] = np.logaddexp.reduce(after[:, None] + log_A, axis=2)
    return result


def log_evidence(chain: MarkovChain, log_likelihoods, lengths) -> np.ndarray:
    """log p(x_1 .. x_T) of each sequence, (S,), nats."""
    last = np.cumsum(lengths) - 1
    log_joint = forward(chain, log_likelihoods, lengths)[last] + log_likelihoods[last]
    return logsumexp(log_joint, axis=1)


def expected_counts(chain: MarkovChain, log_likelihoods, lengths, rows: int = 4096):
    """The E-step of Baum-Welch.

    Returns:
        (p(c_1 = k | x) summed over the sequences, (K,); p(c_t-1 = k, c_t = l | x)
        summed over all steps, (K, K); log p(x), the sum over the sequences).

    `rows` of the pairs are in memory at a time.
    """
    before = forward(chain, log_likelihoods, lengths) + log_likelihoods
    after = backward(chain, log_likelihoods, lengths) + log_likelihoods
    first, last = first_rows(lengths), np.cumsum(lengths) - 1
    initial = softmax(chain.log_initial + after[first], axis=1).sum(axis=0)
    later, transitions = later_rows(lengths), np.zeros_like(chain.transition_matrix)
    for start in range(0, len(later), rows):
        part = later[start : start + rows]
        log_pair = before[part - 1, :, None] + chain.log_transition
        transitions += softmax(log_pair + after[part, None], axis=(1, 2)).sum(axis=0)
    return initial, transitions, logsumexp(before[last], axis=1).sum()


def neighbour_counts(probs: np.ndarray, lengths):
    """The counts of independent steps with p(c_t = k), (n, K): initial, transitions.

    sum_t p(c_t-1 = k) p(c_t = l): the expectation of the counts that Serket draws.
    """
    later = later_rows(lengths)
    return probs[first_rows(lengths)].sum(axis=0), probs[later - 1].T @ probs[later]


def baum_welch(
    chain: MarkovChain,
    log_likelihoods,
    lengths,
    pseudo_count: float,
    max_iter: int,
    tol: float = 1e-6,
) -> MarkovChain:
    """Maximises log p(x) + pseudo_count * the sum of all log probabilities by EM.

    Ends after `max_iter` iterations, or when one gains less than `tol` nats per row.
    """
    last = -np.inf
    for _ in range(max_iter):
        *counts, objective = expected_counts(chain, log_likelihoods, lengths)
        if pseudo_count:
            log_probs = chain.log_initial.sum() + chain.log_transition.sum()
            objective += pseudo_count * log_probs
        if objective - last < tol * len(log_likelihoods):
            break
        chain, last = MarkovChain.from_counts(*counts, pseudo_count), objective
    return chain
