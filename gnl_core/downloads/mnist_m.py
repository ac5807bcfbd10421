"""Build MNIST-M from MNIST and photographs, and write it as the file that the loader reads."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.blending import blend_digits
from gnl_core.datasets.layout import require_images
from gnl_core.files.writing import write_atomically


def build_mnist_m(
    digits: NDArray[np.uint8], classes: Sequence[str], *, photographs: Path, destination: Path, seed: int
) -> None:
    """Blend digits with photographs and write the result, creating its folder if needed.

    Args:
        digits: Grey images, white on black, shape (n, 28, 28).
        classes: The digits' classes, "0" to "9".
        photographs: A folder of image files.
        destination: The .npz file to write: `x_test`, shape (n, 28, 28, 3), and `y_test`.
        seed: Seed of photographs and crops; the same seed and files give the same bytes.

    Raises:
        ValueError: If the destination exists, or a photograph is unreadable or too small.
    """
    if destination.exists():
        raise ValueError(f"{destination} already exists; delete it first to build it again")
    paths = require_images(photographs, root=photographs)
    images = blend_digits(digits, paths, seed=seed)
    content = BytesIO()
    np.savez_compressed(content, x_test=images, y_test=np.array([int(name) for name in classes], np.uint8))
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(destination, content.getvalue())
    except OSError as error:
        raise ValueError(f"cannot write {destination}: {error.strerror}; choose another folder") from None
