"""Inference as functions of arrays: no module, message or file is known here.

An inference is called as `inference(z, log_prior, n_components, state, rng)` and
returns a `FitResult`: the parameters of the mixture, a bound in nats per example, and
the state from which the next round continues. There are `em.EM` (maximum likelihood,
the default of `GMM`; for many rows by `chunked_em`), `graph_em.GraphEM`, for tables,
`neighbor_graph.NeighborGraph`, for images, `em.Variational`, and `gibbs.Gibbs`,
Serket's. The files import NumPy, SciPy, scikit-learn and each other, and `register` of
`serket_bridge.serialization`, so that saved loops can name them.
"""
