"""Shorten the values that messages repeat, so that a message stays one sentence, whatever the input is."""

from __future__ import annotations

LONGEST_VALUE = 80  # characters of a value in a message
LONGEST_WORD = 300  # of a path in a message, which users copy; most are shorter


def shorten(text: str, most: int = LONGEST_VALUE) -> str:
    """Replace the middle of a text with more than `most` characters by an ellipsis."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def quote(value: object) -> str:
    """Write a value as Python does, a long one shortened."""
    return shorten(repr(value))


def shorten_words(message: str) -> str:
    """Shorten the words of a message that are longer than any usual path, such as a path of 20,000 characters."""
    return " ".join(shorten(word, LONGEST_WORD) for word in message.split(" "))
