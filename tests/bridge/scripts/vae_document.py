"""The example of Serket's VAE document; only the import lines are ours."""

import numpy as np

import serket_bridge as srk
from serket_bridge import gmm, vae

data = np.loadtxt("data.txt")
data_category = np.loadtxt("category.txt")

obs = srk.Observation(data)
vae1 = vae.VAE(10)
gmm1 = gmm.GMM(10, catogory=data_category)

vae1.connect(obs)
gmm1.connect(vae1)

for i in range(5):
    vae1.update()
    gmm1.update()
