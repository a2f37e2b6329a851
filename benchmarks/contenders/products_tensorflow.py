"""The bare matrix products of a step in TensorFlow, as in `products_jax`."""

import tensorflow as tf

from contenders import shape


def product(layer, w, h):
    kind, _, n_out, stride = layer
    if kind == "dense":
        return tf.reshape(h, (h.shape[0], -1)) @ w
    if len(h.shape) == 2:
        h = tf.reshape(h, (h.shape[0], 7, 7, -1))
    if kind == "conv":
        return tf.nn.conv2d(h, w, stride, "SAME")
    size = (h.shape[0], 2 * h.shape[1], 2 * h.shape[2], n_out)
    return tf.nn.conv2d_transpose(h, tf.transpose(w, (0, 1, 3, 2)), size, stride)


def train(task, x):
    encoder, decoder = task.layers()
    x = tf.constant(x[: task.batch])
    start = [
        0.05 * tf.random.normal(shape(kind, n_in, n_out))
        for kind, n_in, n_out, _ in encoder + decoder
    ]

    def step(i, kernels):
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            h = x
            for k, (layer, w) in enumerate(
                zip(encoder + decoder, kernels, strict=True)
            ):
                h = product(layer, w, h if k != len(encoder) else h[:, : task.latent])
            energy = 0.5 * tf.reduce_mean(h * h)
        gradients = tape.gradient(energy, kernels)
        return i + 1, [w - 1e-6 * g for w, g in zip(kernels, gradients, strict=True)]

    @tf.function(autograph=False)
    def steps(kernels):
        n = task.units
        return tf.while_loop(lambda i, _: i < n, step, (tf.constant(0), kernels))[1]

    def run(times):
        for _ in range(times):
            steps(start)[0].numpy()

    return run
