"""`bytesim data`: build training sets from their sources."""

from __future__ import annotations

from typing import Annotated

import typer

from bytesim.commands.data.filetype import filetype
from bytesim.commands.data.media import media
from bytesim.commands.groups import Group
from bytesim.commands.options import AsJson
from bytesim.console import print_json, print_line, progress

data_app = typer.Typer(
    cls=Group, no_args_is_help=True, help="Build training sets.\n\nbytesim data build music --out runs/data/"
)
build_app = typer.Typer(
    no_args_is_help=True, help="Build a training set from its sources.\n\nbytesim data build music --out runs/data/"
)
data_app.add_typer(build_app, name="build")
build_app.command()(media)
build_app.command()(filetype)


@build_app.command()
def music(
    out: Annotated[
        str, typer.Option("--out", "-o", help="Folder for the shards (train, dev, valid) and music_build.json.")
    ],
    tunes: Annotated[
        list[str] | None,
        typer.Option(
            help="Tunes: JSON Lines with a field abc (.jsonl, .jsonl.xz), an ABC file or a folder. May be repeated."
        ),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(help="Tunes for validation, in the same formats; by default a fiftieth of all tunes."),
    ] = None,
    corpus: Annotated[bool, typer.Option(help="Include the ABC tunes of the package music21.")] = True,
    transposed: Annotated[
        int,
        typer.Option(min=0, max=11, help="Number of copies of each training tune in other keys, in the same shard."),
    ] = 0,
    composed: Annotated[
        int, typer.Option(min=0, help="Number of random tunes, full of rare signs, to write as music_composed.npz.")
    ] = 0,
    jobs: Annotated[
        int | None, typer.Option(help="Number of abc2midi processes at a time; by default one per processor.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Read at most this number of tunes from each source, for a trial.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random choice of fragments, keys and composed tunes.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace a set that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the training set of the music model: tunes and fragments in ABC, each with abc2midi's MIDI file.

    bytesim data build music --out runs/data/

    A tune that shares a title or its first 24 diatonic steps with a validation tune is left out of training.
    The MIDI files are kept in a folder beside the set, so a build that was stopped can resume.
    """
    from bytesim.datasets.music.build import build_music

    if (jobs is not None and jobs < 1) or (limit is not None and limit < 1):
        raise typer.BadParameter("--jobs and --limit must be more than 0.")
    with progress("labels/s") as bar:
        job = bar.add_task("labelling", total=None, speed="")

        def show(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        build = build_music(
            out=out,
            tunes=tunes or (),
            valid=valid,
            corpus=corpus,
            transposed=transposed,
            composed=composed,
            jobs=jobs,
            limit=limit,
            seed=seed,
            force=force,
            on_progress=show,
        )
    if as_json:
        print_json(build)
        return
    for source in [*build.sources, *([build.valid_source] if build.valid_source else [])]:
        print_line(f"{source.name}: {source.tunes:,} tunes, {source.unread:,} unusable")
    print_line(
        f"left out of training: {build.repeated:,} duplicates; {build.dropped_title:,} share a title with a "
        f"validation tune, {build.dropped_steps:,} its first 24 steps"
    )
    for shard in (build.train, build.dev, build.valid, *([build.composed] if build.composed else [])):
        rows = f"{shard.whole:,} tunes, {shard.fragments:,} fragments"
        print_line(f"{build.folder / shard.file}: {rows}; abc2midi refused {shard.refused:,}")


@build_app.command()
def cpu(
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for the shards and cpu_build.json.")],
    train: Annotated[int, typer.Option(min=0, help="Number of programs to train on.")] = 100_000,
    dev: Annotated[int, typer.Option(min=0, help="Number of programs for validation during training.")] = 1000,
    test: Annotated[int, typer.Option(min=0, help="Number of programs for the final measurement.")] = 1000,
    longest: Annotated[int, typer.Option(min=1, max=255, help="Most instructions in a program.")] = 255,
    small_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the programs whose first values are small.")
    ] = 0.0,
    favoured: Annotated[
        str, typer.Option(metavar="'MUL DIV'", help="Operations that occur four times as often.", show_default=False)
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random programs.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a set that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a set of random programs of the 8-bit CPU, each with all states computed by the exact machine.

    bytesim data build cpu --out runs/data/

    Training also works without such a set: a recipe with task = "cpu" and no path makes programs as it trains.
    """
    from bytesim.datasets.cpu import build_cpu

    with progress("programs/s") as bar:
        job = bar.add_task("running programs", total=None, speed="")
        build = build_cpu(
            out=out,
            train=train,
            dev=dev,
            test=test,
            longest=longest,
            small_share=small_share,
            favoured=favoured,
            seed=seed,
            force=force,
            on_progress=lambda done, total: bar.update(job, completed=done, total=total),
        )
    if as_json:
        print_json(build)
        return
    for shard in build.shards:
        print_line(f"{build.folder / shard.file}: {shard.programs:,} programs, {shard.states:,} states")
