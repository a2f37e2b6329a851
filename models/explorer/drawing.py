"""Data as HTML: images as they are, pixel by pixel; vectors as bars or lines."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from models.plotting.images import GREY, LONG, PALETTE, grey_limits

HEIGHT = 100  # of a vector's picture, in its own units


class Artist:
    """Draws data of one kind, all in the same scale.

    Args:
        x: the data, (n, d), (n, h, w) or (n, h, w, channels): they decide what black
            and white, or the lower and upper edge, stand for.
    """

    def __init__(self, x):
        self.is_image = x.ndim > 2
        self.limits = grey_limits(x) if self.is_image else edges(x)

    def draw(self, *data):
        """An <img> of the last; or a plot of one or two vectors, the first in grey."""
        data = [np.nan_to_num(each) for each in data]
        return image(data[-1], self.limits) if self.is_image else self._vectors(data)

    def _vectors(self, data):
        low = min(self.limits[0], *map(np.min, data))
        high = max(self.limits[1], *map(np.max, data))
        width = len(data[0])
        heights = [HEIGHT * (high - v) / (high - low or 1) for v in data]
        zero = HEIGHT * (high - np.clip(0, low, high)) / (high - low or 1)
        return (
            f'<div class="plot"><svg viewBox="0 0 {width} {HEIGHT}" '
            f'preserveAspectRatio="none"><path d="M0 {zero:.1f}H{width}" '
            f'stroke="{GREY}" {THIN}/>{"".join(marks(heights, zero))}</svg>'
            f"<small>{high:.3g}</small><small>{low:.3g}</small>"
            f"<small>features 0 … {width - 1}</small></div>"
        )


THIN = 'vector-effect="non-scaling-stroke" stroke-width="0.5"'
LINE = 'fill="none" vector-effect="non-scaling-stroke" stroke-width="1.5"'


def marks(heights, zero):
    """Yields the <path> of each vector: bars with steps over them, long ones lines."""
    colours = [GREY, PALETTE[0]][-len(heights) :]
    for k, (y, colour) in enumerate(zip(heights, colours, strict=True)):
        if len(y) > LONG:
            points = " ".join(f"{i + 0.5:g} {v:.1f}" for i, v in enumerate(y))
            yield f'<path d="M{points}" stroke="{colour}" {LINE}/>'
        elif k == 0:
            bars = (
                f"M{i + 0.1:g} {zero:.1f}V{v:.1f}h.8V{zero:.1f}z"
                for i, v in enumerate(y)
            )
            yield f'<path d="{"".join(bars)}" fill="{colour}" fill-opacity="0.6"/>'
        else:
            steps = (f"M{i + 0.1:g} {v:.1f}h.8" for i, v in enumerate(y))
            yield f'<path d="{"".join(steps)}" stroke="{colour}" {LINE}/>'


def edges(x):
    """What a vector's picture spans: all but the rarest extremes, and zero."""
    some = x[:: max(1, len(x) // 1000)]
    low, high = np.quantile(some, [0.001, 0.999])
    return min(low, 0.0), max(high, 0.0)


def image(x, limits):
    """An <img> of (h, w) or (h, w, channels); but for three channels, in grey."""
    low, high = limits
    if x.ndim == 3 and x.shape[2] != 3:
        x = x.mean(axis=2)
    pixels = np.clip((x - low) / (high - low or 1), 0, 1)
    file = BytesIO()
    Image.fromarray(np.uint8(np.rint(255 * pixels))).save(file, "PNG", compress_level=1)
    code = b64encode(file.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{code}">'
