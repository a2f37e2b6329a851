"""Planar flows and a learned mixture: densities, and what a message does to them."""

import numpy as np
import pytest
from keras import ops
from scipy import special, stats

from models.variants.iwae_planar import LearnedMixture, PlanarFlow, build


def test_the_density_of_planar_maps_has_the_determinant_of_their_jacobian():
    rng = np.random.default_rng(0)
    flow = PlanarFlow(1, n_flows=3, latent_dim=3, seed=1)
    q = {name: rng.normal(size=(1, n)) for name, n in flow.head_sizes().items()}
    for z in rng.normal(size=(5, 3)):
        steps = 0.02 * np.eye(3)
        points = np.concatenate([z + steps, z - steps, z[None]]).astype("float32")
        rows = {k: np.repeat(v, 7, axis=0).astype("float32") for k, v in q.items()}
        rows = {k: ops.convert_to_tensor(v) for k, v in rows.items()}
        zeros = ops.convert_to_tensor(np.zeros(7, "float32"))
        ends, log_q = flow.flow(ops.convert_to_tensor(points), zeros, rows)
        ends, log_q = ops.convert_to_numpy(ends), ops.convert_to_numpy(log_q)
        jacobian = (ends[:3] - ends[3:6]) / 0.04
        sign, log_det = np.linalg.slogdet(jacobian)
        assert sign == 1  # the map can be inverted
        assert log_q[6] == pytest.approx(-log_det, abs=0.01)


def test_the_density_of_the_learned_mixture_is_scipys():
    rng, prior = np.random.default_rng(0), LearnedMixture(4, latent_dim=2)
    z = rng.normal(size=(1, 30, 2)).astype("float32")
    prior({"z": z, "log_q": np.zeros((1, 30), "float32")}, {})
    log_w, means, log_vars = (rng.normal(size=w.shape) for w in prior.get_weights())
    prior.set_weights([log_w, means, log_vars])
    each = stats.norm.logpdf(z[0][:, None], means, np.exp(log_vars / 2)).sum(axis=-1)
    expected = special.logsumexp(each + special.log_softmax(log_w), axis=1)
    value = ops.convert_to_numpy(prior.log_prob(ops.convert_to_tensor(z[0])))
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_a_message_moves_the_latents_and_more_samples_tighten_the_bound(data):
    model = build((4, 3), 2, (8,), n_gaussians=3, n_samples=8, seed=0)
    model.compile("adam")
    message = {"prior_mean": np.full((70, 2), 3.0), "prior_precision": np.ones((70, 2))}
    still = {"prior_mean": np.zeros((70, 2)), "prior_precision": np.ones((70, 2))}
    scores = [
        model.evaluate({"x": data} | m, verbose=0, return_dict=True)
        for m in (message, still)
    ]
    assert scores[0]["kl"] > scores[1]["kl"] + 3
    for each in scores:
        assert -each["loss"] > each["log_likelihood"] - each["kl"] + 0.01
