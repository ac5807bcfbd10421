from __future__ import annotations

import numpy as np

from gnl_core.adaptation.following import FixedThreshold, cut_blocks, follow
from gnl_core.runs.followed import FollowedLine, FollowSettings
from gnl_core.runs.following_text import format_line, line_to_json

FIXED = FixedThreshold(value=3.0, usual=1.0, quantile=0.95, n_held_out=20)


def make_line(scores: np.ndarray, *, at_most: float = 10.0) -> FollowedLine:
    settings = FollowSettings(window=20, minimum=10, at_most=at_most, block=100)
    following = follow(scores, FIXED, window=20, minimum=10, most_drift=at_most)
    blocks = cut_blocks(following, size=100)
    return FollowedLine(
        names=tuple(f"{position}.png" for position in range(1, len(scores) + 1)),
        following=following,
        blocks=tuple(blocks),
        shift_scores=(None,) * len(blocks),
        no_shift_score=None,
        settings=settings,
    )


def warnings_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("warning", "alarm"))]


def test_a_steady_line_gives_no_warning():
    assert warnings_in(format_line(make_line(np.ones(100)))) == []


def test_a_slow_ramp_names_the_images_to_compare_and_those_that_were_accepted():
    rise, accepted = warnings_in(format_line(make_line(np.linspace(1.0, 9.0, 401))))
    assert "rises by up to 3.90 margins, at 401.png, and ends +3.90 margins from the start" in rise
    assert rise.endswith("compare images 381-400 (381.png to 400.png) with images 1-20 (1.png to 20.png)")
    assert accepted.startswith(
        "warning: 300 images raise an alarm under the fixed threshold alone, from 102.png to 401.png"
    )


def test_a_line_beyond_the_limit_gives_an_alarm_of_its_own():
    line = make_line(np.linspace(1.0, 9.0, 401), at_most=1.0)
    # at image 112, the median of images 92 to 111 is the first above 3: 1 + 0.02 * 100.5
    alarm = warnings_in(format_line(line))[-1]
    assert alarm.startswith(
        "alarm: from 112.png on, the line has drifted beyond what the following threshold may accept"
    )
    assert "(--at-most 1 margins), at 290 images" in alarm
    assert line_to_json(line)["first_beyond_limit"] == "112.png"


def test_a_block_without_a_shift_score_shows_a_dash():
    _, row, *_ = format_line(make_line(np.ones(100))).splitlines()
    assert row.split() == ["1-100", "1.png", "1", "-", "0", "0", "3"]
