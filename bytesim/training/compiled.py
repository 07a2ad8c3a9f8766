"""Compiles functions with torch.compile if that works here; else they run eagerly."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TypeVar, cast

import torch

F = TypeVar("F", bound=Callable[..., object])

_COMPILERS = ("c++", "g++", "clang++", "cl")


def compile_or_eager(function: F, device: torch.device, on_note: Callable[[str], None]) -> F:
    """The function compiled for dynamic shapes; or the function itself, after a call of `on_note` with the reason."""
    problem = _problem(device)
    if problem:
        on_note(f"training without torch.compile: {problem}")
        return function
    return cast(F, torch.compile(function, dynamic=True))


def _problem(device: torch.device) -> str:
    """Why torch.compile does not work here; empty if it does."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else _COMPILERS
    if device.type == "cpu" and not any(shutil.which(name) for name in names):
        return "no C++ compiler is installed (Debian: apt-get install g++)."
    try:
        torch.compile(_trial)(torch.ones(8, device=device))
    except Exception as error:  # compilers raise many types of errors; all of them mean eager
        lines = str(error).strip().splitlines()
        return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
    return ""


def _trial(x: torch.Tensor) -> torch.Tensor:
    return x * 2 + 1
