"""What `help(models.iwae.build)` shows: every argument, by name and explained."""

import inspect
import pydoc
import re

import pytest

import models
from models.blocks.vae import VAE

COMMON = ["input_shape", "latent_dim", "hidden_dims", "network", "activation"]
COMMON += ["kl_weight", "n_samples", "seed"]


@pytest.mark.parametrize("name", models.VARIANTS)
def test_help_shows_every_argument(name):
    build = getattr(models, name).build
    signature = inspect.signature(build)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    assert set(COMMON) <= set(signature.parameters)
    assert signature.return_annotation is VAE
    shown = pydoc.render_doc(build, renderer=pydoc.plaintext)
    for argument in signature.parameters:
        assert re.search(rf"\b{argument}\b[:=,]", shown)
    # its own arguments are explained in its docstring, the others in that of `models`
    explained = re.findall(r"^    +(\w+): ", build.__doc__ + models.__doc__, re.M)
    assert set(signature.parameters) <= set(explained)
