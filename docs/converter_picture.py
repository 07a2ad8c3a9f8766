"""Draws docs/converter.svg: pairs of files, what a converter learns of them, a right answer and a refused one.

    python docs/converter_picture.py

Every text in it but the headings is a command of docs/converters.md or part of its output, which
`python docs/refresh.py docs/converters.md` takes from a real training.
"""

import textwrap
from html import escape
from pathlib import Path

from shown import shown

HERE = Path(__file__).resolve().parent
PAGE = "converters.md"
PICTURE = "converter.svg"
PAIRS_SHOWN = 3
TRAINED_LINES = 3
"""First lines of the output of the training: its length, held-out pairs that are right, confident answers."""

WIDTH = 1000
MARGIN = 20
PAD = 16
LINE = 22
TARGET_X = 310
"""Where the targets of pairs begin."""
COLUMNS = 116
"""Characters that fit into a panel."""

STYLE = """
  .page { fill: #ffffff; stroke: #d1d9e0 }
  .panel { fill: #f6f8fa; stroke: #d1d9e0 }
  .right { fill: #dafbe1; stroke: #4ac26b }
  .refused { fill: #ffebe9; stroke: #ff8182 }
  text { fill: #1f2328; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
         white-space: pre }
  .heading { font: 600 16px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
  .quiet { fill: #59636e }
  .good { fill: #116329; font-weight: 600 }
  .bad { fill: #a40e26; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d }
    .panel { fill: #161b22; stroke: #3d444d }
    .right { fill: #0f2a1a; stroke: #2ea043 }
    .refused { fill: #2d1214; stroke: #f85149 }
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .good { fill: #56d364 }
    .bad { fill: #ff8e88 }
  }
"""


class Sheet:
    """An SVG that grows downwards."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._y = MARGIN

    def heading(self, text: str) -> None:
        """A line above a panel."""
        self._parts.append(f'<text class="heading" x="{MARGIN}" y="{self._y + 16}">{escape(text)}</text>')
        self._y += 28

    def panel(self, kind: str, rows: list[list[tuple[int, str, str]]]) -> None:
        """A box with rows of texts, each (x in the box, class, text)."""
        height = LINE * len(rows) + PAD
        width = WIDTH - 2 * MARGIN
        self._parts.append(
            f'<rect class="{kind}" x="{MARGIN}" y="{self._y}" width="{width}" height="{height}" rx="6"/>'
        )
        for row, texts in enumerate(rows):
            y = self._y + PAD / 2 + LINE * row + 15
            for x, style, text in texts:
                self._parts.append(f'<text class="{style}" x="{MARGIN + PAD + x}" y="{y:g}">{escape(text)}</text>')
        self._y += height + PAD

    def svg(self) -> str:
        """The whole picture."""
        height = self._y + MARGIN - PAD
        page = f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>'
        body = "\n".join([page, *self._parts])
        size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def converted(source: str, lines: list[str], style: str = "") -> list[list[tuple[int, str, str]]]:
    """A source and, right of it, what became of it."""
    first, *rest = lines
    row = [(0, "", source), (TARGET_X - 32, "quiet", "\u2192"), (TARGET_X, style, first)]
    return [row, *([(TARGET_X, style, line)] for line in rest)]


def draw(page: str) -> str:
    """The picture, as SVG, of the examples on the page."""
    examples = shown(page)
    outputs = dict(examples)

    def output(start: str) -> tuple[str, list[str]]:
        return next((command, lines) for command, lines in examples if command.startswith(start))

    def line_of(start: str) -> str:
        """The one line that `echo` writes to a file of this page."""
        command = next(command for command in outputs if command.startswith("echo ") and command.endswith(start))
        return command.removeprefix("echo '").removesuffix(f"' > {start}")

    pairs = [lines for command, lines in examples if command.startswith("cat ") and len(lines) == 2][:PAIRS_SHOWN]
    train, trained = output("bytesim train convert")
    new, written = output("bytesim convert files new.csv")
    _, answer = output("cat new.json")
    odd, refused = next((command, lines) for command, lines in examples if "--only-confident" in command)

    sheet = Sheet()
    sheet.heading("Give it examples")
    rows = [row for source, target in pairs for row in converted(source, [target])]
    sheet.panel("panel", [*rows, [(0, "quiet", "...")]])
    sheet.heading("It learns on your laptop, and measures itself on pairs that it has not seen")
    lines = [wrapped for line in trained[:TRAINED_LINES] for wrapped in textwrap.wrap(line, COLUMNS)]
    sheet.panel("panel", [[(0, "quiet", f"$ {train}")], *([(0, "", line)] for line in lines)])
    sheet.heading("A new input is converted ...")
    verdict = [[(0, "good", line)] for line in textwrap.wrap(written[-1], COLUMNS)]
    sheet.panel("right", [[(0, "quiet", f"$ {new}")], *converted(line_of("new.csv"), answer), *verdict])
    sheet.heading("... and one that is unlike the examples is refused: here letters that none has")
    verdict = [[(0, "bad", line)] for line in textwrap.wrap(refused[-1], COLUMNS)]
    source = [[(0, "", line_of("odd.csv"))]]
    sheet.panel("refused", [[(0, "quiet", f"$ {odd.removesuffix(' --force')}")], *source, *verdict])
    return sheet.svg()


def main() -> None:
    """Draw the picture again from the page."""
    (HERE / PICTURE).write_text(draw((HERE / PAGE).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
