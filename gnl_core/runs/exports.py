"""Results as files for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
from numpy.typing import NDArray

from gnl_core.plots.maps import colour_map
from gnl_core.records import Scores


def write_csv(path: Path, scores: Scores) -> None:
    """Write one row an image; the file's folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(vars(scores)).to_csv(path, index=False)


def write_map(path: Path, anomaly_map: NDArray[np.float32], *, upper: float) -> None:
    """Write an anomaly map as a coloured picture; its folder is made.

    Args:
        path: The file, with Pillow's ending for the format.
        anomaly_map: Shape (H, W).
        upper: The value of the brightest colour; 0 is the darkest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(colour_map(anomaly_map, upper=upper)).save(path)
