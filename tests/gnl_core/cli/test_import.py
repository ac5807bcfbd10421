from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.datasets import DATASETS, digits
from gnl_core.models.bottleneck import Bottleneck
from gnl_core.models.student import Student
from gnl_core.models.teachers import create_teacher
from gnl_core.runs.folder import RunFolder, read_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random ResNet-18 and a checkpoint that fits it, as teacher.pth and published.pth."""
    folder = tmp_path_factory.mktemp("published")
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), folder / "teacher.pth")
    teacher = create_teacher("resnet18", weights=folder / "teacher.pth")
    states = {"bn": Bottleneck(teacher).state_dict(), "decoder": Student(teacher).state_dict()}
    torch.save(states, folder / "published.pth")
    return folder


@pytest.fixture
def import_(folder: Path, tmp_path: Path) -> Callable[..., int]:
    """Run gnl import on that checkpoint, into tmp_path/run."""
    flags = ["--teacher=resnet18", f"--teacher-weights={folder / 'teacher.pth'}", "--image-size=64"]
    command = ["import", str(folder / "published.pth"), "--run", str(tmp_path / "run"), *flags]
    return lambda *more: main([*command, *map(str, more)])


def test_an_imported_run_is_scored_like_any_other_run(
    import_: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    few = DATASETS["digits"]._replace(test_items=lambda *about: digits.test_items(*about)[:20])
    monkeypatch.setitem(DATASETS, "digits", few)
    assert import_() == 0
    said = capsys.readouterr().err
    assert "gnl on resnet18, normal class 4 of digits; references: digits/" in said
    assert main(["score", str(tmp_path / "run"), "--domain", "digits", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 0 <= found["domains"]["digits"]["auroc"] <= 1
    assert (found["style_weight"], found["reference_count"], found["smoothing_sigma_px"]) == (0.5, 1, 4.0)


def test_the_default_settings_are_those_of_the_published_code(import_: Callable[..., int], tmp_path: Path):
    assert import_("--detector=rd4ad", "--references=drawn", "--stored-references=3", "--smoothing-sigma-px=0") == 0
    config = read_config(RunFolder(tmp_path / "run"))
    assert (config.detector, config.teacher, config.image_size) == ("rd4ad", "resnet18", (64, 64))
    assert (config.stored_references, config.reference_count, config.smoothing_sigma_px) == (3, 1, 0)
    assert config.holdout_percent == 0  # the published code trains on all images


def test_without_the_data_set_the_run_is_imported_without_references(
    import_: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert import_("--dataset=mvtec", "--normal-class=bottle", f"--data-root={tmp_path}") == 0
    assert "no reference images, so the run can only be scored with --style-weight 0: " in capsys.readouterr().err
    assert read_config(RunFolder(tmp_path / "run")).stored_references == 0


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--normal-class=ten", "unknown class 'ten'"),
        ("--dataset=letters", "unknown dataset 'letters'"),
        ("--detector=knn", "published checkpoints are of rd4ad or gnl"),
        ("--reference-count=2", "a reference count of 2 needs as many stored references"),
    ],
)
def test_a_bad_setting_is_refused_in_one_line_and_leaves_no_run(
    flag: str, words: str, import_: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert import_(flag) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gnl: ")
    assert words in line
    assert not (tmp_path / "run").exists()


def test_the_help_shows_the_actual_defaults(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["import", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "(default: wide_resnet50_2)" in said
    assert "64, or 48x64 (default: 256)" in said
    assert str(RunConfig.model_fields["teacher"].default) not in said
