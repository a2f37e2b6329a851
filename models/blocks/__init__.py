"""The components of a VAE, and the model class that they are assembled into.

    features(x) -> Posterior -> z, log q(z|x)     posteriors.py
                   Prior     -> log p(z), KL      priors.py
    decoder(z)  -> Likelihood -> log p(x|z)       likelihoods.py
                   Objective -> what fit maximises, and reports     objectives.py

`component.py` is what they share, `vae.py` the class `VAE` with `assemble` and
`replace`, the only place where the graph is written, and `objective_model.py` its
training. `densities.py` and `schedules.py` are pure functions and small objects;
`inputs.py` checks what a model is given; `ondisk_array.py` reads arrays that stay on
disk; `legacy.py` opens files of earlier releases.

A new component is a subclass with `call` or the methods that its base class names, and
the decorator `component.register`. This room imports no other but `models.training`,
from the model class only.
"""
