"""Multimodal latent Dirichlet allocation by Gibbs sampling, one step for all objects.

The model is that of `serket_bridge.inference.topics`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from serket_bridge.inference.topics import LDAResult, Topics, WordCounts, proportions
from serket_bridge.serialization import register


class Tokens:
    """One token for each count: the objects in descending order of their numbers.

    Step i holds the i-th tokens of all objects that have so many, which are the first
    objects, so that a step is a slice.

    Args:
        counts: counts with fractions are rounded at random, up with the probability of
            the fraction, so that their expectation is kept.
        rng: a `numpy.random.Generator`.

    Attributes:
        objects: the number of the object in `counts` at each place, (n,).
        places, words: of each token, (N,): the place of its object, and its column.
        steps: slices of the tokens, in order.
    """

    def __init__(self, counts: WordCounts, rng: np.random.Generator):
        matrix = counts.matrix.copy()
        matrix.data = np.floor(matrix.data + rng.random(matrix.nnz)).astype(np.int64)
        n_tokens = matrix.sum(axis=1)
        self.objects = np.argsort(-n_tokens, kind="stable")
        matrix, n_tokens = matrix[self.objects], n_tokens[self.objects]
        first = np.cumsum(n_tokens) - n_tokens
        places = np.repeat(np.arange(len(counts)), n_tokens)
        number = np.arange(len(places)) - first[places]  # within the object
        by_step = np.argsort(number, kind="stable")
        self.places = places[by_step]
        self.words = np.repeat(matrix.indices, matrix.data)[by_step]
        ends = np.cumsum(np.bincount(number)).tolist()
        self.steps = list(map(slice, [0, *ends[:-1]], ends))
        self.sizes, self.shape = counts.sizes, matrix.shape

    def topic_counts(self, z: np.ndarray, n_topics: int) -> np.ndarray:
        """n_dk, (n, K), of the topics of all tokens, (N,) int."""
        cells = np.bincount(
            self.places * n_topics + z, minlength=self.shape[0] * n_topics
        )
        return cells.reshape(-1, n_topics).astype(np.float64)

    def word_counts(self, z: np.ndarray, n_topics: int) -> np.ndarray:
        """n_kw, (K, V)."""
        cells = (n_topics, self.shape[1])
        found = np.bincount(z * cells[1] + self.words, minlength=np.prod(cells))
        return found.reshape(cells).astype(np.float64)


def draw(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One k for each row with p(k) prop. to weights, (n, K); (n,) int."""
    cumulative = weights.cumsum(axis=1)
    thresholds = rng.random((len(weights), 1)) * cumulative[:, -1:]
    return np.sum(cumulative <= thresholds, axis=1)


def draw_topics(tokens: Tokens, weights, rng) -> np.ndarray:
    """A topic of each token, (N,) int, with p prop. to weights(step), (rows, K)."""
    z = np.empty(len(tokens.words), np.int64)
    for step in tokens.steps:
        z[step] = draw(weights(step), rng)
    return z


def sweep(tokens: Tokens, z, prior, beta: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Draws phi given all topics, then each topic given phi and the others.

    The proportions theta are integrated out: with n_dk of the other tokens of its
    object, p(z_i = k) prop. to (n_dk + prior_dk) phi_kw. Given phi, objects are
    independent, so that one step draws a token of each of them, and the chain has the
    posterior distribution of a sampler that goes from token to token.

    Args:
        tokens: of n objects, N in all.
        z: their topics, (N,) int.
        prior: (n, K), in the order of `tokens.objects`.
        beta: the concentration of the words.
        rng: a `numpy.random.Generator`.

    Returns:
        (new topics of the tokens, (N,) int; the draw of phi, (K, V)).
    """
    n_topics = prior.shape[1]
    words = Topics(tokens.word_counts(z, n_topics) + beta, tokens.sizes)
    phi = words.sample(rng)
    by_word = np.ascontiguousarray(phi.T)
    n_dk, new = tokens.topic_counts(z, n_topics), np.empty_like(z)
    for step in tokens.steps:
        rows = np.arange(step.stop - step.start)
        n_dk[rows, z[step]] -= 1
        others = n_dk[: len(rows)] + prior[: len(rows)]
        new[step] = draw(others * by_word[tokens.words[step]], rng)
        n_dk[rows, new[step]] += 1
    return new, phi


def log_joint(tokens: Tokens, z, prior, beta: float) -> float:
    """log p(words, z), nats, with theta and phi integrated out; as for `sweep`."""
    n_topics = prior.shape[1]
    n_dk = tokens.topic_counts(z, n_topics)
    value = gammaln(prior + n_dk).sum() - gammaln((prior + n_dk).sum(axis=1)).sum()
    value -= gammaln(prior).sum() - gammaln(prior.sum(axis=1)).sum()
    empty = Topics(np.full((n_topics, tokens.shape[1]), beta), tokens.sizes)
    words = Topics(tokens.word_counts(z, n_topics) + beta, tokens.sizes)
    return value + words.log_normaliser() - empty.log_normaliser()


@register
@dataclass(frozen=True)
class CollapsedGibbs:
    """Gibbs sampling of the topics of all tokens, proportions integrated out.

    Args:
        sweeps: the number for each call (Serket's `itr`).
        n_init: chains in the first round, from random topics. The one whose last sample
            has the highest log p(words, z) continues for all `sweeps`.
        short_iter: sweeps of each chain in the first round.
    """

    sweeps: int = 100
    n_init: int = 3
    short_iter: int = 20

    @classmethod
    def from_iterations(cls, iterations: int, n_init: int | None = None):
        """This many sweeps and chains, and defaults for the other arguments."""
        return cls(sweeps=iterations, n_init=n_init or cls.n_init)

    def __call__(self, counts, prior, beta, state, rng) -> LDAResult:
        """q(phi) given the mean words of each topic, over the last half of the sweeps.

        Args:
            counts: of n objects, a `WordCounts`.
            prior: (n, K), the Dirichlet parameters of the proportions.
            beta: the Dirichlet parameter of the words.
            state: the last round's `LDAResult.state`, or `None`.
            rng: a `numpy.random.Generator`.
        """
        tokens = Tokens(counts, rng)
        model = tokens, prior[tokens.objects], beta
        if state is None:
            chains = [self._start(*model, rng) for _ in range(self.n_init)]
            z = max(chains, key=lambda z: log_joint(tokens, z, *model[1:]))
        else:
            z = self._continue(*model, state, rng)
        kept, n_topics = max(1, self.sweeps - self.sweeps // 2), prior.shape[1]
        mean = np.zeros((n_topics, tokens.shape[1]))
        for number in range(self.sweeps):
            z, _ = sweep(tokens, z, *model[1:], rng)
            if number >= self.sweeps - kept:
                mean += tokens.word_counts(z, n_topics) / kept
        bound = log_joint(tokens, z, *model[1:]) / len(counts)
        n_dk = np.empty_like(prior)
        n_dk[tokens.objects] = tokens.topic_counts(z, n_topics)
        words = Topics(tokens.word_counts(z, n_topics) + beta, counts.sizes).mean()
        state = {"phi": words, "theta": proportions(n_dk + prior)}
        return LDAResult(Topics(mean + beta, counts.sizes), float(bound), state)

    def _start(self, tokens, prior, beta, rng):
        z = draw_topics(tokens, lambda step: prior[tokens.places[step]], rng)
        for _ in range(self.short_iter):
            z, _ = sweep(tokens, z, prior, beta, rng)
        return z

    def _continue(self, tokens, prior, beta, state, rng):
        """Draws topics given the last parameters: other counts have other tokens."""
        theta = proportions(prior)
        if len(state["theta"]) == len(prior):
            theta = theta * state["theta"][tokens.objects]
        by_word = np.ascontiguousarray(state["phi"].T)

        def weights(step):
            return theta[tokens.places[step]] * by_word[tokens.words[step]]

        return draw_topics(tokens, weights, rng)
