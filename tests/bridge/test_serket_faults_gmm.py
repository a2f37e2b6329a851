"""Faults of Serket's GMM that must not return: section 1.5 of their list."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit, logsumexp
from sklearn.metrics import adjusted_rand_score

import serket_bridge as srk
from serket_bridge import GMM, Gaussian, MessageLoop, Observation
from serket_bridge.inference.em import EM, GaussianMixture, Variational
from serket_bridge.inference.gibbs import Gibbs

LOG_OF_LARGEST = np.log(np.finfo(float).max)  # 709.8, where exp overflows
INFERENCE = [
    EM(n_init=1),
    Variational(n_init=1),
    Gibbs(sweeps=3, n_init=1, short_iter=3),
]
NAMES = ["em", "variational", "gibbs"]
TWO = GaussianMixture(np.full(2, 0.5), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))
CERTAIN = 0.999999


def made(z, k=3, **kwargs):
    settings = {"inference": EM(n_init=2), "seed": 0, "verbose": False}
    gmm = GMM(k, **settings | kwargs)
    gmm.connect(Observation(z))
    return gmm


def updated(*args, **kwargs):
    gmm = made(*args, **kwargs)
    gmm.update()
    return gmm


def known(z, mixture, **kwargs):
    """A GMM that was given its parameters, in recognition."""
    gmm = made(z, len(mixture.weights), mode="recog", **kwargs)
    gmm.mixture, gmm.learned = mixture, True
    return gmm


def two_groups(rng, dim, sd):
    """60 data in two groups, ten deviations apart in every dimension."""
    labels = np.arange(60) % 2
    return sd * (10.0 * labels[:, None] + rng.standard_normal((60, dim))), labels


def assert_probabilities(prob):
    assert np.all(np.isfinite(prob))
    np.testing.assert_allclose(prob.sum(axis=1), 1.0)


def log_joint(mixture, z):
    """log pi_k N(z; m_k, L_k^-1) by scipy: (n, K)."""
    parts = zip(mixture.weights, mixture.means, mixture.precisions, strict=True)
    columns = [
        np.log(w) + stats.multivariate_normal(m, np.linalg.inv(L)).logpdf(z)
        for w, m, L in parts
    ]
    return np.stack(columns, axis=1)


# --- Numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inference, sd",
    [
        *((method, sd) for method in INFERENCE for sd in (0.001, 1000.0)),
        (Gibbs(3, 1, 3, scale=1e-6), 0.001),
    ],
    ids=lambda value: None if isinstance(value, float) else type(value).__name__,
)
def test_1_5_300_dimensions_of_any_scale_have_finite_probabilities(rng, inference, sd):
    """The determinants are about 1e-1800 and 1e+1800."""
    z, labels = two_groups(rng, 300, sd)
    gmm = updated(z, 2, inference=inference)
    assert_probabilities(gmm.responsibilities)
    assert np.isfinite(gmm.metrics["bound"])
    assert adjusted_rand_score(labels, gmm.classes) == 1.0


def test_1_5_a_prior_far_from_the_data_is_refused_with_a_sentence(rng):
    z, _ = two_groups(rng, 300, 1e8)
    with pytest.raises(ValueError, match="scale must not be far below.* scale=0.1"):
        updated(z, 2, inference=Gibbs(3, 1, 3))


def test_1_5_a_density_beyond_exp_is_no_overflow(rng):
    z, labels = two_groups(rng, 300, 0.001)
    means = np.stack([z[labels == k].mean(axis=0) for k in range(2)])
    precisions = np.stack([1e6 * np.eye(300)] * 2)
    gmm = known(z, GaussianMixture(np.full(2, 0.5), means, precisions))
    gmm.update()
    assert gmm.mixture.log_joint(z).max(axis=1).min() > LOG_OF_LARGEST
    assert_probabilities(gmm.responsibilities)
    np.testing.assert_array_equal(gmm.classes, labels)


def test_1_5_points_far_away_belong_to_the_nearest_class_not_to_the_first(rng):
    """All densities underflow: exp(-750) is 0."""
    labels = rng.permutation(np.arange(40) % 2)
    means = np.stack([np.full(50, -5.0), np.full(50, 5.0)])
    z = np.linspace(3, 1e4, 40)[:, None] * means[labels]
    gmm = known(z, GaussianMixture(np.full(2, 0.5), means, np.stack([np.eye(50)] * 2)))
    gmm.update()
    assert gmm.mixture.log_joint(z).max() < -LOG_OF_LARGEST
    assert_probabilities(gmm.responsibilities)
    np.testing.assert_array_equal(gmm.classes, labels)


def test_1_5_an_empty_class_can_recover(rng):
    labels = np.arange(200) % 2
    z = np.array([[-4.0, 0.0], [4.0, 0.0]])[labels] + rng.standard_normal((200, 2))
    gmm = made(z, 2, inference=Gibbs(scale=10.0))
    gmm.inference_state = {"classes": np.zeros(200, int)}
    gmm.update()
    assert adjusted_rand_score(labels, gmm.classes) > 0.95


def test_1_5_densities_are_computed_once_a_sweep_not_once_an_example(
    blobs, monkeypatch
):
    gmm, calls, original = (
        made(blobs.z, inference=Gibbs(7, 1, 5)),
        [],
        GaussianMixture.log_joint,
    )
    monkeypatch.setattr(
        GaussianMixture, "log_joint", lambda *a: calls.append(len(a[1])) or original(*a)
    )
    gmm.learn(lambda: None)
    assert calls == [600] * 12


# --- Learning -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inference",
    [EM(n_init=2, restart=False), Variational(n_init=2, restart=False), Gibbs(5, 2)],
    ids=NAMES,
)
def test_1_5_an_update_continues_from_the_last_and_keeps_the_classes_names(
    blobs, inference
):
    gmm = updated(blobs.z, inference=inference)
    first = gmm.classes
    assert adjusted_rand_score(blobs.labels, first) == 1.0
    for _ in range(4):
        gmm.update()
        np.testing.assert_array_equal(gmm.classes, first)


def test_1_5_hyper_parameters_are_settable(overlapping, send_message):
    """The classes are certain, so the posterior is known."""
    classes, concentration, scale = np.repeat([0, 0, 0, 1], 50), 40.0, 8.0
    gmm = made(
        overlapping, 2, inference=Gibbs(1, 1, 1, scale, concentration=concentration)
    )
    send_message(gmm, np.where(np.eye(2)[classes] > 0, 0.0, -np.inf))
    gmm.update()
    z = overlapping.astype("float32")
    for k, n in enumerate((150, 50)):
        members = z[classes == k]
        shift = members.mean(axis=0) - z.mean(axis=0)
        S = scale * np.eye(2) + (n - 1) * np.cov(members.T)
        S += n / (n + 1) * np.outer(shift, shift)
        expected = (4 + n) * np.linalg.inv(S)
        np.testing.assert_allclose(gmm.mixture.precisions[k], expected, rtol=1e-4)
        assert gmm.mixture.weights[k] == pytest.approx((40 + n) / 280)


# --- Recognition ----------------------------------------------------------------------


def test_1_5_recognition_counts_the_backward_message_and_sends_class_means(
    send_message,
):
    """Between classes at -1 and 1, log p(1) / p(0) is 2 z."""
    z = np.array([[-0.1], [0.1], [-3.0]])
    gmm = known(z, TWO)
    send_message(gmm, np.log([[1 - CERTAIN, CERTAIN]] * 3))
    gmm.update()
    expected = expit(2 * z[:, 0] + logit(CERTAIN))
    np.testing.assert_allclose(gmm.responsibilities[:, 1], expected, rtol=1e-6)
    assert gmm.classes.tolist() == [1, 1, 1]
    assert gmm.forward.prob.argmax(axis=1).tolist() == [0, 1, 0]
    sent = gmm.parents[0].backward_message(Gaussian.standard(3, 1))
    np.testing.assert_array_equal(sent.mean, 1.0)


def test_1_5_recognition_through_a_loop_counts_it_too(send_message):
    z = np.array([[-0.1], [0.1]])
    gmm = known(z, TWO)
    upper = send_message(gmm, np.log([[1 - CERTAIN, CERTAIN], [CERTAIN, 1 - CERTAIN]]))
    loop = MessageLoop([*gmm.parents, gmm, upper])
    assert loop.recognize(z)["gmm"].classes.tolist() == [1, 0]


def test_1_5_held_out_data_have_a_score(overlapping, rng):
    new = rng.normal(size=(20, 2)).astype("float32")
    gmm = updated(overlapping)
    held_out = MessageLoop([*gmm.parents, gmm]).recognize(new)["gmm"].evidence()
    expected = logsumexp(log_joint(gmm.mixture, new), axis=1).mean()
    assert held_out == pytest.approx(expected, rel=1e-6)


# --- Files ----------------------------------------------------------------------------


@pytest.fixture
def written(overlapping, send_message, rng, tmp_path):
    """(a GMM with the classes of its category, under other numbers; its folder)."""
    certain = rng.permutation(np.arange(200) % 3)
    gmm = made(overlapping, category=np.array([2, 0, 1])[certain])
    send_message(gmm, 60.0 * np.eye(3)[certain])
    with srk.output_dir(tmp_path):
        gmm.update()
    return gmm, tmp_path / gmm.folder, certain


def test_1_5_classes_and_accuracy_use_the_prior_backward(written):
    _, folder, certain = written
    np.testing.assert_array_equal(np.loadtxt(folder / "class_learn.txt"), certain)
    assert np.loadtxt(folder / "acc_learn.txt") == 1.0


def test_1_5_class_txt_numbers_the_columns_of_pdz_with_a_category_too(
    written, overlapping
):
    gmm, folder, certain = written
    log_p = log_joint(gmm.mixture, overlapping) + 60.0 * np.eye(3)[certain]
    expected = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True))
    Pdz = np.loadtxt(folder / "Pdz_learn.txt")
    np.testing.assert_allclose(Pdz, expected, atol=1e-6)
    classes = np.loadtxt(folder / "class_learn.txt")
    np.testing.assert_array_equal(classes, Pdz.argmax(axis=1))
    assert not np.array_equal(classes, gmm.category)


def test_1_5_names_of_files_have_their_underscore_without_a_category(tmp_path):
    z = np.array([[-2.0], [2.0], [-1.9], [2.1]])
    with srk.output_dir(tmp_path):
        learned = updated(z, 2)
        recognised = made(z, 2, mode="recog")
        recognised.update()
    names = {path.name for path in (tmp_path / learned.folder).glob("*.txt")}
    files = ("class", "Pdz", "mu")
    assert names == {
        f"{name}_{mode}.txt" for name in files for mode in ("learn", "recog")
    }
    np.testing.assert_array_equal(learned.classes, recognised.classes)


def test_1_5_parameters_are_arrays_and_no_pickle(written):
    gmm, folder, _ = written
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        for name, array in vars(gmm.mixture).items():
            np.testing.assert_array_equal(arrays[name], array)
    assert {path.suffix for path in folder.iterdir()} == {".txt", ".npz", ".json"}
