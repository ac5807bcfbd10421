from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.detectors import DETECTORS, complete_config, create_detector
from gnl_core.detectors.base import Detector
from gnl_core.records import Detection
from gnl_core.runs.checkpoints import load_checkpoint, save_checkpoint

Make = Callable[..., RunConfig]


@pytest.fixture(scope="module")
def config(tiny_config: Make) -> RunConfig:
    return tiny_config(seed=3)


@pytest.fixture(scope="module")
def detector(config: RunConfig) -> Detector:
    return create_detector(config).eval()


@pytest.fixture
def saved(detector: Detector, config: RunConfig, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "weights.safetensors", detector, config, epoch=7)
    return tmp_path / "weights.safetensors"


def contents(file: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The checkpoint's header and tensors, read by safetensors itself."""
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (no dict)
        return json.loads(opened.metadata()["gnl-checkpoint"]), tensors


def rewrite(file: Path, *, header: dict[str, Any] | str | None, tensors: dict[str, torch.Tensor]) -> None:
    """Write a file as a checkpoint is written, header and tensors as given."""
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(tensors, file, metadata=None if header is None else {"gnl-checkpoint": text})


def check_refused(file: Path, words: str) -> None:
    """Check that the file is refused in one sentence that names it."""
    with pytest.raises(ValueError, match=words) as refusal:
        load_checkpoint(file, device="cpu")
    assert "\n" not in str(refusal.value)
    assert str(file) in str(refusal.value)


def test_a_loaded_checkpoint_is_the_detector_that_was_saved(detector: Detector, config: RunConfig, saved: Path):
    loaded, its_config = load_checkpoint(saved, device="cpu")
    assert its_config == complete_config(config)
    assert not loaded.training
    expected, actual = detector.state_dict(), loaded.state_dict()
    assert expected.keys() == actual.keys()
    assert all(torch.equal(actual[name], value) for name, value in expected.items())


def test_the_saved_weights_are_loaded_and_not_the_seeds(detector: Detector, config: RunConfig, tmp_path: Path):
    changed = create_detector(config)
    for parameter in changed.parameters():
        if parameter.requires_grad:
            parameter.data += 1
    save_checkpoint(tmp_path / "w.safetensors", changed, config, epoch=1)
    loaded, _ = load_checkpoint(tmp_path / "w.safetensors", device="cpu")
    name = "network.student.layer1.0.conv1.weight"
    assert torch.equal(loaded.state_dict()[name], detector.state_dict()[name] + 1)


def test_half_precision_halves_the_file_and_rounds_the_weights(config: RunConfig, saved: Path, tmp_path: Path):
    config = config.model_copy(update={"stored_precision": "float16"})
    detector = create_detector(config)
    save_checkpoint(tmp_path / "half.safetensors", detector, config, epoch=1)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.55 * saved.stat().st_size
    loaded, _ = load_checkpoint(tmp_path / "half.safetensors", device="cpu")
    for name, value in detector.state_dict().items():
        assert loaded.state_dict()[name].dtype == value.dtype
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=2**-10, atol=1e-7)


def test_its_metadata_records_its_origin(detector: Detector, config: RunConfig, saved: Path):
    header, _ = contents(saved)
    assert header["format_version"] == 2
    assert header["epoch"] == 7
    assert header["teacher"] == "efficientnet_lite0"
    assert header["teacher_fingerprint"] == detector.network.teacher.fingerprint
    assert RunConfig(**header["config"]) == config


def test_the_teachers_weights_stay_out(detector: Detector, saved: Path):
    _, tensors = contents(saved)
    teachers = [name for name in detector.state_dict() if name.startswith("network.teacher.")]
    assert len(teachers) > 100
    assert set(tensors) == set(detector.state_dict()) - set(teachers)


def test_the_default_model_has_at_most_eight_megabytes(tmp_path: Path):
    config = RunConfig()
    save_checkpoint(tmp_path / "w.safetensors", create_detector(config), config, epoch=1)
    assert (tmp_path / "w.safetensors").stat().st_size <= 8_000_000


def test_the_same_weights_give_the_same_bytes(detector: Detector, config: RunConfig, saved: Path):
    first = saved.read_bytes()
    for _ in range(3):
        save_checkpoint(saved, detector, config, epoch=7)
        assert saved.read_bytes() == first


def test_a_missing_file_is_refused(tmp_path: Path):
    check_refused(tmp_path / "none.safetensors", "no checkpoint at .*train one with gnl train")
    check_refused(tmp_path, "is a folder, where a file is expected")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved: Path, share: float):
    saved.write_bytes(saved.read_bytes()[: int(share * saved.stat().st_size)])
    check_refused(saved, "is damaged or not a checkpoint")


@pytest.mark.parametrize("content", [b"just some text\n", b"\x80\x02}q\x00.", b"\xff" * 64, b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "notes.safetensors").write_bytes(content)
    check_refused(tmp_path / "notes.safetensors", "is damaged or not a checkpoint")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path):
    save_file({"weight": torch.ones(2)}, tmp_path / "other.safetensors", metadata={"format": "pt"})
    check_refused(tmp_path / "other.safetensors", "but not a gnl checkpoint")
    save_file({"weight": torch.ones(2)}, tmp_path / "plain.safetensors")
    check_refused(tmp_path / "plain.safetensors", "but not a gnl checkpoint")


def test_a_newer_format_is_refused(saved: Path):
    header, tensors = contents(saved)
    rewrite(saved, header=header | {"format_version": 3}, tensors=tensors)
    check_refused(saved, "has format 3, this version of gnl reads 2; update gnl")


def test_an_older_format_is_refused(saved: Path):
    header, tensors = contents(saved)
    rewrite(saved, header=header | {"format_version": 1}, tensors=tensors)
    check_refused(saved, "has format 1, this version of gnl reads 2; train the run again")


@pytest.mark.parametrize("header", ["{", "[]", "null", "{}", '{"format_version": "one"}', '{"format_version": 2}'])
def test_a_damaged_header_is_refused(saved: Path, header: str):
    _, tensors = contents(saved)
    rewrite(saved, header=header, tensors=tensors)
    check_refused(saved, "header")


@pytest.mark.parametrize("part", ["config", "epoch", "teacher", "teacher_fingerprint"])
def test_a_header_that_lacks_a_part_is_refused(saved: Path, part: str):
    header, tensors = contents(saved)
    del header[part]
    rewrite(saved, header=header, tensors=tensors)
    check_refused(saved, "header")


def test_settings_that_this_version_does_not_know_are_refused(saved: Path):
    header, tensors = contents(saved)
    header["config"]["colour"] = "red"
    rewrite(saved, header=header, tensors=tensors)
    check_refused(saved, "settings that this version of gnl does not know: .*colour")


def test_other_teacher_weights_are_refused(saved: Path):
    header, tensors = contents(saved)
    rewrite(saved, header=header | {"teacher_fingerprint": "0" * 64}, tensors=tensors)
    check_refused(saved, "trained with other weights of teacher efficientnet_lite0")


@pytest.mark.parametrize("change", ["missing", "added", "reshaped"])
def test_tensors_that_do_not_fit_the_settings_are_refused(saved: Path, change: str):
    header, tensors = contents(saved)
    name = "network.bottleneck.conv1.weight"
    if change == "missing":
        del tensors[name]
    elif change == "added":
        name = "network.bottleneck.conv9.weight"
        tensors[name] = torch.ones(1)
    else:
        tensors[name] = tensors[name][:1].contiguous()
    rewrite(saved, header=header, tensors=tensors)
    check_refused(saved, f"does not match its own settings: 1 tensors differ, such as '{name}'")


def test_a_failing_write_leaves_the_old_checkpoint_alone(
    detector: Detector, config: RunConfig, saved: Path, monkeypatch: pytest.MonkeyPatch
):
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(saved, detector, config, epoch=8)
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == ["weights.safetensors"]


def test_the_new_location_of_a_teachers_weight_file_can_be_given(tiny_config: Make, tmp_path: Path):
    first, moved = tmp_path / "first.pth", tmp_path / "moved.pth"
    torch.save(timm.create_model("mobilenetv2_050").state_dict(), first)
    config = tiny_config(teacher="mobilenetv2_050", teacher_weights=first)
    save_checkpoint(tmp_path / "w.safetensors", create_detector(config), config, epoch=1)
    first.rename(moved)
    with pytest.raises(ValueError, match=r"mobilenetv2_050, which are not on this machine, .*pass them with --teacher"):
        load_checkpoint(tmp_path / "w.safetensors", device="cpu")
    _, its_config = load_checkpoint(tmp_path / "w.safetensors", device="cpu", teacher_weights=moved)
    assert its_config.teacher_weights == moved


class Bank(Detector):
    """A detector that stores an image per row; built without a teacher."""

    memories = ("bank",)

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.register_buffer("bank", torch.zeros(0, 3))

    def forward(self, images: torch.Tensor, scoring: ScoringConfig) -> Detection:
        return Detection(score=self.bank.sum().expand(len(images)), anomaly_map=None)


def test_a_memory_has_as_many_rows_as_were_saved(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(DETECTORS, "bank", Bank)
    config = config.model_copy(update={"detector": "bank"})
    detector = Bank(config)
    detector.bank = torch.rand(5, 3)
    save_checkpoint(tmp_path / "w.safetensors", detector, config, epoch=1)
    loaded, _ = load_checkpoint(tmp_path / "w.safetensors", device="cpu")
    assert torch.equal(loaded.bank, detector.bank)


def test_a_memory_of_other_columns_is_refused(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(DETECTORS, "bank", Bank)
    config = config.model_copy(update={"detector": "bank"})
    detector = Bank(config)
    detector.bank = torch.rand(5, 4)
    save_checkpoint(tmp_path / "w.safetensors", detector, config, epoch=1)
    check_refused(tmp_path / "w.safetensors", "1 tensors differ, such as 'bank'")
