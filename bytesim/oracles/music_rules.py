"""ABC to MIDI by rules, without a model: abc2midi, or music21 if abc2midi is not installed."""

from __future__ import annotations

from bytesim.errors import FormatError, ToolError
from bytesim.oracles.abcmidi import INSTALL, Rendering, render_abc2midi, tool_path
from bytesim.oracles.music21_render import render_music21


def render_rules(abc_text: str) -> Rendering:
    """The first tune of a text as MIDI, with the name, version and messages of the engine.

    Raises FormatError for a tune that the engine cannot read, ToolError if the engine fails.
    """
    if tool_path("abc2midi"):
        return render_abc2midi(abc_text)
    try:
        return render_music21(abc_text)
    except (FormatError, ToolError) as error:
        error.message += f" abc2midi reads more tunes and is not installed. {INSTALL}."
        raise
