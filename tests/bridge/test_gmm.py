"""The mixture as a module: messages backward and forward, and refusals."""

import numpy as np
import pytest
from scipy import optimize, stats

from serket_bridge import GMM, Gaussian, Module, Observation
from serket_bridge.gmm import class_mean_message, collapsed_gaussian_message
from serket_bridge.inference.em import EM, GaussianMixture, Variational
from serket_bridge.inference.gibbs import Gibbs

QUICK = EM(n_init=2)
INFERENCE = [QUICK, Variational(n_init=2), Gibbs(sweeps=5, n_init=2)]
NAMES = ["em", "variational", "gibbs"]


class Below(Module):
    """Sends one message up."""

    def __init__(self, message):
        super().__init__("below")
        self.forward = message

    def send(self):
        """The message never changes."""


def make(z, k=3, **kwargs):
    gmm = GMM(k, **{"inference": QUICK, "seed": 0} | kwargs)
    gmm.connect(Below(z if isinstance(z, Gaussian) else Gaussian.point(z)))
    return gmm


def updated(*args, **kwargs):
    gmm = make(*args, **kwargs)
    gmm.update()
    return gmm


def mixture(rng, k=3, dim=2, diagonal=False):
    precisions = stats.wishart.rvs(dim + 2, np.eye(dim), k, rng)
    if diagonal:
        precisions = precisions * np.eye(dim)
    return GaussianMixture(
        rng.dirichlet(np.ones(k)), rng.normal(size=(k, dim)), precisions
    )


def kl(mean, variance, other_mean, other_precision):
    """KL(N(mean, diag variance) || N(other_mean, other_precision^-1))."""
    shift = other_mean - mean
    trace = np.diag(other_precision) @ variance + shift @ other_precision @ shift
    log_det = np.linalg.slogdet(other_precision)[1] + np.log(variance).sum()
    return 0.5 * (trace - len(mean) - log_det)


def divergence(mean, variance, r, mix):
    """sum_k r_k KL(q || N(m_k, L_k^-1)), which the message stands for."""
    parts = zip(r, mix.means, mix.precisions, strict=True)
    return sum(p * kl(mean, variance, m, L) for p, m, L in parts)


# --- The message that it sends backward -----------------------------------------------


def test_hard_is_the_mean_of_the_most_probable_class(rng):
    r = np.array([[0.4, 0.5, 0.1], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    mix = mixture(rng)
    message = class_mean_message(r, mix)
    np.testing.assert_array_equal(message.mean, [mix.means[k] for k in (1, 2, 0)])
    np.testing.assert_array_equal(message.precision, np.ones((3, 2)))


@pytest.mark.parametrize("rows", [1, 4, 4096])
def test_soft_is_the_formula_example_by_example(rng, rows):
    r, mix = rng.dirichlet(np.ones(3), size=9), mixture(rng, dim=4)
    message = collapsed_gaussian_message(r, mix, rows)
    for n in range(9):
        precision = sum(r[n, k] * mix.precisions[k] for k in range(3))
        pulls = sum(r[n, k] * mix.precisions[k] @ mix.means[k] for k in range(3))
        expected = np.linalg.inv(precision) @ pulls
        np.testing.assert_allclose(message.mean[n], expected, rtol=1e-8)
        np.testing.assert_allclose(message.precision[n], np.diag(precision))


def test_soft_differs_from_the_mixture_by_a_constant_in_q(rng):
    """Its defining identity; exact where the mixture's precisions are diagonal."""
    r, mix = rng.dirichlet(np.ones(3), size=2), mixture(rng, diagonal=True)
    message = collapsed_gaussian_message(r, mix)
    for n in range(2):
        differences = []
        for _ in range(4):
            q = rng.normal(size=2), rng.gamma(2.0, size=2)
            whole = kl(*q, message.mean[n], np.diag(message.precision[n]))
            differences.append(divergence(*q, r[n], mix) - whole)
        np.testing.assert_allclose(differences, differences[0], rtol=1e-9)


def test_soft_has_the_same_best_q_as_the_mixture_of_full_precisions(rng):
    """The diagonal q that minimises sum_k r_k KL(q || ...), found by BFGS."""
    r, mix = rng.dirichlet(np.ones(3)), mixture(rng, dim=3)
    message = collapsed_gaussian_message(r[None], mix)

    def objective(q):
        return divergence(q[:3], np.exp(q[3:]), r, mix)

    best = optimize.minimize(objective, np.zeros(6), tol=1e-10).x
    np.testing.assert_allclose(message.mean[0], best[:3], atol=1e-4)
    np.testing.assert_allclose(1 / message.precision[0], np.exp(best[3:]), rtol=1e-3)


def test_soft_of_a_certain_class_is_that_class(rng):
    mix = mixture(rng)
    message = collapsed_gaussian_message(np.eye(3), mix)
    np.testing.assert_allclose(message.mean, mix.means)
    diagonals = np.einsum("kdd->kd", mix.precisions)
    np.testing.assert_allclose(message.precision, diagonals)


@pytest.mark.parametrize("message", [class_mean_message, collapsed_gaussian_message])
def test_an_update_sends_the_message_of_its_responsibilities_down(overlapping, message):
    gmm = updated(overlapping, message=message)
    sent = gmm.parents[0].backward_message(Gaussian.standard(200, 2))
    expected = message(gmm.responsibilities, gmm.mixture)
    np.testing.assert_array_equal(sent.mean, expected.mean)
    np.testing.assert_array_equal(sent.precision, expected.precision)


# --- Forward messages, and the backward message ---------------------------------------


@pytest.mark.parametrize("inference", INFERENCE, ids=NAMES)
def test_posterior_is_forward_times_prior_and_forward_is_free_of_the_prior(
    inference, overlapping, send_message, rng
):
    prior = rng.dirichlet(np.ones(3), size=200)
    gmm = make(overlapping, inference=inference)
    send_message(gmm, np.log(prior))
    ticks = []
    gmm.step(lambda: ticks.append(1))
    assert len(ticks) == gmm.n_steps
    joint = np.stack(
        [
            w * stats.multivariate_normal(m, np.linalg.inv(L)).pdf(overlapping)
            for w, m, L in zip(
                gmm.mixture.weights,
                gmm.mixture.means,
                gmm.mixture.precisions,
                strict=True,
            )
        ],
        axis=1,
    )
    for value, expected in (
        (gmm.forward.prob, joint),
        (gmm.responsibilities, joint * prior),
    ):
        expected = expected / expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(gmm.classes, (joint * prior).argmax(axis=1))


@pytest.mark.parametrize("inference", INFERENCE, ids=NAMES)
def test_a_uniform_backward_message_changes_nothing(
    inference, overlapping, send_message
):
    alone = updated(overlapping, inference=inference)
    gmm = make(overlapping, inference=inference)
    send_message(gmm, np.full((200, 3), 5.0))
    gmm.update()
    for name in ("weights", "means", "precisions"):
        one, two = (getattr(m.mixture, name) for m in (alone, gmm))
        np.testing.assert_allclose(one, two, rtol=1e-9)
    np.testing.assert_allclose(alone.responsibilities, gmm.responsibilities, atol=1e-9)
    assert gmm.metrics["bound"] == pytest.approx(alone.metrics["bound"])


@pytest.mark.parametrize("inference", INFERENCE, ids=NAMES)
def test_a_certain_backward_message_decides_the_classes(
    inference, blobs, send_message, rng
):
    classes = rng.integers(3, size=600)
    gmm = make(blobs.z, inference=inference)
    send_message(gmm, np.where(np.eye(3)[classes] > 0, 0.0, -np.inf))
    gmm.update()
    np.testing.assert_array_equal(gmm.classes, classes)
    assert np.isfinite(gmm.metrics["bound"])


def test_an_impossible_class_is_not_responsible_but_is_sent_forward(
    blobs, send_message
):
    """A few examples cannot belong to the class in whose middle they lie."""
    gmm = updated(blobs.z, inference=EM(n_init=3, restart=False))
    rows = np.flatnonzero(blobs.labels == 2)[:3]
    own = gmm.classes[rows]
    log_prior = np.zeros((600, 3))
    log_prior[rows, own] = -np.inf
    send_message(gmm, log_prior)
    gmm.update()
    np.testing.assert_array_equal(gmm.responsibilities[rows, own], 0.0)
    assert gmm.forward.prob[rows, own].min() > 0.99


def test_uncertain_latents_are_sampled(overlapping):
    """A message of a wide spread widens the mixture by its variance."""
    wide = Gaussian(np.zeros((4000, 2)), np.full((4000, 2), 1 / 9))
    covariance = np.linalg.inv(updated(wide, k=1).mixture.precisions[0])
    # standard error of a variance of 9: sqrt(2 / 4000) * 9 = 0.2
    np.testing.assert_allclose(covariance, 9 * np.eye(2), atol=0.8)


def test_the_state_continues_from_one_update_to_the_next(blobs):
    gmm = updated(blobs.z, inference=EM(n_init=3, restart=False))
    before = gmm.classes, gmm.mixture.means
    gmm.update()
    np.testing.assert_array_equal(gmm.classes, before[0])
    np.testing.assert_allclose(gmm.mixture.means, before[1], rtol=1e-6)


def test_same_seed_same_update(overlapping):
    one, two = (
        updated(overlapping, inference=Gibbs(sweeps=3, n_init=1), seed=4)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.responsibilities, two.responsibilities)


# --- Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, -1, 2.0, "3", None])
def test_n_components_must_be_a_number_of_classes(k):
    with pytest.raises(ValueError, match="K must be an integer >= 1"):
        GMM(k)


def test_more_classes_than_data_are_refused(rng):
    with pytest.raises(
        ValueError, match="K must be at most the number of examples, 4.*K=5"
    ):
        updated(rng.normal(size=(4, 2)), k=5)


def test_latents_of_three_axes_are_refused(rng):
    gmm = GMM(2, name="classes")
    gmm.connect(Observation(rng.normal(size=(6, 4, 3)), name="pictures"))
    with pytest.raises(ValueError, match=r"classes takes .* from pictures.*\(6, 4, 3"):
        gmm.update()


@pytest.mark.parametrize("shape", [(200, 4), (199, 3)])
def test_a_message_of_another_shape_is_refused_naming_both(
    overlapping, send_message, shape
):
    gmm = make(overlapping, name="classes")
    send_message(gmm, np.zeros(shape), name="words")
    with pytest.raises(ValueError, match=r"classes expects .*\(200, 3\) from words"):
        gmm.update()
