"""The same VAE in torch with the usual training loop; the data are one tensor."""

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, task):
        super().__init__()
        hidden = 16 if task.image else task.hidden
        self.body = nn.Sequential(
            *(
                [Image(28, 1), *convolutions(), nn.Flatten(), nn.Linear(3136, 16)]
                if task.image
                else [nn.Linear(784, hidden)]
            ),
            nn.ReLU(),
        )
        self.mean, self.log_var = (nn.Linear(hidden, task.latent) for _ in range(2))

    def forward(self, x):
        h = self.body(x)
        return self.mean(h), self.log_var(h)


def convolutions():
    return [nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()]


class Image(nn.Module):
    def __init__(self, side, channels):
        super().__init__()
        self.shape = (channels, side, side)

    def forward(self, x):
        return x.reshape(len(x), *self.shape)


def decoder(task):
    if not task.image:
        sizes = nn.Linear(task.latent, task.hidden), nn.Linear(task.hidden, 784)
        return nn.Sequential(sizes[0], nn.ReLU(), sizes[1])
    up = {"stride": 2, "padding": 1, "output_padding": 1}
    return nn.Sequential(
        nn.Linear(task.latent, 3136),
        nn.ReLU(),
        Image(7, 64),
        nn.ConvTranspose2d(64, 64, 3, **up),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, **up),
        nn.ReLU(),
        nn.Conv2d(32, 1, 3, padding=1),
        nn.Flatten(),
    )


def loss(encoder, decoder, x):
    mean, log_var = encoder(x)
    z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
    squared = ((x - decoder(z)) ** 2).sum(dim=1)
    kl = (log_var.exp() + mean**2 - 1 - log_var).sum(dim=1)
    return 0.5 * (squared + kl).mean()


def train(task, x):
    x = torch.from_numpy(x.reshape(len(x), -1))
    halves = Encoder(task), decoder(task)
    parameters = [p for half in halves for p in half.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-3)

    def run(times):
        for _ in range(times):
            for rows in torch.randperm(len(x)).split(task.batch):
                optimizer.zero_grad()
                loss(*halves, x[rows]).backward()
                optimizer.step()

    return run


def encode(task, x):
    x, half = torch.from_numpy(x.reshape(len(x), -1)), Encoder(task)

    @torch.no_grad()
    def run(times):
        for _ in range(times):
            torch.cat([half(rows)[0] for rows in x.split(1024)])

    return run


def sample(task, x):
    half = decoder(task)

    @torch.no_grad()
    def run(times):
        for _ in range(times):
            z = torch.randn(task.rows, task.latent)
            torch.cat([half(rows) for rows in z.split(1024)])

    return run
