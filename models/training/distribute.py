"""Training on several devices, of one process or of many: `--distribute`.

Data parallel training as `keras.distribution` does it on JAX. Each process keeps its
model and trains a copy of it whose variables are on all devices; after every epoch the
weights are copied back. So encoding, saving and drawing run on one device, and a
process does not need the others for them.
"""

import os

import keras

from models.suppress_output import flush, redirect_output
from models.training import processes


class PeerLostError(ConnectionError):
    """Another process of the training has stopped, and the training with it."""


def initialize(environment: dict | None = None) -> "Devices":
    """Connects the processes, and returns the devices of all of them.

    Call it before anything is computed. It waits until all processes are there.

    Args:
        environment: what `processes.read_environment` returned; `None` for one process.

    Raises:
        ValueError: the backend is not JAX.
        PeerLostError: the first process cannot be reached.
    """
    if keras.backend.backend() != "jax":
        raise ValueError(
            "--distribute needs the JAX backend, because Keras distributes on no "
            "other: pip install jax, and set KERAS_BACKEND=jax. "
            f"Received: {keras.backend.backend()}"
        )
    if environment:
        try:
            keras.distribution.initialize()
        except RuntimeError as error:
            first = processes.coordinator(environment[processes.ADDRESSES])
            raise connection_error(f"the first process, at {first}", error) from error
    return Devices()


def connection_error(peer: str, error: Exception) -> PeerLostError:
    """The exception for a peer that cannot be reached."""
    reason = str(error).partition("\n")[0][:150]
    return PeerLostError(f"--distribute: no answer from {peer} ({reason})")


class Devices:
    """All devices that train together, of this process and of the others.

    A batch is the one that a single device would see, and its rows are divided among
    the devices; Keras draws the same noise. So the loss is that of one device.

    Attributes:
        number: how many devices there are.
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
        self, model: keras.Model, inputs, callbacks: list = (), **arguments
    ) -> None:
        """`VAE.fit` of arrays, on all devices.

        Raises:
            PeerLostError: another process has stopped.
        """
        copy = self.sharded_copy(model)
        copy_state(model, copy)
        copy_back = keras.callbacks.LambdaCallback(
            # `Callback.model` fetches the state that JAX has trained
            on_epoch_end=lambda epoch, logs: copy_state(copy_back.model, model)
        )
        arguments |= {"callbacks": [copy_back, *callbacks], "place": self.shard}
        try:
            with redirect_output(1):  # the processes report their connection there
                copy.fit(inputs, **arguments)
        except KeyboardInterrupt:
            copy_state(copy, model)
            raise
        except (RuntimeError, ValueError) as error:  # both occur if a peer is lost
            if self.processes == 1:
                raise
            raise connection_error("another process", error) from error

    def sharded_copy(self, model: keras.Model) -> keras.Model:
        """A compiled copy of the model with its variables on all devices.

        Keras needs the distribution only here: the train function keeps the variables
        where they are, and `fit` takes the batches as `shard` divided them.
        """
        if model not in self.copies:
            with self.distribution.scope():
                copy = type(model).from_config(model.get_config())
                copy.compile_from_config(model.get_compile_config())
                copy.make_train_function()
            self.copies[model] = copy
        return self.copies[model]

    def __str__(self):
        devices = "1 device" if self.number == 1 else f"{self.number} devices"
        if self.processes == 1:
            return f"data parallel on {devices}"
        return f"data parallel on {devices} of {self.processes} processes"

    def check_config(self, config: dict) -> None:
        """Raises ValueError unless a batch divides evenly among the devices."""
        size = config["batch_size"]
        if config.get("stream"):
            raise ValueError(
                "--stream: data on disk are read in an order that --distribute does "
                "not support; leave one of the two out"
            )
        if size % self.number:
            less = size - size % self.number
            near = f"{less} or {less + self.number}" if less else f"{self.number}"
            raise ValueError(
                f"--batch-size {size} must be divisible by the {self.number} devices "
                f"of --distribute: give {near}"
            )

    def barrier(self) -> None:
        """Waits until the other processes are done; they are not needed any more."""
        import jax  # here and below: the file reports that other backends need it

        if self.processes > 1:
            jax.distributed.shutdown()

    def exit(self, status: int) -> int:
        """Returns the exit code; after a failure with several processes, ends this one.

        JAX would wait for the lost processes, for more than a minute, when it exits.
        """
        if status and self.processes > 1:
            flush()
            os._exit(status)
        return status

    def shard(self, array):
        """The array of a batch, (rows, ...), with its rows divided among the devices.

        Every device has the whole of a short batch whose rows cannot be divided; Keras
        itself would lay it out as the first one, and refuse it.
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


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Copies weights, metrics, seeds and the optimiser's state between equal models."""
    variables = [[*m.variables, *m.optimizer.variables] for m in (source, target)]
    for value, variable in zip(*variables, strict=True):
        variable.assign(keras.ops.convert_to_numpy(value))
