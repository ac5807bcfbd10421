"""Choices that persist from page to page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app
from app import query_keys


def script() -> None:
    import streamlit as st

    from app.navigation import carry_choices

    title = st.session_state.get("go", "one")
    carry_choices(title)
    if title == "one":
        st.slider("Strength", 0.0, 1.0, 1.0, key="strength")
        st.slider("Own", 0, 9, 3, key="own")
    else:
        st.slider("Strength of another page", 0.0, 1.0, 1.0, key="strength")


def test_only_shared_choices_persist_on_another_page():
    page = AppTest.from_function(script).run()
    page.slider(key="strength").set_value(0.5).run()
    page.slider(key="own").set_value(7).run()
    page.session_state["go"] = "two"
    page.run()
    assert page.slider(key="strength").value == 0.5
    page.slider(key="strength").set_value(0.25).run()
    page.session_state["go"] = "one"
    page.run()
    assert (page.slider(key="strength").value, page.slider(key="own").value) == (0.25, 3)


APP = Path(app.__file__).parent
MODULES = sorted(path for path in APP.rglob("*.py") if path != Path(query_keys.__file__))
TABLE = {*query_keys.CARRIED, *query_keys.CARRIED_PREFIXES, *query_keys.STAYING}
STATES = ("session_state", "query_params")


def literal_keys(module: ast.Module) -> Iterator[str]:
    """The texts by which a module names widgets and entries of session state and address, whole or as a beginning."""
    constants = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        for key in key_expressions(node):
            named = constants.get(key.id, key) if isinstance(key, ast.Name) else key
            first = named.values[0] if isinstance(named, ast.JoinedStr) else named
            if isinstance(first, ast.Constant):
                yield str(first.value)


def key_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """What names a widget in a call, or an entry where one is read or set."""
    if isinstance(node, ast.Call):
        yield from (word.value for word in node.keywords if word.arg == "key")
        if isinstance(node.func, ast.Attribute) and is_state(node.func.value):
            yield from node.args[:1]
    if isinstance(node, ast.Subscript) and is_state(node.value):
        yield node.slice


def is_state(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in STATES


@pytest.mark.parametrize(
    "line",
    [
        "st.slider('Strength', key='strength')",
        "st.toggle('FDM', key=f'fdm_{detector}')",
        "st.session_state['side'] = 0",
        "st.query_params.get('root')",
        "NUMBER = 'image'\nst.number_input('Image', key=NUMBER)",
    ],
)
def test_a_key_that_is_spelled_out_is_found(line: str):
    assert TABLE.intersection(literal_keys(ast.parse(line)))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(APP).as_posix())
def test_no_module_spells_out_a_key_of_the_table(path: Path):
    assert not TABLE.intersection(literal_keys(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", sorted((APP / "controls").glob("*.py")), ids=lambda path: path.name)
def test_shared_controls_take_the_keys_that_stay_in_the_address_from_the_table(path: Path):
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    bound = [call for call in calls if "bind" in {word.arg for word in call.keywords}]
    assert not [key for call in bound for key in literal_keys(ast.Module([ast.Expr(call)], []))]
