"""Serket's VAE+GMM+MM tutorial: the classes of the images follow one another."""

import numpy as np

import serket_bridge as srk
from serket_bridge import gmm, vae
from serket_bridge import markov as mm

obs = srk.Observation(np.loadtxt("data.txt"))
data_category = np.loadtxt("category.txt")

vae1 = vae.VAE(18, itr=200, batch_size=500)
gmm1 = gmm.GMM(10, category=data_category)
mm1 = mm.MarkovModel()

vae1.connect(obs)
gmm1.connect(vae1)
mm1.connect(gmm1)

for i in range(5):
    vae1.update()
    gmm1.update()
    mm1.update()
