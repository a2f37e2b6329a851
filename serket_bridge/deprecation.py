"""Former names: they work for one release, with a FutureWarning."""

import functools
import sys
import warnings

from serket_bridge import gmm
from serket_bridge.inference import chunked_em, em, gibbs

MODULES = {"mixture": em, "gibbs": gibbs, "chunked": chunked_em}
ATTRIBUTES = {
    gmm: {"hard": "class_mean_message", "soft": "collapsed_gaussian_message"},
    em: {"Mixture": "GaussianMixture", "Fit": "FitResult", "Chunked": "EM"},
}
ARGUMENTS = {
    "short": "short_iter",
    "finalists": "n_refine",
    "fresh": "restart",
    "start_rows": "init_subsample",
}


def rename_attributes(module, names: dict) -> None:
    """Lets the attributes of a module be found under their former names."""

    def __getattr__(name):
        if name not in names:
            raise AttributeError(
                f"module {module.__name__!r} has no attribute {name!r}"
            )
        warn(f"{module.__name__}.{name}", names[name])
        return getattr(module, names[name])

    module.__getattr__ = __getattr__


def rename_arguments(cls) -> None:
    """Lets a class take keyword arguments under their former names."""
    init = cls.__init__

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        for old in ARGUMENTS.keys() & kwargs.keys():
            warn(f"{cls.__name__}({old}=)", f"{ARGUMENTS[old]}=")
            kwargs[ARGUMENTS[old]] = kwargs.pop(old)
        init(self, *args, **kwargs)

    cls.__init__ = __init__


def warn(old: str, new: str) -> None:
    """Warns that a name will not be there in the next release."""
    warnings.warn(f"{old} is now {new}", FutureWarning, stacklevel=3)


sys.modules |= {f"serket_bridge.{old}": module for old, module in MODULES.items()}
for _module, _names in ATTRIBUTES.items():
    rename_attributes(_module, _names)
for _class in (em.EM, em.Variational, gibbs.Gibbs):
    rename_arguments(_class)
