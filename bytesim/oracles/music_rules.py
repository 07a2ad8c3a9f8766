"""The rules engine of `convert`: programs that know the formats, for what the model cannot do and to check what it did.

No model path imports this.
"""

from __future__ import annotations

import shutil

from bytesim.oracles.abcmidi import Rendering, label_many, midi_to_abc, render_abc2midi
from bytesim.oracles.music21_render import render_music21

__all__ = [
    "Rendering",
    "abc_to_midi_abc2midi",
    "abc_to_midi_rules",
    "label_many",
    "midi_to_abc_rules",
    "render_abc2midi",
    "render_music21",
    "render_rules",
]


def render_rules(abc_text: str) -> Rendering:
    """The first tune of a text as MIDI, with the engine's name and its remarks.

    abc2midi where it is installed, else music21. Raises FormatError, ToolError.
    """
    return render_abc2midi(abc_text) if shutil.which("abc2midi") else render_music21(abc_text)


def abc_to_midi_rules(abc_text: str) -> tuple[bytes, str]:
    """MIDI, and the name of the engine that made it: abc2midi where it is installed, else music21."""
    rendering = render_rules(abc_text)
    return rendering.midi, rendering.engine


def abc_to_midi_abc2midi(abc_text: str) -> bytes:
    """MIDI by abc2midi, the ground truth. Raises ToolError where it is missing."""
    return render_abc2midi(abc_text).midi


def midi_to_abc_rules(data: bytes) -> str:
    """ABC by Debian's midi2abc. Raises ToolError where it is missing."""
    return midi_to_abc(data)
