"""Serket's number recognition: classes of images and of sounds, tail-to-tail."""

import numpy as np

import serket_bridge as srk
from serket_bridge import gmm, mlda, vae
from serket_bridge import tail_to_tail as TtoT

obs1 = srk.Observation(np.loadtxt("data1.txt"))
obs2 = srk.Observation(np.loadtxt("data2.txt"))
data_category = np.loadtxt("category.txt")

vae1 = vae.VAE(18, itr=200, batch_size=500)
gmm1 = gmm.GMM(10, category=data_category)
mlda1 = mlda.MLDA(10, [200], category=data_category)
tt1 = TtoT.TtoT()

vae1.connect(obs1)
gmm1.connect(vae1)
mlda1.connect(obs2)
tt1.connect(mlda1, gmm1)

for i in range(5):
    vae1.update()
    gmm1.update()
    mlda1.update()
    tt1.update()
