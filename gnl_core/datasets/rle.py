"""Decode COCO's run-length encoding of masks, as numbers or as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from gnl_core.datasets.base import Mask

FIRST_CHARACTER = 48  # stands for 0; every character holds six bits
CONTINUED, SIGN, PAYLOAD = 0x20, 0x10, 0x1F  # of a character: whether another follows, the sign, the five bits it holds
MOST_CHARACTERS = 7  # of a number; 35 bits


def decode_runs(runs: Sequence[int], *, height: int, width: int) -> Mask:
    """Draw runs of pixels, column by column: unmarked, marked, unmarked, and so on.

    Args:
        runs: Lengths of the runs; the first can be 0.
        height: Height of the mask in pixels.
        width: Its width.

    Returns:
        Shape (height, width).

    Raises:
        ValueError: As for `check_runs`.
    """
    check_runs(runs, height=height, width=width)
    marked = np.arange(len(runs)) % 2 == 1
    return np.repeat(marked, runs).reshape(width, height).T


def encode_runs(mask: Mask) -> list[int]:
    """Return the lengths of a mask's runs, shape (H, W), in the form that `decode_runs` draws."""
    pixels = mask.T.ravel()
    starts = [0, *(np.flatnonzero(pixels[1:] != pixels[:-1]) + 1).tolist(), len(pixels)]
    lengths = [end - start for start, end in pairwise(starts)]
    return [0, *lengths] if pixels[0] else lengths


def check_runs(runs: Sequence[int], *, height: int, width: int) -> None:
    """Check that no run is negative and that they add up to a mask's pixels; raise ValueError if not."""
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(
            f"the run-length code has runs of {sum(runs):,} pixels, but its mask has {width}x{height}; export it again"
        )


def parse_runs(text: str) -> list[int]:
    """Read the lengths of runs from COCO's compressed text.

    Each number is a sequence of groups of five bits, the lowest first; from the fourth on, it is the difference from
    the number two places before (`rleFrString` of pycocotools).

    Raises:
        ValueError: If the text is not such a code.
    """
    runs: list[int] = []
    for number in parse_numbers(text):
        runs.append(number + runs[-2] if len(runs) > 2 else number)
    return runs


def parse_numbers(text: str) -> Iterator[int]:
    """Read the signed numbers of a compressed text."""
    digits = [ord(character) - FIRST_CHARACTER for character in text]
    ends = [0, *(position + 1 for position, digit in enumerate(digits) if not digit & CONTINUED)]
    is_text_of_code = all(0 <= digit < 2 * CONTINUED for digit in digits) and ends[-1] == len(digits)
    if not is_text_of_code or any(end - start > MOST_CHARACTERS for start, end in pairwise(ends)):
        raise ValueError("the run-length code is not one of COCO's; export it again")
    for start, end in pairwise(ends):
        number = sum((digit & PAYLOAD) << 5 * place for place, digit in enumerate(digits[start:end]))
        yield number - (1 << 5 * (end - start) if digits[end - 1] & SIGN else 0)
