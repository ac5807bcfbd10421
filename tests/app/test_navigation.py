"""What stays when a visitor goes from one page to another."""

from streamlit.testing.v1 import AppTest


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
