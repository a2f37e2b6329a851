"""Keras networks that a module trains, evaluates, saves and loads."""

from pathlib import Path

import numpy as np

from models.checks import check_unpacked
from models.suppress_output import import_keras

EVALUATED = 4096  # rows at a time


def dense(input_shape: tuple, widths, seed: int):
    """A `keras.Model` of dense layers, all but the last with relu."""
    import_keras()
    import keras

    seeds = np.random.default_rng(seed).integers(2**31, size=len(widths)).tolist()
    activations = ["relu"] * (len(widths) - 1) + [None]
    stack = [keras.Input(input_shape), keras.layers.Flatten()]
    for width, activation, layer_seed in zip(widths, activations, seeds, strict=True):
        kernel = keras.initializers.GlorotUniform(layer_seed)
        stack.append(keras.layers.Dense(width, activation, kernel_initializer=kernel))
    return keras.Sequential(stack)


def compile_with(model, loss: str, learning_rate: float) -> None:
    """Compiles with Adam, or the optimiser that the model has, and a loss by name."""
    import keras

    losses = {
        "squared_error": keras.losses.MeanSquaredError(),
        "cross_entropy": keras.losses.CategoricalCrossentropy(from_logits=True),
    }
    own = getattr(model, "optimizer", None)  # of a model that was compiled
    model.compile(own or keras.optimizers.Adam(learning_rate), losses[loss])


def train(model, rows: tuple, epochs, batch_size, rng, progress) -> list[float]:
    """Trains on rows, (x, y, weights); returns the loss of each epoch.

    The order of the rows is drawn from `rng`, unless a batch has all of them; then an
    epoch is one step. `progress` is called after each epoch.
    """
    n, history = len(rows[0]), []
    rows = [np.asarray(array, np.float32) for array in rows]
    for _ in range(epochs):
        order = slice(None) if (batch_size or n) >= n else rng.permutation(n)
        shuffled = [array[order] for array in rows]
        model.reset_metrics()
        for first in range(0, n, batch_size or n):
            batch = [array[first : first + (batch_size or n)] for array in shuffled]
            loss = model.train_on_batch(*batch)  # the mean since the reset
        history.append(float(loss))
        progress()
    return history


def outputs(model, values) -> np.ndarray:
    """The outputs for values, (n, ...), as float64, (n, n_outputs)."""
    values = np.asarray(values, np.float32)
    return np.float64(model.predict(values, batch_size=EVALUATED, verbose=0))


def load(path: Path):
    """The model saved in a `.keras` file; no code in the file is run.

    Raises:
        ValueError: the file cannot be read.
    """
    import_keras()
    import keras

    check_unpacked(path)
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # of Keras, h5py, zipfile and zlib
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{path} cannot be read: {reason}") from error


def random_states(model) -> dict:
    """The states of the generators of random numbers in the layers, by number.

    Keras leaves them out of saved weights.
    """
    states = [v for v in model.variables if "seed_generator_state" in v.path]
    return {str(i): variable for i, variable in enumerate(states)}
