"""The bare matrix products of a training step in JAX: a lower bound of its time.

The network without biases, activations, noise and loss, forward and backward; its
weights are updated by one subtraction, so that no step can be optimised away.
"""

import jax

from contenders.plain_jax import product, weights


def train(task, x):
    encoder, decoder = task.layers()
    kernels = [[w for w, _ in half] for half in weights(task)]
    x = jax.device_put(x[: task.batch])

    def energy(kernels):
        h = x
        for layer, w in zip(encoder, kernels[0], strict=True):
            h = product(layer, w, h)
        h = h[:, : task.latent]
        for layer, w in zip(decoder, kernels[1], strict=True):
            h = product(layer, w, h)
        return 0.5 * (h * h).mean()

    def step(kernels, _):
        moved = jax.tree.map(
            lambda w, g: w - 1e-6 * g, kernels, jax.grad(energy)(kernels)
        )
        return moved, None

    steps = jax.jit(lambda kernels: jax.lax.scan(step, kernels, length=task.units)[0])

    def run(times):
        for _ in range(times):
            jax.block_until_ready(steps(kernels))

    return run
