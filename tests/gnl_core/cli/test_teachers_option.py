"""Backbones of timm as teachers, trained, scored and exported on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from gnl_core.cli import main
from gnl_core.config import ScoringConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import load_run

RUNS = [  # a teacher, a method, a size
    ("test_convnext", "gnl", "33x40"),
    ("shvit_s1", "gnl", "64"),  # reductions 16, 32, 64
    ("test_mambaout", "rd4ad", "32"),  # channels last within
    ("lambda_resnet26t", "knn", "32"),  # weights of five dimensions
    ("densenet121", "knn", "28"),
    ("shvit_s1", "kdad", "70x64"),
    ("csatv2", "kdad", "64"),  # reductions 8, 16, 32
]


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the data set's first 20 test images."""
    few = DATASETS["digits"]._replace(test_items=lambda *about: digits.test_items(*about)[:20])
    monkeypatch.setitem(DATASETS, "digits", few)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teachers")


def weight_file(name: str, folder: Path) -> Path:
    """A file of random weights of a whole classifier."""
    file = folder / f"{name}.pth"
    if not file.exists():
        torch.save(timm.create_model(name).state_dict(), file)
    return file


def train(name: str, *, detector: str, size: str, folder: Path) -> Path:
    """The folder of a run of two steps."""
    run = folder / f"{name}-{detector}"
    flags = [f"--teacher={name}", f"--teacher-weights={weight_file(name, folder)}", f"--image-size={size}"]
    tiny = ["--limit=16", "--epochs=1", "--batch-size=8", "--holdout-percent=0", "--device=cpu", "--seed=7"]
    assert main(["train", "--run", str(run), f"--detector={detector}", *flags, *tiny]) == 0
    return run


@pytest.mark.parametrize(("name", "detector", "size"), RUNS)
def test_a_timm_backbone_trains_and_scores_as_a_teacher(
    name: str, detector: str, size: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    run = train(name, detector=detector, size=size, folder=folder)
    capsys.readouterr()
    assert main(["score", str(run), "--domain", "digits", "--device", "cpu", "--json"]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["domains"]["digits"]["auroc"] <= 1


def test_a_size_that_a_teacher_cannot_read_is_reported_before_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    weights = weight_file("csatv2", folder)
    refused = ["train", "--run", str(folder / "no"), "--teacher=csatv2", f"--teacher-weights={weights}"]
    assert main([*refused, "--image-size=60", "--device=cpu"]) == 2
    assert "gnl: the teacher csatv2 cannot read images of 60x60 px" in capsys.readouterr().err
    assert not (folder / "no").exists()


@pytest.mark.slow
def test_a_run_of_a_convnext_is_exported(folder: Path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    onnxruntime = pytest.importorskip("onnxruntime")
    run = folder / "test_convnext-gnl"
    if not run.exists():
        train("test_convnext", detector="gnl", size="33x40", folder=folder)
    assert main(["export", str(run), "--onnx", str(folder / "run.onnx")]) == 0
    images = torch.rand(3, 3, 33, 40)
    given = {"images": images.numpy(), "style_weight": np.array(0, np.float32)}
    scores = onnxruntime.InferenceSession(folder / "run.onnx").run(["scores"], given)[0]
    with torch.no_grad():
        ours = load_run(RunFolder(run), device="cpu").detector(images, ScoringConfig(style_weight=0)).score
    np.testing.assert_allclose(scores, ours, rtol=1e-3, atol=1e-4)
