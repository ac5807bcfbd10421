from __future__ import annotations

from pathlib import Path

import pytest

from app.checkpoints import Checkpoint
from app.display.provenance import describe_origin
from gnl_core.config import RunConfig
from gnl_core.runs.folder import RunFolder


@pytest.mark.parametrize(("split_source", "ending"), [(None, "Lite0"), ("official lists", " · split: official lists")])
def test_the_split_is_named_if_the_run_records_it(split_source: str | None, ending: str):
    checkpoint = Checkpoint(RunFolder(Path("run")), RunConfig(split_source=split_source), sha256="0123456789")
    assert describe_origin(checkpoint).startswith("seed 0 · checkpoint 01234567 · EfficientNet-Lite0")
    assert describe_origin(checkpoint).endswith(ending)
