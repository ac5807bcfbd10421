from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.datasets.sources.splits import split_of


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train/_annotations.coco.json", "train"),
        ("annotations/instances_val2017.json", "valid"),
        ("Validation/labels.json", "valid"),
        ("test/train.json", "train"),
        ("test/train/labels.json", "train"),
        ("train_test.json", None),
        ("trainval2017.json", None),
        ("latest/labels.json", None),
        (".", None),
    ],
)
def test_a_word_in_the_name_of_a_file_or_of_its_nearest_folder_names_its_split(path: str, split: str | None):
    assert split_of(Path(path)) == split
