"""The inverse autoregressive flow: its density, against the Jacobian of its map."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from models.variants.iaf import InverseAutoregressive, build


@pytest.fixture(scope="module")
def flow():
    """A posterior of three dimensions whose weights are far from the start."""
    posterior = InverseAutoregressive(2, n_flows=3, flow_dim=12, latent_dim=3, seed=1)
    posterior(np.zeros((1, 4), "float32"))
    rng = np.random.default_rng(0)
    weights = [rng.normal(scale=0.6, size=w.shape) for w in posterior.get_weights()]
    posterior.set_weights(weights)
    return posterior


def map_of(flow, z, context):
    z, log_q = (ops.convert_to_tensor(np.float32(a)) for a in (z, np.zeros(len(z))))
    q = {"context": ops.convert_to_tensor(context)}
    return [ops.convert_to_numpy(a) for a in flow.flow(z, log_q, q)]


def test_the_density_has_the_log_determinant_of_the_jacobian(flow):
    rng = np.random.default_rng(1)
    context = rng.normal(size=(1, 12)).astype("float32")
    for z in rng.normal(size=(5, 3)):
        steps = 0.02 * np.eye(3)
        points = np.concatenate([z + steps, z - steps])
        ends, _ = map_of(flow, points, np.repeat(context, 6, axis=0))
        jacobian = (ends[:3] - ends[3:]) / 0.04
        _, log_q = map_of(flow, z[None], context)
        expected = -np.linalg.slogdet(jacobian)[1]
        assert log_q[0] == pytest.approx(expected, abs=0.01)


def test_each_map_is_autoregressive_and_the_context_reaches_every_dimension(flow):
    """One map, its order reversed: output 3 - d depends on the inputs up to d."""
    single = InverseAutoregressive(1, n_flows=1, flow_dim=12, latent_dim=3, seed=1)
    single(np.zeros((1, 4), "float32"))
    rng = np.random.default_rng(0)
    single.set_weights([rng.normal(size=w.shape) for w in single.get_weights()])
    z, context = rng.normal(size=(1, 3)), rng.normal(size=(1, 12)).astype("float32")
    start, _ = map_of(single, z, context)
    for d in range(3):
        moved, _ = map_of(single, z + np.eye(3)[d], context)
        changed = np.abs(moved - start)[0, ::-1] > 1e-6
        np.testing.assert_array_equal(changed, np.arange(3) >= d)
    moved, _ = map_of(single, z, context + 1)
    assert np.all(np.abs(moved - start) > 1e-6)


def test_log_q_is_that_of_the_base_and_of_the_maps(flow):
    features = np.random.default_rng(2).normal(size=(6, 4)).astype("float32")
    q = flow(features, all_samples=True)
    q = {name: ops.convert_to_numpy(value) for name, value in q.items()}
    assert q["z"].shape == (2, 6, 3) and q["log_q"].shape == (2, 6)
    noise = keras.random.normal((2, 6, 3), dtype="float32", seed=1)
    base = q["base_mean"] + np.exp(q["base_log_var"] / 2) * ops.convert_to_numpy(noise)
    law = stats.norm(q["base_mean"], np.exp(q["base_log_var"] / 2))
    for sample in range(2):
        z, log_det = map_of(flow, base[sample], q["context"])
        np.testing.assert_allclose(q["z"][sample], z, atol=1e-4)
        expected = law.logpdf(base[sample]).sum(axis=-1) + log_det
        np.testing.assert_allclose(q["log_q"][sample], expected, atol=1e-3)


def test_what_needs_a_gaussian_is_refused_and_latents_are_the_image_of_the_mean():
    model = build((6,), 2, (8,), seed=0)
    x = np.random.default_rng(0).random((5, 6)).astype("float32")
    with pytest.raises(ValueError, match=r"posterior InverseAutoregressive: use lat"):
        model.encode(x)
    features = model.encoder.predict(x, verbose=0)
    q = model.posterior.parameters(ops.convert_to_tensor(features))
    z, _ = model.posterior.flow(q["base_mean"], 0.0, q)
    np.testing.assert_allclose(model.latents(x), ops.convert_to_numpy(z), atol=1e-5)
