"""An epoch of pythae's trainer, as in its `train`; needs `pip install pythae`."""

import logging
import tempfile

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig

from contenders import plain_torch


class Encoder(BaseEncoder):
    def __init__(self, task):
        BaseEncoder.__init__(self)
        self.network = plain_torch.Encoder(task)

    def forward(self, x):
        mean, log_var = self.network(x)
        return ModelOutput(embedding=mean, log_covariance=log_var)


class Decoder(BaseDecoder):
    def __init__(self, task):
        BaseDecoder.__init__(self)
        self.network = plain_torch.decoder(task)

    def forward(self, z):
        return ModelOutput(reconstruction=self.network(z))


def train(task, x):
    logging.disable(logging.WARNING)
    x = torch.from_numpy(x.reshape(len(x), -1))
    config = VAEConfig(input_dim=(784,), latent_dim=task.latent)
    trainer = BaseTrainer(
        VAE(config, Encoder(task), Decoder(task)),
        BaseDataset(x, torch.zeros(len(x))),
        training_config=BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(),
            per_device_train_batch_size=task.batch,
            learning_rate=1e-3,
            no_cuda=True,
        ),
    )
    trainer.prepare_training()
    return lambda times: [trainer.train_step(epoch) for epoch in range(times)]
