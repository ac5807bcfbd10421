from __future__ import annotations

from streamlit.testing.v1 import AppTest

from app.progress import CANCELLED


def held() -> None:
    import streamlit as st

    from app.progress import stop_if_cancelled

    stop_if_cancelled(("noise", "2"), title="Noise")
    st.write("done")


def slow() -> None:
    import time
    from types import SimpleNamespace

    from app.progress import UNSEEN_SECONDS, track_progress

    class Slow:
        items = range(2)

        def __iter__(self):
            for item in self.items:
                time.sleep(UNSEEN_SECONDS)
                yield SimpleNamespace(paths=[item])

    for number in ("1", "2"):
        list(track_progress(Slow(), title="One name", key=("work", number)))


def test_cancelled_work_stays_cancelled_until_it_is_restarted():
    page = AppTest.from_function(held)
    page.session_state[CANCELLED] = ("noise", "2")
    page.run()
    assert not page.markdown
    assert page.info[0].value.startswith("Noise: cancelled.")
    page.button[0].click().run()
    assert not page.info
    assert page.markdown[0].value == "done"


def test_other_work_continues():
    page = AppTest.from_function(held)
    page.session_state[CANCELLED] = ("noise", "3")
    page.run()
    assert page.markdown[0].value == "done"


def test_works_with_one_title_have_separate_bars_and_buttons_and_remove_them():
    page = AppTest.from_function(slow, default_timeout=10).run()
    assert not page.exception
    assert not page.button
