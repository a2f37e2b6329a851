"""The module of docs/adding_a_module.md: it trains, is saved, and resumes."""

import ast
from pathlib import Path

import numpy as np
import pytest

import serket_bridge as srk

PAGE = Path(__file__).parents[2] / "docs" / "adding_a_module.md"
CODE = PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def make(prints):
    """A function that makes the loop of the document, always the same."""
    example = {"__name__": "kmeans_of_the_docs"}
    exec(CODE, example)

    def make():
        settings = {"itr": 4, "batch_size": 50, "learning_rate": 0.02, "seed": 1}
        obs, vae = srk.Observation(prints[0]), srk.VAE(2, **settings)
        kmeans = example["KMeans"](3, seed=2)
        vae.connect(obs)
        kmeans.connect(latents=vae)
        return srk.MessageLoop([obs, vae, kmeans])

    return make


def assert_same(one, other):
    for row, expected in zip(one.rows, other.rows, strict=True):
        timed = {key for key in row if "seconds" in key}
        assert row.keys() == expected.keys()
        assert {k: row[k] for k in row.keys() - timed} == {
            k: expected[k] for k in row.keys() - timed
        }
    for a, b in zip(*(loop["vae"].model.weights for loop in (one, other)), strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("centres", "classes"):
        arrays = [getattr(loop["kmeans"], name) for loop in (one, other)]
        np.testing.assert_array_equal(*arrays)


def test_the_class_has_at_most_40_lines():
    (kind,) = (n for n in ast.parse(CODE).body if isinstance(n, ast.ClassDef))
    assert kind.end_lineno - kind.decorator_list[0].lineno + 1 <= 40


def test_it_trains_with_the_vae(make, prints):
    loop = make()
    loop.run(2, prints[1], verbose=False)
    kmeans, vae = loop["kmeans"], loop["vae"]
    prior = vae.training_inputs(prints[0])["prior_mean"]
    np.testing.assert_array_equal(prior, kmeans.centres[kmeans.classes])
    z = vae.posterior.mean if vae.forward is None else vae.forward.mean
    nearest = np.square(z[:, None] - kmeans.centres).sum(axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(kmeans.classes, nearest)
    decoded = vae.model.decode(kmeans.centres[[2]])
    np.testing.assert_allclose(kmeans.predict([2]), decoded, rtol=1e-6)
    assert loop.rows[0]["kmeans.inertia"] != loop.rows[1]["kmeans.inertia"]
    assert loop.rows[1]["elbo"] is None
    assert loop.elbo_reason == "the evidence of kmeans is not known"


def test_it_resumes_to_the_same_bits(make, prints, tmp_path):
    whole = make()
    whole.run(3, verbose=False)
    make().run(1, folder=tmp_path / "script", verbose=False)
    again = make()  # the script, started again
    again.run(3, folder=tmp_path / "script", verbose=False)
    assert_same(again, whole)
    make().run(1, folder=tmp_path / "loaded", verbose=False)
    loaded = srk.load(tmp_path / "loaded", prints[0])
    loaded.run(2, verbose=False)
    assert_same(loaded, whole)


def test_it_is_loaded_and_recognises(make, prints, tmp_path):
    loop = make()
    loop.run(1, folder=tmp_path, verbose=False)
    loaded = srk.load(tmp_path)
    np.testing.assert_array_equal(loaded["kmeans"].centres, loop["kmeans"].centres)
    assert loaded["kmeans"].connections.keys() == {"latents"}
    found = [each.recognize(prints[0][:9]).classes for each in (loop, loaded)]
    np.testing.assert_array_equal(*found)


def test_it_hears_a_prior_of_its_classes(make, prints, send_message):
    loop = make()
    loop.run(1, verbose=False)
    send_message(loop["kmeans"], np.tile([-1e4, -1e4, 0.0], (120, 1)))
    loop["kmeans"].step()
    assert set(loop.classes) == {2}


def test_it_refuses_what_it_does_not_take(make, prints):
    kmeans = make()["kmeans"]
    with pytest.raises(TypeError, match="kmeans.connect .*: latents. Received: image="):
        kmeans.connect(image=srk.Observation(prints[0]))
    other = type(kmeans)(2, "other")
    with pytest.raises(ValueError, match="other cannot be connected to kmeans: .*Gaus"):
        other.connect(kmeans)
