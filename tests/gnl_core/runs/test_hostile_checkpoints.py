"""A checkpoint's metadata starts no download, and builds no network that its tensors do not need."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gnl_core.cli import main
from gnl_core.config import RunConfig, parse_config
from gnl_core.detectors import DETECTORS, complete_config, create_detector
from gnl_core.runs.checkpoints import (
    FORMAT,
    grown,
    learnt_state,
    load_checkpoint,
    outline_detector,
    teacher_fingerprint,
)

BUNDLED = Path(__file__).parents[3] / "assets" / "checkpoints" / "digits-4-gnl"
ELSEWHERE = (
    "hf_hub:timm/resnet18.a1_in1k",
    "hf-hub:timm/resnet18.a1_in1k",
    "https://example.org/weights.pth",
    "local-dir:/tmp",
    "timm/resnet18",
    "../resnet18",
    "/etc/passwd",
    "resnet18\n",
    "",
)


@pytest.fixture(autouse=True)
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection, and no detector except on the meta device."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the metadata of a file must not do this")

    def build(config: RunConfig) -> object:
        return create_detector(config) if torch.get_default_device().type == "meta" else refuse()

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("gnl_core.runs.checkpoints.create_detector", build)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of a bundled checkpoint."""
    return Path(shutil.copytree(BUNDLED, tmp_path / "run")) / "weights.safetensors"


def change_settings(weights: Path, **settings: Any) -> None:
    with safe_open(weights, framework="pt") as file:
        header = json.loads(file.metadata()[FORMAT.entry])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header["config"] |= settings
    save_file(tensors, weights, metadata={FORMAT.entry: json.dumps(header)})


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_teacher_that_is_no_plain_name_is_refused(weights: Path, name: str):
    change_settings(weights, teacher=name)
    with pytest.raises(ValueError, match="unknown teacher"):
        load_checkpoint(weights)


@pytest.mark.parametrize(
    "settings",
    [
        {"teacher": "convnext_xxlarge"},
        {"teacher": "resnet18"},
        {"image_size": [2048, 2048]},
        {"stored_references": 64},
        {"stored_references": 64, "image_size": [2048, 2048]},
        {"detector": "knn"},
        {"detector": "f_anogan"},
    ],
    ids=str,
)
def test_a_network_of_other_tensors_than_the_file_has_is_not_built(weights: Path, settings: dict[str, Any]):
    change_settings(weights, **settings)
    with pytest.raises(ValueError, match=r"does not match its own settings: \d+ tensors differ"):
        load_checkpoint(weights)


@pytest.mark.parametrize(
    "settings",
    [
        {"image_size": [4096, 4096]},
        {"image_size": 10**30},
        {"device": "meta"},
        {"device": "vulkan"},
        {"device": "cpu:1e9"},
        {"epochs": 10**23},
        {"workers": 10**9},
        {"reference_count": 10**9},
    ],
    ids=str,
)
def test_settings_beyond_their_bounds_are_refused(weights: Path, settings: dict[str, Any]):
    change_settings(weights, **settings)
    with pytest.raises(ValueError, match="has settings that this version of gnl does not know"):
        load_checkpoint(weights)


def test_a_size_that_its_teacher_cannot_read_is_refused(weights: Path):
    change_settings(weights, teacher="csatv2", image_size=[60, 60])
    with pytest.raises(ValueError, match="the teacher csatv2, which cannot read images of its size, 60x60 px"):
        load_checkpoint(weights)


def test_the_weights_of_another_teacher_are_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    config = complete_config(parse_config({"detector": "knn", "teacher": "resnet34", "stored_references": 0}))
    outline = outline_detector(config)
    tensors = {name: torch.zeros(tensor.shape) for name, tensor in grown(outline, {"bank": torch.zeros(1)}).items()}
    header = {"config": config.model_dump(mode="json"), "epoch": 1, "teacher": "resnet34", "teacher_fingerprint": ""}
    metadata = {FORMAT.entry: json.dumps(header | {"format_version": FORMAT.version})}
    save_file(tensors, tmp_path / "weights.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match="needs the weights of teacher resnet34, which are not on this machine"):
        load_checkpoint(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_outline_of_a_detector_has_its_tensors(detector: str):
    config = complete_config(parse_config({"detector": detector, "image_size": 32, "stored_references": 2}))
    real, outline = create_detector(config), outline_detector(config)
    shapes = {name: tensor.shape for name, tensor in learnt_state(real).items()}
    assert {name: tensor.shape for name, tensor in outline.tensors.items()} == shapes
    assert all(tensor.is_meta for tensor in outline.tensors.values())
    assert outline.has_teacher == (teacher_fingerprint(real) is not None)


def test_scoring_reports_such_a_checkpoint_in_one_sentence(weights: Path, capsys: pytest.CaptureFixture[str]):
    change_settings(weights, teacher="hf_hub:" + "a" * 20_000)
    assert main(["score", str(weights.parent)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gnl: unknown teacher 'hf_hub:aaa")
    assert said.count("\n") == 1
    assert len(said) <= 400
