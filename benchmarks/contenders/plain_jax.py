"""The same VAE and Adam written in plain JAX; an epoch is one `lax.scan`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from contenders import shape

IMAGES = ("NHWC", "HWIO", "NHWC")


def product(layer, w, h):
    kind, *_, stride = layer
    if kind == "dense":
        return h.reshape(len(h), -1) @ w
    if h.ndim == 2:
        h = h.reshape(len(h), 7, 7, -1)
    run = jax.lax.conv_transpose if kind == "up" else jax.lax.conv_general_dilated
    return run(h, w, (stride, stride), "SAME", dimension_numbers=IMAGES)


def weights(task):
    """(kernel, bias) of each layer of the encoder and of the decoder."""
    keys = iter(jax.random.split(jax.random.key(0), 20))

    def pair(kind, n_in, n_out, stride):
        kernel = jax.random.normal(next(keys), shape(kind, n_in, n_out))
        return kernel * 0.05, jnp.zeros(n_out)

    return [[pair(*layer) for layer in half] for half in task.layers()]


def half(layers, pairs, h):
    for i, (layer, (w, b)) in enumerate(zip(layers, pairs, strict=True)):
        h = product(layer, w, h) + b
        h = jax.nn.relu(h) if i < len(layers) - 1 else h
    return h


def loss(task, pairs, x, key):
    encoder, decoder = task.layers()
    mean, log_var = jnp.split(half(encoder, pairs[0], x), 2, axis=1)
    z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
    squared = jnp.sum((x - half(decoder, pairs[1], z)) ** 2, tuple(range(1, x.ndim)))
    kl = jnp.sum(jnp.exp(log_var) + mean**2 - 1 - log_var, axis=1)
    return 0.5 * jnp.mean(squared + kl)


def adam(pairs, m, v, t, g, rate=1e-3):
    t, m = t + 1, jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, g)
    v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, g)
    rate = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    new = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), pairs, m, v)
    return new, m, v, t


def train(task, x):
    data, pairs = jax.device_put(x), weights(task)
    zeros = jax.tree.map(jnp.zeros_like, pairs)
    also = jax.tree.map(jnp.copy, zeros)
    state = [pairs, zeros, also, jnp.zeros(()), jax.random.key(1)]
    rng, full = np.random.default_rng(0), task.rows // task.batch * task.batch
    gradient = jax.value_and_grad(functools.partial(loss, task))

    def step(data, state, rows):
        *state, key = state
        key, noise = jax.random.split(key)
        value, g = gradient(state[0], data[rows], noise)
        return [*adam(*state, g), key], value

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(state, data, rows, rest):
        state, losses = jax.lax.scan(functools.partial(step, data), state, rows)
        return (step(data, state, rest)[0] if len(rest) else state), losses.mean()

    def run(times):
        for _ in range(times):
            order = rng.permutation(task.rows).astype("int32")
            rows = order[:full].reshape(-1, task.batch)
            state[:], value = epoch(state, data, rows, order[full:])
            jax.block_until_ready((state, value))

    return run
