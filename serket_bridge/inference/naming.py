"""The Metropolis-Hastings naming game: agents agree on the names of things.

Agent i sees each thing n in a view of its own, x_in. Its belief of a name w is b_i(w),
in proportion to p(x_in | w). No agent knows the belief of another, and together they
draw names from

    p(w | x_1n, .., x_Nn)  in proportion to  p(w) b_1(w) .. b_N(w)

In an exchange one agent, the speaker s, says a name w' that it draws from b_s. Each
listener i accepts it with the probability min(1, b_i(w') / b_i(w)), where w is the name
of the thing so far; if all accept it, w' is the name. This is a step of a Markov chain
of that distribution, because

    b_s(w) prod_i b_i(w) b_s(w') prod_i min(1, b_i(w') / b_i(w))
        = b_s(w) b_s(w') prod_i min(b_i(w), b_i(w'))        (i: the listeners)

does not change if w and w' are exchanged (detailed balance); p(w) is one more listener.
For two agents see Hagiwara et al. (2019), "Symbol emergence as an interpersonal
multimodal categorization", and Taniguchi et al. (2023), "Emergent communication through
Metropolis-Hastings naming game with deep generative models". For more it is the
recursive game of Inukai et al. (2023) with one sample, in which each agent's decision
makes the proposal to the next one; here it begins with the name so far.

The functions take `log_beliefs`, log b_i(w), (N, n, K), not -inf, and `log_prior`, log
p(w) of each thing, (n, K), nats up to a constant of each row; `itr` is how many times
each agent speaks of each thing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from serket_bridge.serialization import register

PSEUDO_COUNT = 1.0  # names that a listener has heard before the first: one, of each 1/K


@dataclass(frozen=True, eq=False)
class Agreement:
    """What a game returns.

    Args:
        names: the names at the end, (n,) int.
        heard: log p(w) of what each agent has heard from the others, (N, n, K), nats;
            `None` if nothing.
        acceptance: how much of what each agent (row) says each other one (column)
            accepts, (N, N), in [0, 1]; the diagonal is 1. `None` if they do not decide.
    """

    names: np.ndarray
    heard: np.ndarray | None = None
    acceptance: np.ndarray | None = None


def draw_names(log_prob: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw for each row: (n, K) nats, up to a constant -> (n,) int."""
    return (log_prob + rng.gumbel(size=log_prob.shape)).argmax(axis=1)


def accept_by_belief(log_beliefs, spoken, names, rng) -> np.ndarray:
    """True with the probability min(1, b_i(spoken) / b_i(names)), (N, n) bool.

    log_beliefs: (N, n, K); spoken, names: (n,) int.
    """
    rows = np.arange(len(names))
    gain = log_beliefs[:, rows, spoken] - log_beliefs[:, rows, names]
    return -rng.standard_exponential(gain.shape) < gain  # the log of a uniform draw


def accept_all(log_beliefs, spoken, names, rng) -> np.ndarray:
    """True; arguments as of `accept_by_belief`."""
    return np.full(log_beliefs.shape[:2], True)


def play(log_beliefs, log_prior, itr: int, rng, accept: Callable) -> Agreement:
    """Exchanges in which every agent speaks in turn, `itr` times.

    A listener counts the names of each speaker that it accepts, and estimates the
    speaker's belief by their shares. What it has heard is p(w) times these beliefs.
    """
    n_agents, n, n_names = log_beliefs.shape
    listeners = np.concatenate([log_beliefs, log_prior[None]])
    counts = np.full((n_agents, n_agents, n, n_names), PSEUDO_COUNT / n_names)
    acceptance, rows = np.zeros((n_agents, n_agents)), np.arange(n)
    names = draw_names(log_beliefs[0] + log_prior, rng)
    for speaker in itr * [*range(n_agents)]:
        spoken = draw_names(log_beliefs[speaker], rng)
        accepted = accept(listeners, spoken, names, rng)
        accepted[speaker] = True
        names = np.where(accepted.all(axis=0), spoken, names)
        counts[speaker][:, rows, spoken] += accepted[:-1]
        acceptance[speaker] += accepted[:-1].mean(axis=1) / itr
    heard = [log_prior + sum_of_others(np.log(c), i) for i, c in by_listener(counts)]
    return Agreement(names, np.stack(heard), acceptance)


def by_listener(counts: np.ndarray):
    """(i, what it counts of each speaker, (N, n, K)) of (speaker, listener, n, K)."""
    return enumerate(counts.swapaxes(0, 1))


def sum_of_others(arrays: np.ndarray, i: int) -> np.ndarray:
    """The sum over the first axis without the i-th."""
    return np.delete(arrays, i, axis=0).sum(axis=0)


@register
def metropolis(log_beliefs, log_prior, itr: int, rng) -> Agreement:
    """The Metropolis-Hastings naming game."""
    return play(log_beliefs, log_prior, itr, rng, accept_by_belief)


@register
def all_accepted(log_beliefs, log_prior, itr: int, rng) -> Agreement:
    """The same exchanges, but every listener accepts every name."""
    return play(log_beliefs, log_prior, itr, rng, accept_all)


@register
def gibbs(log_beliefs, log_prior, itr: int, rng) -> Agreement:
    """Names from the product of all beliefs, which no agent knows: the topline.

    Each agent hears the product of the beliefs of the others.
    """
    names = draw_names(log_prior + log_beliefs.sum(axis=0), rng)
    everyone = range(len(log_beliefs))
    heard = [log_prior + sum_of_others(log_beliefs, i) for i in everyone]
    return Agreement(names, np.stack(heard))


@register
def no_communication(log_beliefs, log_prior, itr: int, rng) -> Agreement:
    """Nobody speaks; the names are the first agent's own."""
    return Agreement((log_prior + log_beliefs[0]).argmax(axis=1))


def classes_of_names(classes: np.ndarray, names: np.ndarray, n_names: int):
    """The class that an agent calls by each name, (K,) int, a permutation.

    It is the one-to-one matching with the most things whose class and name agree.
    classes: the agent's own, (n,) int; names: of the same things, (n,) int.
    """
    table = np.zeros((n_names, n_names))
    np.add.at(table, (names, classes), 1)
    return linear_sum_assignment(table, maximize=True)[1]


ACCEPTANCES = {
    "metropolis": metropolis,
    "all": all_accepted,
    "none": no_communication,
    "gibbs": gibbs,
}
