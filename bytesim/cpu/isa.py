"""The table of instructions, which the machine, the assembler and the random programs all use.

An operation has one or more forms. A form says which operands are written in assembly, where the
input values come from and where the results go; the operation's `compute` turns inputs into results.

    ADD  r      ACC <- ACC + r      Form("r",   reads=(ACC, A), writes=(ACC,))
    ADD  r s    r   <- r + s        Form("rr",  reads=(A, B),   writes=(A,))
    ADD  r s t  t   <- r + s        Form("rrr", reads=(A, B),   writes=(C,))

Source: docs/cpu.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bytesim.formats.cpu_trace import REGISTER_NAMES

A, B, C, ACC, IMMEDIATE = range(5)
"""Where a value is read or written: the register that operand byte a, b or c names, ACC, or the byte a itself."""

NUM_REGISTERS = len(REGISTER_NAMES)
BYTE_MAX = 255


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an operation."""

    operands: str
    """One letter for each operand: `r` a register (1..10), `n` an immediate byte (0..255)."""
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One opcode. `forms` are in order of their number of operands; `compute` takes and returns bytes as ints."""

    code: int
    name: str
    meaning: str
    forms: tuple[Form, ...]
    compute: Callable[..., tuple[int, ...]]

    def form_for(self, operands: tuple[int, ...]) -> Form:
        """The form that the three operand bytes a, b, c select.

        An operand of 0 means that it was not given, so the operands before the first 0 count. If there
        are too few for any form, the shortest form is selected, and the machine then refuses its missing
        register. Bytes beyond the operands of the form are unused.
        """
        given = operands.index(0) if 0 in operands else len(operands)
        fitting = [form for form in self.forms if len(form.operands) <= given]
        return fitting[-1] if fitting else self.forms[0]


_UNARY = (Form("", (ACC,), (ACC,)), Form("r", (A,), (A,)))
_BINARY = (Form("r", (ACC, A), (ACC,)), Form("rr", (A, B), (A,)), Form("rrr", (A, B), (C,)))


def _unary(code: int, name: str, meaning: str, function: Callable[[int], int]) -> Operation:
    return Operation(code, name, meaning, _UNARY, lambda x: (function(x),))


def _binary(code: int, name: str, meaning: str, function: Callable[[int, int], int]) -> Operation:
    return Operation(code, name, meaning, _BINARY, lambda x, y: (function(x, y),))


def _move(code: int, name: str, meaning: str, form: Form) -> Operation:
    return Operation(code, name, meaning, (form,), lambda x: (x,))


OPERATIONS = (
    Operation(0, "HLT", "stop", (Form(""),), lambda: ()),
    _unary(1, "CLR", "set to 0", lambda x: 0),
    _unary(2, "INC", "add 1, at most 255", lambda x: min(x + 1, BYTE_MAX)),
    _unary(3, "DEC", "subtract 1, at least 0", lambda x: max(x - 1, 0)),
    _unary(4, "SHL", "shift left by one, the top bit is lost", lambda x: x << 1 & BYTE_MAX),
    _unary(5, "SHR", "shift right by one, the lowest bit is lost", lambda x: x >> 1),
    _unary(6, "ROL", "rotate left by one", lambda x: x << 1 & BYTE_MAX | x >> 7),
    _unary(7, "ROR", "rotate right by one", lambda x: x >> 1 | x << 7 & BYTE_MAX),
    _unary(8, "NOT", "complement every bit", lambda x: x ^ BYTE_MAX),
    _move(9, "PUSH", "ACC <- r", Form("r", (A,), (ACC,))),
    _move(10, "POP", "r <- ACC", Form("r", (ACC,), (A,))),
    _move(11, "LOADI", "ACC <- n", Form("n", (IMMEDIATE,), (ACC,))),
    Operation(
        12,
        "SWAP",
        "exchange",
        (Form("r", (ACC, A), (A, ACC)), Form("rr", (A, B), (B, A))),
        lambda x, y: (x, y),
    ),
    _binary(13, "ADD", "x + y, at most 255", lambda x, y: min(x + y, BYTE_MAX)),
    _binary(14, "SUB", "x - y, at least 0", lambda x, y: max(x - y, 0)),
    _binary(15, "MUL", "x * y, at most 255", lambda x, y: min(x * y, BYTE_MAX)),
    _binary(16, "DIV", "x / y rounded down; 255 where y is 0", lambda x, y: x // y if y else BYTE_MAX),
    _binary(17, "AND", "bits set in both", lambda x, y: x & y),
    _binary(18, "OR", "bits set in either", lambda x, y: x | y),
    _binary(19, "XOR", "bits set in one of them", lambda x, y: x ^ y),
    _move(20, "MOV", "r <- s", Form("rr", (B,), (A,))),
)
"""Indexed by opcode."""

HALT = 0
BY_NAME = {operation.name: operation for operation in OPERATIONS}
