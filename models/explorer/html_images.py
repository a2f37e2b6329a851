"""Images as HTML, pixel by pixel."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from models.plotting.image_grids import grey_limits


class ImageRenderer:
    """Renders images on one scale, that of the data: (n, h, w[, channels])."""

    is_image = True

    def __init__(self, x: np.ndarray):
        self.limits = grey_limits(x)

    def render(self, x: np.ndarray) -> str:
        """An <img>."""
        return image_html(np.nan_to_num(x), self.limits)


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
