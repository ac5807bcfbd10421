"""Learn's choice of examples by score, on a handful of numbers."""

import numpy as np
import pytest

from app import checkpoints as cache
from app.screens.learn.lessons import Matched, bundled_cases, bundled_tasks, row_of, typical_row
from app.screens.learn.worsened import describe_change, most_worsened
from gnl_core.records import Scores


def scores(values: list[float], labels: list[int]) -> Scores:
    names = np.array(["any"] * len(values))
    return Scores(np.array(values), np.array(labels), domain=names, category=names, path=names)


def test_the_typical_image_has_the_median_score_of_its_label():
    found = scores([5.0, 1.0, 9.0, 2.0, 8.0, 3.0], [0, 1, 0, 1, 0, 1])  # normal: 5, 9, 8; anomalous: 1, 2, 3
    assert typical_row(found, 0) == 2
    assert typical_row(found, 1) == 1
    assert (row_of(found, 0, 2), row_of(found, 1, 1)) == (4, 3)


def test_an_anomaly_that_falls_and_a_normal_image_that_climbs_are_worsened():
    off = scores([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    on = scores([1.0, 3.0, 4.0, 2.0], [0, 0, 1, 1])  # ranks 0 1 2 3 → 0 2 3 1
    order = most_worsened(Matched("any", off, on, (1.0, 0.75)))
    assert order.tolist() == [3, 1, 0, 2]  # two places down, one up, none, one up as it should


def test_a_change_is_described_with_its_parts():
    told = describe_change([-0.5, 0.25, 0.0], 0.1)
    assert "this domain by +0.10, that of this image by −0.25 (stage 1 −0.50, stage 2 +0.25, stage 3 +0.00)" in told


def test_every_bundled_task_has_both_methods_and_its_shifts():
    tasks = bundled_tasks()
    assert set(tasks) == {"digits", "parts"}
    assert all([run.config.detector for run in task.runs] == ["rd4ad", "gnl"] for task in tasks.values())
    assert bundled_cases(tasks)["digits_m"].task.dataset == "digits"


def test_without_bundled_runs_the_message_says_how_to_train_them(monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "BUNDLED", tmp_path)
    with pytest.raises(ValueError, match="make checkpoints"):
        bundled_tasks()
