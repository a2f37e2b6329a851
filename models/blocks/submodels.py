"""Parts of a VAE as Keras models, which are made once for each VAE."""

import functools

import keras

from models.blocks.component import FirstSample


def made_once(make):
    """The function of a VAE, whose result is kept with it."""

    @functools.wraps(make)
    def get(vae):
        name = f"_{make.__name__}"
        if name not in vars(vae):
            # past `__setattr__`, which would make it a part of the VAE
            vars(vae)[name] = make(vae)
        return vars(vae)[name]

    return get


def _inputs(model):
    """New inputs of these shapes, and what the model is called with."""
    inputs = [keras.Input(tensor.shape[1:]) for tensor in model.inputs]
    return inputs, inputs if len(inputs) > 1 else inputs[0]


@made_once
def latent_model(vae) -> keras.Model:
    """The model x, or [x, label] -> the parameters of q(z|x) and its point."""
    inputs, arguments = _inputs(vae.encoder)
    q = vae.posterior(vae.encoder(arguments))
    outputs = {name: q[name] for name in vae.posterior.head_sizes()}
    if not vae.posterior.is_gaussian:
        outputs["z_point"] = q["z_point"]
    return keras.Model(inputs, outputs)


@made_once
def density_model(vae) -> keras.Model:
    """The model [x, z], or [x, z, label] -> log p(x|z), (B,)."""
    inputs, arguments = _inputs(vae.decoder)
    x = keras.Input(vae.input["x"].shape[1:])
    log_px = vae.likelihood(x, vae.decoder(arguments))["log_px"]
    return keras.Model([x, *inputs], FirstSample()(log_px))
