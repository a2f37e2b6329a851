"""Wrote the models beside it, with the code of commit BEFORE: python make.py.

They show that files from before the four components (`models.blocks`) still open. The
expected numbers are those that the code which wrote them computed.
"""

import json
from pathlib import Path

import keras
import numpy as np

import models
from models import beta, iwae, serket
from models.blocks import networks
from models.blocks.schedules import LinearWarmUp

BEFORE = "09f3745"
HERE = Path(__file__).parent
SMALL = {"latent_dim": 2, "hidden_dims": (6,), "seed": 3}
CONV = networks.Conv((2, 3), 4, networks.group_normalization, True)


def built():
    """name -> a model."""
    vanilla, bernoulli = models.vanilla.build, models.bernoulli.build
    conditional = models.conditional.build
    return {
        "vanilla": vanilla((4, 4), **SMALL),
        "learned_sigma": vanilla((4, 4), sigma=None, n_samples=3, **SMALL),
        "bernoulli": bernoulli((4, 4), kl_weight=LinearWarmUp(4, 0.5), **SMALL),
        "binarize": bernoulli((4, 4), binarize=True, **SMALL),
        "conv": bernoulli((8, 8), network=CONV, **SMALL),
        "shaken": bernoulli((8, 8), network=networks.Shaken(), **SMALL),
        "beta": models.beta.build((4, 4), **SMALL),
        "capacity": beta.weigh(vanilla((4, 4), **SMALL), 9.0, LinearWarmUp(4, 2.0)),
        "iwae": models.iwae.build((4, 4), **SMALL),
        "doubly": models.iwae.build((4, 4), doubly_reparameterized=True, **SMALL),
        "conditional": conditional((4, 4), n_labels=3, **SMALL),
        "learned_prior": conditional((4, 4), n_labels=3, learned_prior=True, **SMALL),
        "label_dim": conditional((8, 8), label_dim=2, network=CONV, **SMALL),
        "serket": models.serket.build((4, 4), kl_weight=0.1, **SMALL),
        "listening_iwae": serket.listen(iwae.build((4, 4), **SMALL)),
        "iwae_learned_prior": iwae.tighten(
            conditional((4, 4), n_labels=3, learned_prior=True, n_samples=4, **SMALL)
        ),
    }


def inputs_of(model):
    """The same for every model of the same inputs."""
    rng = np.random.default_rng(0)
    n, shape = 24, model.input["x"].shape[1:]
    pattern = rng.random((2, *shape)) < 0.5
    x = np.abs(pattern[np.arange(n) % 2] - rng.uniform(0, 0.2, (n, *shape)))
    others = {
        "prior_mean": rng.normal(size=(n, 2)),
        "prior_precision": rng.gamma(2.0, size=(n, 2)),
    }
    if "label" in model.input:
        is_vector = len(model.input["label"].shape) > 1
        others["label"] = rng.normal(size=(n, 2)) if is_vector else np.arange(n) % 3
    return {name: np.float32({"x": x, **others}[name]) for name in model.input}


def main():
    expected = {}
    for name, model in built().items():
        inputs = inputs_of(model)
        model.compile(keras.optimizers.Adam(0.01))
        model.fit(inputs, batch_size=8, epochs=3, verbose=0)
        model.save(HERE / f"{name}.keras")
        scores = model.evaluate(inputs, batch_size=24, verbose=0, return_dict=True)
        z_mean, z_log_var = model.encode(inputs["x"], inputs.get("label"))
        x_mean = model.decode(z_mean, inputs.get("label"))
        expected[name] = {
            "scores": scores,
            "z_mean": z_mean.tolist(),
            "z_log_var": z_log_var.tolist(),
            "x_mean": x_mean.sum(axis=tuple(range(1, x_mean.ndim))).tolist(),
            "iterations": int(model.optimizer.iterations),
        }
        model.fit(inputs, batch_size=8, epochs=1, initial_epoch=0, verbose=0)
        after = model.evaluate(inputs, batch_size=24, verbose=0, return_dict=True)
        expected[name]["scores_after_one_more_epoch"] = after
    text = json.dumps({"commit": BEFORE, "models": expected})
    (HERE / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
