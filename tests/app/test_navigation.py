"""What stays when a visitor goes from one page to another."""

import ast
from collections.abc import Iterator
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app import controls, query_keys


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


def test_a_choice_that_pages_share_goes_along_and_the_others_stay_behind():
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


def bound_keys(source: Path) -> Iterator[str]:
    """The keys that widgets of a module hold in the address bar: a literal one, or the beginning of a composed one."""
    for node in ast.walk(ast.parse(source.read_text())):
        words = {word.arg: word.value for word in node.keywords} if isinstance(node, ast.Call) else {}
        key = words.get("key")
        if "bind" not in words:
            continue
        first = key.values[0] if isinstance(key, ast.JoinedStr) else key
        if isinstance(first, ast.Constant):
            yield str(first.value)


def test_every_widget_of_shared_controls_has_a_key_of_the_table():
    table = {*query_keys.CARRIED, *query_keys.CARRIED_PREFIXES, *query_keys.STAYING}
    sources = Path(controls.__file__).parent.glob("*.py")
    used = {key for source in sources for key in bound_keys(source)}
    assert {"data", "methods", "run_", "side"} <= used  # the search finds them
    assert used <= table
