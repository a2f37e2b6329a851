"""Numbers about a model and its latents: arrays in, numbers and arrays out.

    log_likelihood      estimate_log_px: log p(x) by importance sampling
    scores              evaluate: all scores of a model on some data
    latent_statistics   points, relevance of each dimension, centre and scale
    latent_paths        paths through latent space
    metrics             clustering scores, active units, mutual information, probes

This room imports `models.blocks`. It writes no files and knows no runs: the commands
(`models.evaluate`, `models.traverse`) pass it models and arrays.
"""
