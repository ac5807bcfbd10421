"""docs/architecture.md matches the tree; import-linter checks the import rules themselves (make check)."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def read_contracts() -> list[dict]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def test_the_floors_are_those_of_the_import_contract():
    (floors,) = re.findall(r"## Floors\n\n(.*?)\n\n\S", ARCHITECTURE, flags=re.DOTALL)
    drawn: dict[int, set[str]] = {}
    for line in floors.splitlines():
        number, names = re.fullmatch(r" {4}([ \d][ \d]) +(.*)", line).groups()
        floor = int(number) if number.strip() else min(drawn)
        drawn.setdefault(floor, set()).update(re.findall(r"gnl_core/(\w+)|(?<![\w/])(\w+)(?:\.py|/)", names))
    named = {floor: {one or other for one, other in pairs} - {"app", "gnl_core"} for floor, pairs in drawn.items()}
    (contract,) = (one for one in read_contracts() if one["type"] == "layers" and one.get("containers") == ["gnl_core"])
    layers = [set(layer.split(" | ")) for layer in contract["layers"]]
    assert [named[floor] for floor in sorted(named, reverse=True)] == layers


def test_the_table_lists_exactly_the_existing_folders():
    listed = set(re.findall(r"^\| `((?:app/)?\w+/)` \|", ARCHITECTURE, flags=re.MULTILINE))
    core = {f"{path.name}/" for path in (ROOT / "gnl_core").iterdir() if (path / "__init__.py").is_file()}
    app = {f"app/{path.name}/" for path in (ROOT / "app").iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert listed == core | app


def test_the_examples_in_the_table_are_existing_files():
    (table,) = re.findall(r"\| where is … \| here \|\n\|---\|---\|\n(.*?)\n\n", ARCHITECTURE, flags=re.DOTALL)
    places = [place for line in table.splitlines() for place in re.findall(r"`([^`<]+\.py)`", line)]
    assert len(places) >= 4
    assert [place for place in places if not (ROOT / place).is_file()] == []


def test_each_page_has_its_own_folder_and_a_row_in_main():
    pages = {path.parent.name for path in (ROOT / "app" / "screens").glob("*/page.py")}
    folders = {path.name for path in (ROOT / "app" / "screens").iterdir() if path.is_dir() and path.name[0] != "_"}
    imported = set(re.findall(r"from app\.screens\.(\w+)\.page import page", (ROOT / "app" / "main.py").read_text()))
    assert pages == folders == imported


READERS = {  # functions that open any path, or parse JSON without a record
    *("open", "read_text", "read_bytes", "ZipFile", "memmap", "fromfile", "genfromtxt"),
    *("load", "loads", "load_file", "safe_open", "ParquetFile", "read_table", "read_csv"),
}
ALLOWED = {
    ("gnl_core/files/__init__.py", "open"): "the one place",
    ("gnl_core/files/__init__.py", "safe_open"): "the one place",
    ("gnl_core/files/writing.py", "open"): "a folder, to sync the names in it",
    ("gnl_core/published.py", "open"): "a file of the package",
    ("gnl_core/page/runtime.py", "read_bytes"): "files of the package",
    ("app/display/components.py", "read_text"): "a file of the app",
    ("app/server/settings.py", "loads"): "TOML, checked against a record afterwards",
    ("gnl_core/jobs/start.py", "open"): "the log, for the new process to write",
    ("gnl_core/datasets/decoding.py", "open"): "Pillow, on a stream",
    ("gnl_core/datasets/corruptions.py", "open"): "Pillow, on bytes in memory",
    ("gnl_core/datasets/arrays.py", "ZipFile"): "on a stream",
    ("gnl_core/datasets/arrays.py", "open"): "a member of an open archive",
    ("gnl_core/datasets/arrays.py", "load"): "NumPy, on a stream, without pickles",
    ("gnl_core/datasets/cifar10_files.py", "memmap"): "on a stream",
    ("gnl_core/models/teacher_weights.py", "load"): "PyTorch, on a stream, without pickles",
    ("gnl_core/models/spill_file.py", "memmap"): "its own temporary file",
    ("app/screens/inspect/position.py", "open"): "whether an expander is open",
    ("gnl_core/runs/score_columns.py", "ParquetFile"): "on a stream",
}
"""Uses that read no path that a user, an address or a file names, or read it through `open_file`."""


def readers_in(path: Path) -> set[str]:
    """Names of reading functions that a file uses, without those that it or gnl_core defines."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imports = [
        node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gnl_core")
    ]
    ours = {alias.name for node in imports for alias in node.names}
    ours |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    plain = {node.id for node in nodes if isinstance(node, ast.Name)} - ours
    dotted = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return (plain | dotted) & READERS


def test_files_are_opened_in_one_place():
    found = {
        (str(path.relative_to(ROOT)), name)
        for folder in ("gnl_core", "app")
        for path in (ROOT / folder).rglob("*.py")
        for name in readers_in(path)
    }
    assert found == ALLOWED.keys()


UNBOUNDED = {("app/display/components.py", "component"): "one entry per component of the app"}


def is_bounded_cache(decorator: ast.expr, function: ast.FunctionDef) -> bool | None:
    """Whether a cache keeps a bounded number of results; None for a decorator that is no cache."""
    name = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    if name not in ("st.cache_data", "st.cache_resource", "cache", "lru_cache"):
        return None
    limits = {word.arg for word in decorator.keywords} if isinstance(decorator, ast.Call) else set()
    return bool(limits & {"max_entries", "maxsize"}) or not function.args.args


def test_every_cache_is_bounded():
    found = {
        (str(path.relative_to(ROOT)), node.name)
        for folder in ("gnl_core", "app")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(is_bounded_cache(decorator, node) is False for decorator in node.decorator_list)
    }
    assert found == UNBOUNDED.keys()
