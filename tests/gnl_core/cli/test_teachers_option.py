"""Backbones of timm as teachers, trained, scored and exported on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

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
    ("test_vit", "gnl", "48x32"),  # tokens
    ("test_vit", "patchcore", "64"),
    ("vit_tiny_patch16_dinov3_qkvb", "kdad", "32"),  # four registers, rotary positions
    ("efficientvim_m1", "gnl", "64"),  # not cut
]
WHOLE = ("efficientvim_m1",)


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
    unmatched = ["--stored-references=0"] if name in WHOLE else []
    assert main(["train", "--run", str(run), f"--detector={detector}", *flags, *tiny, *unmatched]) == 0
    return run


@pytest.mark.parametrize(("name", "detector", "size"), RUNS)
def test_a_timm_backbone_trains_and_scores_as_a_teacher(
    name: str, detector: str, size: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    run = train(name, detector=detector, size=size, folder=folder)
    capsys.readouterr()
    strength = [] if name in WHOLE else ["--style-weight", "1"]
    assert main(["score", str(run), "--domain", "digits", "--device", "cpu", "--json", *strength]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 <= told["domains"]["digits"]["auroc"] <= 1
    if name in WHOLE:
        assert told["style_weight"] == 0
        assert "a teacher that computes its three maps at once, as this one does, stores none" in told["no_shift_score"]
        assert "--stored-references" not in told["no_shift_score"]


def test_a_size_that_a_teacher_cannot_read_is_reported_before_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    weights = weight_file("csatv2", folder)
    refused = ["train", "--run", str(folder / "no"), "--teacher=csatv2", f"--teacher-weights={weights}"]
    assert main([*refused, "--image-size=60", "--device=cpu"]) == 2
    assert "gnl: the teacher csatv2 cannot read images of 60x60 px" in capsys.readouterr().err
    assert not (folder / "no").exists()


@pytest.mark.parametrize("detach", [[], ["--detach"]])
@pytest.mark.parametrize(
    ("teacher", "reason"), [("csatv2", "is not a PyTorch state dict"), ("test_convnext", "of the teacher's tensors")]
)
def test_weights_that_a_teacher_cannot_have_are_refused_before_anything_is_written(
    teacher: str, reason: str, detach: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    weights = weight_file("csatv2", tmp_path)
    if teacher == "csatv2":
        weights.write_bytes(b"damaged")
    flags = [f"--teacher={teacher}", f"--teacher-weights={weights}", "--image-size=64", "--device=cpu", "--limit=16"]
    assert main(["train", "--run", str(tmp_path / "runs" / "one"), *detach, *flags]) == 2
    (said,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("train:")]
    assert said.startswith("gnl: ")
    assert str(weights) in said
    assert reason in said
    assert not (tmp_path / "runs").exists()


def test_a_teacher_that_is_not_cut_is_refused_with_references_before_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    weights = weight_file("efficientvim_m1", folder)
    refused = ["train", "--run", str(folder / "no"), "--teacher=efficientvim_m1", f"--teacher-weights={weights}"]
    assert main([*refused, "--image-size=64", "--device=cpu"]) == 2
    assert "computes its three maps at once" in capsys.readouterr().err
    assert not (folder / "no").exists()


@pytest.mark.parametrize(("name", "is_cut"), [("test_vit", True), ("efficientvim_m1", False)])
def test_only_a_teacher_that_is_cut_has_a_map_from_a_new_domain(
    name: str, is_cut: bool, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = folder / f"{name}-gnl"
    if not run.exists():
        train(name, detector="gnl", size="64", folder=folder)
    noise = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    for place, pixels in enumerate(noise):
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    capsys.readouterr()
    adapted = ["adapt", str(run), "--images", str(tmp_path), "--output", str(folder / f"{name}.safetensors")]
    assert main([*adapted, "--device", "cpu"]) == 0
    assert ("displacement: " in capsys.readouterr().out) == is_cut


EXPORTED = [("test_convnext", "gnl", "33x40"), ("test_vit", "knn", "48x32")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "detector", "size"), EXPORTED)
def test_a_run_is_exported(name: str, detector: str, size: str, folder: Path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    onnxruntime = pytest.importorskip("onnxruntime")
    run = folder / f"{name}-{detector}"
    if not run.exists():
        train(name, detector=detector, size=size, folder=folder)
    assert main(["export", str(run), "--onnx", str(folder / "run.onnx")]) == 0
    height, width = map(int, size.split("x"))
    images = torch.rand(3, 3, height, width)
    given = {"images": images.numpy(), "style_weight": np.array(0, np.float32)}
    scores = onnxruntime.InferenceSession(folder / "run.onnx").run(["scores"], given)[0]
    with torch.no_grad():
        ours = load_run(RunFolder(run), device="cpu").detector(images, ScoringConfig(style_weight=0)).score
    np.testing.assert_allclose(scores, ours, rtol=1e-3, atol=1e-4)


def test_a_comparison_names_once_what_its_teacher_cannot_do(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (name,) = WHOLE
    teacher = [f"--teacher={name}", f"--teacher-weights={weight_file(name, folder)}", "--image-size=64", "--device=cpu"]
    asked = ["compare", "--output", str(tmp_path / "made"), "--normal-class=4", "--detector", "rd4ad", "gnl", *teacher]
    for flags, remedy in (
        ([], "add --stored-references 0"),
        (["--stored-references=0", "--style-weight", "0", "1"], "use --style-weight 0"),
    ):
        assert main([*asked, *flags]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert remedy in said
    assert not (tmp_path / "made").exists()
