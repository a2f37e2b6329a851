"""Serket's HMM example: a mixture, and a Markov chain over its classes."""

import numpy as np

import serket_bridge as srk
from serket_bridge import gmm
from serket_bridge import markov as mm

obs = srk.Observation(np.loadtxt("data.txt"))
correct_classes = np.loadtxt("correct.txt")

gmm1 = gmm.GMM(4, category=correct_classes)
mm1 = mm.MarkovModel()

gmm1.connect(obs)
mm1.connect(gmm1)

for i in range(5):
    gmm1.update()
    mm1.update()
