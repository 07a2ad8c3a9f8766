"""`bytesim evaluate`: measure a model on held-out files. Each subcommand is defined in its own file."""

from __future__ import annotations

import typer

from bytesim.commands.evaluate.bpb import bpb
from bytesim.commands.evaluate.classify import classify
from bytesim.commands.evaluate.compare import compare
from bytesim.commands.evaluate.convert import convert
from bytesim.commands.evaluate.cpu import cpu
from bytesim.commands.evaluate.generate import evaluate_generate
from bytesim.commands.groups import Group

evaluate_app = typer.Typer(cls=Group, no_args_is_help=True)


@evaluate_app.callback()
def _evaluate() -> None:
    """Measure how good a model is, on files that it was not trained on.

    bytesim evaluate convert tunes.jsonl.xz --model music --direction abc2midi
    """


for command in (convert, bpb, cpu, classify, compare):
    evaluate_app.command()(command)
evaluate_app.command("generate")(evaluate_generate)
