from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gnl_core.adaptation.choice import Evidence, Ways
from gnl_core.adaptation.recalibration import Aim
from gnl_core.config import RunConfig
from gnl_core.detectors import create_detector
from gnl_core.records import RecalibratedThreshold
from gnl_core.runs.adaptations import AdaptationRecord, SavedAdaptation, load_adaptation, save_adaptation
from gnl_core.runs.adapting import AdaptSettings, adapt_run, adapt_scoring, find_images
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scoring import Run, load_run

SEVERAL = ("match-fdm", "standardise")


def adapt_tiny(run: Run, way: str, **scoring: object) -> SavedAdaptation:
    settings = AdaptSettings(count=6, way=way)
    found = find_images(run, folder=None, domain="digits_m", settings=settings, explain=pytest.fail)
    return adapt_run(run, found, scoring=adapt_scoring(run, scoring), settings=settings, explain=pytest.fail)


@pytest.fixture(scope="module")
def run(trained_run: RunFolder) -> Run:
    return load_run(trained_run, device="cpu")


@pytest.fixture(scope="module")
def adapted(run: Run) -> dict[str, SavedAdaptation]:
    """An adaptation of each kind."""
    return {way: adapt_tiny(run, way) for way in SEVERAL}


@pytest.fixture
def file(adapted: dict[str, SavedAdaptation], tmp_path: Path) -> Path:
    """A file with a domain map."""
    save_adaptation(tmp_path / "new" / "adaptation.safetensors", adapted["match-fdm"])
    return tmp_path / "new" / "adaptation.safetensors"


def contents(file: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The file's header and tensors, read by safetensors itself."""
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (no dict)
        return json.loads(opened.metadata()["gnl-adaptation"]), tensors


def rewrite(file: Path, *, header: dict[str, Any] | str, tensors: dict[str, torch.Tensor]) -> None:
    """Write a file as an adaptation is written, header and tensors as given."""
    save_file(tensors, file, metadata={"gnl-adaptation": header if isinstance(header, str) else json.dumps(header)})


def check_refused(file: Path, run: Run, words: str) -> None:
    """Check that the file is refused in one sentence that names it."""
    with pytest.raises(ValueError, match=words) as refusal:
        load_adaptation(file, run)
    assert "\n" not in str(refusal.value)
    assert str(file) in str(refusal.value)


def tensors_of(value: object) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for part in value for tensor in tensors_of(part)] if isinstance(value, tuple) else []


def plain_values(value: object) -> object:
    """A record without its tensors."""
    if isinstance(value, torch.Tensor):
        return None
    return [plain_values(part) for part in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("way", SEVERAL)
def test_a_loaded_adaptation_is_the_saved_one_to_the_bit(
    way: str, adapted: dict[str, SavedAdaptation], run: Run, tmp_path: Path
):
    saved = adapted[way]
    save_adaptation(tmp_path / "a.safetensors", saved)
    loaded = load_adaptation(tmp_path / "a.safetensors", run)
    assert loaded.record == saved.record
    assert plain_values(loaded.adaptation) == plain_values(saved.adaptation)
    pairs = list(zip(tensors_of(loaded.adaptation), tensors_of(saved.adaptation), strict=True))
    assert len(pairs) == {"match-fdm": 15, "standardise": 2}[way]
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_the_records_of_a_loaded_adaptation_have_their_own_types(file: Path, run: Run):
    record = load_adaptation(file, run).record
    kinds = [type(part) for part in (record.ways, record.evidence, record.aim, record.threshold)]
    assert kinds == [Ways, Evidence, Aim, RecalibratedThreshold]


def test_the_same_adaptation_gives_the_same_bytes(adapted: dict[str, SavedAdaptation], file: Path):
    before = file.read_bytes()
    save_adaptation(file, adapted["match-fdm"])
    assert file.read_bytes() == before


def test_a_mixed_precision_adaptation_loads_again(run: Run, tmp_path: Path):
    saved = adapt_tiny(run, "standardise", scoring_precision="bf16-mixed")
    save_adaptation(tmp_path / "a.safetensors", saved)
    assert load_adaptation(tmp_path / "a.safetensors", run).record == saved.record


def test_a_missing_file_is_refused(tmp_path: Path, run: Run):
    check_refused(tmp_path / "none", run, "no adaptation at .*; pass a file written by gnl adapt")
    check_refused(tmp_path, run, "is a folder, where a file is expected")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(file: Path, run: Run, share: float):
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    check_refused(file, run, "is damaged or not an adaptation .*adapt this run again with gnl adapt")


@pytest.mark.parametrize("content", [b"just some text\n", b"\x80\x02}q\x00.", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, run: Run, content: bytes):
    (tmp_path / "notes").write_bytes(content)
    check_refused(tmp_path / "notes", run, "is damaged or not an adaptation")


def test_a_checkpoint_is_not_an_adaptation(run: Run):
    assert run.weights is not None
    check_refused(run.weights, run, "is a safetensors file, but not a gnl adaptation; pass a file written by gnl adapt")


@pytest.mark.parametrize(("version", "remedy"), [(2, "update gnl"), (0, "adapt this run again with gnl adapt")])
def test_another_format_is_refused(file: Path, run: Run, version: int, remedy: str):
    header, tensors = contents(file)
    rewrite(file, header=header | {"format_version": version}, tensors=tensors)
    check_refused(file, run, f"has format {version}, this version of gnl reads 1; {remedy}")


@pytest.mark.parametrize("header", ["{", "[]", "null", "{}", '{"format_version": "one"}', '{"format_version": 1}'])
def test_a_damaged_header_is_refused(file: Path, run: Run, header: str):
    rewrite(file, header=header, tensors=contents(file)[1])
    check_refused(file, run, "has a damaged header .*; copy it again, or adapt this run again with gnl adapt")


@pytest.mark.parametrize("part", [name for name, field in AdaptationRecord.model_fields.items() if field.is_required()])
def test_a_header_that_lacks_a_part_is_refused(file: Path, run: Run, part: str):
    header, tensors = contents(file)
    del header[part]
    rewrite(file, header=header, tensors=tensors)
    check_refused(file, run, "has a damaged header")


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint": "abc"},
        {"colour": "red"},
        {"map_scale": 0},
        {"domain_strength": 1.5},
        {"domain_strength": None},
        {"position_strength": 1.0},
        {"excess": [0.1, 0.2]},
        {"threshold": {"value": None, "n": 6, "promised_rate": None, "assumed_share": 0.1}},
        {"scoring": {"style_weight": 2}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_header_with_impossible_values_is_refused(file: Path, run: Run, change: dict[str, Any]):
    header, tensors = contents(file)
    rewrite(file, header=header | change, tensors=tensors)
    check_refused(file, run, "has a damaged header")


def test_a_threshold_that_is_not_finite_is_refused(file: Path, run: Run):
    header, tensors = contents(file)
    header["threshold"]["value"] = 12345
    rewrite(file, header=json.dumps(header).replace("12345", "1e999"), tensors=tensors)
    check_refused(file, run, "has a damaged header")


def test_another_checkpoint_is_refused(file: Path, run: Run, tiny_config: Callable[..., RunConfig], tmp_path: Path):
    config = tiny_config(seed=5)
    save_checkpoint(tmp_path / "weights.safetensors", create_detector(config), config, epoch=1)
    other = load_run(RunFolder(tmp_path), device="cpu")
    digits = contents(file)[0]["checkpoint"][:12]
    check_refused(
        file, other, rf"was made for another checkpoint \(SHA-256 {digits}…\); adapt this run again with gnl adapt"
    )


def test_a_copy_of_the_run_is_the_same_checkpoint(file: Path, run: Run, tmp_path: Path):
    assert run.weights is not None
    shutil.copy(run.weights, tmp_path / "weights.safetensors")
    moved = load_run(RunFolder(tmp_path), device="cpu")
    assert load_adaptation(file, moved).record == load_adaptation(file, run).record


def test_a_run_without_a_checkpoint_is_refused(file: Path, run: Run):
    with pytest.raises(ValueError, match="belongs to a checkpoint, but this run was not loaded from one; load it"):
        load_adaptation(file, run._replace(sha256=None))


@pytest.mark.parametrize("change", ["missing", "added", "reshaped", "retyped"])
def test_tensors_that_do_not_fit_the_detector_are_refused(file: Path, run: Run, change: str):
    header, tensors = contents(file)
    name = "stage_2.table"
    match change:
        case "missing":
            del tensors[name]
        case "added":
            name = "stage_4.table"
            tensors[name] = torch.ones(1)
        case "reshaped":
            tensors[name] = tensors[name][:1].contiguous()
        case "retyped":
            tensors[name] = tensors[name].double()
    rewrite(file, header=header, tensors=tensors)
    check_refused(file, run, f"does not fit this run's detector: 1 tensors differ, such as '{name}'; adapt this run")


def test_maps_of_another_size_are_refused(adapted: dict[str, SavedAdaptation], run: Run, tmp_path: Path):
    save_adaptation(tmp_path / "a", adapted["standardise"])
    header, tensors = contents(tmp_path / "a")
    tensors["positions.median"] = torch.zeros(64, 64)
    rewrite(tmp_path / "a", header=header, tensors=tensors)
    check_refused(tmp_path / "a", run, "does not fit this run's detector: 1 tensors differ, such as 'positions.median'")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(file: Path, run: Run, value: float):
    header, tensors = contents(file)
    tensors["stage_1.slope"][3] = value
    rewrite(file, header=header, tensors=tensors)
    check_refused(file, run, "stage_1.slope holds numbers that are not finite; adapt this run again")


@pytest.mark.parametrize(("way", "name"), [("match-fdm", "stage_3.high"), ("standardise", "positions.deviation")])
def test_numbers_that_would_divide_by_zero_are_refused(
    way: str, name: str, adapted: dict[str, SavedAdaptation], run: Run, tmp_path: Path
):
    save_adaptation(tmp_path / "a", adapted[way])
    header, tensors = contents(tmp_path / "a")
    tensors[name] = tensors[name.replace("high", "low")].clone() if way == "match-fdm" else 0 * tensors[name]
    rewrite(tmp_path / "a", header=header, tensors=tensors)
    check_refused(tmp_path / "a", run, f"{name} holds numbers that are too small; adapt this run again")
