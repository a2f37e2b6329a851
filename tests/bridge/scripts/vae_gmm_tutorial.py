"""The code of Serket's VAE+GMM tutorial; only the import lines are ours."""

import numpy as np

import serket_bridge as srk
from serket_bridge import gmm, vae

obs = srk.Observation(np.loadtxt("data.txt"))
data_category = np.loadtxt("category.txt")

vae1 = vae.VAE(18, itr=200, batch_size=500)
gmm1 = gmm.GMM(10, category=data_category)

vae1.connect(obs)
gmm1.connect(vae1)

for i in range(5):
    vae1.update()
    gmm1.update()
