"""Compare the speed of typical layers of bottleneck and student in 32 bits, bfloat16 and 8 bits.

    OMP_NUM_THREADS=1 python -m benchmarks.quantised_layers [--batch 4] [--repeats 9] [--clock wall]

Each layer is a chain of convolutions with ReLU, of a size that resnet50 has at 256 px, with random weights. In 8 bits,
values are unsigned with a scale for each tensor, and weights signed with a scale for each channel. All take turns; the
first column is the median in ms per convolution, and the others say how many times as fast each is. ONNX Runtime has no
convolutions in bfloat16 on a CPU. A bound for scoring follows: only bottleneck and student can be computed in 8 bits.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.turns import CLOCKS, Call, take_turns
from gnl_core.engines import open_session, run_graph
from gnl_core.export import export_stage

LENGTH = 8  # convolutions in a chain, so that conversions at its ends hardly count
SCALE = 0.05  # of quantised values; it does not change the speed
MS = 1000  # in a second


class Layer(NamedTuple):
    """A convolution from `channels` to `wider` channels, and one back.

    Attributes:
        kernel: Side of the kernel.
        channels: Channels of every second map.
        wider: Channels of the maps in between.
        side: Height and width of all maps.
    """

    kernel: int
    channels: int
    wider: int
    side: int


LAYERS = (Layer(3, 128, 128, 32), Layer(3, 256, 256, 32), Layer(3, 256, 256, 16), Layer(1, 256, 1024, 16))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--clock", default="processor", choices=tuple(CLOCKS))
    parsed = parser.parse_args()
    logging.disable(logging.WARNING)  # ONNX Runtime recommends a preparation that changes nothing here
    warnings.filterwarnings("ignore", message="torch.quantize_per")  # a later PyTorch will lack its quantised tensors
    print("| convolution | PyTorch, ms | bfloat16 | 8 bits | ONNX Runtime | 8 bits |\n|---|---:|---:|---:|---:|---:|")
    for layer in LAYERS:
        first, *others = measure(layer, parsed)
        title = f"{layer.kernel}x{layer.kernel}, {layer.channels} to {layer.wider} channels, {layer.side}x{layer.side}"
        cells = [f"{MS * first / LENGTH:.2f}", *(f"{first / seconds:.2f}×" for seconds in others)]
        print(f"| {title} | {' | '.join(cells)} |", flush=True)


@torch.inference_mode()
def measure(layer: Layer, parsed: argparse.Namespace) -> list[float]:
    """Measure the median seconds of a chain, in the order of the columns, in turns after a warm-up."""
    torch.manual_seed(0)
    images = torch.rand(parsed.batch, layer.channels, layer.side, layer.side).to(memory_format=torch.channels_last)
    chain = build_chain(layer)
    graph, smaller = (open_session(content) for content in export_chain(chain, images))
    calls: tuple[Call, ...] = (
        lambda: chain(images),
        bfloat16_call(chain, images),
        quantised_call(chain, images),
        lambda: run_graph(graph, images),
        lambda: run_graph(smaller, images),
    )
    return [statistics.median(times) for times in take_turns(calls, clock=parsed.clock, repeats=parsed.repeats)]


def build_chain(layer: Layer) -> nn.Sequential:
    """Build the convolutions, each with a ReLU."""
    widths = [layer.channels, layer.wider] * (LENGTH // 2) + [layer.channels]
    modules: list[nn.Module] = []
    for before, after in pairwise(widths):
        modules += [nn.Conv2d(before, after, layer.kernel, padding=layer.kernel // 2), nn.ReLU(inplace=True)]
    return nn.Sequential(*modules).to(memory_format=torch.channels_last).requires_grad_(False).eval()


def bfloat16_call(chain: nn.Sequential, images: Tensor) -> Call:
    """Build a call of a chain in bfloat16, converted beforehand."""
    weights = [(conv.weight.bfloat16(), conv.bias.bfloat16()) for conv in chain[::2]]
    start, padding = images.bfloat16(), chain[0].padding

    def compute() -> object:
        features = start
        for weight, bias in weights:
            features = F.relu_(F.conv2d(features, weight, bias, padding=padding))
        return features

    return compute


def quantised_call(chain: nn.Sequential, images: Tensor) -> Call:
    """Build a call of a chain in 8 bits with PyTorch's quantised operators, quantised beforehand."""
    torch.backends.quantized.engine = "onednn"
    padding, once = list(chain[0].padding), [1, 1]
    packed = [
        torch.ops.quantized.conv2d_prepack(quantise(conv.weight), conv.bias, once, padding, once, 1)
        for conv in chain[::2]
    ]
    start = torch.quantize_per_tensor(images, SCALE, 0, torch.quint8)

    def compute() -> object:
        features = start
        for weights in packed:
            features = torch.ops.quantized.conv2d_relu(features, weights, SCALE, 0)
        return features

    return compute


def quantise(weight: Tensor) -> Tensor:
    """Quantise weights to signed integers of 8 bits, with a scale for each output channel."""
    scales = weight.abs().amax(dim=(1, 2, 3)).double() / 127
    return torch.quantize_per_channel(weight, scales, torch.zeros(len(scales), dtype=torch.long), 0, torch.qint8)


def export_chain(chain: nn.Sequential, images: Tensor) -> tuple[bytes, bytes]:
    """Turn a chain into an ONNX graph, in 32 bits and quantised by ONNX Runtime, calibrated on the images."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static  # noqa: PLC0415

    class Calibration(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.remaining: Iterator[dict[str, Any]] = iter([{"features": images.contiguous().numpy()}])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.remaining, None)

    with tempfile.TemporaryDirectory() as place:
        plain, smaller = Path(place) / "plain.onnx", Path(place) / "quantised.onnx"
        plain.write_bytes(export_stage(chain, images))
        quantize_static(
            plain,
            smaller,
            Calibration(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return plain.read_bytes(), smaller.read_bytes()


if __name__ == "__main__":
    main()
