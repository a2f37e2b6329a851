"""Training on several devices, in one process or in many: `--distribute`.

All of it is Keras's own `keras.distribution` and what JAX has beneath it. Each process
keeps the model it has and trains a twin of it whose variables lie on all devices; after
every epoch the model is what its twin is. So encoding, saving and drawing know nothing
of other devices, and a process needs no other for them.
"""

import os

import keras

from models.blocks.inputs import checked_inputs
from models.suppress_output import flush, silent
from models.training import batching, processes


def join(several=None):
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
            first = processes.first_of(several[processes.ADDRESSES])
            raise no_word_of(f"the first, at {first},", error) from error
    return Devices()


def no_word_of(whom, error):
    """The sentence where the processes cannot reach one another."""
    reason = str(error).partition("\n")[0][:150]
    return Lost(f"--distribute: no word of {whom} of the processes ({reason})")


class Lost(ConnectionError):
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
        self.twins = {}

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
        twin = self.twin(model)
        copy_state(model, twin)
        arrays = batching.pack(checked_inputs(model, inputs))
        seed, trained = model.get_layer("z").seed, twin.steps_trained
        order = batching.EpochOrder(
            arrays,
            batch_size,
            seed,
            trained,
            steps_per_epoch,
            within_pass=within_pass,
        )
        data = Spread(batching.Batches(arrays, order), self.spread)
        own = [batching.NextEpoch(data.batches), Mirror(model)]
        callbacks = [*own, *callbacks]
        try:
            with silent(1):  # the processes greet one another there
                twin.fit(data, shuffle=False, callbacks=callbacks, **arguments)
        except KeyboardInterrupt:
            copy_state(twin, model)
            raise
        except (RuntimeError, ValueError) as error:  # both, by what was under way
            if self.processes == 1:
                raise
            raise no_word_of("some", error) from error

    def twin(self, model):
        """A model like this one, compiled, with its variables on all the devices.

        Only here Keras knows of them: its train function keeps the variables where they
        are, and `fit` takes the batches as `spread` laid them out.
        """
        if model not in self.twins:
            with self.distribution.scope():
                twin = type(model).from_config(model.get_config())
                twin.compile_from_config(model.get_compile_config())
                twin.make_train_function()
            self.twins[model] = twin
        return self.twins[model]

    def __str__(self):
        devices = "1 device" if self.number == 1 else f"{self.number} devices"
        if self.processes == 1:
            return f"data parallel on {devices}"
        return f"data parallel on {devices} of {self.processes} processes"

    def check(self, config):
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

    def part(self):
        """Waits for the other processes to be done, and needs them no more."""
        import jax  # here and below: on other backends this file says that it needs it

        if self.processes > 1:
            jax.distributed.shutdown()

    def leave(self, status):
        """Returns the exit code; after a failure among several the process ends here.

        At exit JAX waits a minute and more for the processes that are lost.
        """
        if status and self.processes > 1:
            flush()
            os._exit(status)
        return status

    def spread(self, array):
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


class Spread(keras.utils.PyDataset):
    """Batches, on the devices before Keras sees them.

    Keras itself would lay out every batch as the first, and so refuse a short one.
    """

    def __init__(self, batches, spread):
        super().__init__()
        self.batches, self.spread = batches, spread

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return keras.tree.map_structure(self.spread, self.batches[index])


class Mirror(keras.callbacks.Callback):
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
