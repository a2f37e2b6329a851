"""One slider for each dimension of z."""

import panel as pn

from models.explorer.controls import watched
from models.explorer.panes import box, styled


class Slider(pn.widgets.FloatSlider):
    """A slider that reports every hundredth of a second while it moves."""

    _debounce = 10


class Sliders:
    """The sliders of some dimensions; `pane` is what is seen.

    Args:
        dimensions: which of z.
        limits: (low, high), each (latent_dim,).
        on_move: called with a dimension and its value while its slider moves.
    """

    def __init__(self, dimensions, limits, on_move):
        self.sliders = {d: self._slider(d, limits, on_move) for d in dimensions}
        self.pane = box("sliders", *self.sliders.values())

    def _slider(self, d, limits, on_move):
        low, high = (float(each[d]) for each in limits)
        slider = Slider(
            start=low,
            end=high,
            step=(high - low) / 600,
            format="0.00",
            sizing_mode="stretch_width",
            **styled("slider"),
        )
        return watched(slider, lambda value: on_move(d, value))

    def name(self, kl):
        """Says how much each dimension knows: kl, (latent_dim,), nats."""
        for d, slider in self.sliders.items():
            slider.name = f"z{d + 1} (KL {kl[d]:.2f})"

    def set(self, z):
        """Moves all of them to z; one that is too short grows."""
        for d, slider in self.sliders.items():
            value = float(z[d])
            ends = {"start": min(slider.start, value), "end": max(slider.end, value)}
            slider.param.update(value=value, **ends)
