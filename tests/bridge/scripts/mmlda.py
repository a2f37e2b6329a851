"""Serket's mMLDA example: objects and motions below concepts that connect both."""

import numpy as np

import serket_bridge as srk
from serket_bridge import mlda

obs1 = srk.Observation(np.loadtxt("dsift.txt"), "vision")
obs2 = srk.Observation(np.loadtxt("mfcc.txt"), "audio")
obs3 = srk.Observation(np.loadtxt("tactile.txt"), "tactile")
obs4 = srk.Observation(np.loadtxt("angle.txt"), "angle")
object_category = np.loadtxt("Object_Category.txt")
motion_category = np.loadtxt("Motion_Category.txt")

mlda1 = mlda.MLDA(10, [200, 200, 100], name="object", category=object_category)
mlda2 = mlda.MLDA(10, [200], name="motion", category=motion_category)
mlda3 = mlda.MLDA(10, [100, 100], name="concept")

mlda1.connect(obs1, obs2, obs3)
mlda2.connect(obs4)
mlda3.connect(mlda1, mlda2)

for i in range(5):
    mlda1.update()
    mlda2.update()
    mlda3.update()
