"""Runs every example of a page again and replaces its output in the page.

    python docs/refresh.py                              the README, and docs/demo.svg from some of its examples
    python docs/refresh.py docs/classify_tutorial.md    the tutorial and its pictures; it trains, which takes minutes

Examples are the code blocks that start with `$ bytesim`. They run in order in a temporary folder with copies of
examples/ and of the test fixtures. Python blocks run in the same folder, except those of the README.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 110
MAX_LINES = {"simulate-cpu": 4, "doctor": 11}
"""Command -> most lines of its output that a page shows."""
SHORT = 3
"""Most lines of any other command that the README shows."""
LAST_LINE = "--verify"
"""With this option the last line of the output is always shown."""
DRAWN = ("convert abc2midi", "simulate-cpu")
"""The first example of each of these commands is drawn in docs/demo.svg."""
MAX_DRAWN_LINES = 16
CLASSIFIED = ("README.md", "pyproject.toml", "bytesim/cli.py")
"""Files of this repository that an example classifies."""

PICTURES = {"classify_tutorial.md": {"runs/functions/confusion.png": "functions_confusion.png"}}
"""Page -> picture that its examples draw -> name of its copy beside the page."""

BLOCK = re.compile(r"^```\n\$ (bytesim [^\n]*)\n.*?^```\n", re.S | re.M)
CODE = re.compile(r"^```python\n(.*?)^```\n", re.S | re.M)


def run(command: str, folder: Path, *, colour: bool = False) -> str:
    """The stdout of a command. Raises CalledProcessError if it fails."""
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BYTESIM_MODELS": str(folder / "store"),
        "COLUMNS": str(COLUMNS),
    }
    if colour:
        env["FORCE_COLOR"] = "1"
    quiet = subprocess.DEVNULL if colour else None  # forced colour also turns on the progress bar
    done = subprocess.run(
        command, shell=True, cwd=folder, env=env, encoding="utf-8", stdout=subprocess.PIPE, stderr=quiet, check=True
    )
    shown = done.stdout.replace(str(folder / "store"), "~/.local/share/bytesim/models").replace(f"{ROOT}{os.sep}", "")
    return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


def refresh(readme: str, folder: Path, most: int | None = None) -> str:
    """The page with the current output of every example, cut to its first `most` lines."""

    def again(block: re.Match[str]) -> str:
        command = block[1]
        lines = run(command, folder).splitlines(keepends=True)
        kept = next((count for start, count in MAX_LINES.items() if command.startswith(f"bytesim {start}")), most)
        if kept is not None and len(lines) > kept:
            lines = [*lines[:kept], "...\n", *(lines[-1:] if LAST_LINE in command else [])]
        return f"```\n$ {command}\n{''.join(lines)}```\n"

    return BLOCK.sub(again, readme)


def refresh_tutorial(text: str, folder: Path) -> str:
    """A page of Python blocks and examples, run in their order, with the current outputs."""
    parts, end = [], 0
    for code in CODE.finditer(text):
        parts.append(refresh(text[end : code.start()], folder) + code[0])
        subprocess.run([sys.executable, "-c", code[1]], cwd=folder, check=True)
        end = code.end()
    return "".join(parts) + refresh(text[end:], folder)


def draw(readme: str, folder: Path) -> str:
    """An SVG of a terminal with the DRAWN examples and their outputs."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for start in DRAWN:
            command = next(block[1] for block in BLOCK.finditer(readme) if block[1].startswith(f"bytesim {start}"))
            lines = run(f"{command} --force" if "convert" in command else command, folder, colour=True).splitlines()
            shown = [*lines[:MAX_DRAWN_LINES], "..."] if len(lines) > MAX_DRAWN_LINES else lines
            console.print(Text(f"$ {command}", style="bold"))
            console.print(Text.from_ansi("\n".join(shown)), soft_wrap=True)
            console.print()
        svg = console.export_svg(title="bytesim")
    # Without web fonts, so that the picture needs no other file.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S).replace("Fira Code, monospace", "monospace")


def main() -> None:
    """Rewrite README.md and docs/demo.svg, or the page that is named."""
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "README.md"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(ROOT / "examples", folder / "examples")
        shutil.copytree(ROOT / "tests" / "fixtures", folder / "tests" / "fixtures")
        if page.name != "README.md":
            page.write_text(refresh_tutorial(page.read_text(encoding="utf-8"), folder), encoding="utf-8")
            for drawn, name in PICTURES.get(page.name, {}).items():
                shutil.copy(folder / drawn, page.parent / name)
            return
        for name in CLASSIFIED:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        page.write_text(refresh(page.read_text(encoding="utf-8"), folder, SHORT), encoding="utf-8")
        (ROOT / "docs" / "demo.svg").write_text(draw(page.read_text(encoding="utf-8"), folder), encoding="utf-8")


if __name__ == "__main__":
    main()
