from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.exports import differences, open_session, spread_images
from gnl_core import export
from gnl_core.anomaly_map import image_score
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import list_items
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import DETECTORS, create_detector, knn
from gnl_core.detectors.base import Detector
from gnl_core.export import EXPORTABLE, AdjustableReferences, Graph, export_onnx
from gnl_core.models.cutting import Backbone
from gnl_core.models.teachers import Teacher, TeacherSpec
from gnl_core.records import Detection
from gnl_core.runs.training import prepare_training
from gnl_core.training import fit

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason=f"{package} is not installed; the extra [export] has it")

DOCS = Path(__file__).resolve().parents[2] / "docs" / "export.md"
TRAIN_NOTHING = ("knn", "patchcore")
ON_THE_BUNDLED_TEACHER = ("gnl", "patchcore")  # the others' graphs are of the same kinds, on a teacher of few layers
WITHOUT_MAPS = ("deep_svdd", "knn")
SCORED_AS_RD4AD = ("rd4ad_augmix", "rd4ad_mixstyle", "rd4ad_efdm", "rd4ad_jigsaw")
UNUSUAL = {  # everything that is baked in differs from its default
    "matched_stages": "1,2,3",
    "reference_choice": "nearest",
    "align_corners": True,
    "smoothing_sigma_px": 1.5,
    "reduction": "top",
    "top_percent": 5.0,
}


class Exported(NamedTuple):
    """A trained detector, its scoring settings, its graph in ONNX Runtime, six real images, three of them shifted."""

    name: str
    detector: Detector
    scoring: ScoringConfig
    session: Any
    images: torch.Tensor

    def strengths(self) -> list[dict[str, np.ndarray]]:
        """The graph's inputs other than the images."""
        if "style_weight" not in [given.name for given in self.session.get_inputs()]:
            return [{}]
        return [{"style_weight": np.array(strength, np.float32)} for strength in (0, 0.5, 1)]


def promised_differences() -> dict[str, list[float]]:
    """The bounds in docs/export.md: the largest relative difference of scores and of maps, by kind of strength."""
    section = DOCS.read_text(encoding="utf-8").split("## Accuracy")[1]
    rows = re.findall(r"^\| α (= 0|> 0) \| (\S+) \| (\S+) \|$", section, flags=re.MULTILINE)
    return {strength: [float(bound) for bound in bounds] for strength, *bounds in rows}


def make_detector(config: RunConfig, *, domain: str = "digits_m") -> tuple[Detector, torch.Tensor]:
    """An untrained detector that has seen its training images, and three others of the same domain."""
    items = list_items("digits", normal_class="4", domain=domain)[:13]
    detector = create_detector(config)
    batches = Batches(items[3:], image_size=config.image_size, batch_size=5, views=detector.views)
    with torch.no_grad():
        detector.prepare(batches)
    (batch,) = Batches(items[:3], image_size=config.image_size, batch_size=3)
    return detector.eval(), batch.views["original"]


def open_graph(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options)


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=pytest.mark.slow if name in SCORED_AS_RD4AD else ()) for name in EXPORTABLE],
)
def exported(
    request: pytest.FixtureRequest, tiny_config: Callable[..., RunConfig], small_teacher: dict[str, Any]
) -> Exported:
    """Each method, trained for two epochs on images that are not square."""
    chosen = {} if request.param in ON_THE_BUNDLED_TEACHER else small_teacher
    config = tiny_config(detector=request.param, image_size="40x32", epochs=2, **UNUSUAL, **chosen)
    detector, batches = prepare_training(config)
    list(fit(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate))
    images = torch.cat([spread_images(config, domain, count=3) for domain in ("digits", "digits_m")])
    return Exported(request.param, detector, config, open_session(detector, config), images)


@pytest.mark.parametrize("count", [1, 6])
def test_scores_and_maps_are_within_the_bounds_that_the_documentation_promises(exported: Exported, count: int):
    promised = promised_differences()
    for strength in exported.strengths():
        asked = exported.scoring.model_copy(update={name: float(value) for name, value in strength.items()})
        found = differences(exported.detector, exported.session, exported.images[-count:], asked)
        score_bound, map_bound = promised["> 0" if asked.style_weight else "= 0"]
        assert found.score_relative <= score_bound
        assert exported.name in WITHOUT_MAPS or found.map_relative <= map_bound


@pytest.mark.parametrize("name", ["rd4ad", "patchcore"])
def test_the_graph_places_cells_where_we_do(
    name: str, tiny_config: Callable[..., RunConfig], small_teacher: dict[str, Any]
):
    config = tiny_config(detector=name, image_size="45x58", **small_teacher)
    detector, images = make_detector(config)
    content = export_onnx(detector, config, name=name, image_size=config.image_size, facts={})
    with torch.no_grad():
        ours = detector(images, config.model_copy(update={"style_weight": 0.0}))
    given = {"images": images.numpy(), "style_weight": np.array(0, np.float32)}
    scores, maps = open_graph(content).run(None, given)
    np.testing.assert_allclose(scores, ours.score, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(maps, ours.anomaly_map[:, 0], rtol=1e-5, atol=1e-5)


def test_an_export_has_maps_where_the_method_has_them(exported: Exported):
    names = [output.name for output in exported.session.get_outputs()]
    assert names == (["scores"] if exported.name in WITHOUT_MAPS else ["scores", "maps"])


class MeanOfMap(Detector):
    """Scores by the mean of the first channel."""

    def forward(self, images: torch.Tensor, scoring: ScoringConfig) -> Detection:
        return Detection(score=image_score(images[:, :1], reduction="mean"), anomaly_map=None)


def test_a_mean_of_many_values_keeps_its_digits():
    content = export_onnx(MeanOfMap(), ScoringConfig(), name="mean", image_size=(256, 256), facts={})
    (score,) = open_graph(content).run(["scores"], {"images": np.full((1, 3, 256, 256), 0.7, np.float32)})[0]
    assert score == pytest.approx(0.7, rel=1e-5)  # added up one after the other: off by 5e-5


def pooling_backbone() -> Backbone:
    """A backbone that only pools, so that every program has its features to the bit, and many of them tie."""
    stages = nn.ModuleList([nn.MaxPool2d(2) for _ in range(3)])
    return Backbone(stages, (0, 1, 2), ("0", "1", "2"), stages, channels=(3, 3, 3), reductions=(2, 4, 8))


@pytest.mark.parametrize("reference_choice", ["mean", "nearest"])
def test_equal_features_are_matched_equally_ties_too(
    reference_choice: str, monkeypatch: pytest.MonkeyPatch, tiny_config: Callable[..., RunConfig]
):
    pooling = Teacher(TeacherSpec("pooling"), pooling_backbone(), mean=(0, 0, 0), std=(1, 1, 1))
    monkeypatch.setattr(knn, "load_teacher", lambda _: pooling)
    config = tiny_config(detector="knn", reference_choice=reference_choice, matched_stages="1,2,3")
    detector, images = make_detector(config, domain="digits")
    content = export_onnx(detector, config, name="knn", image_size=config.image_size, facts={})
    session = open_graph(content)
    for strength in (0, 0.25, 0.5, 0.75, 1):
        with torch.no_grad():
            ours = detector(images, config.model_copy(update={"style_weight": float(strength)})).score
        given = {"images": images.numpy(), "style_weight": np.array(strength, np.float32)}
        np.testing.assert_allclose(session.run(None, given)[0], ours, rtol=0, atol=1e-5)


def test_the_strength_is_an_input_if_the_method_can_match(exported: Exported):
    strengths = exported.strengths()
    assert (len(strengths) > 1) == exported.detector.matches
    runs = [exported.session.run(["scores"], {"images": exported.images.numpy(), **given})[0] for given in strengths]
    assert len({scores.tobytes() for scores in runs}) == len(strengths)


def test_an_export_does_not_change_the_detector(exported: Exported):
    assert not any(isinstance(module, AdjustableReferences) for module in exported.detector.modules())
    learnt = [p for p in exported.detector.parameters() if p.requires_grad]
    assert bool(learnt) == (exported.name not in TRAIN_NOTHING)


def test_every_method_is_exported_or_has_a_reason():
    assert {*EXPORTABLE, *export.REASONS_AGAINST} == set(DETECTORS)


def test_a_map_that_is_a_gradient_is_refused(tiny_config: Callable[..., RunConfig]):
    config = tiny_config(detector="kdad")
    with pytest.raises(ValueError, match=r"kdad cannot be exported, since its .* is a gradient.*: gnl, rd4ad"):
        export_onnx(create_detector(config), config, name="kdad", image_size=(32, 32), facts={})


def test_another_precision_than_32_bits_is_refused_with_what_to_add(tiny_config: Callable[..., RunConfig]):
    config = tiny_config(detector="knn", scoring_precision="bf16-mixed")
    with pytest.raises(ValueError, match=r"computes in 32 bits, .* bf16-mixed; add --scoring-precision 32-true"):
        export_onnx(create_detector(config), config, name="knn", image_size=(32, 32), facts={})


def test_missing_packages_are_reported(monkeypatch: pytest.MonkeyPatch, tiny_config: Callable[..., RunConfig]):
    monkeypatch.setitem(sys.modules, "onnx", None)  # as if it were not installed
    config = tiny_config(detector="deep_svdd")
    with pytest.raises(ValueError, match=r"needs ONNX's packages; install gnl with its extra: \[export\]"):
        export_onnx(create_detector(config), config, name="deep_svdd", image_size=(32, 32), facts={})


def test_more_references_than_stored_are_refused_as_in_scoring(tiny_config: Callable[..., RunConfig]):
    config = tiny_config(detector="knn", reference_count=4)
    detector, _ = make_detector(config)
    with pytest.raises(ValueError, match="stores 3 references, but 4 are requested"):
        export_onnx(detector, config, name="knn", image_size=(32, 32), facts={})


def test_without_references_a_strength_is_refused(tiny_config: Callable[..., RunConfig]):
    config = tiny_config(detector="knn", stored_references=0)
    detector, _ = make_detector(config)
    with pytest.raises(ValueError, match="stores no references"):
        export_onnx(
            detector, config.model_copy(update={"style_weight": 0.5}), name="knn", image_size=(32, 32), facts={}
        )
    assert not Graph(detector, config.model_copy(update={"style_weight": 0.0}), image_size=(32, 32)).adjustable


class Smallest(Detector):
    """Scores by the smallest of all values, found by sorting."""

    def forward(self, images: torch.Tensor, scoring: ScoringConfig) -> Detection:
        return Detection(score=images.flatten(1).sort(dim=1, stable=True).values[:, 0], anomaly_map=None)


def test_an_untranslatable_operation_is_reported_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    export_onnx(Smallest(), ScoringConfig(), name="smallest", image_size=(4, 4), facts={})
    monkeypatch.setattr(export, "translate_operators", dict)
    with pytest.raises(ValueError, match=r"PyTorch cannot export this detector \(.*sort.*\); choose") as refusal:
        export_onnx(Smallest(), ScoringConfig(), name="smallest", image_size=(4, 4), facts={})
    assert "\n" not in str(refusal.value)


class OneSize(Detector):
    """A detector for two images, no more and no fewer."""

    def forward(self, images: torch.Tensor, scoring: ScoringConfig) -> Detection:
        return Detection(score=images.flatten(1).sum(dim=1) + torch.arange(2.0), anomaly_map=None)


def test_a_detector_for_one_size_of_batch_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"PyTorch cannot export this detector .*; choose") as refusal:
        export_onnx(OneSize(), ScoringConfig(), name="one_size", image_size=(4, 4), facts={})
    assert "\n" not in str(refusal.value)


class Ranks(Detector):
    """A map of the positions from which sorting takes the values."""

    def forward(self, images: torch.Tensor, scoring: ScoringConfig) -> Detection:
        positions = images[:, 0].flatten(1).sort(dim=1, stable=True).indices.float()
        return Detection(score=positions.sum(dim=1), anomaly_map=positions.view(-1, 1, 4, 4))


def test_tied_values_are_sorted_by_their_position():
    session = open_graph(export_onnx(Ranks(), ScoringConfig(), name="ranks", image_size=(4, 4), facts={}))
    tied = np.ones((1, 3, 4, 4), np.float32)
    tied[..., 1, :] = 0  # positions 4 to 7
    assert session.run(["maps"], {"images": tied})[0].flatten().tolist() == [4, 5, 6, 7, 0, 1, 2, 3, *range(8, 16)]


def test_a_file_contains_the_given_metadata_and_no_local_paths():
    content = export_onnx(
        Smallest(), ScoringConfig(), name="smallest", image_size=(4, 4), facts={"normal_class": "nüt"}
    )
    assert open_graph(content).get_modelmeta().custom_metadata_map == {"normal_class": "nüt"}
    assert b".py" not in content
