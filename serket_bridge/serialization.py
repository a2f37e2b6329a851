"""Settings and messages as JSON and plain arrays, and back. No code is ever loaded.

Kinds of modules, inferences and messages are looked up by name; arrays are read without
pickle.
"""

import dataclasses
import json
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from serket_bridge.messages import Categorical, Gaussian


def known():
    """What a saved loop may be made of, by name."""
    from serket_bridge import gmm, observation, vae  # they import this
    from serket_bridge.inference import em, gibbs  # they import this

    parts = (observation.Observation, vae.VAE, gmm.GMM)
    parts += (em.EM, em.Chunked, em.Variational, gibbs.Gibbs)
    parts += (vae.sample, vae.mean, vae.moments, gmm.hard, gmm.soft)
    return {part.__name__: part for part in parts}


def encode(key, value):
    """A setting as JSON: a function or an inference of ours by its name.

    Of what is not ours only its description; `decode` refuses that.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    name = getattr(value, "__name__", type(value).__name__)
    part = known().get(name)
    if part is not None and part is value:
        return {"name": name}
    if part is not None and part is type(value):
        return {"name": name, "settings": dataclasses.asdict(value)}
    return {"unknown": f"{key}={value!r}"}


def decode(value):
    """The setting of a JSON value."""
    if not isinstance(value, dict):
        return value
    if "unknown" in value:
        raise ValueError(
            f"only what serket_bridge has can be loaded, not {value['unknown']}"
        )
    part = known()[value["name"]]
    return part(**value["settings"]) if "settings" in value else part


def flatten(tree, prefix=""):
    """Nested dicts of arrays and messages as one: {"above/module002_gmm/mean": ...}."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, Gaussian) and np.isinf(value.precision).all():
            value = {"point": value.mean}
        elif isinstance(value, Gaussian | Categorical):
            value = vars(value)
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}/")
        elif value is not None:
            flat[prefix + key] = value
    return flat


def unflatten(flat):
    """The nested dicts that `flatten` was given."""
    tree = {}
    for path, array in flat.items():
        *branches, leaf = path.split("/")
        branch = tree
        for name in branches:
            branch = branch.setdefault(name, {})
        branch[leaf] = array
    return messages(tree)


def messages(tree):
    """Turns the arrays of a message into the message."""
    if set(tree) == {"point"}:
        return Gaussian.point(tree["point"])
    if set(tree) == {"mean", "precision"}:
        return Gaussian(**tree)
    if set(tree) == {"log_prob"}:
        return Categorical.normalised(tree["log_prob"])
    return {k: messages(v) if isinstance(v, dict) else v for k, v in tree.items()}


def read_json(path):
    """The content of a JSON file, or a ValueError that names it."""
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def read_arrays(path):
    """The arrays of an .npz file, or a ValueError that names it."""
    try:
        with Path(path).open("rb") as file, np.load(file) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
