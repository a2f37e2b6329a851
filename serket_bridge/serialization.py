"""Settings and messages as JSON and arrays, and back; no code is ever loaded.

Classes and functions are saved by name. A name is looked up in the registry, which
modules, inferences and message functions join with the decorator `register`.
"""

import dataclasses
import warnings
from importlib import import_module

import numpy as np

from serket_bridge.checks import require
from serket_bridge.messages import Categorical, Gaussian

REGISTRY = {}  # qualified name -> class or function
OLD_NAMES = {  # in files written by earlier versions
    "Observation": "serket_bridge.observation.Observation",
    "VAE": "serket_bridge.vae.VAE",
    "GMM": "serket_bridge.gmm.GMM",
    "EM": "serket_bridge.inference.em.EM",
    "Chunked": "serket_bridge.inference.em.EM",
    "Variational": "serket_bridge.inference.em.Variational",
    "Gibbs": "serket_bridge.inference.gibbs.Gibbs",
    "sample": "serket_bridge.vae.sample",
    "mean": "serket_bridge.vae.mean",
    "moments": "serket_bridge.vae.moments",
    "hard": "serket_bridge.gmm.class_mean_message",
    "soft": "serket_bridge.gmm.collapsed_gaussian_message",
}
# of this package, in files that are slow to import
NAMES = {*OLD_NAMES.values(), "serket_bridge.mnvae.MNVAE"}
NAMES |= {"serket_bridge.mnvae.proportions"}


def register(part):
    """A decorator of what is saved by name with a loop, and may be loaded again.

    Args:
        part: a subclass of `Module`; a message function; or a class of inference,
            a dataclass or with a method `config` that returns its arguments.
    """
    name = f"{part.__module__}.{part.__qualname__}"
    require("<lambda>" not in name, "register needs a function with a name", name)
    REGISTRY[name] = part
    return part


def registered_name(part) -> str | None:
    """The name under which a class or function is registered, or `None`."""
    return next((name for name, each in REGISTRY.items() if each is part), None)


def find_registered(name: str):
    """What is registered under this name; ValueError if nothing is."""
    if name in NAMES:
        import_module(name.rpartition(".")[0])
    rule = f"{name} is not registered: import the file that defines it, with the "
    rule += "decorator serket_bridge.register, before loading"
    require(name in REGISTRY, rule)
    return REGISTRY[name]


def to_json(argument: str, value):
    """A setting as JSON, by name if registered; else what `from_json` refuses."""
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return value
    if isinstance(value, list):
        return [to_json(argument, each) for each in value]
    if name := registered_name(value):
        return {"name": name}
    if name := registered_name(type(value)):
        has_config = hasattr(value, "config")
        settings = value.config() if has_config else dataclasses.asdict(value)
        return {"name": name, "settings": settings}
    return {"unknown": f"{argument}={value!r}"}


def from_json(value):
    """The setting of a JSON value; ValueError if it is not registered."""
    if not isinstance(value, dict):
        return value
    rule = "only what is registered (serket_bridge.register) can be loaded"
    require("unknown" not in value, rule, value.get("unknown"))
    part = find_registered(value["name"])
    return part(**value["settings"]) if "settings" in value else part


def upgrade(value):
    """JSON of an earlier version with the names of this one."""
    if not isinstance(value, dict) or value.get("name") not in OLD_NAMES:
        return value
    upgraded = {**value, "name": OLD_NAMES[value["name"]]}
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        return to_json("", from_json(upgraded))  # former arguments become new ones


def flatten(tree: dict, prefix: str = "") -> dict:
    """Nested dicts of arrays and messages as one: {"forward/mean": ...}."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, Gaussian) and value.is_point:
            value = {"point": value.mean}
        elif isinstance(value, Gaussian | Categorical):
            value = vars(value)
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}/")
        elif value is not None:
            flat[prefix + key] = value
    return flat


def unflatten(flat: dict) -> dict:
    """The nested dicts that `flatten` was given."""
    tree, branches = {}, {}
    for path, array in flat.items():
        name, is_nested, rest = path.partition("/")
        if is_nested:
            branches.setdefault(name, {})[rest] = array
        else:
            tree[name] = array
    tree |= {name: unflatten(branch) for name, branch in branches.items()}
    match sorted(tree):
        case ["point"]:
            return Gaussian.point(tree["point"])
        case ["mean", "precision"]:
            return Gaussian(**tree)
        case ["log_prob"]:
            return Categorical.from_normalized(tree["log_prob"])
    return tree
