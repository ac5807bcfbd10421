"""Keep feature maps that do not fit into memory in a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from math import prod
from typing import IO, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Place(NamedTuple):
    """The position of an image's maps in the file.

    Attributes:
        offset: Offset of the first byte.
        shapes: The shape of each map.
        dtype: Number format of all maps.
    """

    offset: int
    shapes: list[torch.Size]
    dtype: torch.dtype


class SpillFile:
    """A temporary file, appended to and read through a memory map, and deleted when no longer used.

    The operating system caches what is read often in free memory. The environment variable TMPDIR (on Windows, TEMP)
    sets the folder of the file.

    Args:
        budget_bytes: Largest size of the file.
    """

    def __init__(self, *, budget_bytes: int) -> None:
        self._free_bytes = budget_bytes
        self._file: IO[bytes] | None = None  # created at the first write
        self._map: NDArray[np.uint8] | None = None

    def write(self, maps: Sequence[Tensor]) -> Place | None:
        """Append the maps of an image, all of one number format.

        Returns:
            Their position; None if the file has reached its budget or the disk is full.
        """
        size = sum(stage.nbytes for stage in maps)
        if size > self._free_bytes:
            return None
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 (it stays open as long as this object)
            offset = self._file.seek(0, os.SEEK_END)
            for stage in maps:
                self._file.write(stage.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
            self._file.flush()
        except OSError:  # the disk is full: what was written before stays
            self._free_bytes = 0
            return None
        self._free_bytes -= size
        self._map = None
        return Place(offset, [stage.shape for stage in maps], maps[0].dtype)

    def read(self, place: Place) -> list[Tensor]:
        """Read the maps at a position; the caller copies them and does not keep them."""
        if self._map is None:
            assert self._file is not None  # a `Place` comes from `write`, which opens the file
            self._map = np.memmap(self._file, dtype=np.uint8, mode="c")
        start, maps = place.offset, []
        for shape in place.shapes:
            end = start + prod(shape) * place.dtype.itemsize
            maps.append(torch.from_numpy(self._map[start:end]).view(place.dtype).view(shape))
            start = end
        return maps
