"""Former names: they work for one release, with a FutureWarning."""

import functools
import sys

from models.deprecated import warn
from serket_bridge import gmm
from serket_bridge.inference import chunked_em, em, gibbs

MODULES = {"mixture": em, "gibbs": gibbs, "chunked": chunked_em}
ATTRIBUTES = {
    gmm: {"hard": "class_mean_message", "soft": "collapsed_gaussian_message"},
    em: {"Mixture": "GaussianMixture", "Fit": "FitResult", "Chunked": "EM"},
}
ARGUMENTS = dict(
    short="short_iter",
    finalists="n_refine",
    fresh="restart",
    start_rows="init_subsample",
)


def former_attribute(module, name: str):
    """The attribute of a module that is there under another name."""
    if name not in ATTRIBUTES[module]:
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
    warn(f"{module.__name__}.{name}", ATTRIBUTES[module][name])
    return getattr(module, ATTRIBUTES[module][name])


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


sys.modules.update({f"serket_bridge.{old}": new for old, new in MODULES.items()})
for _module in ATTRIBUTES:
    _module.__getattr__ = functools.partial(former_attribute, _module)
for _class in (em.EM, em.Variational, gibbs.Gibbs):
    rename_arguments(_class)
