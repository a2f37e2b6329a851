"""Sums over all cuts of sequences into pieces, for the tests of semi-Markov models."""

from itertools import product

import numpy as np
from scipy.special import logsumexp

from serket_bridge.inference.semi_markov import SemiMarkovChain

LENGTHS = np.array([4, 1, 5, 3])


def random_chain(rng, n_classes=2, max_duration=3):
    return SemiMarkovChain(
        rng.dirichlet(np.ones(n_classes)),
        rng.dirichlet(np.ones(n_classes), n_classes),
        rng.dirichlet(np.ones(max_duration), n_classes),
    )


def compositions(n, longest):
    """All ways to write n as a sum of integers from 1 to `longest`, in order."""
    if n == 0:
        return [()]
    parts = range(1, min(n, longest) + 1)
    return [(d, *rest) for d in parts for rest in compositions(n - d, longest)]


def all_cuts(chain, log_likelihood, n_steps):
    """[(pieces (start, duration, class), log p)] of one sequence.

    log_likelihood(start, duration, k): log p of the steps of a piece, nats.
    """
    n_classes, max_duration = chain.duration_probs.shape
    found = []
    for durations in compositions(n_steps, max_duration):
        starts = np.cumsum(durations) - durations
        for classes in product(range(n_classes), repeat=len(durations)):
            pieces = [*zip(starts.tolist(), durations, classes, strict=True)]
            p = chain.initial_probs[classes[0]]
            for before, k in zip(classes, classes[1:], strict=False):
                p *= chain.transition_matrix[before, k]
            for _, d, k in pieces:
                p *= chain.duration_probs[k, d - 1]
            with np.errstate(divide="ignore"):
                log_p = np.log(p) + sum(log_likelihood(*piece) for piece in pieces)
            found.append((pieces, log_p))
    return found


def enumerate_cuts(chain, log_likelihood, lengths):
    """By sums over all cuts of all sequences: a dict of expectations.

    log_likelihood(start, duration, k): with `start` the row of all sequences.
    """
    n_classes, max_duration = chain.duration_probs.shape
    n = int(np.sum(lengths))
    pieces, log_evidence = np.zeros((n, max_duration, n_classes)), []
    initial, transitions = np.zeros(n_classes), np.zeros((n_classes, n_classes))
    steps, best = np.zeros((n, n_classes)), []
    for first, n_steps in zip(np.cumsum(lengths) - lengths, lengths, strict=True):

        def log_piece(start, d, k, first=first):
            return log_likelihood(first + start, d, k)

        cuts = all_cuts(chain, log_piece, n_steps)
        log_evidence.append(logsumexp([log_p for _, log_p in cuts]))
        cut = max(cuts, key=lambda each: each[1])[0]
        best += [(first + start, first + start + d, k) for start, d, k in cut]
        for cut, log_p in cuts:
            p = np.exp(log_p - log_evidence[-1])
            initial[cut[0][2]] += p
            for (_, _, before), (_, _, k) in zip(cut, cut[1:], strict=False):
                transitions[before, k] += p
            for start, d, k in cut:
                pieces[first + start, d - 1, k] += p
                steps[first + start : first + start + d, k] += p
    return {
        "pieces": pieces,
        "initial": initial,
        "transitions": transitions,
        "durations": pieces.sum(axis=0).T,
        "steps": steps,
        "best": np.array(best),
        "log_evidence": np.array(log_evidence),
    }
