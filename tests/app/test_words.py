from __future__ import annotations

from app.words import exact_percent, percent


def test_a_percentage_is_rounded_as_on_pages_in_a_file_and_stays_on_one_line():
    assert percent(0.025) == "3\N{NO-BREAK SPACE}%"
    assert exact_percent(0.9975) == "99.75\N{NO-BREAK SPACE}%"
