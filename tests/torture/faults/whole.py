"""Check what a fault has left: every file is whole, and no temporary file stays."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import PIL.Image
import pyarrow.parquet as pq
from safetensors.torch import load

LOCKS = {".lock", ".turn", ".queue"}
EXACT = {".safetensors", ".parquet", ".csv", ".png", ".onnx", ".npz"}  # the same each time they are written
OFTEN_DIFFERENT = {"state.safetensors", "comparison.csv"}  # hold times

Files = dict[str, bytes]


def read_files(root: Path) -> Files:
    """Return the content of all files below a folder by relative path, without locks."""
    files = (file for file in sorted(root.rglob("*")) if file.is_file() and file.name not in LOCKS)
    return {str(file.relative_to(root)): file.read_bytes() for file in files}


def is_temporary(name: str) -> bool:
    """Whether a file is one that is renamed when it is complete."""
    return name.rpartition("/")[2].startswith(".")


def check_file(name: str, content: bytes) -> None:
    """Read a file as a whole one of its kind; raise if it is not."""
    kind = Path(name).suffix
    if kind == ".json":
        json.loads(content)
    elif kind == ".jsonl":
        assert content.endswith(b"\n"), name
        for line in content.splitlines():
            json.loads(line)
    elif kind == ".safetensors":
        load(content)
    elif kind == ".parquet":
        pq.read_table(io.BytesIO(content))
    elif kind == ".png":
        PIL.Image.open(io.BytesIO(content)).load()
    elif kind in (".html", ".svg"):
        assert content.rstrip().endswith((b"</html>", b"</svg>")), name


def check_files(found: Files, *, before: Files, after: Iterable[Files], fault: str) -> None:
    """Check that every file is an old or a new one, whole, and that no old one is missing.

    Args:
        found: The files after a fault.
        before: The files before the command.
        after: The files of commands without a fault, at their end or at a moment before it.
        fault: What to name if one is not.
    """
    after = list(after)
    for name, content in found.items():
        assert not is_temporary(name), (fault, name)
        check_file(name, content)
        if Path(name).suffix in EXACT and Path(name).name not in OFTEN_DIFFERENT:
            known = [files[name] for files in (before, *after) if name in files]
            assert content in known, (fault, name)
    lost = {name for name in before if name not in found}
    assert not lost, (fault, lost)


def compare_results(found: Files, expected: Mapping[str, bytes], *, fault: str) -> None:
    """Check that the results that do not depend on time are those of a command without a fault."""
    assert found.keys() == expected.keys(), (fault, found.keys() ^ expected.keys())
    for name, content in expected.items():
        if Path(name).suffix in EXACT and Path(name).name not in OFTEN_DIFFERENT:
            assert found[name] == content, (fault, name)
