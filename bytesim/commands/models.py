"""`bytesim models`: list, show, verify, import, pull, push, export and compress models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.groups import Group
from bytesim.commands.options import AsJson, complete_model
from bytesim.console import print_json, print_line, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.models import ModelInfo, VerifiedModel

models_app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="List, show, verify, import, pull, push, export and compress models.\n\nbytesim models list",
)


def print_version(version: str) -> None:
    """Print the name and version of the program, and the names of the models that come with it."""
    from bytesim.tasks.models import shipped_names

    print_line(f"bytesim {version}")
    print_line(f"shipped models: {', '.join(shipped_names())}")


ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="Model name, or path of a model folder, such as ./NAME.", autocompletion=complete_model
    ),
]


NewFolder = Annotated[Path | None, typer.Option("--output", "-o", help="Write the model to this folder instead.")]
Replace = Annotated[bool, typer.Option("--force", help="Replace the model if it exists.")]


@models_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the models that --model NAME finds: your own and the shipped ones.

    bytesim models list
    """
    from bytesim.tasks.models import list_models

    outcomes = list_models()
    if not outcomes and not as_json:
        print_line("no models yet")
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_row))


@models_app.command()
def show(model: ModelName, as_json: AsJson = False) -> None:
    """Show a model's licence, what it does, how to use it, and its results; --json prints config and card in full.

    bytesim models show music
    """
    from bytesim.tasks.models import show_model

    info = show_model(model)
    if as_json:
        print_json(info)
        return
    from bytesim.commands.model_page import model_page

    for line in model_page(info, asked=model):
        print_line(line)


@models_app.command()
def path(model: ModelName) -> None:
    """Print the path of a model's folder, for use in scripts.

    bytesim models path music
    """
    from bytesim.tasks.models import model_path

    print_line(str(model_path(model)))


@models_app.command()
def verify(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL", help="Model names or folders; by default every model.", autocompletion=complete_model
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that models are undamaged: sizes and sha256 of the files match the card, and the weights load.

    bytesim models verify music
    """
    from bytesim.tasks.models import verify_models

    raise typer.Exit(report_outcomes(verify_models(models or ()), as_json=as_json, line=_verified))


@models_app.command("import")
def import_(
    weights: Annotated[
        str,
        typer.Argument(metavar="WEIGHTS", help="A published bGPT checkpoint (.pth), or a folder with a published BLT."),
    ],
    name: Annotated[str | None, typer.Option(help="Name to store the model under; by default the file's name.")] = None,
    output: NewFolder = None,
    force: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Convert published weights of bGPT or BLT to a model folder. Code in a file is never run.

    bytesim models import weights-irishman.pth --name irishman

    bytesim models import blt-1b/ --name blt-1b

    A BLT is a folder in the format of transformers, or in that of the paper's code with the folder entropy_model.
    """
    _check_one_place(name, output)
    from bytesim.tasks.models import import_model

    info = import_model(weights, name=name, output=output, force=force)
    if as_json:
        print_json(info)
    else:
        print_line(f"{info.folder}: {info.num_parameters:,} parameters")


@models_app.command()
def pull(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A repository of the Hugging Face hub.")],
    revision: Annotated[str, typer.Option(help="Commit, tag or branch; a commit is always the same files.")] = "main",
    sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="Hash that model.safetensors must have.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name to store the model under; by default NAME.", show_default=False)
    ] = None,
    output: NewFolder = None,
    force: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a model from the Hugging Face hub: one that `models push` published, or a published BLT.

    bytesim models pull me/spelling

    bytesim models pull facebook/blt-1b --name blt-1b

    The package huggingface_hub is needed.
    """
    _check_one_place(name, output)
    from bytesim.tasks.hub.pull import pull_model

    info = pull_model(repository, revision=revision, sha256=sha256, name=name, output=output, force=force)
    if as_json:
        print_json(info)
    else:
        origin = info.card.get("pulled") or info.card["source"]
        print_line(f"{info.folder}: {info.num_parameters:,} parameters, from commit {origin['commit']}")


@models_app.command()
def push(
    model: ModelName,
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A repository of the Hugging Face hub.")],
    revision: Annotated[str, typer.Option(help="Branch to write to; it must exist.")] = "main",
    private: Annotated[bool, typer.Option("--private", help="Make the repository, if it is new, private.")] = False,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Message of the commit.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish a model on the Hugging Face hub, with a model card made of its card.json.

    bytesim models push spelling me/spelling

    The package huggingface_hub is needed, and a token in HF_TOKEN or of `hf auth login`.
    """
    from bytesim.tasks.hub.push import push_model

    pushed = push_model(model, repository, revision=revision, private=private, message=message)
    if as_json:
        print_json(pushed)
    else:
        print_line(
            f"{pushed.repository}: {len(pushed.files)} files of the model {pushed.model}, commit {pushed.commit}"
        )


@models_app.command()
def export(
    model: ModelName,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.", show_default=False)],
    force: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Write a BLT as a folder that the transformers package loads as BltForCausalLM.

    bytesim models export blt-1b -o blt-1b-hf/
    """
    from bytesim.tasks.models import export_model

    folder = export_model(model, output=output, force=force)
    if as_json:
        print_json({"folder": folder})
    else:
        print_line(str(folder))


@models_app.command()
def compress(
    model: ModelName,
    name: Annotated[
        str | None, typer.Option(help="Name to store the copy under; by default MODEL-int8.", show_default=False)
    ] = None,
    output: NewFolder = None,
    force: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Write a copy of a model with its weights in int8, a scale for each row: half the size of bfloat16.

    bytesim models compress music --name music-small

    The weights are expanded when the model is loaded, so it is as fast as before. Its answers may differ a little:
    measure them, for the results in the card are those of the original.
    """
    _check_one_place(name, output)
    from bytesim.tasks.models import compress_model

    info = compress_model(model, name=name, output=output, force=force)
    if as_json:
        print_json(info)
    else:
        print_line(f"{info.folder}: {info.num_bytes / 2**20:.1f} MiB")


def _check_one_place(name: str | None, output: Path | None) -> None:
    if name is not None and output is not None:
        raise typer.BadParameter("give --name or --output, not both")


def _row(info: ModelInfo) -> str:
    size = f"{info.num_parameters / 1e6:.1f} M parameters, {info.num_bytes / 2**20:.1f} MiB"
    also = f" (also called {', '.join(info.aliases)})" if info.aliases else ""
    return f"{info.name:<12} {info.place:<8} {size:<30} {info.card.get('purpose', '')}{also}".rstrip()


def _verified(model: VerifiedModel) -> str:
    return f"{model.name}: ok, {model.num_parameters:,} parameters, {model.num_bytes:,} bytes"
