"""Gibbs sampling against predictive densities, integration and enumeration."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.metrics import adjusted_rand_score

from serket_bridge.inference.gibbs import Gibbs, NormalWishart, log_marginal, sweep

LINE = np.array([[-1.0], [-0.4], [0.5], [1.2]])  # four data on a line
OBLIQUE = np.array([[2.0, 0.5], [0.5, 1.0]])


def wishart_prior(dim, nu=None, scale=0.5):
    nu = dim + 2.5 if nu is None else nu
    return NormalWishart(0.7, nu, np.full(dim, 0.2), scale * np.eye(dim))


def posterior(z, prior):
    """(r, nu, m, S) given z, (n, D): Murphy (2007), 8.2, by way of the sample mean."""
    n, mean = len(z), z.mean(axis=0) if len(z) else prior.m
    shift = mean - prior.m
    scatter = (z - mean).T @ (z - mean)
    scatter = scatter + prior.r * n / (prior.r + n) * np.outer(shift, shift)
    m = (prior.r * prior.m + n * mean) / (prior.r + n)
    return prior.r + n, prior.nu + n, m, prior.S + scatter


def log_predictive(example, members, prior):
    """log p(example | members of its class), a Student-t: Murphy (2007), 8.3."""
    r, nu, m, S = posterior(members, prior)
    df = nu - len(example) + 1
    return stats.multivariate_t.logpdf(example, m, S * (r + 1) / (r * df), df)


def log_evidence(z, prior):
    """log p(z) of one class: predictive densities, example by example."""
    return sum(log_predictive(z[i], z[:i], prior) for i in range(len(z)))


def log_joint(z, classes, prior, concentration, log_prior):
    """log p(z, classes): evidence of each class, and a Polya urn over classes."""
    k = log_prior.shape[1]
    total = sum(log_evidence(z[classes == j], prior) for j in range(k))
    for i, c in enumerate(classes):
        same = np.sum(np.asarray(classes[:i]) == c)
        total += np.log((concentration + same) / (k * concentration + i))
    return total + sum(log_prior[i, c] for i, c in enumerate(classes))


# --- The Normal-Wishart distribution --------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_posterior_is_murphys(rng, dim):
    prior, z = wishart_prior(dim), rng.normal(3.0, 2.0, size=(30, dim))
    classes = rng.integers(2, size=30)  # the third class is empty
    ours = prior.posterior(z, classes, 3)
    for k in range(3):
        r, nu, m, S = posterior(z[classes == k], prior)
        assert (ours.r[k], ours.nu[k]) == (r, nu)
        np.testing.assert_allclose(ours.m[k], m, rtol=1e-10)
        np.testing.assert_allclose(ours.S[k], S, rtol=1e-10, atol=1e-12)


def test_nothing_cancels_far_from_the_origin(rng):
    z = rng.normal(size=(50, 2))
    ours = [
        NormalWishart(1.0, 4.0, np.full(2, far), np.eye(2))
        .posterior(z + far, np.zeros(50, int), 1)
        .S
        for far in (0.0, 1e6)
    ]
    np.testing.assert_allclose(ours[1], ours[0], rtol=1e-7)


@pytest.mark.parametrize("dim, S", [(1, np.array([[0.5]])), (2, OBLIQUE)])
def test_samples_have_the_moments_of_the_distribution(rng, dim, S):
    """E[L] = nu S^-1, E[m] = m, cov(m) = S / (r (nu - D - 1))."""
    n, nu, r, m = 5000, dim + 9.0, 2.0, np.arange(1.0, dim + 1)
    copies = [np.stack([np.asarray(a)] * n) for a in (r, nu, m, S)]
    means, precisions = NormalWishart(*copies).sample(rng)
    inverse = np.linalg.inv(S)
    variance = nu * (inverse**2 + np.outer(np.diag(inverse), np.diag(inverse)))
    error = (precisions.mean(axis=0) - nu * inverse) / np.sqrt(variance / n)
    assert np.abs(error).max() < 4
    covariance = S / (r * (nu - dim - 1))
    error = (means.mean(axis=0) - m) / np.sqrt(np.diag(covariance) / n)
    assert np.abs(error).max() < 4
    # m is Student-t with nu - D + 1 = 10 degrees: kurtosis 4, so var(s^2) = 3 s^4 / n
    sd = np.sqrt(np.diag(covariance))
    difference = (np.cov(means.T).reshape(dim, dim) - covariance) / np.outer(sd, sd)
    assert np.abs(difference).max() < 4 * np.sqrt(3 / n)


def test_draws_of_mean_and_precision_belong_together(rng):
    """(m - m_0)' r L (m - m_0) is chi-square with D degrees of freedom, whatever L."""
    n, r = 3000, 2.0
    copies = [np.stack([np.asarray(a)] * n) for a in (r, 5.0, np.ones(2), OBLIQUE)]
    means, precisions = NormalWishart(*copies).sample(rng)
    distance = np.einsum("ni,nij,nj->n", means - 1, r * precisions, means - 1)
    assert stats.kstest(distance, stats.chi2(2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("nu", [3.0, 7.5])
def test_the_precisions_have_scipys_wishart_distribution(rng, nu):
    """Variances of all entries, and the law of the determinant."""
    n, dim = 5000, 3
    S = np.array([[2.0, 0.5, 0.3], [0.5, 1.0, -0.4], [0.3, -0.4, 0.7]])
    copies = [np.stack([np.asarray(a)] * n) for a in (1.0, nu, np.zeros(dim), S)]
    _, precisions = NormalWishart(*copies).sample(rng)
    np.testing.assert_allclose(precisions, precisions.swapaxes(1, 2), rtol=1e-10)
    wishart = stats.wishart(nu, np.linalg.inv(S))
    np.testing.assert_allclose(precisions.var(axis=0), wishart.var(), rtol=0.2)
    log_dets = [np.linalg.slogdet(L)[1] for L in (precisions, wishart.rvs(n, rng))]
    assert stats.ks_2samp(*log_dets).pvalue > 1e-3


# --- log p(z, classes) ----------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 4])
@pytest.mark.parametrize("concentration", [1.0, 0.3])
def test_log_marginal_is_the_chain_rule_over_the_data(rng, dim, concentration):
    z, classes = rng.normal(size=(15, dim)), rng.integers(2, size=15)
    log_prior, prior = rng.normal(size=(15, 3)), wishart_prior(dim)
    value = log_marginal(z, classes, 3, prior, concentration, log_prior)
    expected = log_joint(z, classes, prior, concentration, log_prior)
    assert value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_log_marginal_is_the_integral_over_mean_and_precision(n):
    z, prior = LINE[:n], wishart_prior(1)
    m, log_l = np.linspace(-12, 12, 1601), np.linspace(-12, 5, 801)
    m_grid, l_grid = np.meshgrid(m, np.exp(log_l), indexing="ij")
    density = stats.norm.pdf(m_grid, prior.m, 1 / np.sqrt(prior.r * l_grid))
    gamma = stats.gamma(prior.nu / 2, scale=2 / prior.S[0, 0])
    density *= gamma.pdf(l_grid) * l_grid  # dL = L dlog(L)
    for value in z[:, 0]:
        density *= stats.norm.pdf(value, m_grid, 1 / np.sqrt(l_grid))
    integral = integrate.simpson(integrate.simpson(density, x=log_l, axis=1), x=m)
    value = log_marginal(z, np.zeros(n, int), 1, prior, 1.0, np.zeros((n, 1)))
    assert value == pytest.approx(np.log(integral), abs=1e-3)


# --- The sampler ----------------------------------------------------------------------


@pytest.mark.parametrize("above", [False, True], ids=["alone", "backward message"])
def test_the_chain_visits_classes_as_often_as_enumeration_says(above):
    """All 16 assignments of four data. The correlation of successive draws is below
    0.02 after ten sweeps, so of every tenth a chi-square test: it fails by chance
    for one seed in 1000."""
    rng, prior = np.random.default_rng(4), wishart_prior(1, nu=3.0)
    log_prior = np.zeros((4, 2))
    if above:
        log_prior = np.log([[0.8, 0.2], [0.5, 0.5], [0.4, 0.6], [0.3, 0.7]])
    assignments = list(itertools.product(range(2), repeat=4))
    log_p = [log_joint(LINE, np.array(c), prior, 1.0, log_prior) for c in assignments]
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    classes, visited = np.zeros(4, int), []
    for _ in range(5000):
        classes = sweep(LINE, classes, 2, prior, 1.0, log_prior, rng)
        visited.append(classes @ [8, 4, 2, 1])
    frequencies = np.bincount(visited, minlength=16) / len(visited)
    assert np.abs(frequencies - p).sum() / 2 < 0.05  # total variation
    counts = np.bincount(visited[9::10], minlength=16)
    assert stats.chisquare(counts, p * counts.sum()).pvalue > 1e-3


def collapsed_sweep(z, classes, k, prior, concentration, rng):
    """All parameters integrated out: each example leaves its class and draws a new one
    with p(c_i = j | others) ~ (concentration + n_j) p(z_i | the other members of j)."""
    classes = classes.copy()
    for i in range(len(z)):
        others = np.arange(len(z)) != i
        members = [z[others & (classes == j)] for j in range(k)]
        log_p = [
            np.log(concentration + len(x)) + log_predictive(z[i], x, prior)
            for x in members
        ]
        classes[i] = rng.choice(k, p=np.exp(log_p - np.logaddexp.reduce(log_p)))
    return classes


def test_the_posterior_is_that_of_a_collapsed_sampler():
    """Draws of both samplers compared by what no renaming of classes changes: how many
    are non-empty, which of four pairs share one (chi-square tests of homogeneity), and
    log p(z, classes) (Kolmogorov-Smirnov). The draws kept are nearly independent:
    correlations of successive ones are below 0.1. Six tests at 1e-3 / 6 each: a right
    sampler fails by chance for at most about one seed in 1000."""
    rng, n, k = np.random.default_rng(8), 10, 3
    centres = np.array([[-1.5, 0.0], [1.5, 0.5]])[np.arange(n) % 2]
    z = centres + 0.6 * rng.standard_normal((n, 2))
    prior = NormalWishart(1.0, 4.0, z.mean(axis=0), np.eye(2))
    log_prior = np.zeros((n, k))

    def draws(kept, thinning, step, *arguments):
        classes, chain = rng.integers(k, size=n), []
        for _ in range(thinning * (kept + 10)):
            classes = step(z, classes, k, prior, 1.0, *arguments)
            chain.append(classes)
        return np.array(chain[10 * thinning :: thinning])

    chains = [
        draws(500, 12, sweep, log_prior, rng),
        draws(300, 3, collapsed_sweep, rng),
    ]
    sizes = [(c[:, :, None] == np.arange(k)).any(axis=1).sum(axis=1) for c in chains]
    p_values = [homogeneity(sizes)]
    for i, j in [(0, 1), (0, 2), (1, 3), (4, 5)]:
        p_values.append(homogeneity([c[:, i] == c[:, j] for c in chains]))
    log_p = [[log_marginal(z, c, k, prior, 1.0, log_prior) for c in x] for x in chains]
    p_values.append(stats.ks_2samp(*log_p).pvalue)
    assert min(p_values) > 1e-3 / len(p_values), p_values


def homogeneity(samples):
    """p of the chi-square test that two samples of small integers share one law."""
    table = np.array([np.bincount(np.asarray(x, int), minlength=4) for x in samples])
    return stats.chi2_contingency(table[:, table.any(axis=0)]).pvalue


def test_an_empty_class_can_recover(rng):
    """Two groups, one class to begin with, a prior as wide as the groups lie apart."""
    labels = rng.integers(2, size=200)
    z = np.array([[-4.0, 0.0], [4.0, 0.0]])[labels] + rng.standard_normal((200, 2))
    start = {"classes": np.zeros(200, int)}
    fit = Gibbs(scale=10.0)(z, np.zeros((200, 2)), 2, start, rng)
    assert adjusted_rand_score(labels, fit.state["classes"]) > 0.95


def test_separated_classes_are_found_and_the_fit_is_the_posteriors(blobs, rng):
    n, z = 600, blobs.z
    fit = Gibbs(sweeps=20, n_init=3)(z, np.zeros((n, 3)), 3, None, rng)
    classes = fit.state["classes"]
    assert adjusted_rand_score(blobs.labels, classes) > 0.95
    prior = NormalWishart(1.0, 4.0, z.mean(axis=0), 0.1 * np.eye(2))
    for k in range(3):
        members = z[classes == k]
        r, nu, m, S = posterior(members, prior)
        assert fit.mixture.weights[k] == pytest.approx((len(members) + 1) / (n + 3))
        np.testing.assert_allclose(fit.mixture.means[k], m)
        np.testing.assert_allclose(fit.mixture.precisions[k], nu * np.linalg.inv(S))
    expected = log_joint(z, classes, prior, 1.0, np.zeros((n, 3))) / n
    assert fit.bound == pytest.approx(expected)


def test_the_best_of_several_chains_continues(overlapping):
    log_prior = np.zeros((200, 3))
    rng, alone = np.random.default_rng(7), []
    for _ in range(4):
        alone.append(Gibbs(sweeps=0, n_init=1)(overlapping, log_prior, 3, None, rng))
    rng = np.random.default_rng(7)
    best = Gibbs(sweeps=0, n_init=4)(overlapping, log_prior, 3, None, rng)
    first, *_, last = sorted(alone, key=lambda fit: fit.bound)
    assert best.bound == last.bound > first.bound
    np.testing.assert_array_equal(best.state["classes"], last.state["classes"])


@pytest.mark.parametrize("names", itertools.permutations(range(3)))
def test_the_state_continues(blobs, rng, names):
    """Separated classes keep the names that the state gave them."""
    state = {"classes": np.array(names)[blobs.labels]}
    fit = Gibbs(sweeps=3)(blobs.z, np.zeros((600, 3)), 3, state, rng)
    np.testing.assert_array_equal(fit.state["classes"], state["classes"])


def test_a_certain_prior_decides_the_classes(blobs, rng):
    classes = rng.integers(3, size=600)
    log_prior = np.where(np.eye(3)[classes] > 0, 0.0, -np.inf)
    fit = Gibbs(sweeps=2, n_init=2)(blobs.z, log_prior, 3, None, rng)
    np.testing.assert_array_equal(fit.state["classes"], classes)


def test_same_seed_same_result_bit_for_bit(overlapping):
    runs = [
        Gibbs(sweeps=5, n_init=2)(
            overlapping, np.zeros((200, 3)), 3, None, np.random.default_rng(seed)
        )
        for seed in (5, 5, 6)
    ]
    classes = [fit.state["classes"] for fit in runs]
    np.testing.assert_array_equal(classes[0], classes[1])
    np.testing.assert_array_equal(runs[0].mixture.means, runs[1].mixture.means)
    assert not np.array_equal(classes[0], classes[2])
