"""Probabilistic modules that are trained jointly by message passing.

A module reads the *forward* messages of the modules that it is connected to, its
parents, and the *backward* messages of the modules that are connected to it, which are
priors. A message is one distribution per example (`serket_bridge.messages`): a
`Gaussian` or a `Categorical`. Before any was sent it is N(0, I), or uniform.

    obs = srk.Observation(x)
    vae = srk.VAE(10, itr=100, batch_size=128)
    gmm = srk.GMM(10)
    vae.connect(obs)
    gmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, gmm])
    loop.run(5, labels=y, folder="run")     # srk.load("run") opens it again
    loop.recognize(new_x)["gmm"].classes

Without a loop, `vae.update(); gmm.update()` in turn, as in Serket's scripts, is one
round, and writes Serket's files to the folder of `srk.output_dir`.

Files: messages, graph, module, loop and saving are the core, observation, vae and gmm
one module each; `inference` holds functions of arrays. Only vae and serket_arguments
import the zoo, `models`; of the other files a few take its checks of arguments. A
module of your own derives from `srk.Module` (or, if it was written for Serket, from
`srk.SerketModule`), and joins saved loops with `@srk.register`.
"""

from importlib import import_module

from serket_bridge import deprecation as _former_names  # noqa: F401
from serket_bridge.files import output_dir
from serket_bridge.gmm import GMM
from serket_bridge.hsmm import HSMM
from serket_bridge.loading import load
from serket_bridge.loop import MessageLoop
from serket_bridge.markov import Markov
from serket_bridge.messages import Categorical, Counts, Gaussian
from serket_bridge.mlda import MLDA
from serket_bridge.module import Module
from serket_bridge.naming_game import NamingGame
from serket_bridge.nn import NN
from serket_bridge.observation import Observation
from serket_bridge.serialization import register
from serket_bridge.serket_module import SerketModule
from serket_bridge.tail_to_tail import TailToTail

__all__ = ["GMM", "HSMM", "MLDA", "MNVAE", "NN", "VAE", "Categorical", "Counts"]
__all__ += ["Gaussian", "Markov", "MessageLoop", "Module", "NamingGame", "Observation"]
__all__ += ["SerketModule", "TailToTail", "load", "output_dir", "register"]

SLOW = {"VAE": "vae", "MNVAE": "mnvae"}  # class -> file, which imports Keras


def __getattr__(name):
    """The classes and files whose import takes seconds."""
    if name not in {*SLOW, *SLOW.values(), "features"}:
        raise AttributeError(f"module 'serket_bridge' has no attribute {name!r}")
    import_module("models.suppress_output").import_keras()  # without its notes
    module = import_module(f"serket_bridge.{SLOW.get(name, name)}")
    return getattr(module, name) if name in SLOW else module
