"""Animations of grids, as GIF files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps

from models.plotting.image_grids import grey_limits, plot_animation_frame

MILLISECONDS = 120  # per frame


@dataclass(frozen=True, eq=False)
class Animation:
    """The columns of a grid, one after the other, forwards and backwards in a loop.

    `x_mean` is (rows, columns, *example shape); `names` are those of the rows, and
    `titles` those of the columns.
    """

    x_mean: np.ndarray
    names: Sequence[str]
    titles: Sequence[str]

    def savefig(self, path: str | Path, dpi: int = 100) -> None:
        """Draws and saves the frames; has the signature of a figure's `savefig`."""
        limits, frames = grey_limits(self.x_mean), []
        for column, title in zip(self.x_mean.swapaxes(0, 1), self.titles, strict=True):
            figure = plot_animation_frame(column, self.names, title, limits)
            frames.append(_render_figure(figure, dpi))
        forwards = _crop_frames(frames)
        first, *others = forwards + forwards[-2:0:-1]
        looped = {"save_all": True, "append_images": others, "loop": 0}
        first.save(path, format="GIF", duration=MILLISECONDS, **looped)


def _render_figure(figure, dpi):
    """The whole figure, not cropped, as an RGB image."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches=None)
    return Image.open(buffer).convert("RGB")


def _crop_frames(frames, margin=10):
    """All frames cropped to what is drawn in any of them, with a white margin."""
    box = ImageOps.invert(reduce(ImageChops.darker, frames)).getbbox()
    return [ImageOps.expand(each.crop(box), margin, "white") for each in frames]
