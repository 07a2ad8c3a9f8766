"""Runs every example of a page again and replaces its output in the page.

    python docs/refresh.py                              the README, and docs/demo.svg from its first conversion
    python docs/refresh.py docs/evaluate.md             any other page, with the pictures that its examples draw
    python docs/refresh.py docs/converters.md --runs build/runs    the same, and keep what was trained

Examples are the code blocks that start with `$`. Their commands run in order, in a temporary folder with copies of
examples/ and of the test fixtures; Python blocks run in the same folder, except those of the README. Two pages train
a model, which takes minutes: docs/classify_tutorial.md, and docs/converters.md, from which docs/converter.svg is
drawn. `--runs FOLDER` keeps their runs/, so that a training that has ended is not repeated.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import converter_picture
from rich.console import Console
from rich.text import Text
from shown import BLOCK, COMMAND

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 110
MOST_IN_README = 5
"""Most lines of the output of a command that the README shows."""
MAX_LINES = {"bytesim simulate-cpu": 8}
"""Command -> most lines of its output that any other page shows."""
CUT = "...\n"
LAST_LINE = "--verify"
"""With this option the last line of the output is always shown."""
WITH_STDERR = "bytesim convert files"
"""Of this command the warnings and errors are shown as well, and it may fail."""
DRAWN = ("bytesim convert abc2midi",)
"""The first example of each of these commands is drawn in docs/demo.svg."""
MAX_DRAWN_LINES = 16
CLASSIFIED = ("README.md", "pyproject.toml", "bytesim/cli.py")
"""Files of this repository that an example classifies."""

PICTURES = {
    "converters.md": {"runs/people/loss.png": "loss.png", "runs/people/confidence.png": "converter_confidence.png"},
    "classify_tutorial.md": {"runs/functions/confusion.png": "functions_confusion.png"},
    "generate.md": {"pictures.png": "image_sheet.png", "waves.png": "audio_sheet.png"},
}
"""Page -> picture that its examples draw -> name of its copy beside the page."""

CODE = re.compile(r"^```python\n(.*?)^```\n", re.S | re.M)


def environment(folder: Path) -> dict[str, str]:
    """The environment of the examples, which find the package of this checkout and a store in the folder."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "BYTESIM_MODELS": str(folder / "store"),
        "COLUMNS": str(COLUMNS),
    }


def run(command: str, folder: Path, *, colour: bool = False) -> str:
    """What a command prints. Raises CalledProcessError if it fails, unless its errors are shown."""
    shows_errors = command.startswith(WITH_STDERR)
    env = environment(folder)
    if colour:
        env["FORCE_COLOR"] = "1"
    # Forced colour also turns on the progress bar.
    stderr = subprocess.STDOUT if shows_errors else subprocess.DEVNULL if colour else None
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=env,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=not shows_errors,
    )
    shown = done.stdout.replace(str(folder / "store"), "~/.local/share/bytesim/models")
    for place in (folder, ROOT):
        shown = shown.replace(f"{place}{os.sep}", "")
    return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


def cut(lines: list[str], most: int | None, *, with_last: bool) -> list[str]:
    """At most `most` lines, a line of dots among them where some are left out."""
    if most is None or len(lines) <= most:
        return lines
    last = lines[-1:] if with_last else []
    return [*lines[: most - 1 - len(last)], CUT, *last]


def refresh(page: str, folder: Path, most: int | None = None) -> str:
    """The page with the current output of every example, cut to `most` lines, or to those of MAX_LINES."""

    def again(block: re.Match[str]) -> str:
        shown = ""
        for command in COMMAND.findall(block[1]):
            lines = run(command, folder).splitlines(keepends=True)
            limit = most or next((count for start, count in MAX_LINES.items() if command.startswith(start)), None)
            shown += f"$ {command}\n{''.join(cut(lines, limit, with_last=LAST_LINE in command))}"
        return f"```\n{shown}```\n"

    return BLOCK.sub(again, page)


def refresh_with_code(text: str, folder: Path) -> str:
    """A page of Python blocks and examples, run in their order, with the current outputs."""
    parts, end = [], 0
    for code in CODE.finditer(text):
        parts.append(refresh(text[end : code.start()], folder) + code[0])
        subprocess.run([sys.executable, "-c", code[1]], cwd=folder, env=environment(folder), check=True)
        end = code.end()
    return "".join(parts) + refresh(text[end:], folder)


def draw(readme: str, folder: Path) -> str:
    """An SVG of a terminal with the DRAWN examples and their outputs."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for start in DRAWN:
            command = next(line for line in COMMAND.findall(readme) if line.startswith(start))
            lines = run(f"{command} --force", folder, colour=True).splitlines()
            shown = [*lines[:MAX_DRAWN_LINES], "..."] if len(lines) > MAX_DRAWN_LINES else lines
            console.print(Text(f"$ {command}", style="bold"))
            console.print(Text.from_ansi("\n".join(shown)), soft_wrap=True)
        svg = console.export_svg(title="bytesim")
    # Without web fonts, so that the picture needs no other file.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S).replace("Fira Code, monospace", "monospace")


def renew(page: Path, folder: Path) -> None:
    """Rewrite a page and its pictures; its examples run in `folder`."""
    for name in ("examples", "tests/fixtures"):
        shutil.copytree(ROOT / name, folder / name)
    for name in CLASSIFIED:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    text = page.read_text(encoding="utf-8")
    if page.name == "README.md":
        page.write_text(refresh(text, folder, MOST_IN_README), encoding="utf-8")
        (ROOT / "docs" / "demo.svg").write_text(draw(text, folder), encoding="utf-8")
        return
    text = refresh_with_code(text, folder)
    page.write_text(text, encoding="utf-8")
    for drawn, name in PICTURES.get(page.name, {}).items():
        shutil.copy(folder / drawn, page.parent / name)
    if page.name == converter_picture.PAGE:
        (page.parent / converter_picture.PICTURE).write_text(converter_picture.draw(text), encoding="utf-8")


def main() -> None:
    """Rewrite the README, or the page that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, nargs="?", default=ROOT / "README.md")
    parser.add_argument("--runs", type=Path, help="folder that keeps the runs/ of the examples")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if asked.runs is not None and asked.runs.exists():
            shutil.copytree(asked.runs, folder / "runs")
        renew(asked.page, folder)
        if asked.runs is not None:
            shutil.copytree(folder / "runs", asked.runs, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
