"""Topics and the counts that they explain: multimodal latent Dirichlet allocation.

An object n has counts c_nmw of word w in modality m, and proportions of K topics:

    theta_n ~ Dirichlet(prior_n),   phi_mk ~ Dirichlet(beta),
    z_i ~ theta_n,   w_i ~ phi_m,z_i    for each token i of modality m

(Blei et al. 2003; Nakamura et al. 2009). It is latent Dirichlet allocation with the
vocabularies side by side, V = sum_m V_m, and one distribution of words for each topic
and modality. Here the topics are known, and the proportions are inferred: the
variational E-step. Counts can be any numbers >= 0. An inference of topics is called as
`inference(counts, prior, beta, state, rng)` and returns an `LDAResult`: there are
`lda_gibbs.CollapsedGibbs` and `lda_variational.VariationalLDA`.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import gammaln, psi, xlogy

MAX_ITER, TOLERANCE = 100, 1e-4  # of the E-step; tokens, mean over objects and topics
PART = 2**21  # numbers in memory at once
DENSE = 0.1  # the least share of counts > 0 in an array


def scaled(counts: np.ndarray, n_tokens: float) -> np.ndarray:
    """Counts, (n, V), whose rows have this sum; rows of zeros stay zeros."""
    total = np.sum(counts, axis=1, keepdims=True, dtype=np.float64)
    return counts * (n_tokens / np.where(total > 0, total, 1.0))


@dataclass(frozen=True, eq=False)
class WordCounts:
    """Counts of words of several modalities.

    Args:
        matrix: (n, V), the modalities side by side, a `scipy.sparse.csr_array`.
        sizes: the number of words of each modality, (M,).
    """

    matrix: sparse.csr_array
    sizes: tuple

    @classmethod
    def from_arrays(cls, arrays) -> "WordCounts":
        """Of one array, (n, V_m), for each modality."""
        matrix = sparse.hstack([sparse.csr_array(a) for a in arrays], format="csr")
        return cls(matrix.astype(np.float64), tuple(a.shape[1] for a in arrays))

    def __len__(self):
        return self.matrix.shape[0]

    def without(self, modality: int) -> "WordCounts":
        """The counts with zeros in one modality, as where it was not observed."""
        kept = np.arange(len(self.sizes)) != modality
        mask = sparse.diags_array(np.repeat(kept, self.sizes).astype(np.float64))
        matrix = sparse.csr_array(self.matrix @ mask)
        matrix.eliminate_zeros()
        return WordCounts(matrix, self.sizes)

    def parts(self, n_topics: int):
        """(rows, their counts) of consecutive objects, bounded in memory.

        Arrays where many of the counts are not 0, because products of matrices are then
        faster than sums over single counts; else sparse.
        """
        n, n_words = self.matrix.shape
        is_dense = self.matrix.nnz > DENSE * n * n_words
        per_row = n_words if is_dense else max(1, self.matrix.nnz // n) * n_topics
        step = max(1, PART // per_row)
        for first in range(0, n, step):
            rows = slice(first, first + step)
            part = self.matrix[rows]
            yield rows, part.toarray() if is_dense else part


@dataclass(frozen=True, eq=False)
class Topics:
    """q(phi): a Dirichlet distribution of the words of each topic and modality.

    Args:
        concentrations: (K, V), the modalities side by side.
        sizes: the number of words of each modality, (M,).
    """

    concentrations: np.ndarray
    sizes: tuple

    def totals(self) -> np.ndarray:
        """The sum of the concentrations of each topic and modality, (K, M)."""
        first = np.cumsum([0, *self.sizes[:-1]])
        return np.add.reduceat(self.concentrations, first, axis=1)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(K, M) -> (K, V): the value of each word's modality."""
        return np.repeat(values, self.sizes, axis=1)

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """(..., V) -> (..., V_m) for each modality."""
        return np.split(values, np.cumsum(self.sizes[:-1]), axis=-1)

    def mean(self) -> np.ndarray:
        """E[phi], (K, V); the rows of each modality sum to 1."""
        return self.concentrations / self.spread(self.totals())

    def geometric_mean(self) -> np.ndarray:
        """exp(E[log phi]), (K, V)."""
        return np.exp(psi(self.concentrations) - self.spread(psi(self.totals())))

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """A draw of phi, (K, V)."""
        draws = rng.standard_gamma(self.concentrations)
        draws = np.maximum(draws, np.finfo(float).tiny)  # far below 1 it rounds to 0
        return draws / self.spread(Topics(draws, self.sizes).totals())

    def log_normaliser(self) -> float:
        """The sum of log B(concentrations) over topics and modalities, nats."""
        return gammaln(self.concentrations).sum() - gammaln(self.totals()).sum()

    def divergence(self, beta: float) -> float:
        """KL(q(phi) || Dirichlet(beta)), summed over topics and modalities, nats."""
        prior = Topics(np.full_like(self.concentrations, beta), self.sizes)
        expected_log = psi(self.concentrations) - self.spread(psi(self.totals()))
        cross = np.sum((self.concentrations - beta) * expected_log)
        return cross + prior.log_normaliser() - self.log_normaliser()


@dataclass(frozen=True, eq=False)
class LDAResult:
    """What an inference returns.

    Args:
        topics: the parameters.
        bound: what the inference follows, nats per object; no other is comparable.
        state: arrays by name, from which the next call of the same method continues.
    """

    topics: Topics
    bound: float
    state: dict


def proportions(gamma: np.ndarray) -> np.ndarray:
    """E[theta], (n, K), of theta_n ~ Dirichlet(gamma_n)."""
    return gamma / gamma.sum(axis=1, keepdims=True)


def _expected_log(gamma):
    """E[log theta], (n, K)."""
    return psi(gamma) - psi(gamma.sum(axis=1, keepdims=True))


def _at_counts(function, matrix, weights, phi):
    """function(c_nw, sum_k weights_nk phi_kw), (n, V), sparse if the counts are."""
    if isinstance(matrix, np.ndarray):
        return function(matrix, weights @ phi)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    words = np.ascontiguousarray(phi.T)[matrix.indices]
    values = function(matrix.data, np.einsum("ik,ik->i", weights[rows], words))
    return sparse.csr_array((values, matrix.indices, matrix.indptr), matrix.shape)


def infer_proportions(
    counts: WordCounts, phi: np.ndarray, prior: np.ndarray, gamma=None
) -> np.ndarray:
    """The E-step: gamma of q(theta_n) = Dirichlet(gamma_n), (n, K), a fixed point.

    gamma_nk = prior_nk + sum_w c_nw r_nwk,   r_nwk prop. to exp(E[log theta_nk]) phi_kw

    Args:
        counts: of n objects.
        phi: (K, V), `Topics.mean`, or `geometric_mean` where the topics are uncertain.
        prior: (n, K), > 0.
        gamma: where to start, (n, K); by default the tokens are shared out as `prior`.
    """
    if gamma is None:
        n_tokens = counts.matrix.sum(axis=1)[:, None]
        gamma = prior + n_tokens * proportions(prior)
    gamma = gamma.copy()
    for rows, matrix in counts.parts(len(phi)):
        for _ in range(MAX_ITER):
            last, weights = gamma[rows].copy(), np.exp(_expected_log(gamma[rows]))
            shared = weights * (_at_counts(np.divide, matrix, weights, phi) @ phi.T)
            gamma[rows] = prior[rows] + shared
            if np.abs(gamma[rows] - last).mean() < TOLERANCE:
                break
    return gamma


def expected_word_counts(counts: WordCounts, phi, gamma) -> np.ndarray:
    """sum_n c_nw r_nwk, (K, V): the words of each topic; arguments as above."""
    total = np.zeros_like(phi)
    for rows, matrix in counts.parts(len(phi)):
        weights = np.exp(_expected_log(gamma[rows]))
        ratios = _at_counts(np.divide, matrix, weights, phi)
        total += phi * (ratios.T @ weights).T
    return total


def log_likelihood_bound(counts: WordCounts, phi, prior, gamma) -> np.ndarray:
    """A lower bound of log p(tokens of n | phi, prior), (n,), nats, whatever gamma is.

    sum_w c_nw log sum_k exp(E[log theta_nk]) phi_kw - KL(Dirichlet(gamma_n) ||
    Dirichlet(prior_n)), of the tokens in order: without a multinomial coefficient.
    """
    expected_log = _expected_log(gamma)
    bound = np.sum((prior - gamma) * expected_log, axis=1)
    bound += gammaln(gamma).sum(axis=1) - gammaln(gamma.sum(axis=1))
    bound -= gammaln(prior).sum(axis=1) - gammaln(prior.sum(axis=1))
    for rows, matrix in counts.parts(len(phi)):
        terms = _at_counts(xlogy, matrix, np.exp(expected_log[rows]), phi)
        bound[rows] += terms.sum(axis=1)
    return bound
