"""The recursions over pieces, and trajectories, against sums over all cuts."""

import numpy as np
import pytest
from scipy import stats

from serket_bridge.inference import forward_backward, semi_markov, trajectories
from serket_bridge.inference.semi_markov import SemiMarkovChain
from tests.bridge.semi_markov_cuts import LENGTHS, enumerate_cuts, random_chain

K, M = 2, 3


@pytest.fixture
def chain(rng):
    return random_chain(rng, K, M)


def make_pieces(rng, chain, lengths, scale=1.0):
    """(the function that enumeration takes, `pieces` of `semi_markov`)."""
    table = scale * rng.normal(size=(np.sum(lengths), M, K))
    pieces = table + chain.log_durations
    left = semi_markov.steps_left(np.array(lengths))
    pieces[left[:, None] < np.arange(1, M + 1)] = -np.inf
    return lambda start, d, k: table[start, d - 1, k], pieces


@pytest.mark.parametrize("lengths", [[5], [1], [1, 1], LENGTHS], ids=str)
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_the_recursions_are_sums_over_all_cuts(chain, rng, lengths, scale):
    lengths = np.array(lengths)
    log_piece, pieces = make_pieces(rng, chain, lengths, scale)
    expected = enumerate_cuts(chain, log_piece, lengths)
    log_p = semi_markov.log_evidence(chain, pieces, lengths)
    np.testing.assert_allclose(log_p, expected["log_evidence"])
    for rows in (2, 4096):
        found = semi_markov.expectations(chain, pieces, lengths, rows)
        for name in ("pieces", "initial", "transitions", "durations"):
            values = getattr(found, name)
            np.testing.assert_allclose(values, expected[name], atol=1e-9, err_msg=name)
        assert found.log_evidence == pytest.approx(log_p.sum())
    steps = semi_markov.step_probs(found.pieces)
    np.testing.assert_allclose(steps, expected["steps"], atol=1e-9)
    cut = semi_markov.most_probable_cut(chain, pieces, lengths)
    np.testing.assert_array_equal(cut, expected["best"])


def test_small_probabilities_of_steps_are_exact(chain, rng):
    """Also those that a difference of cumulative sums would lose."""
    log_piece, pieces = make_pieces(rng, chain, [5])
    table = pieces - chain.log_durations
    table[..., 1] -= 60 * np.arange(1, M + 1)
    expected = enumerate_cuts(chain, lambda s, d, k: table[s, d - 1, k], [5])["steps"]
    found = semi_markov.expectations(chain, table + chain.log_durations, np.array([5]))
    assert 0 < expected.min() < 1e-24
    np.testing.assert_allclose(semi_markov.step_probs(found.pieces), expected)


def test_lengths_and_transitions_that_are_impossible(rng):
    """Pieces of two steps or three, and classes in turn: one cut has all of it."""
    chain = SemiMarkovChain(
        np.array([1.0, 0.0]),
        np.array([[0.0, 1.0], [1.0, 0.0]]),
        np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    )
    log_piece, pieces = make_pieces(rng, chain, [5])
    expected = log_piece(0, 2, 0) + log_piece(2, 3, 1)
    lengths = np.array([5])
    assert semi_markov.log_evidence(chain, pieces, lengths) == pytest.approx(expected)
    found = semi_markov.expectations(chain, pieces, lengths)
    np.testing.assert_allclose(found.durations, [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(found.transitions, [[0, 1], [0, 0]])
    cut = semi_markov.most_probable_cut(chain, pieces, lengths)
    np.testing.assert_array_equal(cut, [[0, 2, 0], [2, 5, 1]])


def test_each_sequence_is_as_if_it_were_alone(chain, rng):
    _, pieces = make_pieces(rng, chain, LENGTHS)
    for function in (semi_markov.forward, semi_markov.backward):
        together = function(chain, pieces, LENGTHS)
        alone = [
            function(chain, part, np.array([len(part)]))
            for part in np.split(pieces, np.cumsum(LENGTHS)[:-1])
        ]
        for i, each in enumerate(together):
            parts = np.concatenate([part[i] for part in alone])
            np.testing.assert_array_equal(each, parts)


def test_pieces_of_one_step_are_a_hidden_markov_model(rng):
    chain, lengths = random_chain(rng, 3, 1), np.array([7, 2])
    log_likelihoods = rng.normal(size=(9, 3))
    found = semi_markov.log_evidence(chain, log_likelihoods[:, None], lengths)
    expected = forward_backward.log_evidence(chain, log_likelihoods, lengths)
    np.testing.assert_allclose(found, expected)
    found = semi_markov.expectations(chain, log_likelihoods[:, None], lengths)
    expected = forward_backward.expected_counts(chain, log_likelihoods, lengths)
    np.testing.assert_allclose(found.initial, expected[0])
    np.testing.assert_allclose(found.transitions, expected[1])


@pytest.mark.slow
def test_a_hundred_thousand_steps_stay_finite(chain, rng):
    n = 100_000
    lengths = np.array([n])
    _, pieces = make_pieces(rng, chain, lengths, scale=100.0)
    found = semi_markov.expectations(chain, pieces, lengths)
    assert np.isfinite(found.log_evidence)
    steps = semi_markov.step_probs(found.pieces)
    np.testing.assert_allclose(steps.sum(axis=1), 1, rtol=1e-4)
    n_pieces = found.durations.sum()
    np.testing.assert_allclose(found.transitions.sum(), n_pieces - 1, rtol=1e-6)
    np.testing.assert_allclose(found.durations @ np.arange(1, M + 1), steps.sum(axis=0))


# --- Trajectories ---------------------------------------------------------------------


@pytest.mark.parametrize("n_positions", [1, 3, 4, 7])
def test_a_step_is_at_the_position_of_its_middle(n_positions):
    for d in range(1, 30):
        expected = [int((i + 0.5) * n_positions / d) for i in range(d)]
        line = np.arange(n_positions)[:, None]
        found = trajectories.stretch(line, d)[:, 0]
        np.testing.assert_array_equal(found, expected)


@pytest.fixture
def shapes(rng):
    shape = (K, 4, 2)  # four positions in the plane
    return trajectories.Trajectories(rng.normal(size=shape), rng.gamma(2.0, size=shape))


def log_density_of_piece(shapes, x, start, d, k):
    """By SciPy, step by step."""
    n_positions, total = shapes.means.shape[1], 0.0
    for i in range(d):
        p = int((i + 0.5) * n_positions / d)
        scale = np.sqrt(shapes.variances[k, p])
        total += stats.norm.logpdf(x[start + i], shapes.means[k, p], scale).sum()
    return total


def test_log_likelihoods_of_pieces(shapes, rng):
    x, n = rng.normal(size=(LENGTHS.sum(), 2)), LENGTHS.sum()
    for longest in (1, 5, n + 4):
        log_density = shapes.log_density(x)
        sums = (LENGTHS, longest)
        found = trajectories.piece_log_likelihoods(log_density, *sums)
        left = semi_markov.steps_left(LENGTHS)
        for start, d, k in np.ndindex(n, longest, K):
            expected = -np.inf
            if d < left[start]:
                expected = log_density_of_piece(shapes, x, start, d + 1, k)
            assert found[start, d, k] == pytest.approx(expected)


def test_the_density_of_uncertain_values_is_its_expectation(shapes, rng):
    x, variance = rng.normal(size=(1, 2)), np.array([[0.3, 1.1]])
    draws = x + np.sqrt(variance) * rng.normal(size=(200_000, 2))
    monte_carlo = shapes.log_density(draws).mean(axis=0)
    found = shapes.log_density(x, variance)[0]
    np.testing.assert_allclose(found, monte_carlo, rtol=0.02)


def test_positions_of_steps_are_counted_as_in_the_pieces(rng):
    n, longest, n_positions = 12, 9, 4
    probs = rng.random((n, longest, K))
    left = semi_markov.steps_left(np.array([n]))
    probs[left[:, None] < np.arange(1, longest + 1)] = 0
    expected = np.zeros((K, n_positions, n))
    for start, d, k in np.argwhere(probs):
        for i in range(d + 1):
            p = int((i + 0.5) * n_positions / (d + 1))
            expected[k, p, start + i] += probs[start, d, k]
    found = trajectories.position_probs(probs, n_positions)
    np.testing.assert_allclose(found, expected)
    steps = semi_markov.step_probs(probs)
    np.testing.assert_allclose(found.sum(axis=1).T, steps)
