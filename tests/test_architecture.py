"""docs/architecture.md matches the tree; import-linter checks the import rules themselves (make check)."""

from __future__ import annotations

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
