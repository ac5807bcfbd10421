"""From a tree in its published layout, each data set is checked, trained on and scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gnl_core.cli import main
from gnl_core.datasets import find_dataset
from gnl_core.datasets.presence import available_classes
from tests.gnl_core.datasets.trees import TREES

UNLABELLED = {"mvtec2_private", "mvtec2_private_mixed", "dusk"}
NAMES = sorted({*TREES} - {"mvtec"})  # test_mvtec.py and others have that one


@pytest.mark.parametrize("name", NAMES)
def test_a_run_trains_on_a_tree_in_the_layout_and_scores_all_its_domains(
    tmp_path: Path, small_teacher: dict[str, Any], capsys: pytest.CaptureFixture[str], name: str
):
    root, run = tmp_path / "data", tmp_path / "run"
    root.mkdir()
    TREES[name](root)
    (normal_class,) = available_classes(name, root)
    where = ["--dataset", name, "--normal-class", normal_class, "--data-root", str(root)]
    teacher = ["--teacher", small_teacher["teacher"], "--teacher-weights", str(small_teacher["teacher_weights"])]
    small = ["--image-size", "32", "--device", "cpu", "--holdout-percent", "0"]
    assert main(["train", "--detector", "knn", *where, *teacher, *small, "--run", str(run)]) == 0
    capsys.readouterr()
    assert main(["score", str(run), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)["domains"]
    assert list(measured) == list(find_dataset(name, root).domains)
    for domain, found in measured.items():
        labelled = (found["n_normal"] > 0, found["n_anomalous"] > 0, found["auroc"] is not None)
        assert set(labelled) == {domain not in UNLABELLED}


@pytest.mark.parametrize("name", NAMES)
def test_the_check_of_a_tree_in_the_layout_finds_no_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
):
    TREES[name](tmp_path)
    assert main(["data", "check", "--dataset", name, "--data-root", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
