"""Films of figures, as GIF files."""

from functools import reduce
from io import BytesIO

from PIL import Image, ImageChops, ImageOps

MILLISECONDS = 120  # that a frame stays


class Animation:
    """Figures of one size, shown in turn, there and back, without end.

    Args:
        figures: any iterable of them, drawn when the film is saved.
    """

    def __init__(self, figures):
        self.figures = figures

    def savefig(self, path, dpi=100):
        """Saves the film; called as a figure's, so that it may take its place."""
        there = trimmed([pixels(figure, dpi) for figure in self.figures])
        first, *others = there + there[-2:0:-1]
        first.save(
            path,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=MILLISECONDS,
            loop=0,
        )


def pixels(figure, dpi):
    """The whole figure, uncut, as an RGB image."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches=None)
    return Image.open(buffer).convert("RGB")


def trimmed(frames, margin=10):
    """All frames cut to what is drawn in any of them, with a white margin around it."""
    box = ImageOps.invert(reduce(ImageChops.darker, frames)).getbbox()
    return [ImageOps.expand(each.crop(box), margin, "white") for each in frames]
