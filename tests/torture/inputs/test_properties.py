"""Any JSON, text or bytes in place of a file: read, or refused in one sentence. Hypothesis draws and shrinks them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnl_core.comparison.data import read_comparison
from gnl_core.jobs.status import read_status
from gnl_core.runs.adapted_scores import read_adapted
from gnl_core.runs.checkpoints import read_checkpoint
from gnl_core.runs.folder import RunFolder, read_config, read_records
from gnl_core.runs.line_scores import read_line
from gnl_core.runs.reports import read_shift_scores
from gnl_core.runs.tuning import read_preset
from tests.torture.inputs.conftest import World
from tests.torture.inputs.tensor_mutations import join_file, split_file
from tests.torture.inputs.trying import Tries

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
READERS: dict[str, Callable[[RunFolder], object]] = {
    "config.json": read_config,
    "status.json": read_status,
    "progress.jsonl": read_records,
    "report.json": read_shift_scores,
    "adapted.json": read_adapted,
    "line.json": lambda folder: read_line(folder, read_config(folder), ""),
    "preset.json": lambda folder: read_preset(folder.path / "preset.json"),
    "comparison.json": lambda folder: read_comparison(folder.path / "comparison.json"),
}


def try_each(tries: Tries, values: st.SearchStrategy[Any], read: Callable[[Any], object]) -> None:
    """Try values that hypothesis draws; the same ones in each run."""

    @settings(
        max_examples=tries.scaled(short=25, full=400),
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def try_one(value: Any) -> None:
        tries.call(lambda: read(value), name=repr(value)[:300])
        assert not tries.faults, tries.faults[0]

    try_one()


def variants_of(document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any JSON, and a document with any JSON in place of some of its values."""
    some = st.dictionaries(st.sampled_from(sorted(document)), ANY_JSON, min_size=1, max_size=3)
    return ANY_JSON | some.map(lambda changes: document | changes)


@pytest.mark.parametrize("name", READERS)
def test_any_json_is_read_or_refused(name: str, world: World, tries: Tries):
    folder = world.fresh("finished")
    path = folder.path / name
    first_line = path.read_text().splitlines()[0] if name == "progress.jsonl" else None
    document = json.loads(first_line or (path.read_text() if path.exists() else '{"scoring": {}, "tables": {}}'))

    def read(value: Any) -> object:
        path.unlink(missing_ok=True)
        path.write_text(json.dumps(value) + "\n")
        return READERS[name](folder)

    try_each(tries, variants_of(document), read)
    tries.finish(f"any JSON, {name}")


@pytest.mark.parametrize("kind", ["file", "header", "record"])
def test_any_bytes_in_a_checkpoint_are_read_or_refused(kind: str, world: World, tries: Tries):
    path = world.fresh("finished").path / "other.safetensors"
    header, body = split_file(world.original("finished").weights.read_bytes())
    body = body[:4096]
    tensor = {"a": {"dtype": "U8", "shape": [len(body)], "data_offsets": [0, len(body)]}}
    record = json.loads(header["__metadata__"]["gnl-checkpoint"])

    def make(value: Any) -> bytes:
        if kind == "file":
            return value if isinstance(value, bytes) else json.dumps(value).encode()
        if kind == "header":
            return join_file(value if isinstance(value, bytes) else json.dumps(value), body)
        text = value.decode("latin-1") if isinstance(value, bytes) else json.dumps(value)
        return join_file({"__metadata__": {"gnl-checkpoint": text}} | tensor, body)

    def read(value: Any) -> object:
        path.write_bytes(make(value))
        return read_checkpoint(path)

    documents = {"file": {"a": 1}, "header": tensor | {"__metadata__": {}}, "record": record}
    try_each(tries, st.binary(max_size=300) | variants_of(documents[kind]), read)
    tries.finish(f"any bytes, {kind} of a checkpoint")
