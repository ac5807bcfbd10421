"""Kinds of values that settings have: sizes of images, paths, devices and stages of the teacher."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

SMALLEST_SIDE_PX = 28
LARGEST_SIDE_PX = 2048  # of what a detector reads at once
LARGEST_TILED_SIDE_PX = 16_384
DEVICES = re.compile("auto|(cpu|cuda|mps|xpu)(:[0-9]{1,3})?")
Side = Annotated[int, Field(ge=SMALLEST_SIDE_PX, le=LARGEST_SIDE_PX)]
TiledSide = Annotated[int, Field(ge=SMALLEST_SIDE_PX, le=LARGEST_TILED_SIDE_PX)]


def parse_image_size(value: object) -> object:
    """Read an image size written as 64, "64" or "48x64" (height x width); return anything else unchanged."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, str):
        sides = value.lower().split("x")
        return tuple(sides * 2) if len(sides) == 1 else tuple(sides)
    return value


def size_text(size: tuple[int, int]) -> str:
    """Write an image size as it is read: 48x64, height x width."""
    return "x".join(map(str, size))


def refuse_no_path(value: object) -> object:
    """Refuse an empty path, which would be the current folder, and one with the character NUL."""
    if value == "":
        raise ValueError("expected a path, got an empty text")
    if "\0" in str(value):
        raise ValueError("expected a path, which has no NUL character")
    return value


def check_device(name: str) -> str:
    """Refuse a kind of device that gnl does not support; whether this machine has it is checked when it is used."""
    if not DEVICES.fullmatch(name):
        raise ValueError("expected auto, cpu, cuda, mps or xpu, the last four also with a number, as in cuda:1")
    return name


# Paths are absolute, so that they are valid from any working folder.
AbsolutePath = Annotated[Path, BeforeValidator(refuse_no_path), AfterValidator(Path.absolute)]
Stages = Literal["1", "2", "3", "1,2", "1,3", "2,3", "1,2,3"]
EngineName = Literal["torch", "onnxruntime", "auto"]
Resize = Literal["stretch", "letterbox", "crop"]
ImageSize = Annotated[tuple[TiledSide, TiledSide], BeforeValidator(parse_image_size)]
TileSize = Annotated[tuple[Side, Side], BeforeValidator(parse_image_size)]
Device = Annotated[str, AfterValidator(check_device)]


def stage_indices(stages: Stages) -> frozenset[int]:
    """Return the indices, from 0, of the stages that a setting such as "1,3" names."""
    return frozenset(int(number) - 1 for number in stages.split(","))
