"""One pixel step by step on Inspect, and its sentences on numbers worked out by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.screens.inspect.position import under_cursor
from app.screens.inspect.steps import describe_contribution, describe_matching, tabulate_cells
from app.screens.inspect.tracing import PixelTrace, StageTrace
from gnl_core.config import ScoringConfig
from gnl_core.contributions import Cell, MatchedValue
from tests.app.conftest import texts

VECTOR = np.ones(1, dtype=np.float32)
CELL = Cell(row=2, column=4, weight=0.75, distance=0.4)
VALUE = MatchedValue(before=-2.0, rank=3, n_values=1024, reference=1.0, after=-1.25)


def trace(contribution: float) -> PixelTrace:
    cells = [CELL, Cell(2, 5, 0.25, 0.8)]
    stages = [
        StageTrace(cells, 0.5, (0, 0, 4, 4), VECTOR, VECTOR, contribution=0.3),
        StageTrace([CELL], 0.4, (0, 0, 8, 8), VECTOR, VECTOR, 0.0),
    ]
    return PixelTrace(stages, contribution, score=1.5)


def test_matching_is_told_with_rank_reference_and_arithmetic():
    told = describe_matching(VALUE, CELL, ScoringConfig(style_weight=0.25), stage=0, channel=11)
    assert "at stage 1, channel 12, cell 3, 5. The value −2.000 has rank 3 of 1,024" in told
    assert "the reference's value of this rank is 1.000" in told
    assert "0.75\xa0·\xa0(−2.000) + 0.25\xa0·\xa01.000 = **−1.250**" in told


@pytest.mark.parametrize(
    ("weight", "stage", "value", "reason"),
    [
        (0.5, 2, VALUE, "It stays: this stage is not matched."),
        (0.0, 0, VALUE, "It stays: FDM is off."),
        (0.5, 0, VALUE._replace(reference=None), "The checkpoint stores no references, so it stays."),
    ],
)
def test_a_value_that_stays_is_told_with_the_reason(weight, stage, value, reason):
    assert describe_matching(value, CELL, ScoringConfig(style_weight=weight), stage=stage, channel=0).endswith(reason)


def test_the_table_has_the_cells_their_sum_and_their_share_of_the_score():
    lines = tabulate_cells(trace(0.9)).splitlines()
    assert lines[2] == "| 1 | 0.400\xa0·\xa00.75 + 0.800\xa0·\xa00.25 | 0.500 | 20\xa0% |"
    assert lines[-1] == "| sum | | **0.900** | |"


def test_a_pixel_that_is_not_the_maximum_adds_nothing():
    told = describe_contribution(trace(0.0), ScoringConfig(), peak=(6, 8))
    assert told == "which adds nothing to the score: that is the map's maximum, 1.500 at row 7, column 9."


@pytest.mark.parametrize(
    ("contribution", "settings", "share"),
    [(1.5, {}, "100"), (0.003, {"reduction": "mean"}, "0.2"), (0.0, {"smoothing_sigma_px": 2.0}, "0")],
)
def test_other_contributions_are_told_with_their_share(contribution, settings, share):
    told = describe_contribution(trace(contribution), ScoringConfig(**settings), peak=(0, 0))
    assert told.endswith(f"to the score of 1.500: **{share}\xa0%**.")


def test_of_a_large_map_every_other_value_follows_the_cursor():
    maps = np.arange(3 * 256 * 256, dtype=np.float32).reshape(3, 256, 256)
    sent = under_cursor(maps)
    assert sent["every"] == 2
    assert sent["values"][1][3][5] == maps[1, 6, 10]


def test_the_pixel_of_an_address_is_followed_to_the_score_on_file(open_screen):
    page = open_screen("inspect", methods=["GNL"], image=5, row=46, column=27)
    page.session_state["pixels"] = True
    page.run()
    assert not page.exception
    assert not page.error
    (value,) = (text for text in texts(page) if text.startswith("Value **"))
    (table,) = (text for text in texts(page) if "| sum |" in text)
    stages = re.findall(r"\| ([\d.]+) \| [\d.e-]+\xa0% \|", table)
    total = float(re.search(r"\*\*([\d.]+)\*\*", value)[1])
    assert sum(map(float, stages)) == pytest.approx(total, abs=2e-3)
    (matching,) = (text for text in texts(page) if text.startswith("**1. Matching**"))
    terms = re.search(r"becomes 0\xa0·\xa0\S+ \+ 1\xa0·\xa0\(?([−\d.]+)\)? = \*\*([−\d.]+)\*\*", matching)
    assert terms[1] == terms[2]  # at full strength, the value is the reference's
