"""The page Follow, without a browser, on a line of digits that grow brighter and on the example."""

import re
import shutil

import numpy as np
import PIL.Image
import pytest

from app.checkpoints import BUNDLED, list_checkpoints
from app.lines import Line, kept_lines, line_key
from app.progress import CANCELLED
from app.screens.follow.line import line_picture
from app.screens.follow.page import REQUESTED
from app.server import people, rules
from app.sources import fingerprint, source_of
from gnl_core.datasets import list_items
from gnl_core.datasets.parts import GOOD
from gnl_core.datasets.parts.line import list_shots
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.followed import FollowSettings, let_follow, line_csv
from gnl_core.runs.line_scores import read_line
from tests.app.conftest import charts, finding, texts

RUN = BUNDLED / "digits-4-rd4ad"
COUNT = 40


@pytest.fixture(autouse=True)
def nothing_kept():
    kept_lines().clear()


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A folder of fours whose background grows brighter in the second half, numbered without leading zeros."""
    folder = tmp_path_factory.mktemp("line")
    fours = [item for item in list_items("digits", normal_class="4", domain="digits") if item.label == 0][:COUNT]
    for number, item in enumerate(fours, start=1):
        lift = 4 * max(0, number - COUNT // 2)
        pixels = np.clip(item.read().astype(int) + lift, 0, 255).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def open_follow(open_screen):
    """A function that opens the page and chooses the bundled run."""

    def open_at(folder, run=RUN, **query):
        page = open_screen("follow", line=folder, **query)
        page.selectbox(key="line_run").set_value(str(run)).run()
        assert not page.exception
        return page

    return open_at


def score(page):
    page.button(key="score_line").click().run()
    assert not page.exception
    assert not page.error
    return page


def drawn(page):
    """The values of each part of the chart."""
    return {trace["name"]: trace["y"] for trace in charts(page)[0]["data"]}


def table(page):
    """The cells of the table with the errors on the example, row by row."""
    (text,) = [element.value for element in page.markdown if element.value.startswith("| | n |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_without_a_folder_the_page_shows_the_example_at_once(open_screen):
    page = open_screen("follow")
    assert not page.exception
    assert not page.button
    assert [box.key for box in page.selectbox] == ["line_run"]  # its order is known
    assert page.caption[0].value.startswith(f"**Example**: {len(list_shots())} rendered nuts in order of time")
    assert sum(len(values) for name, values in drawn(page).items() if name.startswith(("normal", "anomalous"))) == len(
        list_shots()
    )
    assert {annotation["text"] for annotation in charts(page)[0]["layout"]["annotations"]} == {
        "lamp moves",
        "tool wears",
    }


def test_the_errors_on_the_example_are_those_of_its_scores(open_screen):
    page = open_screen("follow", window=50, at_most=0.5)
    folder, shots = RunFolder(BUNDLED / "parts-nut-rd4ad"), list_shots()
    (run,) = [one for one in list_checkpoints()[0] if one.folder.path == folder.path]
    scored = read_line(folder, read_config(folder), run.sha256)
    following = let_follow(scored, FollowSettings(window=50, at_most=0.5)).following
    good, own, worn = (
        np.array(kind)
        for kind in (
            [shot.defect == GOOD and not shot.wear for shot in shots],
            [shot.defect != GOOD for shot in shots],
            [shot.defect == GOOD and shot.wear > 0 for shot in shots],
        )
    )
    alarms = following.fixed_alarm, following.following_alarm
    rows = table(page)
    assert rows[0][1:] == [str(n) for n in (good.sum(), *(alarm[good].sum() for alarm in alarms))]
    assert rows[1][1:] == [str(n) for n in (own.sum(), *((~alarm[own]).sum() for alarm in alarms))]
    assert rows[2][1:] == [str(n) for n in (worn.sum(), *(alarm[worn].sum() for alarm in alarms))]
    assert re.findall(r"\d+", finding(page)) == [rows[0][2], rows[0][1], rows[2][2], rows[2][1], rows[0][3], rows[2][3]]
    assert f"n = {len(shots)} images" in " ".join(texts(page))


def test_the_commands_of_the_example_write_and_follow_it(open_screen):
    build, follow = open_screen("follow").code[0].value.splitlines()
    assert build == "gnl data build-line --output example-line"
    assert follow.startswith("gnl follow assets/checkpoints/parts-nut-rd4ad --images example-line ")


def test_another_bundled_run_of_nuts_shows_the_example_too(open_screen):
    page = open_screen("follow")
    page.selectbox(key="line_run").set_value(str(BUNDLED / "parts-nut-gnl")).run()
    assert not page.exception
    assert charts(page)
    assert "parts-nut-gnl" in page.code[0].value


def test_a_run_of_other_images_is_told_which_runs_follow_the_example(open_screen):
    page = open_screen("follow")
    page.selectbox(key="line_run").set_value(str(RUN)).run()
    assert not page.exception
    assert not charts(page)
    assert page.info[0].value.startswith(
        "The example shows rendered nuts, but this run was trained on Digits, 4; to see it, choose a run of "
        "Parts (rendered), nut."
    )


def test_a_run_of_nuts_without_saved_scores_offers_to_score_the_example(open_screen, own_runs):
    shutil.copytree(BUNDLED / "parts-nut-gnl", own_runs / "nuts", ignore=shutil.ignore_patterns("line.json"))
    page = open_screen("follow")
    page.selectbox(key="line_run").set_value(str(own_runs / "nuts")).run()
    assert not page.exception
    assert not charts(page)
    assert page.button(key="score_line").label == f"Score {len(list_shots())} images"


def test_damaged_saved_scores_of_the_example_are_reported_in_one_sentence(open_screen, own_runs):
    shutil.copytree(BUNDLED / "parts-nut-gnl", own_runs / "nuts")
    (own_runs / "nuts" / "line.json").write_text("{}")
    page = open_screen("follow")
    page.selectbox(key="line_run").set_value(str(own_runs / "nuts")).run()
    assert not page.exception
    (error,) = page.error
    assert "line.json cannot be read" in error.value
    assert error.value.endswith("remove it; the page Follow then scores the line again")


def test_a_public_server_shows_the_example_and_opens_no_folder(open_screen, monkeypatch, line):
    monkeypatch.setenv("GNL_MODE", "public")
    page = open_screen("follow")
    assert not page.exception
    assert charts(page)
    page.text_input(key="line").set_value(str(line)).run()
    assert not page.exception
    assert not charts(page)
    assert "this server does not open" in page.error[0].value


def test_a_line_beyond_the_servers_limits_is_refused_in_one_sentence(open_follow, monkeypatch, line):
    monkeypatch.setenv("GNL_IMAGES_PER_REQUEST", str(COUNT - 1))
    page = open_follow(line)
    page.button(key="score_line").click().run()
    assert not page.exception
    assert [error.value.partition(";")[0] for error in page.error] == [
        f"This line cannot be followed: these are {COUNT} images, and this server computes at most {COUNT - 1} at once"
    ]


def test_a_line_counts_as_a_computation(open_follow, monkeypatch, line):
    monkeypatch.setenv("GNL_COMPUTATIONS_PER_MINUTE", "1")
    monkeypatch.setattr(rules, "COMPUTATIONS", rules.RateLimit(seconds=60))
    monkeypatch.setattr(people, "visitor", lambda *, signed_in: "ann")
    rules.count_computation()
    page = open_follow(line)
    page.button(key="score_line").click().run()
    assert not page.exception
    assert "more than 1 computations were started within a minute" in page.error[0].value


def test_a_line_is_scored_on_request_in_order_of_time_and_kept(open_follow, line):
    page = open_follow(line)
    assert not charts(page)
    assert page.button(key="score_line").label == "Score 40 images"
    found = drawn(score(page))
    assert len(found["image"]) + len(found["alarm under the following threshold"]) == COUNT
    names = [name for trace in charts(page)[0]["data"] for name in trace.get("customdata", [])]
    assert sorted(names) == sorted(f"{number}.png" for number in range(1, COUNT + 1))
    again = open_follow(line)
    assert drawn(again) == found
    assert not [button for button in again.button if button.key == "score_line"]


def test_the_sentence_counts_the_alarms_of_both_thresholds(open_follow, line):
    page = score(open_follow(line))
    found = drawn(page)
    fixed = found["fixed threshold"][0]
    alarms = found["alarm under the following threshold"]
    raised = sum(value > fixed for value in [*found["image"], *alarms])
    assert f"The fixed threshold raises {raised} alarm" in finding(page)
    assert f"the one that follows {len(alarms)};" in finding(page)


def test_the_limit_of_the_rise_acts_without_scoring_again(open_follow, line):
    page = score(open_follow(line))
    page.slider(key="window").set_value(20).run()
    page.slider(key="at_most").set_value(0.0).run()
    assert not page.exception
    found = drawn(page)
    assert max(found["following threshold"]) == found["fixed threshold"][0]
    assert "--window 20 --at-most 0" in page.code[0].value


def test_the_risk_is_stated_and_what_is_accepted_is_shown(open_follow, line):
    page = score(open_follow(line, window=20, at_most=3.0))
    assert any("It raises no alarm for such damage" in text for text in texts(page))
    (key,) = kept_lines()
    followed = let_follow(kept_lines()[key], FollowSettings(window=20, at_most=3.0))
    accepted = int(followed.following.accepted.sum())
    assert accepted
    assert any(text.startswith(f"**{accepted} image") for text in texts(page))
    assert any("raise an alarm under the fixed threshold alone" in one.value for one in page.warning)


def test_the_downloads_hold_one_row_per_image_and_a_picture(open_follow, line):
    score(open_follow(line))
    (scored,) = kept_lines().values()
    followed = let_follow(scored, FollowSettings())
    assert len(line_csv(followed).splitlines()) == 1 + COUNT
    assert b"<svg" in line_picture(followed, [])


def test_scoring_can_be_cancelled_and_started_again(open_follow, line):
    page = open_follow(line)
    (run,) = [one for one in list_checkpoints()[0] if one.folder.path == RUN]
    page.session_state[CANCELLED] = line_key(source_of(run), Line(line, fingerprint(line), "name"))
    page.session_state[REQUESTED] = {page.session_state[CANCELLED]}
    page.run()
    assert "cancelled" in page.info[0].value
    assert not charts(page)
    next(button for button in page.button if button.label == "Score these images").click().run()
    assert not page.exception
    assert charts(page)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "there is no folder"),
        (lambda folder: folder.mkdir(), "no images"),
        (lambda folder: (folder.mkdir(), (folder / "a.png").write_bytes(b"x")), "none of 1 images can be read"),
    ],
    ids=["missing", "empty", "damaged"],
)
def test_a_folder_that_cannot_be_used_is_reported_in_one_sentence(open_follow, tmp_path, make, words):
    make(tmp_path / "line")
    (error,) = open_follow(tmp_path / "line").error
    assert error.value.startswith("This line cannot be followed: ")
    assert words in error.value


def test_an_image_that_cannot_be_read_is_left_out_and_named(open_follow, line, tmp_path):
    folder = tmp_path / "line"
    folder.mkdir()
    (folder / "1.png").write_bytes((line / "1.png").read_bytes())
    (folder / "2.png").write_bytes(b"x")
    page = open_follow(folder)
    assert page.warning[0].value.startswith("1 of 2 images cannot be read, and is left out")
    assert page.button(key="score_line").label == "Score 1 image"


def test_names_without_a_date_have_no_order_by_date(open_follow, line):
    page = open_follow(line)
    page.selectbox(key="line_order").set_value("date").run()
    assert not page.exception
    assert "date" in page.error[0].value


def test_a_run_without_held_out_images_is_reported_in_one_sentence(open_follow, line, train):
    folder = train(detector="rd4ad", normal_class="7", holdout_percent=0)
    page = open_follow(line, run=folder.path)
    page.button(key="score_line").click().run()
    assert not page.exception
    assert page.error[0].value.startswith("This line cannot be followed: there is no fixed threshold to start from")
