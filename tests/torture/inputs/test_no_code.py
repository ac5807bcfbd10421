"""The source reads no format that executes code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted(path for folder in ("gnl_core", "app", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
EXECUTING = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "runpy"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
REQUIRED = {"weights_only": True, "allow_pickle": False}  # one of them, wherever something is loaded
LOADERS = {"load", "load_state_dict_from_url", "load_url", "hub.load", "read_pickle"}


def find_executing(source: str) -> list[str]:
    """List imports and calls in a source that could execute what a file holds."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in EXECUTING]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if node.module and node.module.split(".")[0] in EXECUTING else []
        elif isinstance(node, ast.Call):
            found += [call for call in [describe_call(node)] if call]
    return found


def describe_call(call: ast.Call) -> str | None:
    """Return a call that could execute code of a file; None for any other."""
    if isinstance(call.func, ast.Name) and call.func.id in BUILTINS:
        return call.func.id
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in LOADERS:
        return None
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    is_safe = any(name in given and given[name] is value for name, value in REQUIRED.items())
    owner = ast.unparse(call.func.value)
    return None if is_safe or owner in ("gnl", "json", "tomllib") else ast.unparse(call)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_in_the_source_executes_what_a_file_holds(path: Path):
    assert find_executing(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import yaml",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path, allow_pickle=True)",
        "torch.hub.load('a', 'b')",
        "eval(text)",
        "pd.read_pickle(path)",
    ],
)
def test_what_would_execute_it_is_found(source: str):
    assert find_executing(source)
