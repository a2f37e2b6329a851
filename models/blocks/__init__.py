"""What a variant is assembled from: densities, layers, networks, the model class."""
