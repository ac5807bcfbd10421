from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.datasets import list_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.images import read_image
from gnl_core.detectors import create_detector
from gnl_core.runs.adaptations import load_adaptation
from gnl_core.runs.adapting import adapted_run
from gnl_core.runs.checkpoints import save_checkpoint
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.scoring import Run, load_domain, load_run, resolve_scoring, scoring_batches
from gnl_core.scoring import score

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason=f"{package} is not installed; the extra [export] has it")

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = ROOT / "assets" / "checkpoints"
SHIFTED = {"digits-4-gnl": "digits_m", "parts-nut-rd4ad": "parts_lighting"}


@pytest.fixture(scope="module", params=SHIFTED)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundled run's folder, and its export in a new folder."""
    file = tmp_path_factory.mktemp("exports") / "new" / "run.onnx"
    assert main(["export", str(BUNDLED / request.param), "--onnx", str(file), "--style-weight", "0.5"]) == 0
    return BUNDLED / request.param, file


@pytest.fixture(scope="module")
def session(exported: tuple[Path, Path]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(exported[1], options)


@pytest.fixture(scope="module")
def run(exported: tuple[Path, Path]) -> Run:
    return load_run(RunFolder(exported[0]), device="cpu")


@pytest.fixture(scope="module")
def images(exported: tuple[Path, Path], run: Run) -> torch.Tensor:
    """Three shifted test images: the first, one from the middle, and the last."""
    items = list_items(run.config.dataset, normal_class=run.config.normal_class, domain=SHIFTED[exported[0].name])
    (batch,) = scoring_batches([items[0], items[len(items) // 2], items[-1]], run.config)
    return batch.views["original"]


@pytest.fixture(params=[1, 3], ids=["alone", "together"])
def deviations(
    request: pytest.FixtureRequest, run: Run, session: Any, images: torch.Tensor
) -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
    """How far ONNX Runtime's scores and maps are from ours at a strength."""

    def measure(style_weight: float) -> tuple[np.ndarray, np.ndarray]:
        chosen = images[: request.param]
        with torch.no_grad():
            score, anomaly_map, _ = run.detector(chosen, resolve_scoring(run, style_weight=style_weight))
        given = {"images": chosen.numpy(), "style_weight": np.array(style_weight, np.float32)}
        scores, maps = session.run(["scores", "maps"], given)
        return np.abs(scores - score.numpy()), np.abs(maps - anomaly_map[:, 0].numpy())

    return measure


def test_without_matching_onnx_runtime_gives_a_runs_scores_and_maps(deviations: Callable[..., Any]):
    scores, maps = deviations(0.0)
    assert scores.max() <= 1e-4
    assert maps.max() <= 1e-4


@pytest.mark.parametrize("style_weight", [0.5, 1.0])
def test_with_matching_onnx_runtime_differs_only_where_rounding_swaps_ranks(
    deviations: Callable[..., Any], style_weight: float
):
    scores, maps = deviations(style_weight)  # docs/export.md has the shares, and PyTorch's own deviations
    assert np.median(maps) <= 1e-4
    assert maps.max() <= 0.03
    assert scores.max() <= 0.003


@pytest.mark.parametrize("way", ["match-fdm", "standardise"])
def test_an_adapted_run_is_exported_with_its_adaptation(
    way: str, exported: tuple[Path, Path], images: torch.Tensor, tmp_path: Path
):
    import onnxruntime

    folder, file, onnx = RunFolder(exported[0]), tmp_path / "a.safetensors", tmp_path / "a.onnx"
    command = ["adapt", str(folder.path), "--domain", SHIFTED[folder.path.name], "--count", "6", "--way", way]
    assert main([*command, "--output", str(file), "--device", "cpu"]) == 0
    assert main(["export", str(folder.path), "--adaptation", str(file), "--onnx", str(onnx)]) == 0
    unadapted = load_run(folder, device="cpu")
    saved = load_adaptation(file, unadapted)
    with torch.no_grad():
        score, anomaly_map, _ = adapted_run(unadapted, saved).detector(images, saved.record.scoring)
    session = onnxruntime.InferenceSession(onnx)
    scores, maps = session.run(None, {"images": images.numpy(), "style_weight": np.array(0, np.float32)})
    bound = 1e-2 if way == "match-fdm" else 1e-5  # as docs/export.md promises
    np.testing.assert_allclose(scores, score, rtol=bound)
    np.testing.assert_allclose(maps, anomaly_map[:, 0], rtol=0, atol=bound * float(anomaly_map.abs().max()))


def test_a_file_records_its_origin(exported: tuple[Path, Path], run: Run, session: Any):
    facts = session.get_modelmeta().custom_metadata_map
    config = run.config
    assert (facts["detector"], facts["dataset"], facts["normal_class"]) == (
        config.detector,
        config.dataset,
        config.normal_class,
    )
    assert (facts["teacher"], facts["image_size"]) == ("efficientnet_lite0", "{}x{}".format(*config.image_size))
    assert facts["checkpoint_sha256"] == hashlib.sha256((exported[0] / "weights.safetensors").read_bytes()).hexdigest()
    assert (facts["style_weight"], facts["matched_stages"], facts["reduction"]) == ("0.5", "1,2", "maximum")


def test_a_file_has_the_threshold_of_its_scoring_settings(run: Run, session: Any):
    held_out = score(run.detector, load_domain(run, "held_out"), resolve_scoring(run, style_weight=0.5)).score
    threshold = float(session.get_modelmeta().custom_metadata_map["threshold"])
    assert threshold == pytest.approx(np.quantile(held_out, run.config.threshold_quantile), abs=1e-4)


def test_the_script_in_the_readme_scores_a_folder(
    exported: tuple[Path, Path], run: Run, session: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    (script,) = (block for block in blocks if "onnxruntime" in block)
    assert len([line for line in script.splitlines() if line]) == 10
    shutil.copy(exported[1], tmp_path / "gnl-4.onnx")
    items = [
        Item(path=str(path), read=partial(read_image, path), label=0, domain="", category="")
        for path in save_images(tmp_path / "images", run, exported[0].name)
    ]
    capsys.readouterr()
    with contextlib.chdir(tmp_path):
        exec(script, {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (batch,) = scoring_batches(items, run.config)
    given = {"images": batch.views["original"].numpy(), "style_weight": np.array(1, np.float32)}
    assert [name for _, name in lines] == [str(Path("images") / Path(path).name) for path in batch.paths]
    np.testing.assert_allclose([float(value) for value, _ in lines], session.run(["scores"], given)[0], atol=1e-4)


def save_images(folder: Path, run: Run, name: str) -> list[Path]:
    """Some shifted test images as PNG files, at their own size; the first one in grey."""
    folder.mkdir()
    items = list_items(run.config.dataset, normal_class=run.config.normal_class, domain=SHIFTED[name])[:3]
    files = []
    for index, item in enumerate(items):
        picture = PIL.Image.fromarray(item.read())
        files.append(folder / f"{index}.png")
        (picture if index else picture.convert("L")).save(files[-1])
    return files


def test_a_run_that_cannot_be_exported_leaves_an_existing_file_unchanged(
    tmp_path: Path, tiny_config: Callable[..., RunConfig], capsys: pytest.CaptureFixture[str]
):
    config = tiny_config(detector="kdad")
    folder = create_run(tmp_path / "run", config)
    save_checkpoint(folder.weights, create_detector(config), config, epoch=1)
    file = tmp_path / "old.onnx"
    file.write_bytes(b"old")
    assert main(["export", str(folder.path), "--onnx", str(file)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("gnl: kdad cannot be exported")
    assert file.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.onnx", "run"]


def test_a_run_without_a_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", str(tmp_path), "--onnx", str(tmp_path / "run.onnx")]) == 2
    assert capsys.readouterr().err.startswith("gnl: no checkpoint at")
