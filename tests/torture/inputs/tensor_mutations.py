"""Hostile changes to a safetensors file: its length, its header, its metadata and its tensors."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

from tests.torture.inputs.mutations import DEEP_LIST, DEEP_OBJECT, LITERALS, Mutation, json_changes, writing

LENGTH = struct.Struct("<Q")
TYPES = ("F64", "F32", "F16", "BF16", "I64", "I32", "I8", "U8", "BOOL", "F8_E4M3", "C64", "X1", "", "F4")
NUMBERS = (0, 1, -1, 2**31, 2**53, 2**63, 2**64, 10**24)
NOT_FINITE = {"NaN": b"\0\0\xc0\x7f", "infinite": b"\0\0\x80\x7f", "largest": b"\xff\xff\x7f\x7f"}  # float32


def split_file(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a file into its header and its tensors' bytes."""
    (length,) = LENGTH.unpack(content[: LENGTH.size])
    end = LENGTH.size + length
    return json.loads(content[LENGTH.size : end]), content[end:]


def join_file(header: dict[str, Any] | str | bytes, body: bytes, *, length: int | None = None) -> bytes:
    """Write a file; a header of text, and a length that is not the header's, are written as they are."""
    text = json.dumps(header) if isinstance(header, dict) else header
    encoded = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return LENGTH.pack(len(encoded) if length is None else length) + encoded + body


def tensor_mutations(content: bytes, *, entry: str, seed: int) -> list[Mutation]:
    """Changes of a file whose metadata has our record as one entry."""
    header, body = split_file(content)
    generator = random.Random(seed)
    return [
        *length_mutations(header, body),
        *record_mutations(header, body, entry=entry),
        *metadata_mutations(header, body, entry=entry),
        *offset_mutations(header, body, generator),
        *value_mutations(header, body, generator),
    ]


def length_mutations(header: dict[str, Any], body: bytes) -> Iterator[Mutation]:
    """A header length that is not the header's, and headers that are no JSON object."""
    true = len(json.dumps(header))
    for length in (0, 1, 2, true - 1, true + 1, true * 2, len(body), 2**27, 10**8 + 1, 2**31, 2**63, 2**64 - 1):
        yield writing(f"header length {length}", join_file, header, body, length=length)
    for text in ("", "null", "[]", "{", "{}", '{"__metadata__": {}}', DEEP_LIST, DEEP_OBJECT, " " * 10**6 + "{}"):
        yield writing(f"header {text.strip()[:20]!r}", join_file, text, body)
    yield writing("header not UTF-8", join_file, b"\xff\xfe" + json.dumps(header).encode(), body)


def record_mutations(header: dict[str, Any], body: bytes, *, entry: str) -> Iterator[Mutation]:
    """Each change of the record's JSON, inside an otherwise valid file."""
    for change in json_changes(header["__metadata__"][entry]):
        yield writing(f"record {change.name}", with_record, header, body, entry, change.make)


def with_record(header: dict[str, Any], body: bytes, entry: str, make: Callable[[], str]) -> bytes:
    return join_file(header | {"__metadata__": {entry: make()}}, body)


def metadata_mutations(header: dict[str, Any], body: bytes, *, entry: str) -> Iterator[Mutation]:
    """Metadata of another type, without our entry, or with others."""
    tensors = {name: value for name, value in header.items() if name != "__metadata__"}
    record = header["__metadata__"][entry]
    for literal in LITERALS:
        name = f"metadata = {literal[:30]}"
        text = json.dumps({"__metadata__": "@hostile@"} | tensors).replace('"@hostile@"', literal, 1)
        yield writing(name, join_file, text, body)
        inner = json.dumps({"__metadata__": {entry: "@hostile@"}} | tensors).replace('"@hostile@"', literal, 1)
        yield writing(f"entry {name}", join_file, inner, body)
    for metadata in ({}, {entry.upper(): record}, {entry: record, "format": "np", "pt": "1"}, {entry: record * 2}):
        yield writing(f"metadata {list(metadata)}", join_file, {"__metadata__": metadata} | tensors, body)
    doubled = json.dumps(header)[:-1] + ', "__metadata__": {"a": "b"}}'
    yield writing("metadata doubled", join_file, doubled, body)


def offset_mutations(header: dict[str, Any], body: bytes, generator: random.Random) -> Iterator[Mutation]:
    """Types, shapes and offsets that lie; tensors that are missing, renamed, doubled or additional."""
    names = [name for name in header if name != "__metadata__"]
    for name in generator.sample(names, min(len(names), 12)):
        tensor = header[name]
        start, end = tensor["data_offsets"]
        changes: list[dict[str, Any]] = [{"dtype": kind} for kind in TYPES]
        changes += [{"dtype": value} for value in (None, 1, [], {})]
        changes += [{"shape": shape} for shape in ([], [0], [1], tensor["shape"][::-1], [-1], ["1"], [1.5], None, 1)]
        changes += [{"shape": [number] * 3} for number in NUMBERS]
        changes += [{"data_offsets": [start, end + number]} for number in NUMBERS]
        changes += [{"data_offsets": pair} for pair in ([end, start], [0, 0], [start], [start, end, end], None, "a")]
        for change in changes:
            changed = header | {name: tensor | change}
            yield writing(f"tensor {name}: {str(change)[:60]}", join_file, changed, body)
        without = {other: value for other, value in header.items() if other != name}
        yield writing(f"tensor {name} missing from the header", join_file, without, body)
        for other in ("", "../a", f"{name}.", name.upper(), "a" * 20_000, "\ud800"):
            yield writing(f"tensor {name} called {other[:20]!r}", join_file, without | {other: tensor}, body)
        doubled = f"{json.dumps(header)[:-1]}, {json.dumps(name)}: {json.dumps(tensor)}}}"
        yield writing(f"tensor {name} doubled", join_file, doubled, body)
        additional = header | {
            f"{name}.more": {"dtype": "F32", "shape": [1], "data_offsets": [len(body), len(body) + 4]}
        }
        yield writing(f"tensor beside {name}", join_file, additional, body + bytes(4))
    many = {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [len(body)] * 2} for number in range(50_000)}
    yield writing("50,000 empty tensors", join_file, header | many, body)


def value_mutations(header: dict[str, Any], body: bytes, generator: random.Random) -> Iterator[Mutation]:
    """Tensors with numbers that are not finite, or of random bytes."""
    names = [name for name, value in header.items() if name != "__metadata__" and value["dtype"] == "F32"]
    for name in generator.sample(names, min(len(names), 6)):
        start, end = header[name]["data_offsets"]
        if end == start:
            continue
        for kind, number in NOT_FINITE.items():
            yield writing(f"tensor {name} holds {kind}", with_bytes, header, body, start, number)
        noise = generator.randbytes(end - start)
        yield writing(f"tensor {name} of noise", with_bytes, header, body, start, noise)
        yield writing(f"tensor {name} of zeros", with_bytes, header, body, start, bytes(end - start))


def with_bytes(header: dict[str, Any], body: bytes, start: int, values: bytes) -> bytes:
    return join_file(header, body[:start] + values + body[start + len(values) :])
