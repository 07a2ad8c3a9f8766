"""`bytesim data build agnews|wikipedia|cifar10|speech|digits`: the sets of classifiers and generators."""

from __future__ import annotations

from typing import Annotated

import typer

from bytesim.console import print_json, print_line

Out = Annotated[str, typer.Option("--out", "-o", help="Folder for the shards (train, dev, test) and NAME_build.json.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a set that is there already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def agnews(
    files: Annotated[list[str], typer.Argument(help="The two tables, `train` and `test` in their names.")],
    out: Out,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make the set of the news classifier: a file is title, newline, description.

    bytesim data build agnews ag_news_train.csv.xz ag_news_test.csv.xz --out runs/data/
    """
    _build("agnews", files, out, force, as_json)


def wikipedia(
    files: Annotated[list[str], typer.Argument(help="Three texts, `train`, `valid` and `test` in their names.")],
    out: Out,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make the set of encyclopaedia text: articles in pieces of about 2,000 bytes.

    bytesim data build wikipedia train.txt.xz valid.txt.xz test.txt.xz --out runs/data/
    """
    _build("wikipedia", files, out, force, as_json)


def cifar10(
    files: Annotated[list[str], typer.Argument(help="Two files of arrays, `train` and `test` in their names.")],
    out: Out,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make the set of small pictures: 32x32 BMP files of ten classes.

    bytesim data build cifar10 cifar10_train.npz.xz cifar10_test.npz.xz --out runs/data/
    """
    _build("cifar10", files, out, force, as_json)


def speech(
    files: Annotated[list[str], typer.Argument(help="One file of arrays.")],
    out: Out,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make the set of spoken words: WAV files of one second, of ten words, silence, and other words.

    bytesim data build speech speech_commands_12_8k_u8_1s.npz.xz --out runs/data/
    """
    _build("speech", files, out, force, as_json)


def digits(
    files: Annotated[list[str], typer.Argument(help="One file of arrays.")],
    out: Out,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make the set of spoken digits: WAV files of one second.

    bytesim data build digits fsdd_8k_u8_1s.npz.xz --out runs/data/
    """
    _build("digits", files, out, force, as_json)


def register(build_app: typer.Typer) -> None:
    """Add the commands of this page."""
    for command in (agnews, wikipedia, cifar10, speech, digits):
        build_app.command()(command)


def _build(name: str, files: list[str], out: str, force: bool, as_json: bool) -> None:
    from bytesim.tasks.media_data import build_media

    build = build_media(name, files, out=out, force=force)
    if as_json:
        print_json(build)
        return
    for shard in build.shards:
        print_line(f"{build.folder / shard.file}: {shard.files:,} files, {shard.bytes:,} bytes")
    print_line(f"left out of training: {build.repeated:,} that another has the bytes of")
