"""`bytesim evaluate`: a model's figures on files it has not seen. Each of its commands stands in a file of its own."""

from __future__ import annotations

import typer

from bytesim.commands.evaluate.bpb import bpb
from bytesim.commands.evaluate.classify import classify
from bytesim.commands.evaluate.convert import convert
from bytesim.commands.evaluate.cpu import cpu
from bytesim.commands.evaluate.generate import evaluate_generate

evaluate_app = typer.Typer(no_args_is_help=True)


@evaluate_app.callback()
def _evaluate() -> None:
    """Measure a model on files it has not seen.

    bytesim evaluate convert tunes.jsonl.xz --model music --direction abc2midi
    """


for command in (convert, bpb, cpu, classify):
    evaluate_app.command()(command)
evaluate_app.command("generate")(evaluate_generate)
