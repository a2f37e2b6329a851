"""Forward-backward and Baum-Welch against sums over all paths."""

import numpy as np
import pytest
from scipy.special import softmax

from serket_bridge.inference import forward_backward as fb
from tests.bridge.markov_paths import LENGTHS, enumerate_sequences


@pytest.fixture
def chain(rng):
    return fb.MarkovChain(rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), 3))


@pytest.mark.parametrize("lengths", [[5], [1], [1, 1], LENGTHS], ids=str)
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_forward_backward_is_the_sum_over_all_paths(chain, rng, lengths, scale):
    lengths = np.array(lengths)
    log_likelihoods = scale * rng.normal(size=(lengths.sum(), 3))
    smoothed, first, pairs, log_p = enumerate_sequences(chain, log_likelihoods, lengths)
    earlier = fb.forward(chain, log_likelihoods, lengths)
    later = fb.backward(chain, log_likelihoods, lengths)
    found = softmax(earlier + log_likelihoods + later, axis=1)
    np.testing.assert_allclose(found, smoothed, atol=1e-9)
    np.testing.assert_allclose(fb.log_evidence(chain, log_likelihoods, lengths), log_p)
    for rows in (2, 4096):
        counts = fb.expected_counts(chain, log_likelihoods, lengths, rows)
        for part, expected in zip(counts, (first, pairs, log_p.sum()), strict=True):
            np.testing.assert_allclose(part, expected, atol=1e-9)


def test_transitions_and_classes_that_are_impossible(rng):
    chain = fb.MarkovChain(np.array([1.0, 0, 0]), np.roll(np.eye(3), 1, axis=1))
    log_likelihoods = rng.normal(size=(5, 3))
    log_likelihoods[2, 0] = -np.inf
    lengths = np.array([5])
    expected = log_likelihoods[range(5), [0, 1, 2, 0, 1]].sum()
    np.testing.assert_allclose(
        fb.log_evidence(chain, log_likelihoods, lengths), expected
    )
    initial, transitions, _ = fb.expected_counts(chain, log_likelihoods, lengths)
    np.testing.assert_allclose(initial, [1, 0, 0])
    np.testing.assert_allclose(transitions, [[0, 2, 0], [0, 0, 1], [1, 0, 0]])


def test_a_hundred_thousand_steps_stay_finite(chain, rng):
    n = 100_000
    log_likelihoods = 100 * rng.normal(size=(n, 3))
    initial, transitions, log_p = fb.expected_counts(
        chain, log_likelihoods, np.array([n])
    )
    assert np.isfinite(log_p)
    np.testing.assert_allclose(initial.sum(), 1)
    np.testing.assert_allclose(transitions.sum(), n - 1)


def test_each_sequence_is_as_if_it_were_alone(chain, rng):
    log_likelihoods = rng.normal(size=(LENGTHS.sum(), 3))
    parts = np.split(log_likelihoods, np.cumsum(LENGTHS)[:-1])
    for function in (fb.forward, fb.backward, fb.log_evidence):
        alone = [function(chain, part, np.array([len(part)])) for part in parts]
        together = function(chain, log_likelihoods, LENGTHS)
        np.testing.assert_array_equal(together, np.concatenate(alone))


def test_baum_welch_never_loses_and_ends_at_a_maximum(chain, rng):
    """Its end is not improved by small changes of any probability."""
    log_likelihoods = 2 * rng.normal(size=(LENGTHS.sum(), 3))

    def objective(chain):
        log_p = fb.log_evidence(chain, log_likelihoods, LENGTHS).sum()
        log_probs = np.log(chain.initial_probs).sum()
        return log_p + 0.5 * (log_probs + np.log(chain.transition_matrix).sum())

    path = [chain]
    for _ in range(20):
        path.append(fb.baum_welch(path[-1], log_likelihoods, LENGTHS, 0.5, 1))
    assert np.diff([*map(objective, path)]).min() > -1e-9
    best = fb.baum_welch(chain, log_likelihoods, LENGTHS, 0.5, 2000, tol=1e-13)
    for _ in range(20):
        noise = np.exp(1e-3 * rng.normal(size=(4, 3)))
        initial = best.initial_probs * noise[0]
        transition = best.transition_matrix * noise[1:]
        other = fb.MarkovChain.from_counts(initial, transition, 0.0)
        assert objective(other) < objective(best)
