from __future__ import annotations

import numpy as np

from gnl_core.adaptation.line_errors import LineErrors, count_errors
from gnl_core.datasets.parts import GOOD
from gnl_core.datasets.parts.line import Shot

SHOTS = [
    Shot(1, GOOD, 0.0, 0.0),
    Shot(2, "dent", 0.0, 0.0),
    Shot(3, GOOD, 0.1, 0.0),
    Shot(4, GOOD, 0.1, 0.2),
    Shot(5, GOOD, 0.1, 0.4),
    Shot(6, "rust", 0.1, 0.6),
    Shot(7, GOOD, 0.1, 0.8),
    Shot(8, GOOD, 0.1, 1.0),
]


def count(*numbers: int) -> LineErrors:
    return count_errors(np.isin(np.arange(1, 9), numbers), SHOTS)


def test_each_nut_counts_as_good_defective_or_worn():
    errors = count()
    assert (errors.n_good, errors.n_defective, errors.n_worn) == (2, 2, 4)


def test_false_alarms_misses_and_reports_are_counted_among_their_own_nuts():
    errors = count(3, 6, 4, 7, 8)
    assert (errors.false_alarms, errors.missed, errors.reported) == (1, 1, 3)


def test_damage_is_all_reported_from_the_worn_nut_after_the_last_silent_one():
    assert count(4, 7, 8).all_reported_from == 7  # 5 is silent, and 6 has a defect of its own
    assert count(4, 5, 7, 8).all_reported_from == 4
    assert count(4, 5, 7).all_reported_from is None
    assert count().all_reported_from is None
