"""How `VAE.fit` and `VAE.evaluate` feed data to Keras.

`fit_data` checks what a user gives and turns it into the arguments of Keras's own `fit`
and `evaluate`. `batching` decides the order of arrays in memory, `streaming` that of
rows on disk: in both it is a function of a seed and the steps trained, so that a saved
model continues as if it had never stopped. `device_loop` makes many steps in one call
on arrays on the device, `xla` decides when XLA compiles them, and `distribute` trains
on several devices, with `processes` for the environment of several processes.

This is the only room that relies on internals of Keras. It imports `models.blocks` and
nothing else of the project; only `models.blocks.vae`, runs and commands import it.
"""
