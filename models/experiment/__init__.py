"""Experiments: the data, the training and the scores of one run."""
