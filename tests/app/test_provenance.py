from __future__ import annotations

from pathlib import Path

import pytest

from app.checkpoints import Checkpoint
from app.display.provenance import describe_origin
from gnl_core.config import RunConfig
from gnl_core.files import version_of
from gnl_core.runs.folder import RunFolder


@pytest.mark.parametrize(("split_source", "ending"), [(None, "Lite0"), ("official lists", " · split: official lists")])
def test_the_split_is_named_if_the_run_records_it(split_source: str | None, ending: str, tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.weights.write_bytes(b"abc")  # whose SHA-256 begins with ba7816bf (FIPS 180-2, appendix B.1)
    checkpoint = Checkpoint(folder, RunConfig(split_source=split_source), version_of(folder.weights))
    assert describe_origin(checkpoint).startswith("seed 0 · checkpoint ba7816bf · EfficientNet-Lite0")
    assert describe_origin(checkpoint).endswith(ending)


def test_the_engine_is_named_if_it_is_not_pytorch(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.weights.write_bytes(b"abc")
    checkpoint = Checkpoint(folder, RunConfig(), version_of(folder.weights))
    assert describe_origin(checkpoint, {"torch"}) == describe_origin(checkpoint)
    assert describe_origin(checkpoint, {"onnxruntime"}).endswith(" · teacher computed by ONNX Runtime")
