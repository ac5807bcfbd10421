"""Export as ONNX graphs: a trained detector, from images and matching strength to scores and maps; a teacher's stage.

PyTorch's own exporter makes the graph. It needs the packages of the extra `export`, which no other module
imports.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gnl_core.config import ScoringConfig
from gnl_core.datasets.region import counted_pixels
from gnl_core.detectors import DETECTORS
from gnl_core.detectors.base import Detector
from gnl_core.detectors.references import References
from gnl_core.finite import check_scores
from gnl_core.models.teachers import Mix

BATCH = "batch"  # name of the dimension that may have any size
REMEDY = "choose a run with one of our own teachers"
OPSET = 18  # the oldest ONNX version that PyTorch's exporter writes without conversion
REASONS_AGAINST = {"kdad": "its anomaly map is a gradient, which an ONNX graph cannot compute"}
EXPORTABLE = tuple(name for name in DETECTORS if name not in REASONS_AGAINST)


class AdjustableReferences(nn.Module):
    """References whose matching strength is a buffer, so that the strength can be an input of the graph.

    Matching is linear in the strength (Eq. 1), so features are fully matched and then mixed with the original ones.
    """

    strength: Tensor

    def __init__(self, references: References) -> None:
        super().__init__()
        self.references = references
        self.register_buffer("strength", torch.zeros(()))

    def matching(self, scoring: ScoringConfig, *, own_weight: float) -> Mix:
        """Build the function that matches each stage's map, as `References.matching` does, at the buffer's strength."""
        unadapted = self.references.adapted(None)  # the domain map acts before matching, at any strength
        match = unadapted.matching(scoring.model_copy(update={"style_weight": 1.0}), own_weight=1.0)
        assert match is not None  # strength 1 always means matching

        def mix(index: int, stage: Tensor) -> Tensor:
            stage = self.references.carry_over(index, stage)
            matched = match(index, stage)
            return stage if matched is stage else (1 - self.strength) * stage + self.strength * matched

        return mix


class Graph(nn.Module):
    """A detector with fixed scoring settings, as a function of tensors only."""

    region: Tensor | None

    def __init__(self, detector: Detector, scoring: ScoringConfig, *, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("region", counted_pixels(scoring.region_of_interest, image_size))
        self.detector = copy.deepcopy(detector).cpu().eval().requires_grad_(False)
        avoid_writing_in_place(self.detector)
        self.scoring = scoring
        references = kept_references(self.detector)
        self.adjustable = references is not None
        if references is not None:
            self.detector.references = AdjustableReferences(references)

    def forward(
        self, images: Tensor, style_weight: Tensor | None = None, content: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Score images.

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            style_weight: Scalar in [0, 1]; None if there is nothing to match.
            content: True for the pixels that are not border, shape (B, H, W); None if images have no border.

        Returns:
            Scores (B,), and maps (B, H, W) if the method has any.
        """
        inputs = {} if style_weight is None else {"references.strength": style_weight}
        detection = functional_call(self.detector, inputs, (images, self.scoring))
        score, anomaly_map, _ = self.detector.count_only(detection, self.counted(content), self.scoring)
        return (score,) if anomaly_map is None else (score, anomaly_map[:, 0])

    def counted(self, content: Tensor | None) -> Tensor | None:
        """Mark the pixels that count: those of the region of interest that are not border."""
        if content is None or self.region is None:
            return self.region if content is None else content[:, None]
        return self.region & content[:, None]


class Stage(nn.Module):
    """A stage of a teacher, as a function of a named tensor."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = copy.deepcopy(stage)
        avoid_writing_in_place(self.stage)

    def forward(self, features: Tensor) -> Tensor:
        """Compute the stage's map from the previous one, or from normalised images."""
        stage: Tensor = self.stage(features)
        return stage


def avoid_writing_in_place(layers: nn.Module) -> None:
    """Let activations return new tensors: PyTorch's exporter traces these faster than tensors written in place."""
    for module in layers.modules():
        if isinstance(getattr(module, "inplace", None), bool):
            setattr(module, "inplace", False)  # noqa: B010 (nn.Module declares its attributes as tensors)


def kept_references(detector: Detector) -> References | None:
    """Return the stored references; None if the method does not match or the checkpoint stores none."""
    stored = (module for module in detector.modules() if isinstance(module, References) and module.count)
    return next(stored, None) if detector.matches else None


def export_onnx(  # noqa: PLR0913 (what a file consists of, by keyword)
    detector: Detector,
    scoring: ScoringConfig,
    *,
    name: str,
    image_size: tuple[int, int],
    facts: Mapping[str, str],
    with_border: bool = False,
) -> bytes:
    """Turn a trained detector into an ONNX file.

    Its inputs are `images` (float32 RGB in [0, 1], shape (batch, 3, H, W), any batch), where features can be matched
    the scalar `style_weight`, and where images can have a border `content` (booleans, shape (batch, H, W)); its outputs
    are `scores` (batch,) and, if the method has them, `maps` (batch, H, W). The graph contains the teacher's weights
    and normalisation and all other settings of the scoring.

    Args:
        detector: A trained detector.
        scoring: Settings of the scoring; the strength remains an input.
        name: The detector's name in DETECTORS.
        image_size: Height and width of the images.
        facts: Metadata of the file.
        with_border: Whether images have a border, which must not count.

    Raises:
        ValueError: If the method cannot be exported, a package is missing, the checkpoint does not support the scoring,
            or the scores of example images are not finite.
    """
    if name in REASONS_AGAINST:
        raise ValueError(
            f"{name} cannot be exported, since {REASONS_AGAINST[name]}; choose a run of: {', '.join(EXPORTABLE)}"
        )
    if scoring.scoring_precision != "32-true":
        raise ValueError(
            f"an ONNX file computes in 32 bits, but the scoring precision is {scoring.scoring_precision}; "
            "add --scoring-precision 32-true"
        )
    operators = translate_operators()
    graph = Graph(detector, scoring, image_size=image_size)
    examples = {"images": torch.rand(2, 3, *image_size)}  # the exporter would fix the batch size of a single image
    if graph.adjustable:
        examples["style_weight"] = torch.tensor(0.5)
    if with_border and detector.gives_maps:
        examples["content"] = torch.ones(2, *image_size, dtype=torch.bool)
    with torch.no_grad(), quiet():
        outputs = graph(**examples)  # invalid scoring settings fail here, not within the exporter
        check_scores(outputs[0].numpy(), source=name)
        program = trace(graph, examples, outputs=["scores", "maps"][: len(outputs)], operators=operators)
    program.model.metadata_props.update(facts)
    forget_origin(program.model)
    return program.model_proto.SerializeToString(deterministic=True)


def export_stage(stage: nn.Module, features: Tensor) -> bytes:
    """Turn a stage of a teacher into an ONNX graph from `features` to `stage`, for batches of any size.

    Args:
        stage: One of `Teacher.stages`, on the CPU.
        features: An example of what it reads, with two images or more, shape (B, C, H, W).

    Raises:
        ValueError: If it cannot be exported, or a package is missing.
    """
    operators = translate_operators()
    with torch.no_grad(), quiet():
        program = trace(Stage(stage), {"features": features}, outputs=["stage"], operators=operators)
    forget_origin(program.model)
    return program.model_proto.SerializeToString(deterministic=True)


def trace(
    graph: nn.Module, examples: dict[str, Tensor], *, outputs: Sequence[str], operators: dict[Any, Callable[..., Any]]
) -> Any:
    """Let PyTorch export a graph with named outputs, for batches of any size of its first input.

    Raises:
        ValueError: If PyTorch cannot export it.
    """
    try:
        program: Any = torch.onnx.export(
            graph,
            kwargs=examples,
            input_names=list(examples),
            output_names=outputs,
            dynamic_shapes={name: {0: BATCH} if value.dim() else None for name, value in examples.items()},
            opset_version=OPSET,
            custom_translation_table=operators,
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ValueError(f"PyTorch cannot export this detector ({reason}); {REMEDY}") from None
    if str(program.model.graph.inputs[0].shape[0]) != BATCH:  # the exporter may fix the size silently
        raise ValueError(f"PyTorch cannot export this detector for batches of any size; {REMEDY}")
    return program


def translate_operators() -> dict[Any, Callable[..., Any]]:
    """Translate PyTorch operators that its exporter does not support into ONNX.

    Raises:
        ValueError: If ONNX's packages are not installed.
    """
    try:
        import onnx  # noqa: F401, PLC0415 (an extra)
        from onnxscript import opset18 as op  # noqa: PLC0415 (an extra)
    except ImportError:
        raise ValueError("exporting a detector needs ONNX's packages; install gnl with its extra: [export]") from None

    def sort(values: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:
        # ONNX's TopK orders tied values by position, as a stable sort does.
        every = op.Slice(op.Shape(values), [dim], [dim + 1])
        return op.TopK(values, every, axis=dim, largest=int(descending), sorted=1)

    def cdist(left: Any, right: Any, p: float = 2.0, compute_mode: int = 0) -> Any:
        return op.ReduceL2(op.Sub(op.Unsqueeze(left, [-2]), op.Unsqueeze(right, [-3])), [-1], keepdims=0)

    def mean(values: Any, dim: Sequence[int], keepdim: bool = False) -> Any:
        # ONNX Runtime sums values one after the other, which accumulates rounding; one axis at a time keeps sums short.
        for axis in dim:
            values = op.ReduceMean(values, [axis], keepdims=1)
        return values if keepdim else op.Squeeze(values, list(dim))

    aten = torch.ops.aten
    return {aten.sort.stable: sort, aten._cdist_forward.default: cdist, aten.mean.dim: mean}


def forget_origin(model: Any) -> None:
    """Remove the exporter's notes on each node: lines of code and their paths on this machine."""
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's deprecation warnings and log messages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
