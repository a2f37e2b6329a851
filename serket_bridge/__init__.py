"""Probabilistic modules that train each other by exchanging messages.

The conventions, for every module: data come in from below, as the *forward* messages of
the modules it is connected to; what a module above believes comes down as a *backward*
message, and is a prior. A message is a distribution for each datum
(`serket_bridge.messages`); until one was sent it is N(0, I) or the uniform one.

    observation = srk.Observation(x)
    vae = srk.VAE(models.serket.build(x.shape[1:], latent_dim=10), epochs=100)
    gmm = srk.GMM(10)
    vae.connect(observation)
    gmm.connect(vae)
    srk.MessageLoop([observation, vae, gmm]).run(5, labels=y)
"""

from serket_bridge.gmm import GMM
from serket_bridge.loop import MessageLoop
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.module import Module
from serket_bridge.observation import Observation
from serket_bridge.vae import VAE

__all__ = [
    "GMM",
    "VAE",
    "Categorical",
    "Gaussian",
    "MessageLoop",
    "Module",
    "Observation",
]
