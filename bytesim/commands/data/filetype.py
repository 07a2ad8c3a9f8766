"""`bytesim data build filetype`: the set that teaches file types."""

from __future__ import annotations

from typing import Annotated

import typer

from bytesim.commands.options import AsJson
from bytesim.console import print_json, print_line, progress


def filetype(
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for the shards and filetype_build.json.")],
    material: Annotated[
        str, typer.Option("--material", "-m", help="Work folder: packages fetched, files found and made. Some 20 GB.")
    ],
    fetch: Annotated[bool, typer.Option(help="Fetch packages that are missing in the work folder.")] = True,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Part of the files to make with encoders; 0 uses those made before.")
    ] = 1.0,
    jobs: Annotated[int, typer.Option(min=1, help="Packages or files worked on at a time.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Decides where fragments are cut.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace a set that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the training set of the file type classifier, from packages and with encoders.

    bytesim data build filetype --out runs/data/ --material runs/filetype/

    Needs apt-get, npm and pip, no root. No package is in two parts of the set.
    What is in the work folder is not fetched or made again: a build that was stopped goes on.
    """
    from bytesim.datasets.filetype.build import build_filetype

    with progress("items/s") as bar:
        job = bar.add_task("starting", total=None, speed="")
        build = build_filetype(
            out=out,
            material=material,
            fetch=fetch,
            share=share,
            jobs=jobs,
            seed=seed,
            force=force,
            on_stage=lambda stage: bar.reset(job, description=stage, total=None),
            on_progress=lambda done, total: bar.update(job, completed=done, total=total),
        )
    if as_json:
        print_json(build)
        return
    for shard in build.shards:
        whole, large, small = (sum(counts[which] for counts in shard.types.values()) for which in range(3))
        print_line(
            f"{build.folder / shard.file}: {len(shard.types)} types, {shard.origins:,} origins, {whole:,} whole files, "
            f"fragments {large:,} of 4096 and {small:,} of 512 bytes"
        )
    if build.scarce:
        print_line("few files to train on: " + ", ".join(f"{kind} {count}" for kind, count in build.scarce.items()))
    if build.absent:
        print_line("no file at all: " + ", ".join(build.absent))
    for kind, tools in build.lacking_tools.items():
        print_line(f"{kind}: an encoder is not installed ({', '.join(tools)})")
    if build.not_fetched:
        print_line(
            f"{len(build.not_fetched)} packages could not be fetched; {build.folder / 'filetype_build.json'} names them"
        )
