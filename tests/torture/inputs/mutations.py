"""Hostile changes to a file: of its bytes, its JSON, or what it is. Each has a name, by which a try can be repeated."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

DEEP_LIST = "[" * 10_000 + "]" * 10_000
DEEP_OBJECT = '{"a":' * 10_000 + "1" + "}" * 10_000
LITERALS = (
    *("null", "true", "false", '""', '"text"', "[]", "{}", "[null]", '{"a": 1}', "[[1, 2], [3]]"),
    *("-1", "0", "1", "1.5", "-0.0", "NaN", "Infinity", "-Infinity", "1e999", "1e-999", "1" + "0" * 24),
    *("1" + "0" * 400, "9" * 5_000, '"1"', '"\\ud800"', '"\\u0000"', '"' + "a" * 20_000 + '"', '"../../etc"'),
    *('"line\\nline"', '"-c"', '"![a](http://127.0.0.1/)"', "[" + "1, " * 5_000 + "1]", DEEP_LIST, DEEP_OBJECT),
)
MARK = "@hostile@"
Apply = Callable[[Path], object]
Place = tuple[str | int, ...]  # keys and positions from the root of a JSON document


class Mutation(NamedTuple):
    """A change to a file.

    Attributes:
        name: What it does, in a failing try's message.
        apply: Makes the change to the file at a path.
        is_special: Whether something else than a regular file is left.
    """

    name: str
    apply: Apply
    is_special: bool = False


def choose(mutations: Sequence[Mutation], *, count: int, seed: int) -> list[Mutation]:
    """Draw mutations without replacement; all of them if there are not as many."""
    return random.Random(seed).sample(mutations, min(count, len(mutations)))


def put(path: Path, content: bytes | str) -> None:
    """Write a file anew, so that no other link to the old one changes."""
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


def writing(name: str, make: Callable[..., bytes | str], *arguments: object, **settings: object) -> Mutation:
    """Write what a function makes, which is called only then: all changes of a large file do not fit into memory."""
    return Mutation(name, lambda path: put(path, make(*arguments, **settings)))


# JSON


def json_mutations(text: str) -> list[Mutation]:
    """All of `json_changes`, as the content of a file."""
    return [writing(change.name, change.make) for change in json_changes(text)]


class Change(NamedTuple):
    """A changed text, made when it is needed."""

    name: str
    make: Callable[[], str]


def json_changes(text: str) -> Iterator[Change]:
    """Each value of a JSON document replaced by each literal, and each key left out, misspelt, doubled or added."""
    document = json.loads(text)
    for place in walk(document):
        for literal in LITERALS:
            yield Change(f"{place} = {literal[:30]}", partial(render, document, place, literal))
        if place and isinstance(place[-1], str):
            yield from key_changes(document, place)


def walk(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the place of each value of a JSON document; of a list's values, those of the first two."""
    yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*place, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value[:2]):
            yield from walk(inner, (*place, position))


def at(document: Any, place: Place) -> Any:
    for step in place:
        document = document[step]
    return document


def render(document: Any, place: Place, literal: str) -> str:
    """Write a document with a literal, which may be no JSON, in place of one value."""
    return json.dumps(replaced(document, place, MARK)).replace(json.dumps(MARK), literal)


def replaced(document: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(document, dict):
        return {key: replaced(inner, rest, value) if key == step else inner for key, inner in document.items()}
    return [replaced(inner, rest, value) if number == step else inner for number, inner in enumerate(document)]


def key_changes(document: Any, place: Place) -> Iterator[Change]:
    owner, key = at(document, place[:-1]), place[-1]
    assert isinstance(key, str)
    changed = {
        "missing": {name: value for name, value in owner.items() if name != key},
        "misspelt": {(name[1:] + name[:1] if name == key else name): value for name, value in owner.items()},
        "in capitals": {(name.upper() if name == key else name): value for name, value in owner.items()},
        "additional": owner | {f"{key}_2": owner[key], "__class__": "os.system", "": None},
    }
    for name, values in changed.items():
        yield Change(f"key {place} {name}", partial(write_replaced, document, place[:-1], values))
    doubled = f"{json.dumps(owner)[:-1]}, {json.dumps(key)}: [null]}}"
    yield Change(f"key {place} doubled", partial(render, document, place[:-1], doubled))


def write_replaced(document: Any, place: Place, value: Any) -> str:
    return json.dumps(replaced(document, place, value))


# Bytes


def byte_mutations(content: bytes, *, count: int, seed: int) -> list[Mutation]:
    """Truncated, flipped, zeroed, inserted, repeated and foreign bytes."""
    fixed: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"",
        "one byte": lambda: content[:1],
        "a NUL": lambda: b"\0",
        "not UTF-8": lambda: b"\xff\xfe" + content,
        "UTF-16": lambda: content[:4096].decode("latin-1").encode("utf-16"),
        "byte order mark": lambda: b"\xef\xbb\xbf" + content,
        "twice": lambda: content * 2,
        "backwards": lambda: content[::-1],
        "a million lines": lambda: b"\n" * 1_000_000,
        "a million objects": lambda: b"{}\n" * 1_000_000,
        "one long line": lambda: b"a" * 3_000_000,
        "nested": DEEP_LIST.encode,
        "nested objects": lambda: DEEP_OBJECT.encode() + b"\n",
        "a page": lambda: b"<!doctype html><title>404</title>" + b" " * 5_000,
        "a program": lambda: b"\x7fELF" + bytes(5_000),
        "a pickle": lambda: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    }
    kinds = (truncate, flip, zero, insert, repeat_part, overwrite)
    return [
        *(writing(name, make) for name, make in fixed.items()),
        *(change_bytes(kinds[number % len(kinds)], content, seed=f"{seed}.{number}") for number in range(count)),
    ]


def change_bytes(kind: Callable[[bytes, random.Random], bytes], content: bytes, *, seed: str) -> Mutation:
    return Mutation(f"{kind.__name__}, seed {seed}", lambda path: put(path, kind(content, random.Random(seed))))


def truncate(content: bytes, generator: random.Random) -> bytes:
    return content[: generator.randrange(max(1, len(content)))]


def flip(content: bytes, generator: random.Random) -> bytes:
    """Flip one to eight bits; half of the time near the beginning, where headers are."""
    changed = bytearray(content)
    for _ in range(generator.randint(1, 8)):
        if changed:
            changed[position(changed, generator)] ^= 1 << generator.randrange(8)
    return bytes(changed)


def zero(content: bytes, generator: random.Random) -> bytes:
    start = position(content, generator)
    length = generator.randint(1, 64)
    return content[:start] + bytes(len(content[start : start + length])) + content[start + length :]


def insert(content: bytes, generator: random.Random) -> bytes:
    start = position(content, generator)
    return content[:start] + generator.randbytes(generator.randint(1, 64)) + content[start:]


def repeat_part(content: bytes, generator: random.Random) -> bytes:
    start = position(content, generator)
    part = content[start : start + generator.randint(1, 512)]
    return content[:start] + part * generator.randint(2, 9) + content[start:]


def overwrite(content: bytes, generator: random.Random) -> bytes:
    start = position(content, generator)
    foreign = generator.randbytes(generator.randint(1, 64))
    return content[:start] + foreign + content[start + len(foreign) :]


def position(content: bytes | bytearray, generator: random.Random) -> int:
    end = len(content) if generator.random() < 0.5 else min(len(content), 256)
    return generator.randrange(max(1, end))


# What the file is


def special_mutations() -> list[Mutation]:
    """Something else than a regular file in its place, or a link to it."""
    mutations = [
        Mutation("a folder", lambda path: path.mkdir(), is_special=True),
        Mutation("a full folder", make_full_folder, is_special=True),
        Mutation("a named pipe", os.mkfifo, is_special=True),
        Mutation("a socket", make_socket, is_special=True),
        *(linking(f"a link to {device}", device) for device in ("/dev/zero", "/dev/null", "/dev/urandom", "/dev/tty")),
        linking("a link to a folder", ".."),
        Mutation("a link to a named pipe", lambda path: link_to(path, os.mkfifo), is_special=True),
        Mutation("a link to a socket", lambda path: link_to(path, make_socket), is_special=True),
        Mutation("a link to itself", lambda path: path.symlink_to(path.name)),
        Mutation("a link to nothing", lambda path: path.symlink_to("nowhere")),
        Mutation("8 TiB of nothing", lambda path: make_sparse(path, 2**43)),
        Mutation("missing", lambda path: None),
    ]
    if os.geteuid():  # root may read everything
        mutations.append(Mutation("unreadable", make_unreadable))
    return [one._replace(apply=partial(make_anew, one.apply)) for one in mutations]


def make_anew(make: Apply, path: Path) -> None:
    """Make something at a path after removing what is there."""
    remove(path)
    make(path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def restore(path: Path, content: bytes) -> None:
    """Write a file as it was before a mutation, and remove what a link to it may have led to."""
    remove(path.with_name(f"{path.name}.target"))
    remove(path)
    path.write_bytes(content)


def make_unreadable(path: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


def linking(name: str, target: str) -> Mutation:
    return Mutation(name, lambda path: path.symlink_to(target), is_special=True)


def make_full_folder(path: Path) -> None:
    path.mkdir()
    for name in ("config.json", "weights.safetensors", "a.png"):
        (path / name).mkdir()


def make_socket(path: Path) -> None:
    """Create a socket; its path is relative, because that of a socket has at most 108 bytes."""
    folder = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.fchdir(folder)
        os.close(folder)


def link_to(path: Path, make: Callable[[Path], object]) -> None:
    target = path.with_name(f"{path.name}.target")
    make(target)
    path.symlink_to(target.name)


def make_sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)
