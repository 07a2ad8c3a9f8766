"""ABC to MIDI by rules, without a model: abc2midi, or music21 if abc2midi is not installed."""

from __future__ import annotations

from bytesim.oracles.abcmidi import Rendering, render_abc2midi, tool_path
from bytesim.oracles.music21_render import render_music21


def render_rules(abc_text: str) -> Rendering:
    """The first tune of a text as MIDI, with the name, version and messages of the engine.

    Raises FormatError for a tune that the engine cannot read, ToolError if the engine fails.
    """
    return render_abc2midi(abc_text) if tool_path("abc2midi") else render_music21(abc_text)
