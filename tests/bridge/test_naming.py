"""The naming game as functions of arrays: what its Markov chain converges to."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import chisquare

from serket_bridge.inference import naming

NAMES, THINGS = 3, 30_000
# no two agents agree on the most probable name
BELIEFS = np.log([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.2, 0.5]])
PRIOR = np.log([0.5, 0.2, 0.3])


def of_equal_things(n_agents, prior=PRIOR, n=THINGS):
    """Beliefs (N, n, K) and p(w) (n, K) of n things that are all the same."""
    beliefs = np.repeat(BELIEFS[:n_agents, None], n, axis=1)
    return beliefs, np.broadcast_to(prior, (n, NAMES))


def posterior(n_agents, prior=PRIOR):
    """p(w) prod_i b_i(w), normalised, by its definition."""
    weights = [
        np.exp(prior[w]) * np.prod([np.exp(b[w]) for b in BELIEFS[:n_agents]])
        for w in range(NAMES)
    ]
    return np.array(weights) / sum(weights)


def frequencies(names):
    return np.bincount(names, minlength=NAMES)


# --- The distribution of the names ----------------------------------------------------


@pytest.mark.parametrize("play", [naming.metropolis, naming.gibbs])
@pytest.mark.parametrize("n_agents", [2, 3])
def test_names_are_draws_of_the_posterior_of_all_agents(rng, play, n_agents):
    names = play(*of_equal_things(n_agents), 20, rng).names
    expected = posterior(n_agents) * THINGS
    assert chisquare(frequencies(names), expected).pvalue > 1e-3


@pytest.mark.parametrize("n_agents", [2, 3])
def test_the_posterior_does_not_change_in_an_exchange(rng, n_agents):
    """Draws of it are draws of it after an exchange with each speaker."""
    beliefs, prior = of_equal_things(n_agents)
    listeners = np.concatenate([beliefs, prior[None]])
    names = rng.choice(NAMES, THINGS, p=posterior(n_agents))
    expected = posterior(n_agents) * THINGS
    for speaker in range(n_agents):
        spoken = naming.draw_names(beliefs[speaker], rng)
        accepted = naming.accept_by_belief(listeners, spoken, names, rng)
        accepted[speaker] = True
        names = np.where(accepted.all(axis=0), spoken, names)
        assert chisquare(frequencies(names), expected).pvalue > 1e-3


@pytest.mark.parametrize("n_agents", [2, 3])
@pytest.mark.parametrize("speaker", [0, 1])
def test_the_transition_matrix_is_in_detailed_balance(n_agents, speaker):
    """pi(w) P(w, v) = pi(v) P(v, w), with P from the formula of the acceptance."""
    pi = posterior(n_agents)
    others = np.delete(BELIEFS[:n_agents], speaker, axis=0)
    flow = np.zeros((NAMES, NAMES))
    for w, v in product(range(NAMES), repeat=2):
        ratios = [np.exp(b[v] - b[w]) for b in (*others, PRIOR)]
        accepted = np.prod([min(1.0, ratio) for ratio in ratios])
        flow[w, v] = pi[w] * np.exp(BELIEFS[speaker, v]) * accepted
    np.testing.assert_allclose(flow, flow.T, rtol=1e-12)


def test_all_accepted_ends_with_the_belief_of_the_last_speaker(rng):
    beliefs, prior = of_equal_things(2)
    agreement = naming.all_accepted(beliefs, prior, 5, rng)
    expected = np.exp(BELIEFS[1]) * THINGS
    assert chisquare(frequencies(agreement.names), expected).pvalue > 1e-3
    np.testing.assert_allclose(agreement.acceptance, 1)


def test_without_communication_names_are_the_first_agents(rng):
    beliefs = log_softmax(rng.normal(size=(2, 50, NAMES)), axis=2)
    agreement = naming.no_communication(beliefs, np.zeros((50, NAMES)), 5, rng)
    np.testing.assert_array_equal(agreement.names, beliefs[0].argmax(axis=1))
    assert agreement.heard is None
    assert agreement.acceptance is None


# --- Acceptance -----------------------------------------------------------------------


@pytest.mark.parametrize("spoken, name", product(range(NAMES), repeat=2))
def test_a_name_is_accepted_with_the_ratio_of_the_beliefs(rng, spoken, name):
    beliefs, _ = of_equal_things(3)
    said, so_far = np.full(THINGS, spoken), np.full(THINGS, name)
    accepted = naming.accept_by_belief(beliefs, said, so_far, rng)
    ratio = np.minimum(1, np.exp(BELIEFS[:, spoken] - BELIEFS[:, name]))
    deviation = np.sqrt(ratio * (1 - ratio) / THINGS)
    assert (abs(accepted.mean(axis=1) - ratio) <= 4 * deviation).all()


def test_rates_are_by_speaker_and_listener(rng):
    """E[min(1, b_j(w') / b_j(w))] in equilibrium, w from the posterior, w' from b_i."""
    beliefs, prior = of_equal_things(2)
    rates = naming.metropolis(beliefs, prior, 40, rng).acceptance
    pi = posterior(2)
    for i, j in ((0, 1), (1, 0)):
        ratios = np.minimum(1, np.exp(BELIEFS[j] - BELIEFS[j][:, None]))  # from, to
        expected = pi @ ratios @ np.exp(BELIEFS[i])
        assert rates[i, j] == pytest.approx(expected, abs=0.01)
    assert rates[0, 1] != pytest.approx(rates[1, 0], abs=0.02)
    np.testing.assert_allclose(np.diag(rates), 1)


# --- What agents hear -----------------------------------------------------------------


def test_what_is_heard_of_many_accepted_names_is_the_product_of_the_others(rng):
    """The shares of names converge to the speakers' beliefs."""
    agreement = naming.all_accepted(*of_equal_things(3, n=200), 4000, rng)
    for i, heard in enumerate(softmax(agreement.heard, axis=2)):
        others = np.delete(BELIEFS, i, axis=0).sum(axis=0) + PRIOR
        expected = np.exp(others - logsumexp(others))
        np.testing.assert_allclose(heard.mean(axis=0), expected, atol=0.005)


def test_gibbs_agents_hear_the_product_of_the_others():
    rng = np.random.default_rng(0)
    heard = naming.gibbs(*of_equal_things(3, n=4), 1, rng).heard
    np.testing.assert_allclose(heard[1, 2], BELIEFS[0] + BELIEFS[2] + PRIOR)


@pytest.mark.parametrize("play", [naming.all_accepted, naming.gibbs])
def test_what_an_agent_hears_leaves_out_its_own_belief(play):
    one = play(*of_equal_things(3, n=50), 5, np.random.default_rng(0))
    beliefs, prior = of_equal_things(3, n=50)
    other = play(beliefs * [[[1]], [[0]], [[1]]], prior, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(one.heard[1], other.heard[1])
    assert not np.array_equal(one.heard[0], other.heard[0])


def test_a_listener_hears_only_what_it_accepts(rng):
    """A name that it all but excludes is rejected always, and leaves no trace."""
    beliefs = np.log([[[0.5, 0.5, 1e-300]], [[1.0, 1e-200, 1e-300]]])
    prior = np.repeat([[0.0, -50.0, -50.0]], 400, axis=0)  # the first name is 0
    beliefs = np.repeat(beliefs, 400, axis=1)
    agreement = naming.metropolis(beliefs, prior, 20, rng)
    assert (agreement.names == 0).all()
    heard = softmax(agreement.heard[1] - prior, axis=1)
    np.testing.assert_allclose(heard[:, 1], heard[:, 2])
    assert heard[:, 0].min() > 0.5
    assert agreement.acceptance[0, 1] == pytest.approx(0.5, abs=0.03)
    assert agreement.acceptance[1, 0] == pytest.approx(1)


# --- Classes and names ----------------------------------------------------------------


def test_the_classes_of_names_agree_most_often(rng):
    """Against all permutations."""
    names, classes = rng.integers(4, size=(2, 60))
    ours = naming.classes_of_names(classes, names, 4)
    agreement = {
        p: np.sum(np.array(p)[names] == classes) for p in permutations(range(4))
    }
    assert agreement[tuple(ours)] == max(agreement.values())


def test_classes_without_things_have_names_too():
    classes, names = np.array([3, 3, 0]), np.array([1, 1, 2])
    ours = naming.classes_of_names(classes, names, 4)
    np.testing.assert_array_equal(np.sort(ours), range(4))
    np.testing.assert_array_equal(ours[[1, 2]], [3, 0])
