"""The options of every run of `models.train`.

Each class is a group of options: its attributes with types and defaults, its `Args:`
with their help. What `defaults.DATA` has for a data set takes the place of a default.
"""

from dataclasses import dataclass
from typing import Literal

from models import VARIANTS
from models.cli import option_types as types
from models.cli.signatures import read_options


@dataclass
class Data:
    """The data set.

    Args:
        data: digits, mnist, fashion_mnist, serket, or serket:PATH with a downloaded
            mnist.npz, or your .npz, .npy, .csv, .tsv, .txt, .xlsx, .parquet or
            folder of images.
        labels: the column, key or file of the labels, for scores, colours and variants
            that train on labels, or none (default: in the data).
        columns: the columns of a table to learn from (default: all that can be).
        drop: columns of a table that are left out.
        standardize: give each column of a table mean 0 and standard deviation 1
            (default: unless p(x|z) needs values in [0, 1]).
        image_size: resize the images of a folder to N x N, or height and width
            (default: as stored).
        resize: how they change their proportions; pad adds black borders.
        image_shape: height, width and maybe channels of images that are stored as rows
            of numbers, such as 16 16 for 256 columns.
        stream: leave an .npy file or a folder of images on disk and read it in training
            (default: .npy files of more than a GiB).
        rows: only these rows, counted from 0, both included (default: all).
        test_fraction: part of the rows, drawn by --seed, that is kept for
            models.evaluate (default: none).
    """

    data: types.Source = "digits"
    labels: types.LabelSource | None = None
    columns: tuple[types.ColumnName, ...] | None = None
    drop: tuple[types.ColumnName, ...] = ()
    standardize: bool | None = None
    image_size: tuple[types.Positive, ...] | None = None
    resize: Literal["stretch", "crop", "pad"] = "stretch"
    image_shape: tuple[types.Positive, ...] | None = None
    stream: bool | None = None
    rows: types.RowRange | None = None
    test_fraction: types.Fraction | None = None


@dataclass
class Model:
    """The model.

    Args:
        variant: which VAE; --variant NAME --help shows the options of one.
        latent_dim: dimensions of z.
        kl_weight: what multiplies the KL: a number, linear:EPOCHS:W to warm up, or
            cyclical:PERIOD:W.
        n_samples: samples of z for each example in a training step.
        network: encoder and decoder: dense layers, or convolutions for images.
        hidden_dims: of mlp: widths of the encoder's layers; the decoder mirrors them.
        filters: of conv: channels of the convolutions, each of which halves the sides.
        normalization: of conv: what follows each convolution.
        residual: of conv: add residual blocks.
        activation: of the hidden layers, a name that Keras knows.
        augment: encode images shifted, rotated and scaled at random in every step, and
            reconstruct the original (default: of images, for variants that take a
            message).
        mixed_precision: hidden layers in bfloat16, the loss in float32.
    """

    variant: types.VariantName = VARIANTS.default
    latent_dim: types.Positive = 10
    kl_weight: types.WeightText = 1.0
    n_samples: types.Positive = 1
    network: Literal["mlp", "conv"] = "mlp"
    hidden_dims: tuple[types.Positive, ...] = (256,)
    filters: tuple[types.Positive, ...] = (32, 64)
    normalization: Literal["none", "batch", "group"] = "none"
    residual: bool = False
    activation: str = "relu"
    augment: bool | None = None
    mixed_precision: bool = False


@dataclass
class Training:
    """Training.

    Args:
        epochs: passes over the data in each round.
        steps: steps in each round, in place of --epochs.
        steps_per_epoch: the length of an epoch, which is a row of history.csv and the
            unit of schedules (default: a pass over the data, or a divisor of --steps).
        batch_size: rows in a step.
        optimizer: of the weights.
        learning_rate: of the optimizer.
        init_weights: start from the weights of this run or model.keras.
        seed: of the initial weights, the noise, the order and the mixture.
    """

    epochs: types.Positive = 50
    steps: types.Positive | None = None
    steps_per_epoch: types.Positive | None = None
    batch_size: types.Positive = 128
    optimizer: Literal["adam", "adamw", "muon", "rmsprop", "sgd"] = "adam"
    learning_rate: types.Rate = 1e-3
    init_weights: types.SavedModel | None = None
    seed: types.Natural = 0


@dataclass
class Mixture:
    """The Gaussian mixture of the latents, for variants that take a message.

    Args:
        rounds: of messages between the VAE and the mixture.
        n_components: its classes; other variants have a mixture only if this is given.
        gmm_inference: how it is fitted: by EM from k-means or, graph, from a graph of
            nearest neighbours; to the classes of this graph, graph-classes; by
            variational Bayes; or by Gibbs sampling.
        gmm_message: what it sends: the mean of the class, or the whole mixture.
        starts: the number of times that everything is trained, from as many seeds; the
            start whose classes agree most with those of the others is kept.
    """

    rounds: types.Positive = 5
    n_components: types.Positive = 10
    gmm_inference: Literal["em", "graph", "graph-classes", "variational", "gibbs"] = (
        "em"
    )
    gmm_message: Literal["class-mean", "collapsed"] = "collapsed"
    starts: types.Positive = 1


@dataclass
class Results:
    """Results.

    Args:
        name: what the other commands call the run: its folder is runs/NAME.
        out: the folder, new or empty (default: runs/VARIANT-DATA-001, or the next).
        overwrite: replace the files in the folder.
        config: the config.json of a run, whose options are taken unless they are given.
        explore: end with the page of models.explore.
        checkpoint: save after every epoch and every five minutes, for --resume; not for
            variants that take a message (default: with --distribute).
        resume: continue this run from its last checkpoint, to the result of a run that
            was never stopped.
        distribute: train on all devices of this process or, with KERAS_DISTRIBUTION_*
            set, of all processes; needs JAX.
    """

    name: types.FolderName | None = None
    out: types.Folder | None = None
    overwrite: bool = False
    config: types.JsonFile | None = None
    explore: bool = False
    checkpoint: bool = False
    resume: types.RunName | None = None
    distribute: bool = False


GROUPS = (Data, Model, Training, Mixture, Results)
# The options of every run by name, and those that config.json has.
COMMON = {option.key: option for group in GROUPS for option in read_options(group)}
PROCESS = {"out", "overwrite", "explore", "checkpoint", "resume", "distribute"}
PROCESS |= {"config"}
CONFIG = {key: option for key, option in COMMON.items() if key not in PROCESS}
