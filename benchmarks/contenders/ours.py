"""The zoo's own models, on the backend that KERAS_BACKEND names."""

import keras

import models
from models import networks


def build(task):
    body = networks.Conv() if task.image else networks.MLP()
    shape = (28, 28, 1) if task.image else (784,)
    sizes = {"latent_dim": task.latent, "hidden_dims": (task.hidden,)}
    model = models.vanilla.build(shape, network=body, seed=0, **sizes)
    model.compile(keras.optimizers.Adam(1e-3))
    return model


def train(task, x):
    model = build(task)
    return lambda times: model.fit(
        {"x": x}, batch_size=task.batch, epochs=times, verbose=0
    )


def encode(task, x):
    model = build(task)
    return lambda times: [model.encode(x) for _ in range(times)]


def sample(task, x):
    model = build(task)
    return lambda times: [model.sample(task.rows) for _ in range(times)]
