"""Draws docs/architecture_*.svg: what each architecture reads in a step.

python docs/architecture_pictures.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

TEXT = "One cat sat here"
CELL, LEFT, WIDTH, HEIGHT = 38, 20, 760, 300
BYTES_Y = 250
INK, PALE, BLUE, GREEN, ORANGE = "#24292f", "#f6f8fa", "#dbeafe", "#dcfce7", "#ffedd5"


@dataclass
class Picture:
    """The parts of an SVG."""

    parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, text: str = "", size: int = 13) -> None:
        """A rectangle with a text in its middle."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{fill}" stroke="{INK}"/>'
        )
        if text:
            self.text(x + width / 2, y + height / 2 + size * 0.36, text, size)

    def text(self, x: float, y: float, text: str, size: int = 13, anchor: str = "middle") -> None:
        """A line of text; y is its baseline."""
        self.parts.append(f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>')

    def arrow(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """A line with an arrowhead at its end."""
        self.parts.append(f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{INK}" marker-end="url(#head)"/>')

    def svg(self, title: str) -> str:
        """The whole file."""
        head = (
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
            f'<path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker>'
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="Helvetica, Arial, sans-serif" fill="{INK}">\n<title>{escape(title)}</title>\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n<defs>{head}</defs>\n{body}\n</svg>\n'
        )


def place(index: float) -> float:
    """The left edge of a byte."""
    return LEFT + index * CELL


def bytes_row(picture: Picture) -> None:
    """The bytes of the text, in a row at the bottom."""
    for index, character in enumerate(TEXT):
        picture.box(place(index), BYTES_Y, CELL - 4, 28, PALE, "␣" if character == " " else character, 15)
    picture.text(place(len(TEXT)) + 10, BYTES_Y + 19, "bytes", anchor="start")


def spans(lengths: tuple[int, ...]) -> list[tuple[int, int]]:
    """(first byte, length) of each patch."""
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    return list(zip(starts, lengths, strict=True))


def flat() -> Picture:
    """Every byte goes through the whole decoder."""
    picture = Picture()
    bytes_row(picture)
    for index in range(len(TEXT)):
        middle = place(index) + (CELL - 4) / 2
        picture.arrow(middle, BYTES_Y, middle, 212)
        picture.arrow(middle, 90, middle, 62)
    picture.box(LEFT, 90, len(TEXT) * CELL - 4, 120, BLUE, "decoder: a step for each byte, with all layers", 16)
    picture.text(LEFT + len(TEXT) * CELL / 2, 48, "the next byte, at every byte")
    return picture


def bgpt() -> Picture:
    """A large decoder reads patches, a small one writes their bytes."""
    picture = Picture()
    bytes_row(picture)
    patches = spans((4, 4, 4, 4))
    width = len(TEXT) * CELL - 4
    picture.box(LEFT, 130, width, 62, BLUE)
    picture.text(LEFT + width / 2, 166, "patch-level decoder: a step for each patch of S bytes", 16)
    for start, length in patches:
        middle = place(start) + (length * CELL - 4) / 2
        for index in range(start, start + length):
            picture.arrow(place(index) + (CELL - 4) / 2, BYTES_Y, middle, 226)
        picture.box(middle - 34, 206, 68, 18, GREEN, "patch", 11)
        picture.arrow(middle, 206, middle, 194)
        picture.box(place(start), 66, length * CELL - 4, 36, ORANGE, "byte-level decoder", 12)
        picture.arrow(middle, 130, middle, 104)
        for index in range(start, start + length):
            picture.arrow(place(index) + (CELL - 4) / 2, 66, place(index) + (CELL - 4) / 2, 46)
    picture.text(LEFT + width / 2, 34, "the bytes of the next patch, one by one")
    return picture


def blt() -> Picture:
    """Bytes are pooled into patches of different lengths."""
    picture = Picture()
    bytes_row(picture)
    patches = spans((1, 3, 4, 8))
    width = len(TEXT) * CELL - 4
    picture.box(LEFT, 204, width, 26, ORANGE, "local encoder: a step for each byte", 13)
    picture.box(LEFT, 50, width, 26, ORANGE, "local decoder: a step for each byte", 13)
    for index in range(len(TEXT)):
        middle = place(index) + (CELL - 4) / 2
        picture.arrow(middle, BYTES_Y, middle, 232)
        picture.arrow(middle, 50, middle, 36)
    for start, length in patches:
        left, wide = place(start), length * CELL - 4
        picture.box(left, 164, wide, 24, GREEN, "patch" if length > 1 else "", 11)
        picture.arrow(left + wide / 2, 204, left + wide / 2, 190)
        picture.arrow(left + wide / 2, 164, left + wide / 2, 148)
        picture.arrow(left + wide / 2, 96, left + wide / 2, 78)
    picture.box(LEFT, 96, width, 50, BLUE, "latent transformer: a step for each patch", 16)
    picture.text(LEFT + width / 2, 28, "the next byte, at every byte")
    return picture


PICTURES = {
    "bgpt": (bgpt, "bGPT: a large decoder over patches of equal length, a small one over their bytes"),
    "flat": (flat, "Flat: one decoder over bytes"),
    "blt": (blt, "BLT: a small encoder and decoder over bytes, a large transformer over patches of different lengths"),
}


def draw() -> dict[str, str]:
    """File name -> SVG."""
    return {f"architecture_{name}.svg": made().svg(title) for name, (made, title) in PICTURES.items()}


if __name__ == "__main__":
    for name, text in draw().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8", newline="\n")
