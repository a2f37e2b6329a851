"""The model of a configuration is what `build` of its variant gives."""

import inspect
import json
import sys
from dataclasses import replace
from types import ModuleType

import keras
import numpy as np
import pytest

from models import VARIANTS
from models.blocks.likelihoods import Gaussian
from models.blocks.ondisk_array import ArrayRows
from models.cli import options
from models.cli.build_model import build_variant, seeds
from models.cli.resolve import resolve
from models.cli.variant_options import build_arguments
from models.data import Dataset
from models.data.preprocessing import Preprocessing
from models.runs.saved_run import SavedRun

SMALL = "--latent-dim 2 --hidden-dims 4 --batch-size 10".split()
PREPROCESSING = Preprocessing("images")
COMPONENTS = ("posterior", "prior", "likelihood", "objective")


@pytest.fixture
def dataset(rng):
    labels = np.arange(30) % 3
    x = ArrayRows(rng.uniform(size=(30, 5)).astype("float32"))
    return Dataset("table", "custom", x, labels, ("a", "b", "c"), PREPROCESSING)


def components(model):
    """The classes and settings of the components, without their random seeds."""
    described = {}
    for role in COMPONENTS:
        component = getattr(model, role)
        config = keras.saving.serialize_keras_object(component)["config"]
        described[role] = type(component), {k: config[k] for k in config if k != "seed"}
    return described, list(model.input)


def check_model(dataset, build, *words):
    """Compares what the command builds with what `build` gives for its defaults."""
    _, config, model = resolve(options.parse([*SMALL, *words]), dataset)
    shapes = {"latent_dim": 2, "hidden_dims": (4,), "seed": seeds(config)[0]}
    given = build_arguments(config, dataset)
    direct = build(dataset.input_shape, **shapes, **given)
    assert components(model) == components(direct)
    np.testing.assert_equal(model.get_weights(), direct.get_weights())
    return config, model


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_the_command_builds_what_build_gives(dataset, variant):
    build = VARIANTS[variant]
    config, model = check_model(dataset, build, "--variant", variant)
    # from config.json, as a run opens it, the same model
    again = build_variant(json.loads(json.dumps(config)), dataset)
    np.testing.assert_equal(again.get_weights(), model.get_weights())
    assert components(again) == components(model)
    # where the table of defaults has nothing, the components are those of `build`
    taken = inspect.signature(build).parameters
    usual = {"sigma": None, "n_labels": 3, "likelihood": Gaussian(None)}
    default = build((5,), 2, (4,), **{k: v for k, v in usual.items() if k in taken})
    assert components(model) == components(default)


# The config.json of a run before options belonged to their variant.
OLD = """{"variant": "beta", "data": "table.npz", "labels": null, "image_size": null,
"range": [0, 29], "network": "mlp", "weights": null, "seed": 0,
"capacity": "linear:2:5", "learned_prior": false, "binarize": false,
"shake": false, "tag": "first", "latent_dim": 2, "hidden_dims": [4], "epochs": 2,
"batch_size": 10, "optimizer": "adam", "learning_rate": 0.001, "likelihood": "gaussian",
"kl_weight": "0.5", "n_samples": 1, "rounds": 1, "n_components": 3, "gmm": "em",
"message": "hard", "filters": null, "normalization": null, "residual": null,
"steps": null, "log_every": null, "sigma": null}"""


def test_a_configuration_of_an_earlier_release_is_a_model_too(dataset, tmp_path):
    (tmp_path / "config.json").write_text(OLD)
    config = SavedRun(tmp_path).config
    assert (config["rows"], config["name"]) == ([0, 29], "first")
    words = "--variant beta --capacity linear:2:5 --kl-weight 0.5"
    *_, model = resolve(options.parse([*SMALL, *words.split()]), dataset)
    old = build_variant(config, dataset)
    assert components(old) == components(model)
    np.testing.assert_equal(old.get_weights(), model.get_weights())


MINE = '''
from typing import Literal

import keras

from models import networks
from models.blocks.component import register
from models.blocks.likelihoods import Gaussian, Likelihood
from models.blocks.objectives import ELBO
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import Prior, StandardNormal
from models.blocks.schedules import Weight
from models.blocks.vae import assemble


@register
class WideNormal(StandardNormal):
    """N(0, I), with arguments.

    Args:
        n_components: of no use.
        width: of no use either.
    """

    def __init__(self, n_components: int = 3, width: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.n_components, self.width = n_components, width

    def get_config(self):
        own = {"n_components": self.n_components, "width": self.width}
        return {**super().get_config(), **own}


@register
class Scaled(Gaussian):
    """A Gaussian."""


def build(input_shape, latent_dim=2, hidden_dims=(512,), *,
          mode: Literal["a", "b"] = "a", weight: Weight = 2.0, n_components: int = 7,
          prior: Prior | None = None, likelihood: Likelihood | None = None,
          network=networks.MLP(), activation="tanh",
          kl_weight: Weight = 3.0, n_samples: int = 1, seed=None):
    """Mine.

    Args:
        mode: one of two.
        n_components: of no use.
        prior: p(z).
    """
    config = networks.NetworkConfig(
        input_shape, latent_dim, hidden_dims, activation, seed, network
    )
    model = assemble(
        config,
        posterior=DiagonalGaussian(n_samples),
        prior=prior or StandardNormal(),
        likelihood=likelihood or Scaled(),
        objective=ELBO(kl_weight, weight if mode == "b" else None),
    )
    model.mode = mode, n_components
    return model
'''


@pytest.fixture
def mine(monkeypatch):
    """The variant `mine`, a module of its own and a name in VARIANTS."""
    name = "models.variants.mine"
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(VARIANTS, "names", (*VARIANTS.names, "mine"))
    registered = dict(keras.saving.get_custom_objects())
    exec(MINE, vars(module))
    yield module
    keras.saving.get_custom_objects().clear()
    keras.saving.get_custom_objects().update(registered)


def test_a_variant_of_your_own_is_one_file_and_one_name(dataset, mine, capsys):
    words = "--variant mine --mode b --weight linear:4:2 --variant-n-components 9"
    words += " --prior wide_normal --prior-n-components 5 --width 2 --likelihood scaled"
    config, model = check_model(dataset, mine.build, *words.split())
    assert isinstance(model.prior, mine.WideNormal)
    assert (model.prior.n_components, model.prior.width) == (5, 2.0)
    assert type(model.likelihood) is mine.Scaled and model.likelihood.sigma is None
    assert model.objective.schedules["capacity"](2) == 1.0
    assert model.objective.schedules["kl_weight"](0) == 3.0
    assert model.mode == ("b", 9) and config["activation"] == "tanh"
    assert config["n_components"] is None

    config, model = check_model(dataset, mine.build, "--variant", "mine")
    assert type(model.prior).__name__ == "StandardNormal"
    assert config["prior"] is None and "width" not in config
    with pytest.raises(ValueError, match="--width is an option of --prior wide_normal"):
        resolve(options.parse(["--variant", "mine", "--width", "2"]), dataset)
    with pytest.raises(SystemExit):
        options.parse(["--variant", "beta", "--mode", "b"])
    assert "--mode is an option of mine, and" in capsys.readouterr().err


def test_labels_are_needed_by_a_variant_that_takes_them(dataset):
    given = options.parse([*SMALL, "--variant", "conditional"])
    *_, model = resolve(given, dataset)
    assert model.prior.name == "prior"
    unlabelled = replace(dataset, labels=None, label_names=None)
    with pytest.raises(
        ValueError, match="--variant conditional learns from labels, and"
    ):
        resolve(given, unlabelled)
    pixels = ArrayRows(dataset.x[:, :4].reshape(30, 2, 2))
    images = replace(dataset, values=pixels)
    with pytest.raises(ValueError, match="--augment: not with labels"):
        resolve(given | {"augment": True}, images)
