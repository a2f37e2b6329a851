"""The options of a variant: what its `build` takes beyond the options of every run.

An argument whose type is a component, such as `likelihood: Likelihood | None`, takes
the name of a class, in snake case: of those in `models.blocks` and in the variant's own
file. The arguments of these classes are options too.
"""

import inspect
import re
from contextlib import suppress
from dataclasses import replace
from typing import get_args

import keras

import models
from models.blocks import likelihoods, objectives, posteriors, priors  # noqa: F401
from models.blocks.component import Component
from models.blocks.schedules import Cyclical, LinearWarmUp, Schedule
from models.cli.common_options import COMMON
from models.cli.option_types import WeightText
from models.cli.signatures import NO_DEFAULT, Option, flag_of, keywords_of, read_options

# Arguments of `build` that options of every run set, or sizes, the data and the seed:
SHARED = {"kl_weight", "n_samples", "activation"}
SIZES = {"input_shape", "latent_dim", "hidden_dims", "network", "seed"}
SIZES |= {"n_labels", "label_dim"}
SCHEDULES = {"linear": LinearWarmUp, "cyclical": Cyclical}


def of_variant(name: str) -> dict[str, Option]:
    """key -> option, for each option of the variant's own.

    The options of a component's classes come after the option that chooses the class.
    """
    build, found = models.VARIANTS[name], {}
    for option in own_options(build):
        key = add(found, option, "variant")
        for class_name, component in (option.classes or {}).items():
            for inner in own_options(component):
                inner = replace(inner, component=key, owners=(class_name,))
                add(found, inner, option.name)
    return found


def add(found, option, role):
    """Adds an option; returns its key, with the role in front if it was taken."""
    other = found.get(option.key)
    if other and other.component == option.component is not None:
        option = replace(other, owners=other.owners + option.owners)
    elif other or option.key in COMMON:
        return add(found, replace(option, key=f"{role}_{option.name}"), role)
    found[option.key] = option
    return option.key


def own_options(function):
    """The arguments of a `build` or a component that are options of its own."""
    options = []
    for option in read_options(function, SHARED | SIZES):
        if subclass_in(option.annotation, Schedule):
            option = replace(option, annotation=WeightText)
        classes = component_classes(option.annotation, function.__module__)
        with suppress(KeyError, TypeError):  # it cannot be written on the command line
            classes or keywords_of(option.annotation)
            options.append(replace(option, classes=classes))
    return options


def subclass_in(annotation, base):
    """The class `Likelihood` of `Likelihood | None`, if it is one of `base`."""
    parts = get_args(annotation) or (annotation,)
    classes = [part for part in parts if isinstance(part, type)]
    return next((part for part in classes if issubclass(part, base)), None)


def component_classes(annotation, module: str) -> dict[str, type] | None:
    """name -> class of this type of component, of `models.blocks` and the module.

    `None` if the annotation is not one of a component, such as `Likelihood | None`.
    """
    kind = subclass_in(annotation, Component)
    if kind is None:
        return None
    return {
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", each.__name__).lower(): each
        for each in keras.saving.get_custom_objects().values()
        if subclass_in(each, kind)
        and (each.__module__ == module or each.__module__.startswith("models.blocks."))
    }


def common_defaults(name: str) -> dict:
    """The defaults of the variant for options of every run, such as kl_weight."""
    parameters = inspect.signature(models.VARIANTS[name]).parameters
    return {key: parameters[key].default for key in SHARED & set(parameters)}


def resolve_variant(name: str, given: dict, defaults: dict) -> dict:
    """The options of a variant, key -> value: given, or of the data set, or its own.

    Raises ValueError for an option of a component that is not chosen.
    """
    config = {}
    for key, option in of_variant(name).items():
        chosen = config.get(option.component)
        if option.component is None or chosen in option.owners:
            config[key] = given.get(key, defaults.get(option.name, option.default))
        elif key in given:
            raise ValueError(
                f"{flag_of(key)} is an option of {flag_of(option.component)} "
                f"{' and '.join(option.owners)}, and this one is {chosen}: leave it out"
            )
        if config.get(key) is NO_DEFAULT:
            raise ValueError(f"{flag_of(key)} is needed: give a value")
    return config


def build_arguments(config: dict, dataset) -> dict:
    """The arguments of the variant's `build` but for sizes, network and seed."""
    build = models.VARIANTS[config["variant"]]
    arguments, inner = shared_arguments(build, config, dataset), {}
    for option in reversed(of_variant(config["variant"]).values()):
        value = config.get(option.key, option.default)
        if option.component and config.get(option.component) in option.owners:
            inner.setdefault(option.component, {})[option.name] = as_argument(value)
        elif not option.component:
            if option.classes and value is not None:
                component = option.classes[value]
                shared = shared_arguments(component, config, dataset)
                value = component(**shared, **inner.get(option.key, {}))
            arguments[option.name] = as_argument(value)
    return arguments


def shared_arguments(function, config, dataset):
    """Those arguments that other options or the labels decide."""
    taken = inspect.signature(function).parameters
    shared = {k: as_argument(config[k]) for k in SHARED & set(taken) & set(config)}
    if "n_labels" in taken:
        if dataset.labels is None:
            raise ValueError(
                f"--variant {config['variant']} learns from labels, and "
                f"{config['data']} has none: give --labels, or use another variant"
            )
        if config.get("augment"):
            raise ValueError("--augment: not with labels, which this variant takes")
        shared["n_labels"] = int(dataset.labels.max()) + 1
    return shared


def as_argument(value):
    """A value of config.json as `build` takes it: a schedule, a tuple, or itself."""
    if not isinstance(value, list | tuple):
        return value
    if value and value[0] in SCHEDULES:
        return SCHEDULES[value[0]](*value[1:])
    return tuple(value)
