"""The folders that `benchmarks.scale` measures are what it says they are."""

from __future__ import annotations

from pathlib import Path

from benchmarks.scale_folders import OTHER_CLASS, STRENGTH, build_images, build_runs, build_scores
from gnl_core.config import scoring_settings
from gnl_core.datasets import list_items
from gnl_core.jobs.listing import list_jobs
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.scores import find_scores


def test_the_folder_has_as_many_images_to_score_as_asked_for(tmp_path: Path):
    build_images(tmp_path, 40)
    items = list_items("folder", normal_class="good", domain="test", root=tmp_path / "images")
    assert [item.label for item in items].count(0) == 36
    assert len(items) == 40
    assert items[0].read().shape == (32, 32, 3)


def test_the_runs_are_listed_as_finished(tmp_path: Path):
    build_runs(tmp_path, 2)
    assert [job.state for job in list_jobs(tmp_path)] == ["finished", "finished"]


def test_the_run_with_scores_has_as_many_in_the_shifted_domain_as_asked_for(tmp_path: Path):
    build_scores(tmp_path, 50)
    folder = RunFolder(tmp_path / "many-scores")
    config = read_config(folder)
    scores = find_scores(folder, domain="digits_m", scoring=scoring_settings(config, style_weight=STRENGTH))
    assert scores is not None
    assert (len(scores.score), config.normal_class) == (50, OTHER_CLASS)
