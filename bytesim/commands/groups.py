"""The group of a command with subcommands: given a file where a subcommand is due, it says what was meant."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from typer.core import TyperGroup

_CONVERTERS = {"abc": "abc2midi", "mid": "midi2abc", "midi": "midi2abc"}
"""Suffix -> the subcommand of `convert` for it."""


class Group(TyperGroup):
    """A group of subcommands."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the subcommand. Wrong usage, with the command that was meant, if the first word is a file."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            meant = meant_command(ctx.command_path, args)
            if meant:
                ctx.fail(f"No such command {args[0]!r}. Did you mean `{meant}`?")
        return super().resolve_command(ctx, args)


def meant_command(group: str, words: Sequence[str]) -> str:
    """The command that was meant by the words after a group, such as `bytesim convert`; empty if none is plain."""
    name = group.rpartition(" ")[2]
    meant = _MEANT.get(name, _meant_by_root)(words[0])
    return f"bytesim {meant.replace('FILE', shlex.join(words))}" if meant else ""


def _is_file(word: str) -> bool:
    """Whether a word is more like the name of a file than like that of a command."""
    return os.path.exists(word) or "." in word or os.sep in word or "/" in word


def _suffix(word: str) -> str:
    return os.path.splitext(word)[1].lower().lstrip(".")


def _meant_by_root(word: str) -> str:
    if not _is_file(word):
        return ""
    if _suffix(word) in _CONVERTERS:
        return _meant_by_convert(word)
    return {"asm": "simulate-cpu FILE", "toml": "train FILE"}.get(_suffix(word), "classify file FILE")


def _meant_by_convert(word: str) -> str:
    if not _is_file(word):
        return ""
    converter = _CONVERTERS.get(_suffix(word))
    return f"convert {converter} FILE" if converter else "convert files FILE --model NAME"


def _meant_by_evaluate(word: str) -> str:
    return "evaluate bpb FILE" if _is_file(word) else ""


def _meant_by_models(word: str) -> str:
    from bytesim.tasks.models import model_names

    return "models show FILE" if word in model_names() or _is_file(word) else ""


def _meant_by_data(word: str) -> str:
    return f"data build {word}" if word in ("cpu", "filetype", "media", "music") else ""


_MEANT: dict[str, Callable[[str], str]] = {
    "classify": lambda word: "classify file FILE" if _is_file(word) else "",
    "convert": _meant_by_convert,
    "data": _meant_by_data,
    "evaluate": _meant_by_evaluate,
    "models": _meant_by_models,
}
"""Group -> function of the first word after it, which gives the command that was meant, or an empty text."""
