"""Former names: they work for one release, with a FutureWarning."""

import functools
import sys
import warnings


def renamed_arguments(**names: str):
    """A class decorator: former keyword arguments -> new ones."""

    def decorate(cls):
        init = cls.__init__

        @functools.wraps(init)
        def __init__(self, *args, **kwargs):
            for old in names.keys() & kwargs.keys():
                _warn(f"{cls.__name__}({old}=)", f"{names[old]}=")
                kwargs[names[old]] = kwargs.pop(old)
            init(self, *args, **kwargs)

        cls.__init__ = __init__
        return cls

    return decorate


def renamed_attributes(module: str, **names: str):
    """The `__getattr__` of a module: former attributes -> new ones."""

    def __getattr__(name):
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(f"{module}.{name}", names[name])
        return getattr(sys.modules[module], names[name])

    return __getattr__


def _warn(old, new):
    warnings.warn(f"{old} is now {new}", FutureWarning, stacklevel=3)
