from __future__ import annotations

from gnl_core.tables import align_columns


def test_columns_are_as_wide_as_their_longest_text():
    rows = [("name", "n", "note"), ("a", "100", ""), ("long name", "7", "x")]
    assert align_columns(rows, right=[1]) == ["name         n  note", "a          100", "long name    7  x"]


def test_columns_are_left_aligned_by_default():
    assert align_columns([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]
