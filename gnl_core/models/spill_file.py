"""Feature maps that do not fit into memory, in a temporary file."""

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
    """Where some maps lie in the file.

    Attributes:
        offset: Their first byte.
        shapes: The shape of each.
        dtype: Their number format.
    """

    offset: int
    shapes: list[torch.Size]
    dtype: torch.dtype


class SpillFile:
    """A temporary file that is written at its end and read through a memory map; it goes when it is no longer used.

    The operating system keeps what is read often in memory that nobody else needs. Where the file lies, $TMPDIR
    decides (on Windows, %TEMP%).

    Args:
        budget_bytes: What it holds at most.
    """

    def __init__(self, *, budget_bytes: int) -> None:
        self._free_bytes = budget_bytes
        self._file: IO[bytes] | None = None  # made when there is something to write
        self._map: NDArray[np.uint8] | None = None

    def write(self, maps: Sequence[Tensor]) -> Place | None:
        """Put the maps of an image into the file, all of one number format.

        Returns:
            Where they are; None where the file is full, or the disk.
        """
        size = sum(stage.nbytes for stage in maps)
        if size > self._free_bytes:
            return None
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
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
        """The maps at a place; they are to be copied, not kept."""
        if self._map is None:
            assert self._file is not None  # where a place comes from
            self._map = np.memmap(self._file, dtype=np.uint8, mode="c")
        start, found = place.offset, []
        for shape in place.shapes:
            end = start + prod(shape) * place.dtype.itemsize
            found.append(torch.from_numpy(self._map[start:end]).view(place.dtype).view(shape))
            start = end
        return found
