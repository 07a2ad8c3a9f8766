"""Run every example of the README again and put in what it prints; then draw docs/demo.svg from some of them.

    python docs/refresh.py

Examples are the code blocks that start with `$ bytesim`. They run in order in a scratch folder with copies of examples/
and of the test fixtures.
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
MAX_LINES = {"convert abc2midi": 10, "simulate-cpu": 8, "models show": 7}
"""Lines kept of what prints more than a page needs."""
LAST_LINE = "--verify"
"""Commands with this option end with a line that counts."""
DRAWN = ("convert abc2midi", "simulate-cpu")
"""The first example of each of these is drawn."""
MAX_DRAWN_LINES = 16

BLOCK = re.compile(r"^```\n\$ (bytesim [^\n]*)\n.*?^```\n", re.S | re.M)


def run(command: str, folder: Path, *, colour: bool = False) -> str:
    """What a command prints on stdout; raises where it fails."""
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BYTESIM_MODELS": str(folder / "store"),
        "COLUMNS": str(COLUMNS),
    }
    if colour:
        env["FORCE_COLOR"] = "1"
    quiet = subprocess.DEVNULL if colour else None  # forced colour brings the progress bar with it
    done = subprocess.run(
        command, shell=True, cwd=folder, env=env, encoding="utf-8", stdout=subprocess.PIPE, stderr=quiet, check=True
    )
    shown = done.stdout.replace(str(folder / "store"), "~/.local/share/bytesim/models").replace(f"{ROOT}{os.sep}", "")
    return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


def refresh(readme: str, folder: Path) -> str:
    """The README with the output of every example as it is now."""

    def again(block: re.Match[str]) -> str:
        command = block[1]
        lines = run(command, folder).splitlines(keepends=True)
        for start, count in MAX_LINES.items():
            if command.startswith(f"bytesim {start}") and len(lines) > count:
                lines = [*lines[:count], "...\n", *(lines[-1:] if LAST_LINE in command else [])]
        return f"```\n$ {command}\n{''.join(lines)}```\n"

    return BLOCK.sub(again, readme)


def draw(readme: str, folder: Path) -> str:
    """An SVG of a terminal in which the DRAWN examples have run."""
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
    # No font from elsewhere: the picture stands alone.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S).replace("Fira Code, monospace", "monospace")


def main() -> None:
    """Rewrite README.md and docs/demo.svg."""
    page = ROOT / "README.md"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(ROOT / "examples", folder / "examples")
        shutil.copytree(ROOT / "tests" / "fixtures", folder / "tests" / "fixtures")
        page.write_text(refresh(page.read_text(encoding="utf-8"), folder), encoding="utf-8")
        (ROOT / "docs" / "demo.svg").write_text(draw(page.read_text(encoding="utf-8"), folder), encoding="utf-8")


if __name__ == "__main__":
    main()
