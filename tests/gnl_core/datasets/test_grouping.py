from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gnl_core.datasets.base import Item
from gnl_core.datasets.grouping import (
    group_by_folder,
    group_by_list,
    group_by_name,
    merge_equal_files,
    merge_near_copies,
)


def make_items(*paths: str, root: Path = Path("/nowhere")) -> list[Item]:
    read = partial(np.zeros, (1, 1, 3), np.uint8)
    return [Item(path, read, label=0, domain="", category="good", file=root / path) for path in paths]


def test_images_are_grouped_by_what_a_pattern_finds_in_their_names():
    items = make_items("day1/part7_a.png", "day2/part7_b.png", "part8_a.png", "other.png")
    assert group_by_name(items, r"part(\d)") == ["7", "7", "8", "other.png"]
    assert group_by_name(items, r"part\d") == ["part7", "part7", "part8", "other.png"]
    assert group_by_name(items, r"(p)art(\d)") == ["p/7", "p/7", "p/8", "other.png"]


@pytest.mark.parametrize(("pattern", "words"), [("(", "not a regular expression"), ("day", "matches none of 1 names")])
def test_a_pattern_that_groups_nothing_is_refused(pattern: str, words: str):
    with pytest.raises(ValueError, match=words):
        group_by_name(make_items("day/1.png"), pattern)


def test_images_are_grouped_by_folders_that_do_not_name_labels_or_parts():
    assert group_by_folder(make_items("train/good/p1/1.png", "p1/OK/2.png", "a/b/3.png")) == ["p1", "p1", "a/b"]
    with pytest.raises(ValueError, match="in no folder of a group"):
        group_by_folder(make_items("good/1.png"))


def test_images_are_grouped_by_a_column_that_names_their_paths_or_names(tmp_path: Path):
    path = tmp_path / "parts.csv"
    path.write_text('serial,File Name\n7,1.png\n8,"a/2\n.png"\n')
    assert group_by_list(make_items("a/1.png", "a/2\n.png"), path, "serial") == ["7", "8"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has the columns"),
        ("path,serial\n", "no group for 'a/1.png'"),
        ("path,other\n1.png,7\n", "expected 'serial'"),
        ("path,serial\n1.png,7\n1.png,8\n", "into two groups"),
        ("path,serial\n1.png\n", "no group for"),
        ("path,serial\n" + "x" * 200_000, "not a CSV file"),
    ],
)
def test_a_list_without_a_clear_group_is_refused(tmp_path: Path, text: str, words: str):
    path = tmp_path / "parts.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        group_by_list(make_items("a/1.png"), path, "serial")


def test_equal_files_are_in_one_group_and_so_are_the_groups_they_connect(tmp_path: Path):
    items = make_items("1", "2", "3", "4", "5", root=tmp_path)
    for item, content in zip(items, (b"aa", b"bb", b"aa", b"c", b"bb"), strict=True):
        (tmp_path / item.path).write_bytes(content)
    assert merge_equal_files(items, ["1", "2", "3", "4", "5"]) == ["1", "2", "1", "4", "2"]
    assert merge_equal_files(items, ["1", "2", "2", "4", "5"]) == ["1", "1", "1", "4", "1"]


def test_near_copies_are_in_one_group_also_over_a_chain():
    steps = np.float32([0, 1, 2, 100, 101.6, 200])[:, None] + np.zeros((1, 1024), np.float32)
    assert merge_near_copies(steps, list("abcdef")) == ["a", "a", "a", "d", "e", "f"]


def test_near_copies_are_found_across_chunks():
    thumbnails = np.random.default_rng(0).uniform(0, 255, (600, 1024)).astype(np.float32)
    thumbnails[599] = thumbnails[0] + 1
    groups = merge_near_copies(thumbnails, [str(n) for n in range(600)])
    assert groups == [str(n) for n in range(599)] + ["0"]
