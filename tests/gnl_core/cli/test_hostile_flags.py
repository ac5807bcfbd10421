"""Flags that name nothing, too much or a foreign place: code 2 and one short sentence, and nothing is written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.messages import LONGEST_VALUE, as_sentence, escape_hidden, quote, shorten, shorten_words

RUN = Path(__file__).parents[3] / "assets" / "checkpoints" / "digits-4-gnl"
LONG = "v" * 20_000
REFUSED = {
    "train --run ": "expected a path, got an empty text",
    "train --run new --data-root ": "data_root = '': expected a path, got an empty text",
    "train --run new --epochs 999999999999999999999999": "less than or equal to 100000",
    "train --run new --batch-size 999999999999999999999999": "less than or equal to 65536",
    "train --run new --image-cache-mb 999999999999999999999999": "less than or equal to 16777216",
    "train --run new --detector knn --neighbours 999999999999999999999999": "less than or equal to 1000000",
    "train --run new --device meta": "device = 'meta': expected auto, cpu, cuda, mps or xpu",
    "train --run new --device vulkan": "expected auto, cpu, cuda, mps or xpu",
    "train --run new --device LONG": "expected auto, cpu, cuda, mps or xpu",
    "train --run new --dataset LONG": "unknown dataset",
    "train --run new --detector LONG": "unknown detector",
    "train --run new --teacher LONG": "unknown teacher",
    "train --run new --normal-class LONG": "unknown class",
    "train --run new --epochs LONG": "invalid settings: epochs",
    "train --run new --LONG 1": "unrecognized arguments",
    "train --run LONG": "File name too long",
    "score LONG": "File name too long",
    "score RUN --epoch LONG": "invalid int value",
    "score RUN --domain LONG": "unknown domain",
    "score RUN --shift LONG": "expected a corruption",
    "score RUN --preset LONG": "File name too long",
    "score RUN --device meta": "device = 'meta': expected auto",
    "runs LONG": "File name too long",
    "runs --log LONG": "File name too long",
    "compare --normal-class 4 --detector knn --output ": "expected a path, got an empty text",
    "compare --output new --normal-class LONG --detector knn": "unknown class",
    "compare --output foreign --normal-class 4 --detector knn": "holds files of something else, such as 'thesis.docx'",
    "data check --dataset LONG": "unknown dataset",
    "score WORDS": "File name too long",
    "compare --output new --normal-class 4 --detector knn --adapt WORDS": "choose one of: unlabelled, normal, bank",
    "train --run loop/new --dataset digits --normal-class 4": "Too many levels of symbolic links",
    "score a\x1b[31m\r\nb\u202ec": r"no checkpoint at a\x1b[31m\r\nb\u202ec/weights",
    "runs --a\x1b[31m\nb": r"unrecognized arguments: --a\x1b[31m\nb",
    "score a\0b": "expected a path, which has no NUL character",
    "train --run new --data-root a\0b": "expected a path, which has no NUL character",
}


@pytest.mark.parametrize(("line", "reason"), REFUSED.items())
def test_a_flag_is_refused_in_one_sentence_and_nothing_is_written(
    line: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.docx").touch()
    (tmp_path / "loop").symlink_to("loop")
    words = [
        word.replace("LONG", LONG).replace("RUN", str(RUN)).replace("WORDS", "w " * 10_000) for word in line.split(" ")
    ]
    assert exit_code(words) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert reason in said
    assert len(said) <= 400
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["foreign", "loop", "thesis.docx"]


def exit_code(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as end:  # argparse ends the process itself
        return int(end.code or 0)


def test_a_long_value_keeps_its_beginning_and_its_end():
    text = "begin" + LONG + "end"
    assert len(shorten(text)) == LONGEST_VALUE
    assert shorten(text).startswith("beginvvv")
    assert shorten(text).endswith("vvvend")
    assert shorten("a" * LONGEST_VALUE) == "a" * LONGEST_VALUE
    assert quote("a") == "'a'"


def test_only_the_long_words_of_a_message_are_shortened():
    words = "several words " * 100
    assert shorten_words(words) == words
    assert len(shorten_words(f"{words}{LONG}")) < len(words) + 400


def test_a_message_has_at_most_400_characters_and_keeps_its_words():
    paths = [f"/{letter * 250}" for letter in "abc"]
    sentence = as_sentence(f"gnl: {paths[0]} would be written to {paths[1]}; choose a path outside {paths[2]}")
    assert len(sentence) <= 400
    assert re.fullmatch(r"gnl: /a+…a+ would be written to /b+…b+; choose a path outside /c+…c+", sentence)
    assert as_sentence("gnl: a short one") == "gnl: a short one"
    assert len(as_sentence("w " * 10_000)) == 400


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ä 数字 \u200d 🔬", "ä 数字 \u200d 🔬"),
        ("\x1b[31m\a\0", r"\x1b[31m\x07\x00"),
        ("a\r\nb\tc\u2028", r"a\r\nb\tc\u2028"),
        ("\ud800", r"\ud800"),
        ("gnp.\u202eexe", r"gnp.\u202eexe"),
    ],
)
def test_what_acts_on_a_terminal_is_escaped_and_scripts_are_not(text: str, shown: str):
    assert escape_hidden(text) == shown


def test_names_of_runs_do_not_act_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(RUN, tmp_path / "a\x1b]0;title\x07")
    assert main(["runs", str(tmp_path)]) == 0
    assert r"a\x1b]0;title\x07" in capsys.readouterr().out
