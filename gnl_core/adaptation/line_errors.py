"""What a threshold reports and misses on the example line, whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnl_core.datasets.parts import GOOD
from gnl_core.datasets.parts.line import Shot


class LineErrors(NamedTuple):
    """The errors of one threshold; each nut is good, defective or worn.

    Attributes:
        n_good: Number of nuts without a defect or damage.
        false_alarms: Those of them that raise an alarm.
        n_defective: Number of nuts with a defect of their own.
        missed: Those of them that raise no alarm.
        n_worn: Number of nuts with the growing damage alone.
        reported: Those of them that raise an alarm.
        all_reported_from: Number of the worn nut from which on all worn nuts raise an alarm; None if the last one
            raises none.
    """

    n_good: int
    false_alarms: int
    n_defective: int
    missed: int
    n_worn: int
    reported: int
    all_reported_from: int | None


def count_errors(alarm: NDArray[np.bool_], shots: Sequence[Shot]) -> LineErrors:
    """Count the errors of a threshold.

    Args:
        alarm: Whether each nut raises an alarm, in order of time, shape (n,).
        shots: The truth about each, in the same order.
    """
    defective = np.array([shot.defect != GOOD for shot in shots])
    worn = np.array([shot.wear > 0 for shot in shots]) & ~defective
    good = ~defective & ~worn
    worn_numbers = [shot.number for shot, is_worn in zip(shots, worn, strict=True) if is_worn]
    return LineErrors(
        n_good=int(good.sum()),
        false_alarms=int((alarm & good).sum()),
        n_defective=int(defective.sum()),
        missed=int((~alarm & defective).sum()),
        n_worn=int(worn.sum()),
        reported=int((alarm & worn).sum()),
        all_reported_from=first_of_the_rest(alarm[worn], worn_numbers),
    )


def first_of_the_rest(alarm: NDArray[np.bool_], numbers: Sequence[int]) -> int | None:
    """Return the first of the numbers after the last one without an alarm; None if there is none."""
    silent = np.flatnonzero(~alarm)
    rest = numbers[silent[-1] + 1 :] if len(silent) else numbers
    return rest[0] if rest else None
