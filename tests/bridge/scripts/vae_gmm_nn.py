"""Serket's VAE+GMM+NN tutorial: a network predicts the sounds from the classes."""

import numpy as np

import serket_bridge as srk
from serket_bridge import gmm, nn, vae

obs1 = srk.Observation(np.loadtxt("data1.txt"))
obs2 = srk.Observation(np.loadtxt("data2.txt"))
data_category = np.loadtxt("category.txt")

vae1 = vae.VAE(10, itr=200, batch_size=500)
gmm1 = gmm.GMM(10, category=data_category)
nn1 = nn.NN(itr1=500, itr2=2000)

vae1.connect(obs1)
gmm1.connect(vae1)
nn1.connect(gmm1, obs2)

for i in range(10):
    vae1.update()
    gmm1.update()
    nn1.update()
