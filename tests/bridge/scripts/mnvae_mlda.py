"""Serket's MNVAE+MLDA example, without its images: the words go both ways.

81 classes of 14 words each need other priors of the topics than Serket's.
"""

import numpy as np

import serket_bridge as srk
from serket_bridge import mlda, mnvae

obs = srk.Observation(np.loadtxt("word_hist.txt"))
category = np.loadtxt("category.txt")

priors = {"doc_topic_prior": 0.1, "topic_word_prior": 0.1}
mnvae1 = mnvae.MNVAE(32, N=100, epoch=40, batch_size=100)
mlda1 = mlda.MLDA(81, [100, 150], category=category, **priors)

mnvae1.connect(obs)
mlda1.connect(mnvae1, obs)

for i in range(10):
    mnvae1.update()
    mlda1.update()
