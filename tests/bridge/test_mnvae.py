"""The multinomial VAE: proportions to an MLDA, whose words are a prior of latents."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax, softmax

import serket_bridge as srk
from models.variants.multinomial import Multinomial
from serket_bridge import Categorical, Gaussian, mnvae, vae
from serket_bridge.inference.em import EM
from serket_bridge.scores import matching_accuracy

L = 4


@pytest.fixture(scope="module")
def documents():
    """90 documents of three topics: counts of 12 words, and of 9 others; topics."""
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(12, 0.2), 3), rng.dirichlet(np.full(9, 0.2), 3)
    labels = np.arange(90) % 3
    counts = [np.stack([rng.multinomial(25, t[k]) for k in labels]) for t in topics]
    return *counts, labels


def make(documents, **options):
    """A loop of two views of documents: one by way of the VAE, both into an MLDA."""
    x, words, _ = documents
    seen, heard = srk.Observation(x, "seen"), srk.Observation(words, "heard")
    settings = {"epoch": 20, "batch_size": 30, "learning_rate": 0.02, "seed": 1}
    one = srk.MNVAE(L, **settings | {"hidden_encoder_dim": 16} | options)
    one.connect(seen)
    mlda = srk.MLDA(3, [50, 50], itr=20, seed=2)
    mlda.connect(one, heard)
    return srk.MessageLoop([seen, heard, one, mlda])


@pytest.fixture(scope="module")
def loop(documents):
    loop = make(documents)
    loop.run(3, documents[2], verbose=False)
    return loop


# --- Messages -------------------------------------------------------------------------


def test_a_dirichlet_is_approximated_at_its_mode(rng):
    """In z, theta = softmax(z), its density is prod_k theta_k^alpha_k, alpha = K b."""
    b = rng.dirichlet(np.full(5, 3.0), 3)
    found = mnvae.dirichlet_as_gaussian(Categorical(np.log(b)))

    def log_density(z):
        return (5 * b * log_softmax(z, axis=1)).sum(axis=1)

    np.testing.assert_allclose(softmax(found.mean, axis=1), b)
    np.testing.assert_allclose(found.mean.sum(axis=1), 0, atol=1e-12)
    h = 1e-4
    for k in range(5):
        step = h * np.eye(5)[k]
        above, at, below = (log_density(found.mean + s) for s in (step, 0, -step))
        np.testing.assert_allclose((above - below) / (2 * h), 0, atol=1e-5)
        # the density does not depend on the sum of z, which has the rest
        curvature = (2 * at - above - below) / h**2
        expected = found.precision[:, k] * (1 - b[:, k])
        np.testing.assert_allclose(curvature, expected, atol=1e-5)


def test_the_uniform_message_is_the_standard_normal():
    found = mnvae.dirichlet_as_gaussian(Categorical.uniform(2, 6))
    np.testing.assert_allclose(found.mean, 0, atol=1e-12)
    np.testing.assert_allclose(found.precision, 1)


def test_a_message_that_excludes_a_topic_is_finite():
    with np.errstate(divide="ignore"):
        found = mnvae.dirichlet_as_gaussian(Categorical(np.log(np.eye(4))))
    assert np.isfinite(found.mean).all() and found.precision.min() > 0


def test_it_sends_proportions_and_its_prior_is_the_words_of_the_mlda(loop, documents):
    one, topics = loop["mnvae"], loop["mlda"]
    z_mean, _ = one.model.encode(documents[0])
    np.testing.assert_allclose(one.forward.prob, softmax(z_mean, axis=1), rtol=1e-5)
    sent = one._backward[topics]
    assert sent.log_prob.shape == (90, L)
    expected = mnvae.dirichlet_as_gaussian(sent)
    inputs = one.training_inputs(one.observed()[0])
    np.testing.assert_allclose(inputs["prior_mean"], expected.mean)
    np.testing.assert_allclose(inputs["prior_precision"], expected.precision)
    p = one.x_hat
    np.testing.assert_allclose(p, one.model.decode(z_mean), rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_the_loop_finds_the_topics(loop, documents):
    assert loop.rows[-1]["accuracy"] > 0.95
    assert loop.rows[-1]["elbo"] is None
    assert loop.elbo_reason == "the evidence of mlda is not known"
    found = loop.recognize({"seen": documents[0], "heard": documents[1]})
    assert matching_accuracy(documents[2], found["mlda"].classes) > 0.95
    assert found["mnvae"].forward.prob.shape == (90, L)


def test_one_modality_predicts_the_other(loop, documents):
    x, words, labels = documents
    seen = loop["mlda"].predict({"heard": words})["mnvae"]
    means = np.stack([x[labels == k].sum(axis=0) for k in range(3)]).astype(float)
    means /= means.sum(axis=1, keepdims=True)
    nearest = np.abs(seen[:, None] - means).sum(axis=-1).argmin(axis=1)
    assert np.mean(nearest == labels) > 0.9
    theta = np.full((1, L), 1 / L)
    expected = loop["mnvae"].model.decode(np.zeros((1, L)))
    np.testing.assert_allclose(loop["mnvae"].predict(theta), expected, rtol=1e-5)


def test_alone_its_bound_is_that_of_the_multinomial_vae(documents):
    x = documents[0]
    obs = srk.Observation(x)
    one = srk.MNVAE(2, epoch=5, learning_rate=0.02, seed=0)
    one.connect(obs)
    (row,) = srk.MessageLoop([obs, one]).run(1, verbose=False)
    assert isinstance(one.model.likelihood, Multinomial)
    zero, one_ = np.zeros((90, 2), "float32"), np.ones((90, 2), "float32")
    inputs = {"x": x, "prior_mean": zero, "prior_precision": one_}
    out = one.model.predict(inputs, batch_size=1024, verbose=0)
    p = np.float64(out["x_mean"])
    log_px = stats.multinomial(25, p / p.sum(axis=1, keepdims=True)).logpmf(x)
    assert row["elbo"] == pytest.approx((log_px - out["kl"]).mean(), rel=1e-4)


def test_below_a_mixture_it_is_a_vae_of_counts(documents):
    """To the last bit, with the messages of a VAE."""
    losses = []
    for kind, name in ((srk.MNVAE, "mnvae"), (srk.VAE, "vae")):
        obs = srk.Observation(documents[0])
        settings = {"epoch": 6, "batch_size": 30, "learning_rate": 0.02, "seed": 1}
        one = kind(2, RE="multinomial", message=vae.sample, **settings)
        one.connect(obs)
        gmm = srk.GMM(3, inference=EM(n_init=2), seed=3)
        gmm.connect(one)
        rows = srk.MessageLoop([obs, one, gmm]).run(2, verbose=False)
        assert one.output_message is Gaussian
        losses.append([(row[f"{name}.loss"], row["elbo"]) for row in rows])
    assert losses[0] == losses[1]


def test_images_need_no_counts(prints):
    """Serket's own: a Bernoulli p(x|z), below an MLDA."""
    obs = srk.Observation(prints[0])
    one = srk.MNVAE(3, 100, 1.0, 0.001, 10, "mnvae", 50, RE="BCE", seed=0)
    one.connect(obs)
    mlda = srk.MLDA(3, [100], itr=5, seed=0)
    mlda.connect(one)
    srk.MessageLoop([obs, one, mlda]).run(1, verbose=False)
    assert one.ports == {"x": Gaussian} and one.forward.dim == 3


def test_the_weight_of_the_kl_changes_after_the_first_round(documents):
    loop = make(documents, epoch=3, KLD_weights=[0.5, 4.0])
    for _ in range(3):
        loop["mnvae"].step()
    assert loop["mnvae"].history["kl_weight"] == [0.5] * 3 + [4.0] * 6


# --- Files and saving -----------------------------------------------------------------


def test_update_writes_serkets_files_and_load_dir_reads_them(documents, tmp_path):
    with srk.output_dir(tmp_path):
        modules = make(documents, epoch=4).modules
        for module in modules[2:]:
            module.update()
        folder = tmp_path / "module002_mnvae"
        z = np.loadtxt(folder / "z_learn.txt")
        np.testing.assert_allclose(z, modules[2].forward.prob, rtol=1e-6)
        x_hat = np.loadtxt(folder / "x_hat_learn.txt")
        np.testing.assert_allclose(x_hat, modules[2].x_hat, rtol=1e-6)
        assert len(np.loadtxt(folder / "loss.txt")) == 4
        loop = make(documents, load_dir=folder)
        again = loop["mnvae"]
        again.update()
        z_recog = np.loadtxt(folder / "z_recog.txt")
        np.testing.assert_allclose(z_recog, again.forward.prob, rtol=1e-6)
        np.testing.assert_allclose(again.forward.prob, z, rtol=1e-5)


def test_a_loop_continues_to_the_same_bits(documents, tmp_path):
    whole = make(documents, epoch=4)
    whole.run(3, verbose=False)
    make(documents, epoch=4).run(1, folder=tmp_path, verbose=False)
    loaded = srk.load(tmp_path, {"seen": documents[0], "heard": documents[1]})
    loaded.run(2, verbose=False)
    script = make(documents, epoch=4)
    script.run(3, folder=tmp_path, verbose=False)
    for loop in (loaded, script):
        assert loop["mnvae"].history == whole["mnvae"].history
        np.testing.assert_array_equal(loop["mlda"].classes, whole["mlda"].classes)
        found, expected = (m["mnvae"].forward.log_prob for m in (loop, whole))
        np.testing.assert_array_equal(found, expected)


def test_a_saved_loop_is_loaded_in_another_process(documents, tmp_path):
    make(documents, epoch=1).run(1, folder=tmp_path, verbose=False)
    code = f"import serket_bridge as srk; print(srk.load({str(tmp_path)!r})['mnvae'])"
    command = [sys.executable, "-c", code]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert text == "<MNVAE 'mnvae', connected to seen>\n"


# --- What is refused ------------------------------------------------------------------


def test_data_that_are_no_counts_are_refused_with_both_names(documents):
    one = srk.MNVAE(2)
    one.connect(srk.Observation(documents[0] - 1.0, "seen"))
    with pytest.raises(ValueError, match="mnvae takes Counts as its input x from seen"):
        one.update()


@pytest.mark.parametrize(
    "options, error",
    [
        ({"KLD_weights": [1, 2, 3]}, "KLD_weights must be a number, or two"),
        ({"KLD_weights": -1.0}, "kl_weight must be a number >= 0"),
        ({"RE": "counts"}, 'RE must be "BCE" or "MSE", or "multinomial".*counts'),
        ({"epoch": 0, "KLD_weights": 1}, "epoch must be an integer >= 1"),
    ],
)
def test_arguments_are_checked(options, error):
    with pytest.raises(ValueError, match=error):
        one = srk.MNVAE(2, **options)
        one.connect(srk.Observation(np.ones((4, 3))))
        one.step()
