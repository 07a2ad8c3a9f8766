"""Where the output of a source goes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

from bytesim.errors import OutputError
from bytesim.files.names import STDIO, Inputs, input_names, reason

Target = Path | Literal["-"]


def output_path(
    source: str | Path,
    *,
    output: str | Path | None,
    suffix: str,
    many: bool,
    index: int | None = None,
    roots: Inputs = (),
    tag: str = "",
    whole_name: bool = False,
) -> Target:
    """Where the output of one source goes.

    Without `output` it goes beside the source, with the new suffix; that of stdin goes to stdout.
    `output` is a folder if there are several inputs (`many`), if it is an existing folder or if it ends
    in a separator (pass it as typed: a Path drops the separator); the folder is made if its parent
    exists. Otherwise `output` is the file itself. `index` gives book-001.mid, book-002.mid and so on.
    `roots` are the paths as typed: a source in a subfolder of one of them goes into the same subfolder
    of `output`. `tag` is put before the suffix if the output would otherwise be the source itself;
    without a tag that is an OutputError. With `whole_name` the output of song.mp3 is song.mp3.wav, and
    not song.wav.

    Raises OutputError. The path never leaves the output folder, whatever the source or suffix is called.
    """
    suffix = suffix.lstrip(".")
    if not suffix or set(suffix) & set("/\\:\0"):
        raise OutputError(f"{suffix!r} is not a file suffix. Give letters and digits, such as mid.", file=str(source))
    number = "" if index is None else f"-{index:03d}"
    if str(output) == STDIO or (output is None and str(source) == STDIO):
        if many or index is not None:
            raise OutputError("several files cannot share stdout. Name a folder with -o.", file=str(source))
        return STDIO
    stem = "stdin" if str(source) == STDIO else Path(source).name if whole_name else Path(source).stem
    if output is None:
        return _beside(Path(source), f"{stem}{number}", suffix, tag)
    if many or str(output).endswith(("/", os.sep)) or os.path.isdir(output):
        return _folder_below(Path(output), subfolder_of(Path(source), roots)) / f"{stem}{number}.{suffix}"
    named = Path(output)
    return named if index is None else named.with_name(f"{named.stem}{number}{named.suffix or '.' + suffix}")


def _beside(source: Path, stem: str, suffix: str, tag: str) -> Path:
    target = source.with_name(f"{stem}.{suffix}")
    if os.path.normcase(target) != os.path.normcase(source):
        return target
    if not tag:
        raise OutputError("the output would replace its own source. Name another file with -o.", file=str(source))
    return source.with_name(f"{stem}{tag}.{suffix}")


def subfolder_of(source: Path, roots: Inputs) -> Path:
    """The folder of a source relative to the root that it lies under; `.` if it lies under none."""
    for root in input_names(roots):
        with suppress(ValueError):
            folder = source.relative_to(root).parent
            if os.path.isdir(root) and ".." not in folder.parts:
                return folder
    return Path()


def _folder_below(folder: Path, subfolder: Path) -> Path:
    """Make the output folder and a subfolder of it. Raises OutputError where a link leads out of the folder."""
    target = folder / subfolder
    try:
        if not folder.is_dir():
            folder.mkdir()
        target.mkdir(parents=True, exist_ok=True)
        home = os.path.realpath(folder)
        inside = os.path.commonpath([home, os.path.realpath(target)]) == home
    except (OSError, ValueError) as error:
        raise OutputError(f"the output folder cannot be made: {reason(error)}.", file=str(target)) from error
    if not inside:
        raise OutputError(f"a link leads out of the output folder {folder}.", file=str(target))
    return target
