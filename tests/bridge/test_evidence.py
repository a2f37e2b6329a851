"""The whole model's evidence lower bound, against its formula and against p(x)."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp, softmax

import models
import serket_bridge as srk
from serket_bridge.inference.em import GaussianMixture


def gaussian_kl(mean, variance, other_mean, other_precision):
    """KL(N(mean, diag variance) || N(other_mean, other_precision^-1)), nats."""
    shift = other_mean - mean
    quadratic = np.trace(other_precision * variance) + shift @ other_precision @ shift
    log_det = np.linalg.slogdet(other_precision)[1] + np.log(variance).sum()
    return 0.5 * (quadratic - len(mean) - log_det)


@pytest.fixture(scope="module")
def loop(make_loop):
    loop = make_loop(vae={"itr": 20})
    loop.run(2, verbose=False)
    return loop


@pytest.mark.parametrize("from_above", [False, True])
def test_it_is_the_formula(loop, send_message, rng, from_above):
    """E_q[log p(x|z)] - sum_k r_k KL(q || N_k) + sum_k r_k log(pi_k b_k / r_k)."""
    vae, gmm = loop["vae"], loop["gmm"]
    q, mixture = vae.posterior, gmm.mixture
    b = np.full((120, 3), 1.0)  # the uniform message: the mixture's own weights
    if from_above:
        b = 3 * rng.dirichlet(np.ones(3), 120)
        send_message(gmm, np.log(b))
    terms = []
    for n in range(120):
        variance = 1 / q.precision[n].astype(float)
        kl = np.array(
            [
                gaussian_kl(q.mean[n], variance, m, L)
                for m, L in zip(mixture.means, mixture.precisions, strict=True)
            ]
        )
        r = softmax(np.log(mixture.weights * b[n]) - kl)
        terms.append(-r @ kl + r @ np.log(mixture.weights * b[n] / r))
    assert gmm.evidence() == pytest.approx(np.mean(terms), rel=1e-5)
    if from_above:
        gmm._backward.clear()


def draw_log_px(vae, x, rng, n_draws=50):
    """Draws of log p(x|z) of Bernoulli bits, (n_draws, n), z from the posterior."""
    z = np.stack([vae.posterior.sample(rng) for _ in range(n_draws)])
    p = vae.model.decode(z.reshape(-1, z.shape[-1])).astype(float)
    p = np.clip(p, 1e-7, 1 - 1e-7).reshape(n_draws, *x.shape)
    return stats.bernoulli.logpmf(rng.random(p.shape) < x, p).sum(axis=-1)


def check_rows(loop, x, rng):
    """The bound has one draw of z for each of the n examples."""
    draws = draw_log_px(loop["vae"], x, rng)
    error = draws.std(axis=0).mean() / np.sqrt(len(x))
    expected = draws.mean() + loop["gmm"].evidence()
    assert loop.rows[-1]["elbo"] == pytest.approx(expected, abs=4 * error)


def test_the_rows_have_it(loop, prints, rng):
    check_rows(loop, prints[0], rng)


def test_a_model_that_binarises_has_the_bound_of_its_messages(rng):
    """q(z|x) is that of the grey x, which is sent, and not that of its bits."""
    x = rng.uniform(0.1, 0.9, size=(1000, 12))
    model = models.bernoulli.build((12,), 8, (32,), binarize=True, seed=0)
    model = models.beta.with_kl_weight(model, 0.1)
    model = models.serket.with_prior_message(model)
    obs, gmm = srk.Observation(x), srk.GMM(3, seed=0)
    vae = srk.VAE(model=model, itr=40, batch_size=50, learning_rate=0.01, seed=0)
    vae.connect(obs)
    gmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, gmm])
    loop.run(1, verbose=False)
    check_rows(loop, x, rng)


@pytest.mark.parametrize(
    "second", [lambda: srk.GMM(2), lambda: srk.VAE(1, itr=1, RE="MSE")]
)
def test_two_modules_above_one_have_no_bound(make_loop, second):
    """The normaliser of the product of their densities is not known."""
    loop, above = make_loop(), second()
    above.name = "second"
    above.connect(loop["vae"])
    loop = srk.MessageLoop([*loop.modules, above])
    (row,) = loop.run(1, verbose=False)
    assert row["elbo"] is None
    assert "gmm and second are above vae: the normaliser" in loop.elbo_reason


def test_it_is_a_lower_bound_of_log_p(loop, prints, rng):
    """log p(x) by importance sampling from q, 500 draws per example."""
    vae, mixture, x = loop["vae"], loop["gmm"].mixture, prints[0]
    q = vae.posterior
    log_weights = []
    for _ in range(500 // 50):
        z = q.mean + rng.standard_normal((50, *q.mean.shape)) / np.sqrt(q.precision)
        p = np.clip(vae.model.decode(z.reshape(-1, 2)), 1e-7, 1 - 1e-7)
        p = p.reshape(50, *x.shape).astype(float)
        log_x = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)
        log_z = logsumexp(mixture.log_joint(z.reshape(-1, 2)), axis=1).reshape(50, -1)
        log_q = stats.norm(q.mean, 1 / np.sqrt(q.precision)).logpdf(z).sum(axis=-1)
        log_weights.append(log_x + log_z - log_q)
    log_p = logsumexp(np.concatenate(log_weights), axis=0) - np.log(500)
    gap = log_p.mean() - loop.rows[-1]["elbo"]
    assert 0 < gap < 5


def test_a_vae_alone_has_its_own_bound(prints):
    model = models.bernoulli.build((12,), 2, (8,), seed=0)
    obs, vae = srk.Observation(prints[0]), srk.VAE(model=model, itr=2, batch_size=60)
    vae.connect(obs)
    (row,) = srk.MessageLoop([obs, vae]).run(1, verbose=False)
    expected = model.evaluate(
        {"x": prints[0]}, batch_size=1024, return_dict=True, verbose=0
    )
    assert row["elbo"] == pytest.approx(-expected["loss"], rel=1e-5)


def test_a_mixture_of_the_data_has_the_log_likelihood(blobs):
    obs, gmm = srk.Observation(blobs.z), srk.GMM(3, seed=0)
    gmm.connect(obs)
    (row,) = srk.MessageLoop([obs, gmm]).run(1, verbose=False)
    m = gmm.mixture
    densities = [
        w * stats.multivariate_normal(mean, np.linalg.inv(L)).pdf(blobs.z)
        for w, mean, L in zip(m.weights, m.means, m.precisions, strict=True)
    ]
    assert row["elbo"] == pytest.approx(np.log(np.sum(densities, axis=0)).mean())


def test_expected_log_joint_is_a_mean_over_q(rng):
    precisions = stats.wishart.rvs(4, np.eye(2), 3, rng)
    mixture = GaussianMixture(
        rng.dirichlet(np.ones(3)), rng.normal(size=(3, 2)), precisions
    )
    q = srk.Gaussian(rng.normal(size=(5, 2)), rng.gamma(4.0, size=(5, 2)))
    noise = rng.standard_normal((20_000, 5, 2))
    z = (q.mean + noise / np.sqrt(q.precision)).reshape(-1, 2)
    draws = mixture.log_joint(z).reshape(20_000, 5, 3).mean(axis=0)
    np.testing.assert_allclose(
        mixture.expected_log_joint(q.mean, q.precision), draws, atol=0.15
    )


def test_entropy_is_scipys(rng):
    q = srk.Gaussian(rng.normal(size=(5, 2)), rng.gamma(4.0, size=(5, 2)))
    expected = stats.norm(q.mean, 1 / np.sqrt(q.precision)).entropy().sum(axis=1)
    np.testing.assert_allclose(q.entropy(), expected)
    np.testing.assert_array_equal(srk.Gaussian.point(q.mean).entropy(), 0.0)
