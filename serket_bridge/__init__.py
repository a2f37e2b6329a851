"""Probabilistic modules that train each other by exchanging messages.

The conventions, for every module: data come in from below, as the *forward* messages of
the modules it is connected to; what a module above believes comes down as a *backward*
message, and is a prior. A message is a distribution for each datum
(`serket_bridge.messages`); until one was sent it is N(0, I) or the uniform one.

    obs = srk.Observation(x)
    vae = srk.VAE(10, itr=100, batch_size=128)
    gmm = srk.GMM(10)
    vae.connect(obs)
    gmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, gmm])
    loop.run(5, labels=y, folder="run")     # srk.load("run") brings the loop back
    loop.recognize(new_x)["gmm"].classes

Without a loop, `vae.update(); gmm.update()` in turn, as in Serket's scripts, does a
round and leaves Serket's files in the folder of `srk.output_dir`.
"""

from importlib import import_module

from models.suppress_output import import_keras
from serket_bridge.gmm import GMM
from serket_bridge.loop import MessageLoop
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.module import Module
from serket_bridge.observation import Observation
from serket_bridge.output import output_dir
from serket_bridge.saving import load

__all__ = [
    "GMM",
    "VAE",
    "Categorical",
    "Gaussian",
    "MessageLoop",
    "Module",
    "Observation",
    "load",
    "output_dir",
]


def __getattr__(name):
    """`VAE`: its import needs Keras, and takes seconds."""
    if name != "VAE":
        raise AttributeError(f"module 'serket_bridge' has no attribute {name!r}")
    import_keras()
    return import_module("serket_bridge.vae").VAE
