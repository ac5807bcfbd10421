"""The three laws of the house: imports go down the floors, a library has one room, the core knows no face."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
Imports = dict[str, set[str]]  # module to all that it imports

FLOORS = (  # from the ground up; a package stands for its modules
    (
        "records",
        "config",
        "losses",
        "distribution_matching",
        "anomaly_map",
        "ranking",
        "delong",
        "devices",
        "memory",
        "jigsaw",
        "neighbours",
        "coreset",
        "shift_score",
        "finite",
        "strict_json",
    ),
    ("datasets", "models", "metrics", "pixel_metrics", "published", "plots", "distributed"),
    ("detectors",),
    ("training", "scoring", "export", "explanation"),
    ("runs",),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {f"gnl_core.{room}": floor for floor, rooms in enumerate(FLOORS, start=1) for room in rooms} | {"app": 6}
LIBRARY_ROOMS = {
    "streamlit": "app",
    "subprocess": "gnl_core.runs.jobs",
    "ray": "gnl_core.runs.sweep",
    "lightning_fabric": "gnl_core.distributed",
    "timm": "gnl_core.models.backbones",
    "matplotlib": "gnl_core.plots",
    "plotly": "gnl_core.plots",
    "onnx": "gnl_core.export",
    "onnxscript": "gnl_core.export",
}


def within(name: str, package: str) -> bool:
    """Whether a dotted name is a package or lies in it."""
    return name == package or name.startswith(f"{package}.")


def imports_of(source: str, *, module: str, is_package: bool = False) -> set[str]:
    """All that a module imports anywhere in it, also for its types alone, as dotted names."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return found


def read_imports() -> Imports:
    """Every module of both packages and what it imports."""
    imports = {}
    for file in sorted([*ROOT.glob("gnl_core/**/*.py"), *ROOT.glob("app/**/*.py")]):
        parts = file.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        imports[module] = imports_of(file.read_text(encoding="utf-8"), module=module, is_package=is_package)
    return imports


def room_of(name: str) -> str | None:
    """The room of ours that a dotted name lies in."""
    return next((room for room in FLOOR_OF if within(name, room)), None)


def find_upward(imports: Imports) -> Iterator[str]:
    """Imports from one room into another that is not on a lower floor, and modules without a floor."""
    for module, names in imports.items():
        room = room_of(module)
        if room is None:
            if module != "gnl_core":
                yield f"{module} has no floor"
            continue
        for name in names:
            other = room_of(name)
            if other not in (None, room) and FLOOR_OF[other] >= FLOOR_OF[room]:
                yield f"{module} imports {name}"


def find_circle(imports: Imports) -> list[str]:
    """A circle of modules that import each other, or nothing."""
    graph = {
        module: {own for name in names if (own := module_of(name, imports)) and own != module}
        for module, names in imports.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def module_of(name: str, imports: Imports) -> str | None:
    """The module of ours that a dotted name is, or is a name in."""
    parent = name.rpartition(".")[0]
    return name if name in imports else parent if parent in imports else None


def find_strays(imports: Imports) -> Iterator[str]:
    """Imports of a library outside its room."""
    for module, names in imports.items():
        for library, room in LIBRARY_ROOMS.items():
            if any(within(name, library) for name in names) and not within(module, room):
                yield f"{module} imports {library}, which belongs in {room}"


def find_faces(imports: Imports) -> Iterator[str]:
    """Imports of the app by the core."""
    for module, names in imports.items():
        if within(module, "gnl_core") and any(within(name, "app") for name in names):
            yield f"{module} imports the app"


@pytest.fixture(scope="module")
def house() -> Imports:
    return read_imports()


def test_imports_go_down_the_floors(house: Imports):
    assert list(find_upward(house)) == []


def test_no_modules_import_each_other_in_a_circle(house: Imports):
    assert find_circle(house) == []


def test_each_library_stays_in_its_room(house: Imports):
    assert list(find_strays(house)) == []


def test_the_core_does_not_know_the_app(house: Imports):
    assert list(find_faces(house)) == []


def test_the_laws_look_at_the_whole_house(house: Imports):
    assert {"gnl_core", "gnl_core.__main__", "gnl_core.models.backbones", "app.main"} <= set(house)
    assert "timm" in house["gnl_core.models.backbones"]
    assert "gnl_core.cli.main" in house["gnl_core.__main__"]
    assert "torch.Tensor" in house["gnl_core.records"]  # for its types alone


def test_imports_are_found_wherever_they_stand():
    source = """
import a.b, c as d
from e import f as g, h
if TYPE_CHECKING:
    from i import j
def late():
    import k
"""
    assert imports_of(source, module="gnl_core.x") == {"a.b", "c", "e.f", "e.h", "i.j", "k"}


def test_relative_imports_are_found():
    source = "from . import a\nfrom .b import c\nfrom ..d import e\n"
    expected = {"gnl_core.x.a", "gnl_core.x.b.c", "gnl_core.d.e"}
    assert imports_of(source, module="gnl_core.x.y") == expected
    assert imports_of("from .a import b", module="gnl_core.x", is_package=True) == {"gnl_core.x.a.b"}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("gnl_core.losses", "gnl_core.metrics.auroc"),  # up
        ("gnl_core.detectors.gnl", "gnl_core.runs.folder"),
        ("gnl_core.metrics", "gnl_core.plots.maps"),  # across
        ("gnl_core.training", "gnl_core.scoring.score"),
        ("gnl_core.losses", "gnl_core.records.Batch"),
        ("gnl_core.runs.folder", "gnl_core.cli.main"),
        ("app.main", "gnl_core.cli.main"),
        ("gnl_core.cli", "app.main"),
    ],
)
def test_an_import_up_or_across_is_found(module: str, name: str):
    assert list(find_upward({module: {name}})) == [f"{module} imports {name}"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("gnl_core.metrics", "gnl_core.records.Scores"),
        ("gnl_core.datasets.digits", "gnl_core.datasets.base.Item"),
        ("app.main", "gnl_core.runs.folder.RunFolder"),
        ("gnl_core.losses", "torch.nn"),
    ],
)
def test_an_import_down_within_or_from_outside_is_allowed(module: str, name: str):
    assert list(find_upward({module: {name}})) == []


def test_a_module_without_a_floor_is_found():
    assert list(find_upward({"gnl_core.helpers": set()})) == ["gnl_core.helpers has no floor"]


def test_a_circle_is_found():
    imports = {"app.a": {"app.b.f"}, "app.b": {"app.c"}, "app.c": {"app.a.g"}, "app.d": {"app.a"}}
    assert set(find_circle(imports)) == {"app.a", "app.b", "app.c"}
    assert find_circle(imports | {"app.c": set()}) == []


def test_a_circle_through_a_package_is_found():
    assert find_circle({"gnl_core.x": {"gnl_core.x.y.f"}, "gnl_core.x.y": {"gnl_core.x.TABLE"}})


@pytest.mark.parametrize("library", LIBRARY_ROOMS)
def test_a_library_outside_its_room_is_found(library: str):
    room = LIBRARY_ROOMS[library]
    for name in (library, f"{library}.part"):
        assert len(list(find_strays({"gnl_core.losses": {name}}))) == 1
        assert list(find_strays({room: {name}})) == []
    assert list(find_strays({"gnl_core.losses": {f"{library}x"}})) == []


@pytest.mark.parametrize("name", ["app", "app.state", "app.screens.explore.draw"])
def test_a_core_that_knows_the_app_is_found(name: str):
    assert list(find_faces({"gnl_core.plots.maps": {name}})) == ["gnl_core.plots.maps imports the app"]
    assert list(find_faces({"app.main": {name}, "gnl_core.plots.maps": {"apple"}})) == []
