"""Inference as functions of arrays: no module, message or file is known here.

An inference is called as `inference(z, log_prior, n_components, state, rng)` and
returns a `FitResult`: the parameters of the mixture, a bound in nats per example, and
the state from which the next round continues.

    em.EM            maximum likelihood (scikit-learn), the default of `GMM`; for many
                     rows in constant memory, by `chunked_em`
    em.Variational   variational Bayes (scikit-learn)
    gibbs.Gibbs      blocked Gibbs sampling, Serket's model

The files here import NumPy, SciPy, scikit-learn and each other; `register` of
`serket_bridge.serialization` lets saved loops name them.
"""
