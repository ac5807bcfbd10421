from __future__ import annotations

from streamlit.testing.v1 import AppTest


def work() -> None:
    import streamlit as st

    from app.progress import cancel, hold_if_cancelled

    hold_if_cancelled(("noise", "2"), title="Noise")
    st.write("done")
    st.button("Cancel", on_click=cancel, args=(("noise", "2"),))
    st.button("Cancel something else", on_click=cancel, args=(("noise", "3"),))


def test_what_was_cancelled_is_held_until_it_is_asked_for_again():
    page = AppTest.from_function(work).run()
    page.button[0].click().run()
    assert not page.markdown
    assert page.info[0].value.startswith("Noise: cancelled.")
    page.button[0].click().run()
    assert not page.info
    assert page.markdown[0].value == "done"


def test_other_work_goes_on():
    page = AppTest.from_function(work).run()
    page.button[1].click().run()
    assert page.markdown[0].value == "done"
