"""Settings as words of a command line."""

from __future__ import annotations


def flag_of(name: str) -> str:
    """Return the command-line flag of a setting, such as --style-weight for style_weight."""
    return f"--{name.replace('_', '-')}"


def flag_words(name: str, value: object) -> list[str]:
    """Write a setting as words of a command line, such as --style-weight 0.5; an unset one gives no words."""
    flag = flag_of(name)
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, tuple):
        return [flag, "x".join(str(side) for side in dict.fromkeys(value))]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]
