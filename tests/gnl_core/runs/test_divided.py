"""A run on a folder without a training folder keeps its split of the normal images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.config.data import Split
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.images import list_domain
from gnl_core.runs.scores import read_saved_scores

NORMAL_IMAGES = 24


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in (*(f"OK/{number:02d}" for number in range(NORMAL_IMAGES)), "NG/0", "NG/1"):
        file = tmp_path / "mine" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(file)
    return tmp_path / "mine"


def settings(root: Path) -> list[str]:
    fast = ["--detector", "rd4ad", "--image-size", "32", "--epochs", "1", "--device", "cpu"]
    return ["--dataset", "folder", "--normal-class", "good", "--data-root", str(root), *fast]


def paths(config: RunConfig, domain: str) -> set[str]:
    return {item.path for item in list_domain(config, domain)}


def test_a_run_stores_its_split_and_is_scored_with_it(
    two_folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run"
    divided = ["--split-seed", "5", "--test-percent", "40"]
    assert main(["train", *settings(two_folders), *divided, "--run", str(run)]) == 0
    said = capsys.readouterr().err
    assert "about 40 % of the normal images are kept for testing, chosen by file name and split seed 5" in said
    config = read_config(RunFolder(run))
    assert config.split == Split(seed=5, test_percent=40)
    learnt, held_out, scored = (paths(config, domain) for domain in ("train", "held_out", "test"))
    assert not scored & (learnt | held_out)
    assert len(learnt | held_out | scored) == NORMAL_IMAGES + 2
    assert scored != paths(config.model_copy(update={"split_seed": 0}), "test")

    assert main(["score", str(run), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["domains"]["test"]["n_normal"] == len(scored) - 2
    assert "split seed 5" in told.err
    saved = read_saved_scores(RunFolder(run))
    assert saved is not None
    assert set(saved["path"][saved["domain"] == "test"].tolist()) == scored


def test_the_training_seed_does_not_change_the_split(two_folders: Path):
    configs = [RunConfig(dataset="folder", normal_class="good", data_root=two_folders, seed=seed) for seed in (0, 1)]
    assert paths(configs[0], "test") == paths(configs[1], "test")


def test_a_comparison_refuses_runs_with_another_split(
    two_folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = [*settings(two_folders), "--output", str(tmp_path / "compared")]
    assert main(["compare", *words, "--split-seed", "5"]) == 0
    assert main(["compare", *words, "--split-seed", "5"]) == 0
    assert "split seed 5" in capsys.readouterr().err
    assert main(["compare", *words]) == 2
    assert "was trained with split_seed = 5, but 0 is requested" in capsys.readouterr().err


def test_an_unusable_folder_leaves_no_run(two_folders: Path, tmp_path: Path, capsys):
    (two_folders / "scratch").mkdir()
    (two_folders / "NG" / "0.png").rename(two_folders / "scratch" / "0.png")
    assert main(["train", *settings(two_folders), "--run", str(tmp_path / "run")]) == 2
    assert "scratch is neither normal nor anomalous by its name" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
