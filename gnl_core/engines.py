"""Engines of scoring: PyTorch, or ONNX Runtime for the teacher's stages, which it computes faster on most processors.

Everything else stays in PyTorch: feature distribution matching between the stages, and the networks that learn. The
graphs of a teacher are the same for all runs with this teacher and image size, so they are made once and kept in
PyTorch's cache folder.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import PositiveFloat
from torch import Tensor

from gnl_core.config.values import EngineName
from gnl_core.detectors.base import Detector
from gnl_core.export import export_stage
from gnl_core.files import read_bytes
from gnl_core.files.records import SavedRecord, read_record
from gnl_core.files.writing import write_atomically
from gnl_core.messages import shorten
from gnl_core.models.stages import CarryingStage
from gnl_core.models.teachers import Teacher
from gnl_core.scoring import cached_chunk_size
from gnl_core.strict_json import to_json

FOLDER = "gnl-stages"  # in PyTorch's cache
LARGEST_GRAPH_BYTES = 2**31  # of one stage; ONNX allows no more
LARGEST_DIFFERENCE = 1e-4  # of a graph's map from PyTorch's, as a share of the map's largest value
LEAST_GAIN = 1.1  # times as fast as PyTorch; below, auto stays with PyTorch
TIMED_ROUNDS = 5
DIGITS = 16  # of a hash in the name of a file or folder


class MeasuredSpeed(SavedRecord):
    """How fast a teacher's graphs were on a machine, measured once.

    Attributes:
        gain: PyTorch's time, divided by that of the graphs.
    """

    gain: PositiveFloat


class StageGraphs:
    """A teacher's three stages as ONNX graphs, for images of one size."""

    def __init__(self, sessions: Sequence[Any], inputs: Sequence[Tensor]) -> None:
        self._sessions = tuple(sessions)
        self._shapes = tuple(features.shape[1:] for features in inputs)

    def __deepcopy__(self, memo: object) -> StageGraphs:
        """Return the same object, which never changes: sessions cannot be copied."""
        return self

    def compute(self, index: int, features: Tensor) -> Tensor | None:
        """Compute a stage's map.

        Args:
            index: The stage's index: 0, 1 or 2.
            features: What it reads, shape (B, C, H, W).

        Returns:
            The map, or None where only PyTorch can compute it: with gradients, in a traced graph, in another
            precision, on another device, or for images of another size.
        """
        fits = features.shape[1:] == self._shapes[index] and features.dtype == torch.float32
        if not fits or features.device.type != "cpu" or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return None
        return run_graph(self._sessions[index], features)


def use_engine(detector: Detector, engine: EngineName, *, image_size: tuple[int, int]) -> None:
    """Let an engine compute the stages of a detector's teacher; a method without a teacher stays as it is.

    Args:
        detector: A detector in eval mode; its teacher is changed.
        engine: "torch"; "onnxruntime"; or "auto" for the faster of both on this machine, which is measured once.
        image_size: Height and width of the images that it scores.

    Raises:
        ValueError: If "onnxruntime" cannot compute this teacher, or is not installed.
    """
    teacher = next((module for module in detector.modules() if isinstance(module, Teacher)), None)
    if teacher is None or engine == "torch":
        return
    try:
        if detector.device.type != "cpu":
            raise ValueError(f"engine onnxruntime computes on the CPU, and this is device {detector.device.type}")
        graphs = open_graphs(teacher, image_size)
    except ValueError as error:
        if engine == "auto":
            return
        raise ValueError(f"{error}; or use --engine torch") from None
    if engine == "onnxruntime" or speed_of(teacher, graphs, image_size) >= LEAST_GAIN:
        teacher.graphs = graphs


def engine_of(detector: Detector) -> EngineName:
    """Return the engine that computes the stages of a detector's teacher: "torch" or "onnxruntime"."""
    graphs = any(isinstance(module, Teacher) and module.graphs is not None for module in detector.modules())
    return "onnxruntime" if graphs else "torch"


def open_graphs(teacher: Teacher, image_size: tuple[int, int]) -> StageGraphs:
    """Open the graphs of a teacher's stages, from the cache or made anew.

    Raises:
        ValueError: If a stage passes on more than its map or PyTorch cannot export it, a package is missing, or a
            graph's map differs from PyTorch's.
    """
    if any(isinstance(stage, CarryingStage) for stage in teacher.stages):
        raise ValueError("engine onnxruntime computes convolutional teachers alone, whose stages pass on only a map")
    folder = cache_folder(teacher, image_size)
    sessions, inputs = [], []
    features = example(teacher, image_size, count=2)
    for index, stage in enumerate(teacher.stages):
        with torch.no_grad():
            expected = stage(features)
        session = open_kept(folder / f"stage_{index + 1}.onnx", features, expected)
        if session is None:
            content = export_stage(stage, features)
            with suppress(OSError):  # a cache that cannot be written is no reason not to score
                folder.mkdir(parents=True, exist_ok=True)
                write_atomically(folder / f"stage_{index + 1}.onnx", content)
            session = open_session(content)
            check_map(session, features, expected)
        sessions.append(session)
        inputs.append(features)
        features = expected
    return StageGraphs(sessions, inputs)


def open_kept(file: Path, features: Tensor, expected: Tensor) -> Any | None:
    """Open a kept graph; None if there is none, or it is damaged or does not compute this stage."""
    try:
        session = open_session(read_bytes(file, limit_bytes=LARGEST_GRAPH_BYTES))
        check_map(session, features, expected)
    except (OSError, ValueError):
        return None
    return session


def open_session(content: bytes) -> Any:
    """Open a graph in ONNX Runtime, with as many threads as PyTorch.

    Raises:
        ValueError: If ONNX Runtime cannot open the graph.
    """
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # PyTorch needs the cores in between
    options.log_severity_level = 3  # errors, which are raised
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # each kind of failure has a class of its own
        raise ValueError(f"ONNX Runtime cannot open the graph of the teacher ({shorten(str(error))})") from None


def check_map(session: Any, features: Tensor, expected: Tensor) -> None:
    """Check that a graph computes a stage's map.

    Raises:
        ValueError: If it does not.
    """
    try:
        stage = run_graph(session, features)
    except Exception as error:
        raise ValueError(f"ONNX Runtime cannot compute the teacher ({shorten(str(error))})") from None
    largest = float(expected.abs().max()) * LARGEST_DIFFERENCE
    if stage.shape != expected.shape or not (stage - expected).abs().max() <= largest:
        raise ValueError("ONNX Runtime computes other maps of this teacher than PyTorch")


def run_graph(session: Any, features: Tensor) -> Tensor:
    """Compute a stage's map with its graph, from float32 features on the CPU."""
    (stage,) = session.run(None, {"features": features.contiguous().numpy()})
    return torch.from_numpy(stage)


def example(teacher: Teacher, image_size: tuple[int, int], *, count: int) -> Tensor:
    """Draw normalised images, the same each time, shape (count, 3, H, W)."""
    generator = torch.Generator().manual_seed(0)
    return teacher.normalise(torch.rand(count, 3, *image_size, generator=generator))


def speed_of(teacher: Teacher, graphs: StageGraphs, image_size: tuple[int, int]) -> float:
    """Return how many times as fast as PyTorch a teacher's graphs are on this machine; measured once and kept."""
    machine = f"{platform.node()} {platform.machine()} {platform.processor()} {torch.get_num_threads()}"
    file = cache_folder(teacher, image_size) / f"speed-{digest(machine)}.json"
    with suppress(OSError, ValueError):
        return read_record(file, MeasuredSpeed, remedy="remove it").gain
    gain = measure_gain(teacher, graphs, image_size)
    with suppress(OSError):
        write_atomically(file, to_json({"gain": gain}).encode())
    return gain


@torch.inference_mode()
def measure_gain(teacher: Teacher, graphs: StageGraphs, image_size: tuple[int, int]) -> float:
    """Encode a batch with PyTorch and with the graphs in turns, and divide the shortest times."""
    batch = example(teacher, image_size, count=cached_chunk_size(torch.empty(1, 3, *image_size)))

    def encode(compute: Callable[[int, Tensor], Tensor | None]) -> float:
        features, started = batch, time.perf_counter()
        for index in range(len(teacher.stages)):
            stage = compute(index, features)
            assert stage is not None  # the image size is that of the graphs
            features = stage
        return time.perf_counter() - started

    rounds = [(encode(partial(compute_stage, teacher)), encode(graphs.compute)) for _ in range(TIMED_ROUNDS)]
    ours, theirs = (min(times) for times in zip(*rounds, strict=True))
    return ours / theirs


def compute_stage(teacher: Teacher, index: int, features: Tensor) -> Tensor:
    """Compute a stage's map with PyTorch."""
    stage: Tensor = teacher.stages[index](features)
    return stage


def cache_folder(teacher: Teacher, image_size: tuple[int, int]) -> Path:
    """Return the folder of a teacher's graphs: named by its weights, the image size and the packages' versions.

    Raises:
        ValueError: If ONNX Runtime is not installed.
    """
    named = f"{teacher.fingerprint} {image_size} {torch.__version__} {import_runtime().__version__}"
    return Path(torch.hub.get_dir()) / FOLDER / digest(named)


def import_runtime() -> Any:
    """Import ONNX Runtime.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        import onnxruntime  # noqa: PLC0415 (an extra)
    except ImportError:
        raise ValueError("engine onnxruntime needs ONNX's packages; install gnl with its extra: [export]") from None
    return onnxruntime


def digest(text: str) -> str:
    """Return the first digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
