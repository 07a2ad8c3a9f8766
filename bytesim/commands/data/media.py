"""`bytesim data build media`: the sets of the classifiers and generators of text, pictures and recordings."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from bytesim.commands.options import AsJson
from bytesim.console import print_json, print_line


class MediaName(str, Enum):
    agnews = "agnews"
    wikipedia = "wikipedia"
    cifar10 = "cifar10"
    speech = "speech"
    digits = "digits"


def media(
    name: Annotated[MediaName, typer.Argument(help="Which set.")],
    sources: Annotated[
        list[str],
        typer.Argument(
            help="What it is published as here: .csv.xz with train and test in their names (agnews), .txt.xz with "
            "train, valid, test (wikipedia), .npz.xz with train, test (cifar10), one .npz.xz (speech, digits)."
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", help="Folder for the shards (train, dev, test) and NAME_build.json.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a set that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a set of news items, articles, small pictures, spoken words or digits, as files that the models read.

    bytesim data build media digits fsdd_8k_u8_1s.npz.xz --out runs/data/
    """
    from bytesim.datasets.media.build import build_media

    build = build_media(name.value, sources, out=out, force=force)
    if as_json:
        print_json(build)
        return
    for shard in build.shards:
        print_line(f"{build.folder / shard.file}: {shard.files:,} files, {shard.bytes:,} bytes")
    print_line(f"left out of training: {build.repeated:,} that another has the bytes of")
