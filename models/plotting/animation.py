"""Animations of figures, as GIF files."""

from collections.abc import Iterable
from functools import reduce
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, ImageChops, ImageOps

MILLISECONDS = 120  # per frame


class Animation:
    """Figures of one size, drawn when saved, forwards and backwards in a loop."""

    def __init__(self, figures: Iterable[Figure]):
        self.figures = figures

    def savefig(self, path: str | Path, dpi: int = 100) -> None:
        """Saves the animation; has the signature of a figure's `savefig`."""
        forwards = _crop_frames([_render_figure(each, dpi) for each in self.figures])
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
