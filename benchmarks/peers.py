"""Compare our speed with anomalib's: training and scoring RD4AD and PatchCore, with the same backbone and image size.

    pip install anomalib openvino
    OMP_NUM_THREADS=2 python -m benchmarks.peers [--side 256] [--work scoring] [--method rd4ad] [--clock processor]

All take turns on the same noise images, which are in memory already; each cell is the median in ms per image, with the
shortest and the longest. Weights are random, which does not change the costs. "OpenVINO" is anomalib's model converted
by OpenVINO, as its inferencer runs it: in 32 bits, and in the precision that OpenVINO chooses for this processor, which
the row names. Other programs lengthen wall times, so the load is printed too; with one thread, processor time hardly
depends on it. Without anomalib, this prints how to install it, and without openvino, its columns stay empty.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from benchmarks.models import make_batch
from benchmarks.turns import CLOCKS, Call, take_turns
from gnl_core.config import RunConfig
from gnl_core.detectors import create_detector
from gnl_core.detectors.base import Detector
from gnl_core.engines import use_engine
from gnl_core.records import Batch
from gnl_core.scoring import score

Calls = dict[str, Call]  # by column
Work = tuple[str, int, Calls]  # its title, and the number of images in each call
BATCH = 16
CORESET_SHARE = 0.1  # anomalib's default
SIGMA_PX = 4.0  # likewise
COLUMNS = ("anomalib", "OpenVINO, 32 bits", "ours", "ours, auto", "OpenVINO, default", "ours, bf16-mixed")
PRECISION = "INFERENCE_PRECISION_HINT"  # OpenVINO's name of the setting
MS = 1000  # in a second


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18", choices=("resnet18", "resnet50", "wide_resnet50_2"))
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--images", type=int, default=2 * BATCH, help="training images (default: 32)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--method", nargs="+", default=tuple(METHODS), choices=tuple(METHODS))
    parser.add_argument("--work", nargs="+", default=tuple(WORKS), choices=tuple(WORKS))
    parser.add_argument("--clock", default="wall", choices=tuple(CLOCKS))
    parsed = parser.parse_args()
    try:
        import anomalib  # noqa: PLC0415 (not one of our dependencies)
    except ImportError:
        print("anomalib is not installed here; pip install anomalib openvino, and call again")
        return
    setting = f"{parsed.backbone}, {parsed.side} px, {torch.get_num_threads()} threads, {parsed.clock} time"
    print(f"anomalib {anomalib.__version__}, {setting}\n")
    print(f"| ms per image | {' | '.join(COLUMNS)} | load |\n|---|{'---:|' * (len(COLUMNS) + 1)}")
    for method in parsed.method:
        for work in parsed.work:
            print(measure_row(method, work, parsed), flush=True)


def measure_row(method: str, work: str, parsed: argparse.Namespace) -> str:
    """Measure a work of a method, and format it as a row of the table."""
    batches = [make_batch(BATCH, parsed.side) for _ in range(parsed.images // BATCH)]
    title, count, calls = WORKS[work](method, batches, parsed)
    measured = take_turns(tuple(calls.values()), clock=parsed.clock, repeats=parsed.repeats)
    seconds = dict(zip(calls, measured, strict=True))
    cells = [format_cell(seconds[column], count) if column in seconds else "" for column in COLUMNS]
    return f"| `{method}`, {title} | {' | '.join(cells)} | {os.getloadavg()[0]:.1f} |"


def format_cell(seconds: list[float], count: int) -> str:
    """Format the median of several times of a number of images, with the shortest and the longest, in ms per image."""
    middle, least, most = (MS * reduce(seconds) / count for reduce in (statistics.median, min, max))
    return f"{middle:.1f} ({least:.1f}–{most:.1f})"


def list_training(method: str, batches: list[Batch], parsed: argparse.Namespace) -> Work:
    """Build one epoch of training by each."""
    theirs, (ours, _) = METHODS[method](parsed), make_ours(method, parsed)
    calls: Calls = {
        "anomalib": partial(theirs.train, [batch.views["original"] for batch in batches]),
        "ours": partial(trained, ours, batches),
    }
    return "training: one epoch", BATCH * len(batches), calls


def list_scoring(method: str, batches: list[Batch], parsed: argparse.Namespace) -> Work:
    """Build the scoring of a batch by each, after one epoch of training where it determines the cost."""
    theirs, (untrained, config) = METHODS[method](parsed), make_ours(method, parsed)
    if method == "patchcore":
        theirs.train([batch.views["original"] for batch in batches])
    ours = trained(untrained, batches)
    accelerated = copy.deepcopy(ours)
    use_engine(accelerated, "auto", image_size=config.image_size)
    one, images = batches[:1], batches[0].views["original"]
    in_bfloat16 = config.model_copy(update={"scoring_precision": "bf16-mixed"})
    converted, precision = convert(theirs, images)
    calls: Calls = {
        "anomalib": partial(theirs.score, images),
        "ours": partial(score, ours, one, config),
        "ours, auto": partial(score, accelerated, one, config),
        "ours, bf16-mixed": partial(score, ours, one, in_bfloat16),
    }
    return f"scoring in batches of {BATCH}{precision}", BATCH, calls | converted


class Peer:
    """A model of anomalib, trained and scored as its Lightning module does."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def train(self, images: list[Tensor]) -> None:
        """Train for one epoch."""
        raise NotImplementedError

    @torch.inference_mode()
    def score(self, images: Tensor) -> object:
        """Score images, shape (B, 3, H, W)."""
        return self.model.eval()(images)


class PeerReverseDistillation(Peer):
    """anomalib's ReverseDistillation."""

    def train(self, images: list[Tensor]) -> None:
        """Descend its loss once per batch, with its optimizer."""
        from anomalib.models.image.reverse_distillation.loss import ReverseDistillationLoss  # noqa: PLC0415

        learnt = [*self.model.decoder.parameters(), *self.model.bottleneck.parameters()]
        optimizer, loss = torch.optim.Adam(learnt, lr=0.005, betas=(0.5, 0.99)), ReverseDistillationLoss()
        self.model.train()
        for batch in images:
            optimizer.zero_grad()
            loss(*self.model(batch)).backward()
            optimizer.step()


class PeerPatchcore(Peer):
    """anomalib's Patchcore."""

    def train(self, images: list[Tensor]) -> None:
        """Collect the embeddings and choose the coreset."""
        self.model.train()
        with torch.no_grad():
            embeddings = torch.vstack([self.model(batch) for batch in images])
        self.model.subsample_embedding(CORESET_SHARE, embeddings)


def reverse_distillation(parsed: argparse.Namespace) -> Peer:
    """Build anomalib's ReverseDistillation with random weights."""
    from anomalib.models.image.reverse_distillation.anomaly_map import AnomalyMapGenerationMode  # noqa: PLC0415
    from anomalib.models.image.reverse_distillation.torch_model import ReverseDistillationModel  # noqa: PLC0415

    return PeerReverseDistillation(
        ReverseDistillationModel(
            parsed.backbone,
            input_size=(parsed.side, parsed.side),
            layers=("layer1", "layer2", "layer3"),
            anomaly_map_mode=AnomalyMapGenerationMode.ADD,
            pre_trained=False,
        )
    )


def patchcore(parsed: argparse.Namespace) -> Peer:
    """Build anomalib's Patchcore with random weights."""
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel  # noqa: PLC0415

    return PeerPatchcore(PatchcoreModel(("layer2", "layer3"), backbone=parsed.backbone, pre_trained=False))


class ScoreAndMap(nn.Module):
    """A model of anomalib, without the empty fields of its result, which cannot be converted."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Score images, shape (B, 3, H, W)."""
        result = self.model(images)
        return result.pred_score, result.anomaly_map


def convert(peer: Peer, images: Tensor) -> tuple[Calls, str]:
    """Convert a model of anomalib to OpenVINO.

    Returns:
        Calls in both precisions, and a remark that names OpenVINO's default; nothing where openvino is not installed.
    """
    try:
        import openvino  # noqa: PLC0415 (not one of our dependencies)
    except ImportError:
        return {}, ""
    with torch.no_grad():
        program = torch.export.export(ScoreAndMap(peer.model).eval(), (images,)).run_decompositions()
    model, threads = openvino.convert_model(program), {"INFERENCE_NUM_THREADS": torch.get_num_threads()}
    full, chosen = (openvino.compile_model(model, "CPU", threads | other) for other in ({PRECISION: "f32"}, {}))
    calls: Calls = {
        "OpenVINO, 32 bits": lambda: full(images.numpy()),
        "OpenVINO, default": lambda: chosen(images.numpy()),
    }
    return calls, f"; OpenVINO's default is {chosen.get_property(PRECISION).get_type_name()}"


def make_ours(name: str, parsed: argparse.Namespace) -> tuple[Detector, RunConfig]:
    """Build one of our methods with the same backbone and random weights, with anomalib's share of the coreset."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "random.pth"
        torch.save(getattr(torchvision.models, parsed.backbone)(weights=None).state_dict(), file)
        own = {"coreset_percent": 100 * CORESET_SHARE} if name == "patchcore" else {}
        places = {"teacher": parsed.backbone, "teacher_weights": file, "image_size": (parsed.side, parsed.side)}
        config = RunConfig(detector=name, smoothing_sigma_px=SIGMA_PX, style_weight=0, device="cpu", **places, **own)
        return create_detector(config), config


def trained(untrained: Detector, batches: list[Batch]) -> Detector:
    """Train a copy of one of our methods for one epoch, with everything that a run does before its first."""
    detector = copy.deepcopy(untrained)
    detector.prepare(batches)
    optimizers = detector.optimizers(detector.learning_rate)
    detector.train()
    for batch in batches if optimizers else ():
        detector.training_step(batch, optimizers, progress=0)
    return detector.eval()


METHODS = {"rd4ad": reverse_distillation, "patchcore": patchcore}
WORKS = {"training": list_training, "scoring": list_scoring}

if __name__ == "__main__":
    main()
