"""Keep messages to one readable line, whatever the input that they repeat is."""

from __future__ import annotations

import os
import unicodedata

LONGEST_MESSAGE = 400  # characters
LONGEST_VALUE = 80  # of a value in a message
LONGEST_WORD = 300  # of a path in a message, which users copy; most are shorter
SHORTEST_WORD = 40  # to which several paths in one message are shortened
HIDDEN = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories of control characters, lone surrogates and line ends
REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # the text after them
NO_CHARACTERS = "\ufffe\uffff"  # invalid in XML, as in a figure's file


def as_sentence(message: str) -> str:
    """Return a message as one visible line of at most 400 characters; its longest words are shortened first."""
    line = escape_hidden(message)
    shortened = (shorten_words(line, most) for most in range(LONGEST_WORD, SHORTEST_WORD, -10))
    return next((short for short in shortened if len(short) <= LONGEST_MESSAGE), shorten(line, LONGEST_MESSAGE))


def escape_hidden(text: str) -> str:
    """Write characters that end a line, act on a terminal or reorder the text as Python writes them in a literal."""
    if text.isprintable():  # as most are: ten times as fast
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in HIDDEN or character in REORDERING + NO_CHARACTERS
        else character
        for character in text
    )


def shorten(text: str, most: int = LONGEST_VALUE) -> str:
    """Replace the middle of a text with more than `most` characters by an ellipsis."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def quote(value: object) -> str:
    """Write a value as Python does, a long one shortened."""
    return shorten(repr(value))


def describe_error(error: BaseException) -> str:
    """Return the message of an error; the operating system's own becomes a sentence with its path."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    place = f"{os.fsdecode(error.filename)} cannot be used" if error.filename else "the operating system refused"
    return f"{place}: {error.strerror}; check what is there, its permissions and the space on the disk"


def shorten_words(message: str, most: int = LONGEST_WORD) -> str:
    """Shorten the words of a message that are longer than any usual path, such as a path of 20,000 characters."""
    return " ".join(shorten(word, most) for word in message.split(" "))
