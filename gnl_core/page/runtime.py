"""ONNX Runtime Web as blocks of text in a page: its files in onnxruntime-web/, whose origin assets/README.md gives."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

FOLDER = Path(__file__).with_name("onnxruntime-web")
VERSION = "1.30.0"


def runtime_blocks() -> dict[str, str]:
    """Return script, WebAssembly, licence and notices by the names of their blocks, each packed."""
    return {
        "runtime-script": pack((FOLDER / "ort.wasm.bundle.min.mjs").read_bytes()),
        "runtime-wasm": encode((FOLDER / "ort-wasm-simd-threaded.wasm.gz").read_bytes()),
        "runtime-licence": pack((FOLDER / "LICENSE").read_bytes()),
        "runtime-notices": encode((FOLDER / "ThirdPartyNotices.txt.gz").read_bytes()),
    }


def pack(content: bytes) -> str:
    """Compress by gzip, equal contents to equal bytes, and write as base64."""
    return encode(gzip.compress(content, mtime=0))


def encode(content: bytes) -> str:
    """Write bytes as base64."""
    return base64.b64encode(content).decode()
