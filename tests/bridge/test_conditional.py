"""A conditional VAE as a module: labels are a second observation."""

import keras
import numpy as np
import pytest

import models
import serket_bridge as srk


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    return rng.random((80, 5)).astype("float32"), labels[:, None]


def connected(data):
    model = models.conditional.build((5,), 2, (8,), n_labels=2, seed=0)
    vae = srk.VAE(
        model=models.serket.with_prior_message(model), itr=3, batch_size=20, seed=0
    )
    obs, labels = srk.Observation(data[0]), srk.Observation(data[1], "labels")
    gmm = srk.GMM(2, seed=0)
    vae.connect(obs, labels)
    gmm.connect(vae)
    return srk.MessageLoop([obs, labels, vae, gmm])


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """(a loop after two rounds, the folder where it is saved)."""
    loop, folder = connected(data), tmp_path_factory.mktemp("conditional")
    loop.run(2, verbose=False, folder=folder)
    return loop, folder


def test_it_trains_and_sends(data, trained):
    vae = trained[0]["vae"]
    z_mean, _ = vae.model.encode(data[0], data[1].ravel())
    np.testing.assert_allclose(vae.posterior.mean, z_mean, rtol=1e-6)
    decoded = vae.model.decode(vae.forward.mean, data[1].ravel())
    np.testing.assert_allclose(vae.x_hat, decoded, rtol=1e-6)
    assert len(vae.history["loss"]) == 6


def test_the_first_round_is_fit(data):
    """Before the first backward message, training is Keras's own `fit`."""
    loop = connected(data)
    loop.run(1, verbose=False)
    model = models.conditional.build((5,), 2, (8,), n_labels=2, seed=0)
    model.compile(keras.optimizers.Adam(1e-3), steps_per_execution=4)
    inputs = {"x": data[0], "label": data[1].ravel()}
    history = model.fit(inputs, batch_size=20, epochs=3, verbose=0).history
    np.testing.assert_allclose(loop["vae"].history["loss"], history["loss"], rtol=1e-5)


def test_recognition_takes_labels_too_and_outlives_saving(data, trained):
    loop, folder = trained
    new = {"obs": data[0][:9], "labels": data[1][:9]}
    classes = loop.recognize(new)["gmm"].classes
    np.testing.assert_array_equal(srk.load(folder).recognize(new).classes, classes)


def test_without_labels_the_error_names_what_to_connect(data):
    model = models.conditional.build((5,), 2, (8,), n_labels=2, seed=0)
    vae = srk.VAE(model=model, itr=1)
    vae.connect(srk.Observation(data[0]))
    vae.parents[0].update()
    with pytest.raises(RuntimeError, match="Observation of the labels"):
        vae.update()


def test_another_model_takes_no_second_module(data):
    vae = srk.VAE(model=models.bernoulli.build((5,), seed=0))
    with pytest.raises(TypeError, match="takes at most 1"):
        vae.connect(srk.Observation(data[0]), srk.Observation(data[1], "labels"))


def test_prediction_needs_a_label(trained):
    with pytest.raises(ValueError, match=r"call vae.model.decode\(z, label\)"):
        trained[0]["gmm"].predict(0)
