"""The multinomial likelihood: against SciPy, and what it learns."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import special, stats

from models.blocks import densities
from models.variants.multinomial import Multinomial, build


def test_log_factorials_are_scipys():
    x = np.concatenate([np.arange(200), [0.5, 7.25, 1e3, 1e5, 1e8]]).astype("float32")
    found = ops.convert_to_numpy(densities.log_factorial(ops.convert_to_tensor(x)))
    expected = special.gammaln(x.astype(float) + 1)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-6)
    assert found[0] == 0


@pytest.mark.parametrize("shape", [(7,), (2, 3), (2, 2, 2)])
@pytest.mark.parametrize("total", [0, 1, 12, 3000])
def test_log_likelihoods_are_scipys(rng, shape, total):
    """With one softmax over all entries, for two samples of z."""
    size = np.prod(shape)
    x = rng.multinomial(total, rng.dirichlet(np.ones(size)), size=5)
    logits = rng.normal(size=(2, 5, size)).astype("float32")
    layer = Multinomial()
    found = layer(x.reshape(5, *shape), logits.reshape(10, *shape))
    p = special.softmax(logits.astype(float), axis=-1)
    expected = stats.multinomial(total, p).logpmf(x)
    log_px = ops.convert_to_numpy(found["log_px"])
    np.testing.assert_allclose(log_px, expected, rtol=2e-5, atol=1e-5)
    x_mean = ops.convert_to_numpy(found["x_mean"]).reshape(5, size)
    np.testing.assert_allclose(x_mean, p[0], rtol=1e-5)


def test_it_is_finite_for_extreme_logits():
    x, logits = np.array([[3.0, 0.0]]), np.array([[-300.0, 300.0]], "float32")
    log_px = Multinomial()(x, logits)["log_px"]
    assert float(ops.convert_to_numpy(log_px)[0, 0]) == pytest.approx(-1800)


@pytest.fixture(scope="module")
def documents():
    """300 documents of two topics, of different lengths; and their topics."""
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(20, 0.3), 2)
    labels = np.arange(300) % 2
    lengths = rng.integers(5, 60, size=300)
    pairs = zip(lengths, labels, strict=True)
    return np.stack([rng.multinomial(n, topics[k]) for n, k in pairs]), labels, topics


@pytest.fixture(scope="module")
def model(documents):
    model = build((20,), 1, (16,), seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(documents[0], epochs=40, batch_size=50, verbose=0)
    return model


def test_it_learns_the_topics_of_documents_of_any_length(documents, model):
    x, labels, topics = documents
    p = model.reconstruct(x)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    nearest = np.abs(p[:, None] - topics).sum(axis=-1).argmin(axis=1)
    assert np.mean(nearest == labels) > 0.97


def test_the_elbo_is_close_to_the_likelihood_of_the_topics(documents, model):
    """log 1/2 sum_k Multinomial(x; topic k), by SciPy, is the best that there is."""
    x, _, topics = documents
    totals = x.sum(axis=1)
    log_p = np.stack([stats.multinomial(totals, t).logpmf(x) for t in topics])
    best = special.logsumexp(log_p - np.log(2), axis=0).mean()
    loss = model.evaluate(x, verbose=0, return_dict=True)["loss"]
    assert best - 1.5 < -loss < best + 0.5


def test_data_that_are_no_counts_are_refused(model):
    x = np.full((4, 20), -0.5)
    with pytest.raises(ValueError, match="x must be counts >= 0 .* Multinomial.*-0.5"):
        model.fit(x, epochs=1, verbose=0)
