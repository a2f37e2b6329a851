"""The Keras side of a VAE: what `compile`, `fit`, `evaluate` and saving do."""

import keras
import numpy as np
from keras import ops

from models.blocks.component import RandomComponent, successive_batches
from models.blocks.inputs import count_rows
from models.blocks.objectives import Objective
from models.training import device_loop, fit_data, xla


def layer_property(name: str, kind: type, text: str) -> property:
    """A property that is the layer of this name and class."""

    def layer(model):
        return model.get_layer(name)

    layer.__annotations__["return"] = kind
    return property(layer, doc=text)


class NegativeMean(keras.losses.Loss):
    """The mean of -values: with Keras's sample weights and replica scaling."""

    def call(self, y_true, y_pred):
        return -y_pred


class ScheduleCallback(keras.callbacks.Callback):
    """Sets the weights of the objective to their schedules when an epoch begins."""

    def on_epoch_begin(self, epoch, logs=None):
        self.values = self.model.objective.follow_schedules(epoch)

    def on_epoch_end(self, epoch, logs=None):
        logs |= self.values


class ObjectiveModel(keras.Model):
    """A functional Keras model that maximises the mean of its output `objective`.

    Its layer `objective` names the outputs that are reported as metrics, and follows
    the schedules of its weights. loss = mean over the batch of -objective; with
    `sample_weight`, the terms of each example are multiplied by its weight and their
    sum is divided by the number of examples, as Keras does with every loss.
    """

    def __init__(self, *args, dtype=None, **kwargs):
        super().__init__(*args, **kwargs)
        if dtype is not None:
            self.dtype_policy = dtype
        self.negative_mean = NegativeMean()
        self.reports = [keras.metrics.Mean(name=n) for n in self.objective.reports]
        self.requested_jit, self.is_jitted, self.step_batch_size = "auto", None, None

    objective = layer_property("objective", Objective, "What `fit` maximises.")

    def compile(self, *args, jit_compile="auto", **kwargs):
        """`keras.Model.compile`; "auto" is decided by each `fit`, and saved as such."""
        self.requested_jit = jit_compile
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def get_compile_config(self):
        config = super().get_compile_config()
        return config and config | {"jit_compile": self.requested_jit}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def get_config(self):
        # A functional model forgets its policy, and with it that float16 needs its
        # loss scaled, so that the optimiser's state would not fit after loading.
        policy = keras.saving.serialize_keras_object(self.dtype_policy)
        return {**super().get_config(), "dtype": policy}

    # Keras leaves seed generators, such as Dropout's, out of saved weights.
    def save_own_variables(self, store):
        super().save_own_variables(store)
        states = [ops.convert_to_numpy(state) for state in self._seed_states()]
        store["seed_states"] = np.array(states, "int64")

    def load_own_variables(self, store):
        store = {name: store[name] for name in store.keys()}  # noqa: SIM118, of HDF5
        saved = store.pop("seed_states", None)  # files of earlier releases have none
        super().load_own_variables(store)
        if saved is not None:
            for state, value in zip(self._seed_states(), saved[()], strict=True):
                state.assign(ops.cast(ops.convert_to_tensor(value), state.dtype))

    def _seed_states(self):
        """The states of the seed generators of all layers."""
        weights = set(map(id, self.weights))
        return [v for v in self.non_trainable_variables if id(v) not in weights]

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if sample_weight is not None:  # of any type, from train_on_batch
            sample_weight = ops.cast(sample_weight, "float32")
        weight = 1.0 if sample_weight is None else sample_weight
        for report in self.reports:
            report.update_state(y_pred[report.name] * weight)
        objective = y_pred["objective"]
        loss = self.negative_mean(objective, objective, sample_weight)  # the one mean
        for regulariser in self.losses:
            loss += self._aggregate_additional_loss(regulariser)
        return loss

    def fit(  # noqa: D417, the other arguments are described together
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        sample_weight=None,
        **kwargs,
    ):
        """`keras.Model.fit`, with weights on their schedules and reproducible batches.

        The order of the rows follows from the seed of the model and the steps that it
        was trained; arrays are put on the device once (`models.training`).

        Args:
            x: a dict of arrays by input name, or one array where `x` is the only input.
                Memory maps and rows on disk (`models.blocks.ondisk_array`) are read as
                they are needed, shuffled block by block; they take no
                `validation_split`. Data sets and generators are passed on to Keras.
            y, batch_size, epochs, verbose, callbacks, validation_split,
                validation_data, shuffle, sample_weight: as Keras's.
            **kwargs: as Keras's; and `within_pass`: whether arrays continue in the pass
                that the steps trained fall in, as data on disk always do.

        Raises:
            ValueError: an input is missing, unknown or of a wrong shape.
        """
        n_rows = count_rows(x, 0.0 if validation_data is not None else validation_split)
        if n_rows is not None:
            self.objective.start_fit(n_rows)
        callbacks = [ScheduleCallback(), *keras.tree.flatten(callbacks or [])]
        prepared = fit_data.fit_arguments(
            self,
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            callbacks=callbacks,
            shuffle=shuffle,
            validation_split=validation_split,
            validation_data=validation_data,
            **kwargs,
        )
        with prepared as arguments:
            return super().fit(epochs=epochs, verbose=verbose, **arguments)

    def make_train_function(self, force=False):
        """Keras's; `fit` on arrays may make many steps in one call, or use XLA."""
        is_jit = xla.should_jit(self, self.step_batch_size)
        if self.train_function is None or force or is_jit != self.is_jitted:
            self.is_jitted = is_jit
            with xla.override_jit_compile(self, is_jit):
                super().make_train_function(force=True)
                if device_loop.is_supported(self):
                    one_by_one = self.train_function
                    self.train_function = device_loop.TrainFunction(self, one_by_one)

    def evaluate(self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs):
        """`keras.Model.evaluate`; weights count without targets too."""
        prepared = fit_data.evaluate_arguments(self, x, y, sample_weight, batch_size)
        self.restart_batches()
        with prepared as arguments:
            return super().evaluate(**arguments, **kwargs)

    def predict(self, *args, **kwargs):
        """`keras.Model.predict`, with reproducible noise."""
        self.restart_batches()
        return super().predict(*args, **kwargs)

    def test_step(self, *args):
        """Keras's, a batch of `evaluate`."""
        with successive_batches():
            return super().test_step(*args)

    def predict_step(self, *args):
        """Keras's, a batch of `predict`."""
        with successive_batches():
            return super().predict_step(*args)

    def restart_batches(self) -> None:
        """Gives the next batch outside training the noise of the first one."""
        for layer in self.layers:
            if isinstance(layer, RandomComponent):
                layer.restart_batches()

    def steps_trained(self) -> int:
        """How many steps the optimiser made since `compile`; saved with it."""
        return int(self.optimizer.iterations)
