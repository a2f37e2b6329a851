"""Training on several devices, in one process or in many: `--distribute`.

All of it is Keras's own `keras.distribution` and what JAX has beneath it. Each process
keeps the model it has and trains a sharded_copy of it whose variables lie on all devices; after
every epoch the model is what its sharded_copy is. So encoding, saving and drawing know nothing
of other devices, and a process needs no other for them.
"""

import os

import keras

from models.blocks.inputs import checked_inputs
from models.suppress_output import discard_output, flush
from models.training import batching, processes


def initialize(several=None):
    """The `Devices` of this process, or of several processes.

    Must come before anything is computed. Waits until all processes are there.
    ValueError or OSError: what a user can mend.

    several: what `cluster.find` found in the environment, where Keras reads it.
    """
    if keras.backend.backend() != "jax":
        raise ValueError(
            "--distribute needs the JAX backend, for Keras distributes on no other: "
            "pip install jax, and set KERAS_BACKEND=jax. "
            f"Received: {keras.backend.backend()}"
        )
    if several:
        try:
            keras.distribution.initialize()
        except RuntimeError as error:
            first = processes.coordinator(several[processes.ADDRESSES])
            raise connection_error(f"the first, at {first},", error) from error
    return Devices()


def connection_error(whom, error):
    """The sentence where the processes cannot reach one another."""
    reason = str(error).partition("\n")[0][:150]
    return PeerLostError(f"--distribute: no word of {whom} of the processes ({reason})")


class PeerLostError(ConnectionError):
    """Another process has gone, and the training with it."""


class Devices:
    """All the devices that train together, of this process and of the others.

    A step sees the batch that one device would see, each device its part of the rows,
    and Keras draws the same noise: the loss is that of one device.

    Attributes:
        number: how many there are.
        processes: how many processes they belong to.
        is_first: whether this process is the one that writes and prints.
    """

    def __init__(self):
        self.distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
        self.number = self.distribution.num_model_replicas
        self.processes = self.distribution.num_processes
        self.is_first = self.distribution.data_shard_id == 0
        self.copies = {}

    def fit(
        self,
        model,
        inputs,
        batch_size,
        steps_per_epoch=None,
        callbacks=(),
        within_pass=False,
        **arguments,
    ):
        """`VAE.fit` of arrays, on all the devices."""
        sharded_copy = self.sharded_copy(model)
        copy_state(model, sharded_copy)
        arrays = batching.pack_arrays(checked_inputs(model, inputs))
        seed, trained = batching.data_seed(model), sharded_copy.steps_trained
        order = batching.EpochPermutation(
            arrays,
            batch_size,
            seed,
            trained,
            steps_per_epoch,
            within_pass=within_pass,
        )
        data = ShardedDataset(batching.PermutedDataset(arrays, order), self.shard)
        own = [batching.StartEpoch(data.batches), CopyWeights(model)]
        callbacks = [*own, *callbacks]
        try:
            with discard_output(1):  # the processes greet one another there
                sharded_copy.fit(data, shuffle=False, callbacks=callbacks, **arguments)
        except KeyboardInterrupt:
            copy_state(sharded_copy, model)
            raise
        except (RuntimeError, ValueError) as error:  # both, by what was under way
            if self.processes == 1:
                raise
            raise connection_error("some", error) from error

    def sharded_copy(self, model):
        """A model like this one, compiled, with its variables on all the devices.

        Only here Keras knows of them: its train function keeps the variables where they
        are, and `fit` takes the batches as `spread` laid them out.
        """
        if model not in self.copies:
            with self.distribution.scope():
                sharded_copy = type(model).from_config(model.get_config())
                sharded_copy.compile_from_config(model.get_compile_config())
                sharded_copy.make_train_function()
            self.copies[model] = sharded_copy
        return self.copies[model]

    def __str__(self):
        devices = "1 device" if self.number == 1 else f"{self.number} devices"
        if self.processes == 1:
            return f"data parallel on {devices}"
        return f"data parallel on {devices} of {self.processes} processes"

    def check_config(self, config):
        """ValueError unless each device can have equally many rows of a full batch."""
        size = config["batch_size"]
        if config.get("stream"):
            raise ValueError(
                "--stream: data on disk are read in an order of their own, which "
                "--distribute does not know; leave one of the two out"
            )
        if size % self.number:
            less = size - size % self.number
            near = f"{less} or {less + self.number}" if less else f"{self.number}"
            raise ValueError(
                f"--batch-size {size} must divide by the {self.number} devices of "
                f"--distribute: give {near}"
            )

    def barrier(self):
        """Waits for the other processes to be done, and needs them no more."""
        import jax  # here and below: on other backends this file says that it needs it

        if self.processes > 1:
            jax.distributed.shutdown()

    def exit(self, status):
        """Returns the exit code; after a failure among several the process ends here.

        At exit JAX waits a minute and more for the processes that are lost.
        """
        if status and self.processes > 1:
            flush()
            os._exit(status)
        return status

    def shard(self, array):
        """A batch's array, each device its part of the rows.

        The short batch at the end of a pass is whole on each device if its rows cannot
        be dealt out evenly.
        """
        import jax

        layout = self.distribution.get_data_layout(array.shape)
        if len(array) % self.number:
            axes = [None] * array.ndim
            mesh = self.distribution.device_mesh
            layout = keras.distribution.TensorLayout(axes, mesh)
        return jax.make_array_from_process_local_data(
            layout.backend_layout, array, array.shape
        )


class ShardedDataset(keras.utils.PyDataset):
    """Batches, on the devices before Keras sees them.

    Keras itself would lay out every batch as the first, and so refuse a short one.
    """

    def __init__(self, batches, shard):
        super().__init__()
        self.batches, self.shard = batches, shard

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return keras.tree.map_structure(self.shard, self.batches[index])


class CopyWeights(keras.callbacks.Callback):
    """Gives a model the state of the one that is trained, after every epoch."""

    def __init__(self, mirror):
        super().__init__()
        self.mirror = mirror

    def on_epoch_end(self, epoch, logs=None):
        copy_state(self.model, self.mirror)


def copy_state(source, target):
    """Gives a model all that another one of its kind has learned and counted."""
    for mine, its in zip(state(source), state(target), strict=True):
        its.assign(keras.ops.convert_to_numpy(mine))


def state(model):
    return [*model.variables, *model.optimizer.variables]
