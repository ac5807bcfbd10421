"""Search for checkpoints that end in anything but one sentence, guided by the code that they reach.

It is started by hand and needs atheris, which has no wheels for every system and Python:

    pip install atheris
    python -m tests.torture.fuzz_checkpoints -max_total_time=120

Every option is libFuzzer's. It ends with a traceback and a file crash-… if it finds something; pass that file as the
only argument to repeat it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gnl_core", "pydantic", "safetensors"]):
    from gnl_core.config import parse_config
    from gnl_core.detectors import complete_config
    from gnl_core.runs.checkpoints import (
        FORMAT,
        check_finite,
        check_state,
        grown,
        outline_detector,
        read_checkpoint,
    )

from tests.torture.inputs.tensor_mutations import join_file

BODY = bytes(64)
TENSORS = {"bank": {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, 64]}}
FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
FILE = Path(FOLDER.name) / "weights.safetensors"
KINDS = b"fhr"  # the first byte decides whether the others are the file, its header, or the record in its metadata


def valid_record() -> bytes:
    config = complete_config(parse_config({"detector": "knn", "stored_references": 0}))
    return json.dumps(
        {
            "format_version": FORMAT.version,
            "config": config.model_dump(mode="json"),
            "epoch": 1,
            "teacher": config.teacher,
            "teacher_fingerprint": None,
        }
    ).encode()


def make_file(data: bytes) -> bytes:
    kind, content = data[:1], data[1:]
    if kind == b"f":
        return content
    if kind == b"h":
        return join_file(content, BODY)
    metadata = {"__metadata__": {FORMAT.entry: content.decode("utf-8", "replace")}}
    return join_file(metadata | TENSORS, BODY)


def try_input(data: bytes) -> None:
    """Read a checkpoint as far as its detector would be built; only ValueError is a good end."""
    FILE.write_bytes(make_file(data))
    try:
        header, state = read_checkpoint(FILE)
        check_finite(FILE, state)
        check_state(FILE, expected=grown(outline_detector(header.config), state), actual=state)
    except ValueError:
        return


def seed_corpus(folder: Path) -> None:
    """Write one valid input of each kind, from which the search starts."""
    record = valid_record()
    header = json.dumps({"__metadata__": {FORMAT.entry: record.decode()}} | TENSORS).encode()
    contents = {b"r": record, b"h": header, b"f": join_file(header, BODY)}
    for kind, content in contents.items():
        (folder / kind.decode()).write_bytes(kind + content)


def main() -> None:
    corpus = Path(FOLDER.name) / "corpus"
    corpus.mkdir()
    seed_corpus(corpus)
    repeats = any(Path(word).is_file() for word in sys.argv[1:])
    atheris.Setup([*sys.argv, *([] if repeats else [str(corpus)])], try_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
