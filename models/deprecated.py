"""Names of earlier releases, which work for one release with a warning."""

import functools
import importlib
import importlib.abc
import importlib.util
import sys
import warnings

MODULES = {
    "models.blocks.networks": "models.networks",
    "models.blocks.model": "models.blocks.vae",
    "models.blocks.rows": "models.blocks.ondisk_array",
    "models.experiment.data": "models.data",
    "models.experiment.checkpoint": "models.runs.checkpoint",
    "models.experiment.finished": "models.runs.saved_run",
    "models.experiment.metrics": "models.evaluation.metrics",
}

# Options of `python -m models.train`, as in config.json, and values of them.
OPTIONS = {
    "shake": "augment",
    "range": "rows",
    "hold_out": "test_fraction",
    "log_every": "steps_per_epoch",
    "tag": "name",
    "weights": "init_weights",
    "gmm": "gmm_inference",
    "message": "gmm_message",
}
VALUES = {"gmm_message": {"hard": "class-mean", "soft": "collapsed"}}


def renamed_options(config: dict) -> dict:
    """The options of a run of an earlier release under their new names."""
    config = {OPTIONS.get(name, name): value for name, value in config.items()}
    for name, values in VALUES.items():
        if name in config:
            config[name] = values.get(config[name], config[name])
    for name in ("kl_weight", "capacity"):  # "0.5", or "linear:5:0.5"
        if isinstance(config.get(name), str):
            kind, *numbers = config[name].split(":")
            config[name] = [kind, *map(float, numbers)] if numbers else float(kind)
    return config


def renamed(old: str, function):
    """The function under its old name, with a FutureWarning at each call."""

    @functools.wraps(function)
    def warned(*args, **kwargs):
        warn(old, f"{function.__module__}.{function.__name__}")
        return function(*args, **kwargs)

    return warned


def warn(old: str, new: str, stacklevel: int = 3) -> None:
    """Warns that a name will not be there in the next release."""
    warnings.warn(f"{old} is now {new}", FutureWarning, stacklevel=stacklevel)


class RenamedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a module of an earlier release under its new name."""

    def find_spec(self, name, path=None, target=None):
        is_package = name == "models.experiment"  # its modules are now elsewhere
        if not is_package and name not in MODULES:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=is_package)

    def exec_module(self, module):
        if new := MODULES.get(module.__name__):
            warn(module.__name__, new)
            sys.modules[module.__name__] = importlib.import_module(new)


sys.meta_path.append(RenamedModules())
