"""`bytesim data build media`: build the training sets of the models of text, pictures and recordings."""

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
    name: Annotated[MediaName, typer.Argument(help="The set to build.")],
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files of the published set. agnews: .csv.xz files with train and test in their names; wikipedia: "
            ".txt.xz files with train, valid and test; cifar10: .npz.xz files with train and test; speech, digits: one "
            ".npz.xz file."
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", help="Folder for the shards (train, dev, test) and NAME_build.json.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a set that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a set of news items, articles, small pictures, spoken words or digits, as files that the models read.

    bytesim data build media digits fsdd_8k_u8_1s.npz.xz --out runs/data/
    """
    from bytesim.datasets.media.build import build_media

    build = build_media(name.value, sources, out=out, force=force)
    if as_json:
        print_json(build)
        return
    for shard in build.shards:
        print_line(f"{build.folder / shard.file}: {shard.files:,} files, {shard.bytes:,} bytes")
    print_line(f"left out of training: {build.repeated:,} duplicates")
