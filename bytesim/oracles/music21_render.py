"""Convert ABC to MIDI with music21, which pip can install everywhere. It is slower and simpler than abc2midi.

music21 runs in a process of its own (`python -m bytesim.oracles.music21_render`), so that it can be stopped if a
tune keeps it busy for ever.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bytesim.errors import FormatError, ToolError
from bytesim.formats import midi
from bytesim.oracles.abcmidi import Rendering

TIMEOUT_S = 60.0
"""Time limit; loading music21 alone takes a second or two."""
MAX_TEXT_BYTES = 64 * 1024

_REFUSED = 3


def render_music21(abc_text: str) -> Rendering:
    """The first tune of a text, rendered by music21.

    Grace notes are left out: music21 gives them no length, so they would sound to the end. Raises FormatError
    for a tune that music21 cannot read, ToolError if it fails or takes too long.
    """
    raw = abc_text.encode("utf-8", "replace")
    if len(raw) > MAX_TEXT_BYTES:
        raise FormatError(f"the tune has {len(raw)} bytes; music21 is given at most {MAX_TEXT_BYTES}. Split it.")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bytesim.oracles.music21_render"],
            cwd=Path(__file__).parents[2],  # so that -m imports this package, whatever folder the user is in
            input=raw,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"music21 was stopped after {TIMEOUT_S:g} s. Split the tune and try again.") from error
    if done.returncode == _REFUSED:
        raise FormatError(f"music21 cannot read this tune: {done.stderr.decode('utf-8', 'replace').strip()}.")
    if done.returncode:
        raise ToolError(f"music21 failed on this tune (exit code {done.returncode}).")
    if not midi.notes(done.stdout):
        raise FormatError("music21 found no notes in the tune.")
    _, num_graces = _without_graces(abc_text)
    groups = "1 group" if num_graces == 1 else f"{num_graces} groups"
    left_out = (f"grace notes left out ({groups})",) if num_graces else ()
    return Rendering(midi=done.stdout, engine="music21", version=metadata.version("music21"), messages=left_out)


def midi_by_music21(abc_text: str) -> bytes:
    """The MIDI file that music21 makes: format 1, 10080 ticks per quarter note, repeats played out."""
    from music21 import converter
    from music21 import midi as music21_midi
    from music21.stream import Opus

    text, _ = _without_graces(_with_unit_length(abc_text))
    score = converter.parseData(text, format="abc")
    if isinstance(score, Opus):
        score = score.scores[0]
    written: bytes = music21_midi.translate.streamToMidiFile(score).writestr()
    title = re.search(r"^T:(.*)$", abc_text, re.MULTILINE)
    # music21 does not write the title.
    return midi.set_title_and_tempo(written, title[1], None) if title else written


def _with_unit_length(abc_text: str) -> str:
    """Write `L:` out by the rule of the ABC standard, which music21 follows only if `M:` is given."""
    head, key, rest = abc_text.partition("\nK:")
    if not key or re.search(r"^L:", head, re.MULTILINE):
        return abc_text
    meter = re.search(r"^M: *(\d+)/(\d+)", head, re.MULTILINE)
    short = meter is not None and 4 * int(meter[1]) < 3 * int(meter[2])
    return f"{head}\nL:1/{16 if short else 8}{key}{rest}"


def _without_graces(abc_text: str) -> tuple[str, int]:
    return re.subn(r"\{[^}\n]*\}", "", abc_text)


def _main() -> int:
    try:
        data = midi_by_music21(sys.stdin.buffer.read().decode("utf-8"))
    except Exception as error:  # music21 raises its own exceptions and, on damaged tunes, built-in ones
        sys.stderr.write(" ".join(f"{error or type(error).__name__}".split())[:300].rstrip("."))
        return _REFUSED
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
