"""A VAE as usually written in Keras, with a loss layer, and its `fit` on arrays."""

import keras
from keras import layers, ops


class Sampling(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, mean, log_var):
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_var) * noise


class Loss(layers.Layer):
    def call(self, x, x_mean, mean, log_var):
        difference = ops.reshape(x - x_mean, (ops.shape(x)[0], -1))
        squared = ops.sum(ops.square(difference), axis=1)
        kl = ops.sum(ops.exp(log_var) + ops.square(mean) - 1 - log_var, axis=1)
        self.add_loss(0.5 * ops.mean(squared + kl))
        return x_mean


def train(task, x):
    inputs = keras.Input(x.shape[1:])
    h = encoder(task, inputs)
    mean, log_var = layers.Dense(task.latent)(h), layers.Dense(task.latent)(h)
    x_mean = decoder(task, Sampling()(mean, log_var))
    model = keras.Model(inputs, Loss()(inputs, x_mean, mean, log_var))
    model.compile(keras.optimizers.Adam(1e-3))
    return lambda times: model.fit(x, batch_size=task.batch, epochs=times, verbose=0)


def encoder(task, h):
    if not task.image:
        return layers.Dense(task.hidden, "relu")(h)
    for filters in (32, 64):
        h = layers.Conv2D(filters, 3, 2, "same", activation="relu")(h)
    return layers.Dense(16, "relu")(layers.Flatten()(h))


def decoder(task, z):
    if not task.image:
        return layers.Dense(784)(layers.Dense(task.hidden, "relu")(z))
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, "relu")(z))
    for filters in (64, 32):
        h = layers.Conv2DTranspose(filters, 3, 2, "same", activation="relu")(h)
    return layers.Conv2D(1, 3, padding="same")(h)
