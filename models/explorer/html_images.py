"""Examples as HTML: images pixel by pixel, vectors as bars or lines."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from models.plotting.image_grids import grey_limits
from models.plotting.style import GREY, PALETTE

MAX_BARS = 64  # features of a vector drawn as bars; longer ones are lines
HEIGHT = 100  # of a vector's picture, in its own units
THIN = 'vector-effect="non-scaling-stroke" stroke-width="0.5"'
LINE = 'fill="none" vector-effect="non-scaling-stroke" stroke-width="1.5"'


class Renderer:
    """Renders examples on one scale, that of the data: (n, d) or (n, h, w[, c])."""

    def __init__(self, x: np.ndarray):
        self.is_image = x.ndim > 2
        self.limits = grey_limits(x) if self.is_image else vector_limits(x)

    def render(self, *examples: np.ndarray) -> str:
        """An <img> of one image; or a plot of one or two vectors, the first grey."""
        draw = image_html if self.is_image else vectors_html
        return draw(*map(np.nan_to_num, examples), limits=self.limits)


def vector_limits(x: np.ndarray) -> tuple[float, float]:
    """The range of a vector's picture: zero and all but the rarest extremes."""
    subset = x[:: max(1, len(x) // 1000)]
    low, high = np.quantile(subset, [0.001, 0.999])
    return min(low, 0.0), max(high, 0.0)


def image_html(x: np.ndarray, limits: tuple[float, float]) -> str:
    """An <img> of (h, w) or (h, w, channels); grey unless there are three channels."""
    low, high = limits
    if x.ndim == 3 and x.shape[2] != 3:
        x = x.mean(axis=2)
    pixels = np.clip((x - low) / (high - low or 1), 0, 1)
    file = BytesIO()
    Image.fromarray(np.uint8(np.rint(255 * pixels))).save(file, "PNG", compress_level=1)
    code = b64encode(file.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{code}">'


def vectors_html(*vectors: np.ndarray, limits: tuple[float, float]) -> str:
    """An <svg> of vectors, (d,), with its range, which contains the limits."""
    low = min(limits[0], *map(np.min, vectors))
    high = max(limits[1], *map(np.max, vectors))
    width, scale = len(vectors[0]), HEIGHT / (high - low or 1)
    heights = [scale * (high - v) for v in vectors]
    zero = scale * (high - np.clip(0, low, high))
    return (
        f'<div class="plot"><svg viewBox="0 0 {width} {HEIGHT}" '
        f'preserveAspectRatio="none"><path d="M0 {zero:.1f}H{width}" '
        f'stroke="{GREY}" {THIN}/>{"".join(_vector_paths(heights, zero))}</svg>'
        f"<small>{high:.3g}</small><small>{low:.3g}</small>"
        f"<small>features 0 … {width - 1}</small></div>"
    )


def _vector_paths(heights, zero):
    """The <path> of each vector: bars with steps over them, or lines if long."""
    colours = [GREY, PALETTE[0]][-len(heights) :]
    for k, (y, colour) in enumerate(zip(heights, colours, strict=True)):
        if len(y) > MAX_BARS:
            points = " ".join(f"{i + 0.5:g} {v:.1f}" for i, v in enumerate(y))
            yield f'<path d="M{points}" stroke="{colour}" {LINE}/>'
        elif k == 0:
            bar = "M{:g} {z:.1f}V{:.1f}h.8V{z:.1f}z".format
            bars = "".join(bar(i + 0.1, v, z=zero) for i, v in enumerate(y))
            yield f'<path d="{bars}" fill="{colour}" fill-opacity="0.6"/>'
        else:
            steps = "".join(f"M{i + 0.1:g} {v:.1f}h.8" for i, v in enumerate(y))
            yield f'<path d="{steps}" stroke="{colour}" {LINE}/>'
