"""The labels that a run's conditional model reads: their names and their codes."""

import numpy as np


def names_of(run):
    """What the labels that the run's model knows are called, by their codes."""
    own = run.dataset
    return own.label_names[: own.labels.max() + 1]


def labels_for(run, dataset):
    """The labels of these data as the run's model knows them, (n,) int; else `None`.

    Other data may hold other labels, or fewer, so that the same name has another code.
    """
    if not run.model.is_conditional:
        return None
    if dataset.labels is None:
        raise ValueError(
            f"{dataset.name}: the model of {run.path} is conditional and needs a label "
            "for each row, and these data have none; give --labels."
        )
    codes = {name: code for code, name in enumerate(names_of(run))}
    used = [dataset.label_names[code] for code in np.unique(dataset.labels)]
    unknown = [name for name in used if name not in codes]
    if unknown:
        raise ValueError(
            f"{dataset.name}: expected the labels of the run, {in_words(codes)}. "
            f"Received: {unknown[0]}"
        )
    recoded = np.array([codes.get(name, -1) for name in dataset.label_names])
    return recoded[dataset.labels]


def code_of(run, label):
    """The code of --label, a name or a code; `None` if it was not given."""
    if label is None:
        return None
    if not run.model.is_conditional:
        raise ValueError(
            f"--label {label}: only a conditional model decodes a label, and the model "
            f"of {run.path} is none; leave it out"
        )
    names = names_of(run)
    codes = {str(code): code for code in range(len(names))}
    codes |= {name: code for code, name in enumerate(names)}
    if label not in codes:
        raise ValueError(
            f"--label must be one of the run's labels, {in_words(names)}. "
            f"Received: {label}"
        )
    return codes[label]


def in_words(names, most=20):
    return ", ".join([*names][:most]) + ", ..." * (len(names) > most)
