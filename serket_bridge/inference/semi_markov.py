"""Hidden semi-Markov models: sequences that are cut into pieces, in log space.

A sequence is cut into pieces. Piece j has the class c_j and d_j = 1 .. M steps:

    p(c, d, x) = initial_probs[c_1] prod_j A[c_j-1, c_j] prod_j D[c_j, d_j] p(x_j | c_j)

with A = transition_matrix, D = duration_probs, and x_j the steps of piece j; the last
piece ends where the sequence ends. The functions take `pieces`, log D[k, d] p(x_t ..
x_t+d-1 | k) in nats, (n, M, K): row t is the first step of the piece, and column d - 1
its number of steps; -inf where a sequence ends before the piece does. The rows are
those of all sequences, one sequence after the other; `lengths` are their numbers of
rows, (S,) int. All sequences advance together; the work is K (M + K) for each row. See
Yu (2010), "Hidden semi-Markov models", and Murphy (2012), "Machine Learning", 17.6.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax

from serket_bridge.inference import forward_backward
from serket_bridge.inference.forward_backward import MarkovChain, first_rows


@dataclass(frozen=True, eq=False)
class SemiMarkovChain(MarkovChain):
    """p(c_1 = k), p(c_j = l | c_j-1 = k), and p(d | k) of the number of steps d.

    Args:
        initial_probs: (K,).
        transition_matrix: (K, K), of which each row sums to 1.
        duration_probs: (K, M), of 1 .. M steps; each row sums to 1.
    """

    duration_probs: np.ndarray

    @classmethod
    def uniform(cls, duration_probs) -> "SemiMarkovChain":
        """All classes after each class, equally probable; these numbers of steps."""
        n_classes = len(duration_probs)
        probs = np.full((n_classes + 1, n_classes), 1 / n_classes)
        return cls(probs[0], probs[1:], duration_probs)

    @property
    def log_durations(self) -> np.ndarray:
        """(M, K), nats; -inf for a probability of 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.duration_probs.T)


def rows_by_step(lengths):
    """For the steps 1, 2, ...: their rows, of the sequences that are that long."""
    yield first_rows(lengths)
    yield from forward_backward.rows_by_step(lengths)


def steps_left(lengths) -> np.ndarray:
    """The number of steps from each row to the end of its sequence, (n,) int >= 1."""
    return np.repeat(np.cumsum(lengths), lengths) - np.arange(np.sum(lengths))


def start_rows(rows, pieces) -> np.ndarray:
    """The first row of the pieces of 1 .. M steps that end at each row, (n, M) int.

    Before the first row of all they are counted from the end, modulo n: such pieces
    have the probability 0, because the rows end before they do.
    """
    n, max_duration, _ = np.shape(pieces)
    return (rows[:, None] - np.arange(max_duration)) % n


def last_rows(pieces) -> np.ndarray:
    """The last row of the piece of each row and number of steps, (n, M) int.

    Beyond the end it is the last row of all; such pieces have the probability 0.
    """
    n, max_duration, _ = np.shape(pieces)
    return np.minimum(np.arange(n)[:, None] + np.arange(max_duration), n - 1)


def forward(chain, pieces, lengths, sum_up=np.logaddexp.reduce):
    """What the earlier steps say of where pieces begin and end.

    With `np.maximum.reduce` for `sum_up` only the most probable cut counts.

    Returns:
        (log p(x_<t, a piece of class k begins at t), (n, K);
        log p(x_<=t, a piece of class k ends at t), (n, K)).
    """
    log_A, offsets = chain.log_transition, np.arange(pieces.shape[1])
    begins, ends = np.full((2, len(pieces), pieces.shape[2]), -np.inf)
    begins[first_rows(lengths)] = chain.log_initial
    is_last = steps_left(lengths) == 1
    for rows in rows_by_step(lengths):
        starts = start_rows(rows, pieces)
        ends[rows] = sum_up(begins[starts] + pieces[starts, offsets], axis=1)
        rows = rows[~is_last[rows]]
        begins[rows + 1] = sum_up(ends[rows, :, None] + log_A, axis=1)
    return begins, ends


def backward(chain, pieces, lengths):
    """What the later steps say of where pieces begin and end.

    Returns:
        (log p(x_>=t | a piece of class k begins at t), (n, K);
        log p(x_>t | a piece of class k ends at t), (n, K)).
    """
    log_A = chain.log_transition
    begun, ended = np.zeros((2, len(pieces), pieces.shape[2]))
    is_first = np.isin(np.arange(len(pieces)), first_rows(lengths))
    last = last_rows(pieces)
    for rows in reversed([*rows_by_step(lengths)]):
        begun[rows] = np.logaddexp.reduce(pieces[rows] + ended[last[rows]], axis=1)
        rows = rows[~is_first[rows]]
        after = begun[rows, None] + log_A
        ended[rows - 1] = np.logaddexp.reduce(after, axis=2)
    return begun, ended


def log_evidence(chain, pieces, lengths) -> np.ndarray:
    """log p(x) of each sequence, (S,), nats."""
    _, ends = forward(chain, pieces, lengths)
    return logsumexp(ends[np.cumsum(lengths) - 1], axis=1)


@dataclass(frozen=True, eq=False)
class Expectations:
    """The E-step: expectations under p(c, d | x).

    Args:
        pieces: p(a piece of d steps and class k begins at t | x), (n, M, K).
        initial: the number of first pieces of each class, (K,).
        transitions: the number of pairs of neighbouring pieces, (K, K).
        log_evidence: log p(x), the sum over the sequences, nats.
    """

    pieces: np.ndarray
    initial: np.ndarray
    transitions: np.ndarray
    log_evidence: float

    @property
    def durations(self) -> np.ndarray:
        """The number of pieces of each class and length, (K, M)."""
        return self.pieces.sum(axis=0).T


def expectations(chain, pieces, lengths, rows: int = 4096) -> Expectations:
    """p(c, d | x) by both recursions; `rows` of the pairs are in memory at a time."""
    begins, ends = forward(chain, pieces, lengths)
    begun, ended = backward(chain, pieces, lengths)
    first, last = first_rows(lengths), np.cumsum(lengths) - 1
    log_p = logsumexp(ends[last], axis=1)
    log_p_of_row = np.repeat(log_p, lengths)[:, None]
    initial = softmax(chain.log_initial + begun[first], axis=1).sum(axis=0)
    transitions = np.zeros_like(chain.transition_matrix)
    later, ends = forward_backward.later_rows(lengths), ends - log_p_of_row
    for start in range(0, len(later), rows):
        part = later[start : start + rows]
        log_pair = ends[part - 1, :, None] + chain.log_transition + begun[part, None]
        transitions += np.exp(log_pair).sum(axis=0)
    log_probs = (begins - log_p_of_row)[:, None] + pieces
    log_probs += ended[last_rows(pieces)]
    return Expectations(np.exp(log_probs), initial, transitions, log_p.sum())


def most_probable_cut(chain, pieces, lengths) -> np.ndarray:
    """The pieces of the most probable cut (Viterbi): (m, 3) int.

    The columns are the first row of the piece, the row after its last, and its class.
    """
    begins, ends = forward(chain, pieces, lengths, np.maximum.reduce)
    offsets, found = np.arange(pieces.shape[1]), []
    for first, end in zip(first_rows(lengths), np.cumsum(lengths), strict=True):
        log_class = np.zeros(pieces.shape[2])
        while end > first:
            k = int(np.argmax(ends[end - 1] + log_class))
            starts = start_rows(np.array([end - 1]), pieces)[0]
            log_start = begins[starts, k] + pieces[starts, offsets, k]
            start = int(starts[np.argmax(log_start)])
            found.append((start, end, k))
            end, log_class = start, chain.log_transition[:, k]
    return np.array(sorted(found))


def step_probs(piece_probs: np.ndarray) -> np.ndarray:
    """p(c_t = k | x), (n, K): the sum over all pieces that a step is part of.

    piece_probs: `Expectations.pieces`, (n, M, K). All terms are positive, so that small
    probabilities are exact too.
    """
    offsets = np.arange(piece_probs.shape[1])
    longer = np.cumsum(piece_probs[:, ::-1], axis=1)[:, ::-1]  # of > offset steps
    starts = start_rows(np.arange(len(piece_probs)), piece_probs)
    return longer[starts, offsets].sum(axis=1)
