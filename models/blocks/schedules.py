"""Weights and capacities of the KL that change with the epoch."""

import keras

PACKAGE = "vaezoo"  # the prefix of registered names inside saved files: never change it


class Schedule:
    """`schedule(epoch)` is the value during that epoch, counted from 0."""

    def __call__(self, epoch):
        raise NotImplementedError

    def get_config(self):
        return dict(vars(self))

    @classmethod
    def from_config(cls, config):
        return cls(**config)


Weight = float | Schedule  # the annotation of what may change with the epoch


@keras.saving.register_keras_serializable(PACKAGE)
class Constant(Schedule):
    """The same `value` in every epoch: alpha of Serket, beta of the beta-VAE."""

    def __init__(self, value=1.0):
        self.value = _not_negative("value", value)

    def __call__(self, epoch):
        return self.value


@keras.saving.register_keras_serializable(PACKAGE)
class LinearWarmUp(Schedule):
    """Rises linearly from `start` to `value` over `epochs` epochs, then stays.

    Bowman et al. (2016); Sonderby et al. (2016).
    """

    def __init__(self, epochs, value=1.0, start=0.0):
        self.epochs = _positive("epochs", epochs)
        self.value = _not_negative("value", value)
        self.start = _not_negative("start", start)

    def __call__(self, epoch):
        done = min(1.0, epoch / self.epochs)
        return self.start + done * (self.value - self.start)


@keras.saving.register_keras_serializable(PACKAGE)
class Cyclical(Schedule):
    """In every `period` of epochs rises from `start` to `value` over its first `ramp`.

    Fu et al. (2019), equation 6, with their ratio R as `ramp`.
    """

    def __init__(self, period, value=1.0, start=0.0, ramp=0.5):
        self.period = _positive("period", period)
        self.value = _not_negative("value", value)
        self.start = _not_negative("start", start)
        if not 0.0 < ramp <= 1.0:
            raise ValueError(f"ramp must be in (0, 1]. Received: ramp={ramp}")
        self.ramp = ramp

    def __call__(self, epoch):
        phase = (epoch % self.period) / self.period
        return self.start + min(1.0, phase / self.ramp) * (self.value - self.start)


@keras.saving.register_keras_serializable(PACKAGE)
class Step(Schedule):
    """`start` for `epochs` epochs, then `value`."""

    def __init__(self, epochs, value=1.0, start=0.0):
        self.epochs = _positive("epochs", epochs)
        self.value = _not_negative("value", value)
        self.start = _not_negative("start", start)

    def __call__(self, epoch):
        return self.start if epoch < self.epochs else self.value


def as_schedule(name, value):
    """A number becomes `Constant(number)`; a schedule stays what it is."""
    if isinstance(value, Schedule):
        return value
    if isinstance(value, dict):  # a schedule in a saved model's configuration
        return keras.saving.deserialize_keras_object(value)
    return Constant(_not_negative(name, value))


def _not_negative(name, value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(
            f"{name} must be a number >= 0 or a schedule. Received: {name}={value!r}"
        )
    return float(value)


def _positive(name, value):
    if not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{name} must be a number > 0. Received: {name}={value!r}")
    return value
