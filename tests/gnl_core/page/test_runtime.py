"""ONNX Runtime Web as pages contain it."""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64decode
from pathlib import Path

from gnl_core.page.runtime import FOLDER, VERSION, pack, runtime_blocks

ASSETS = Path(__file__).resolve().parents[3] / "assets" / "README.md"


def test_equal_contents_are_packed_equally():
    assert pack(b"model" * 99) == pack(b"model" * 99)
    assert gzip.decompress(b64decode(pack(b"model"))) == b"model"


def test_the_runtime_is_the_published_one():
    section = ASSETS.read_text(encoding="utf-8").split("## ONNX Runtime Web")[1]
    assert f"onnxruntime-web {VERSION}" in section
    listed = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", section, flags=re.MULTILINE))
    found = {}
    for file in FOLDER.iterdir():
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix == ".gz" else content
        found[file.name.removesuffix(".gz")] = hashlib.sha256(content).hexdigest()
    assert listed == found
    assert len(runtime_blocks()) == len(found)
