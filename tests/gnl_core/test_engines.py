from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from gnl_core import engines
from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.datasets import list_items
from gnl_core.detectors import complete_config, create_detector
from gnl_core.detectors.base import Detector
from gnl_core.engines import engine_of, use_engine
from gnl_core.models.stages import StageOutput
from gnl_core.runs.folder import create_run, read_config
from gnl_core.runs.scores import read_saved_scores
from gnl_core.runs.scoring import scoring_batches
from gnl_core.runs.training import prepare_training, train_run
from gnl_core.scoring import detect, score_each

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason=f"{package} is not installed; the extra [export] has it")

IMAGE_SIZE = (32, 32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Iterator[Path]:
    """PyTorch's cache folder, empty at first; what a test keeps there, the following ones find."""
    folder = tmp_path_factory.mktemp("cache")
    before = torch.hub.get_dir()
    torch.hub.set_dir(folder)
    yield folder / engines.FOLDER
    torch.hub.set_dir(before)


@pytest.fixture(scope="module")
def config(tiny_config, small_teacher) -> RunConfig:
    return tiny_config(image_size=IMAGE_SIZE[0], **small_teacher)


@pytest.fixture
def detector(config: RunConfig, cache: Path) -> Detector:
    """An untrained detector with its references."""
    made, batches = prepare_training(config)
    made.prepare(batches)
    return made.eval()


@pytest.fixture
def accelerated(detector: Detector) -> Detector:
    use_engine(detector, "onnxruntime", image_size=IMAGE_SIZE)
    return detector


def digits(config: RunConfig, count: int = 24):
    return scoring_batches(list_items("digits", normal_class="4", domain="digits_m")[:count], config)


def graphs_of(detector: Detector) -> engines.StageGraphs:
    graphs = detector.network.teacher.graphs
    assert isinstance(graphs, engines.StageGraphs)
    return graphs


@pytest.mark.parametrize("style_weight", [0.0, 0.5, 1.0])
def test_scores_are_those_of_pytorch(accelerated: Detector, config: RunConfig, style_weight: float):
    scoring = config.model_copy(update={"style_weight": style_weight})
    (((_, theirs),), graphs) = list(detect(accelerated, digits(config), scoring)), graphs_of(accelerated)
    accelerated.network.teacher.graphs = None
    ((_, ours),) = detect(accelerated, digits(config), scoring)
    difference = (theirs.score - ours.score).abs()
    if style_weight == 0:
        torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=0)
    else:  # nearly tied values may swap ranks: docs/performance.md
        assert difference.median() < 1e-4
        assert difference.max() < 0.02 * ours.score.mean()
    assert graphs.compute(0, torch.zeros(1, 3, *IMAGE_SIZE)) is None or torch.is_inference_mode_enabled()


def test_several_strengths_are_scored_as_each_alone(accelerated: Detector, config: RunConfig):
    scorings = [config.model_copy(update={"style_weight": strength}) for strength in (0.0, 0.3, 1.0)]
    together = score_each(accelerated, digits(config), scorings)
    alone = [score_each(accelerated, digits(config), [scoring])[0] for scoring in scorings]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.score, other.score, atol=1e-5)


def test_graphs_are_made_once(accelerated: Detector, config: RunConfig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "export_stage", lambda *_: pytest.fail("the graphs are kept"))
    again = create_detector(config).eval()
    use_engine(again, "onnxruntime", image_size=IMAGE_SIZE)
    assert engine_of(again) == "onnxruntime"


@pytest.mark.parametrize("content", [b"", b"no graph", None], ids=["empty", "text", "another stage"])
def test_a_damaged_graph_is_made_again(accelerated: Detector, cache: Path, config: RunConfig, content: bytes | None):
    (file,) = cache.glob("*/stage_2.onnx")
    good = file.read_bytes()
    file.write_bytes(file.with_name("stage_3.onnx").read_bytes() if content is None else content)
    again = create_detector(config).eval()
    use_engine(again, "onnxruntime", image_size=IMAGE_SIZE)
    assert engine_of(again) == "onnxruntime"
    assert file.read_bytes() == good


def test_a_cache_that_cannot_be_written_is_done_without(
    accelerated: Detector, cache: Path, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = iter([file.read_bytes() for file in sorted(cache.glob("*/stage_*.onnx"))])
    (tmp_path / "file").touch()
    monkeypatch.setattr(engines, "cache_folder", lambda *_: tmp_path / "file" / "folder")
    monkeypatch.setattr(engines, "export_stage", lambda *_: next(made))
    again = create_detector(config).eval()
    use_engine(again, "onnxruntime", image_size=IMAGE_SIZE)
    assert engine_of(again) == "onnxruntime"


def test_only_pytorch_computes_gradients_and_other_sizes(accelerated: Detector):
    graphs, images = graphs_of(accelerated), torch.zeros(2, 3, *IMAGE_SIZE)
    assert graphs.compute(0, images) is None  # with gradients
    with torch.no_grad():
        assert graphs.compute(0, images) is not None
        assert graphs.compute(0, torch.zeros(2, 3, 40, 40)) is None
        assert graphs.compute(0, images.double()) is None


@pytest.fixture
def without_speeds(accelerated: Detector, cache: Path) -> None:
    for kept in cache.glob("*/speed-*.json"):
        kept.unlink()


@pytest.mark.usefixtures("without_speeds")
@pytest.mark.parametrize(("gain", "expected"), [(0.9, "torch"), (2.0, "onnxruntime")])
def test_auto_takes_the_faster_engine_and_measures_once(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch, gain: float, expected: str
):
    monkeypatch.setattr(engines, "measure_gain", lambda *_: gain)
    first = create_detector(config).eval()
    use_engine(first, "auto", image_size=IMAGE_SIZE)
    monkeypatch.setattr(engines, "measure_gain", lambda *_: pytest.fail("it was measured"))
    second = create_detector(config).eval()
    use_engine(second, "auto", image_size=IMAGE_SIZE)
    assert (engine_of(first), engine_of(second)) == (expected, expected)


def test_the_gain_is_a_ratio_of_times(accelerated: Detector):
    assert 0.05 < engines.measure_gain(accelerated.network.teacher, graphs_of(accelerated), IMAGE_SIZE) < 50


def test_without_onnx_runtime_auto_stays_with_pytorch(detector: Detector, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    use_engine(detector, "auto", image_size=IMAGE_SIZE)
    assert engine_of(detector) == "torch"
    with pytest.raises(ValueError, match=r"needs ONNX's packages; install .* \[export\]; or use --engine torch"):
        use_engine(detector, "onnxruntime", image_size=IMAGE_SIZE)


def test_a_graph_with_other_maps_is_refused(detector: Detector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    exported = engines.export_stage
    monkeypatch.setattr(engines, "cache_folder", lambda *_: tmp_path)
    monkeypatch.setattr(engines, "export_stage", lambda _, features: exported(torch.nn.Identity(), features))
    with pytest.raises(ValueError, match="computes other maps of this teacher than PyTorch; or use --engine torch"):
        use_engine(detector, "onnxruntime", image_size=IMAGE_SIZE)


def test_auto_leaves_a_vision_transformer_to_pytorch(tiny_config, tmp_path: Path):
    torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "test_vit.pth")
    detector = create_detector(
        tiny_config(detector="knn", teacher="test_vit", teacher_weights=tmp_path / "test_vit.pth")
    )
    use_engine(detector.eval(), "auto", image_size=IMAGE_SIZE)
    assert engine_of(detector) == "torch"
    with pytest.raises(ValueError, match=r"convolutional teachers alone, .*; or use --engine torch"):
        use_engine(detector, "onnxruntime", image_size=IMAGE_SIZE)


def test_a_method_without_a_teacher_stays_as_it_is(tiny_config):
    detector = create_detector(tiny_config(detector="f_anogan")).eval()
    use_engine(detector, "onnxruntime", image_size=IMAGE_SIZE)
    assert engine_of(detector) == "torch"


def test_an_accelerated_detector_can_be_traced(accelerated: Detector):
    class FirstStage(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teacher = copy.deepcopy(accelerated.network.teacher)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.teacher.apply_stage(0, StageOutput(images)).features

    images = torch.zeros(2, 3, *IMAGE_SIZE)
    with torch.no_grad():
        traced = torch.export.export(FirstStage(), (images,)).module()
        torch.testing.assert_close(traced(images), accelerated.network.teacher.stages[0](images))


def test_the_command_scores_with_the_engine_and_says_so(
    config: RunConfig, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
):
    folder = create_run(tmp_path / "run", complete_config(config))
    list(train_run(read_config(folder), folder))
    flags = ["--engine", "onnxruntime", "--domain", "digits"]
    main(["score", str(folder.path), *flags, "--json"])
    assert json.loads(capsys.readouterr().out)["engine"] == "onnxruntime"
    rows = read_saved_scores(folder)
    assert rows is not None
    assert set(rows["engine"]) == {"onnxruntime"}
    main(["score", str(folder.path), *flags])
    assert "teacher computed by ONNX Runtime" in capsys.readouterr().err
    assert json.loads(folder.report.read_text(encoding="utf-8"))["engine"] == "onnxruntime"
