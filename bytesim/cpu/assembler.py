"""Assembly text <-> memory.

A line has one instruction: a mnemonic, then its operands, separated by commas or spaces; `;` starts a
comment. Registers are A .. J; immediates are decimal, 0x or 0b; case does not matter. A line
`BYTES op a b c` stands for any four bytes, so that every memory can be written as text. `disassemble` is
the inverse of `assemble`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bytesim.cpu.isa import BY_NAME, NUM_REGISTERS, OPERATIONS, Form, Operation
from bytesim.errors import FormatError
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, MEMORY_SIZE, NUM_ADDRESSES, REGISTER_NAMES

RAW = "BYTES"
"""The directive for four bytes of any value."""

_TOKEN = re.compile(r"[^\s,]+|,")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_BYTE = re.compile(r"0x[0-9a-f]{1,2}|0b[01]{1,8}|[0-9]{1,3}", re.ASCII | re.IGNORECASE)
_JUMPS = frozenset(
    [
        "B",
        "BEQ",
        "BNE",
        "BRA",
        "CALL",
        "GOTO",
        "JC",
        "JE",
        "JMP",
        "JNC",
        "JNE",
        "JNZ",
        "JP",
        "JUMP",
        "JZ",
        "LOOP",
        "RET",
    ]
)
"""Jumps of other machines."""
_SHOWN = 24
"""Most characters of a word that an error quotes; a whole file may be one word."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the source, with its line and column, both counted from 1."""

    text: str
    line: int
    column: int

    @property
    def shown(self) -> str:
        """The word as an error quotes it: shortened, and in ASCII for terminals of any encoding."""
        return ascii(self.text) if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]!a}..."

    def wrong(self, message: str) -> FormatError:
        return FormatError(f"line {self.line}, column {self.column}: {message}")


def assemble(text: str) -> bytes:
    """The 1024 bytes of memory of an assembly text; zeros, which are HLT, follow the last instruction.

    Raises FormatError "line L, column C: ...", both counted from 1, in characters.
    """
    memory = bytearray()
    for number, line in enumerate(_NEWLINE.split(text.removeprefix("\ufeff")), start=1):
        words = _words(line, number)
        if not words:
            continue
        if len(memory) == MEMORY_SIZE:
            raise words[0].wrong(f"memory is full: a program has at most {NUM_ADDRESSES} instructions.")
        memory += _instruction(words)
    if not memory:
        raise FormatError("line 1, column 1: no instruction in the text. Write at least HLT.")
    return bytes(memory.ljust(MEMORY_SIZE, b"\0"))


def disassemble(memory: bytes) -> str:
    """Assembly text that `assemble` turns back into the same 1024 bytes of memory.

    It ends with the HLT after the last byte that is not 0. Four bytes that are not an instruction, because
    of an unknown opcode or a value in an unused operand, become a line of BYTES.
    """
    assert len(memory) == MEMORY_SIZE
    length = -(-len(memory.rstrip(b"\0")) // INSTRUCTION_SIZE)
    count = min(length + 1, NUM_ADDRESSES)
    words = (memory[INSTRUCTION_SIZE * i : INSTRUCTION_SIZE * (i + 1)] for i in range(count))
    return "".join(f"{instruction_text(word)}\n" for word in words)


def instruction_text(word: bytes | tuple[int, ...]) -> str:
    """Four bytes as one line of assembly."""
    opcode, *operands = word
    if opcode < len(OPERATIONS):
        operation = OPERATIONS[opcode]
        form = operation.form_for(tuple(operands))
        if _is_canonical(form, operands):
            shown = [_operand_text(kind, value) for kind, value in zip(form.operands, operands, strict=False)]
            return " ".join([operation.name, *shown])
    return " ".join([RAW, *map(str, word)])


def parse_byte(text: str) -> int | None:
    """A number 0..255 in decimal, 0x or 0b; None if `text` is not such a number."""
    if not _BYTE.fullmatch(text):
        return None
    prefix = text[:2].lower()
    value = int(text, {"0x": 16, "0b": 2}.get(prefix, 10))
    return value if value <= 255 else None


def register_number(name: str) -> int | None:
    """1..10 for A .. J in either case; None for anything else."""
    return REGISTER_NAMES.find(_upper(name)) + 1 or None if len(name) == 1 else None


def _upper(text: str) -> str:
    """Upper case of ASCII text alone: `str.upper` would also turn a dotless i into I."""
    return text.upper() if text.isascii() else text


def _is_canonical(form: Form, operands: list[int]) -> bool:
    """Whether every register exists and every unused operand is 0."""
    used = len(form.operands)
    registers = [value for kind, value in zip(form.operands, operands, strict=False) if kind == "r"]
    return all(1 <= value <= NUM_REGISTERS for value in registers) and not any(operands[used:])


def _operand_text(kind: str, value: int) -> str:
    return str(value) if kind == "n" else REGISTER_NAMES[value - 1]


def _words(line: str, number: int) -> list[_Word]:
    """The words and commas of a line, without its comment."""
    return [_Word(match.group(), number, match.start() + 1) for match in _TOKEN.finditer(line.partition(";")[0])]


def _operands(words: list[_Word]) -> list[_Word]:
    """The words after the mnemonic, without commas. A comma may only stand between two operands."""
    operands: list[_Word] = []
    comma: _Word | None = None
    for word in words:
        if word.text != ",":
            operands.append(word)
            comma = None
        elif comma or not operands:
            raise word.wrong("a comma stands between two operands.")
        else:
            comma = word
    if comma:
        raise comma.wrong("an operand is missing after this comma.")
    return operands


def _refuse_other_assemblies(words: list[_Word]) -> None:
    """Raise FormatError, with the way it is done here, for what other assemblers know and this machine does not."""
    for word in words:
        if word.text.startswith(("#", "//")):
            raise word.wrong("a comment begins with ;, as in LOADI 5 ; five.")
    first = words[0]
    if first.text.endswith(":") or (len(words) > 1 and words[1].text.startswith(":")):
        raise first.wrong(f"{first.shown} is a label, and this machine has no labels and no jumps.")
    if _upper(first.text) in _JUMPS:
        raise first.wrong(f"{first.shown} is unknown: this machine has no labels and no jumps.")


def _instruction(words: list[_Word]) -> bytes:
    _refuse_other_assemblies(words)
    name = words[0]
    mnemonic = _upper(name.text)
    if mnemonic == RAW:
        return _raw_bytes(name, _operands(words[1:]))
    operation = BY_NAME.get(mnemonic)
    if operation is None:
        raise name.wrong(f"unknown instruction {name.shown}. Known are {', '.join(BY_NAME)} and {RAW}.")
    operands = _operands(words[1:])
    form = _form_written(operation, name, operands)
    values = [_operand(kind, word) for kind, word in zip(form.operands, operands, strict=True)]
    return bytes((operation.code, *values)).ljust(INSTRUCTION_SIZE, b"\0")


def _form_written(operation: Operation, name: _Word, operands: list[_Word]) -> Form:
    for form in operation.forms:
        if len(form.operands) == len(operands):
            return form
    usage = " or ".join(" ".join([operation.name, *_letters(form)]) for form in operation.forms)
    most = len(operation.forms[-1].operands)
    word = operands[most] if len(operands) > most else name
    raise word.wrong(f"{len(operands)} is the wrong number of operands. Write {usage}.")


def _letters(form: Form) -> str:
    """Operand names as in docs/cpu.md: n for an immediate; r, s and t for registers."""
    return "n" if form.operands == "n" else "rst"[: len(form.operands)]


def _operand(kind: str, word: _Word) -> int:
    value = parse_byte(word.text) if kind == "n" else register_number(word.text)
    if value is None:
        raise word.wrong(f"expected {_EXPECTED[kind]}, found {word.shown}.")
    return value


def _raw_bytes(name: _Word, operands: list[_Word]) -> bytes:
    if len(operands) != INSTRUCTION_SIZE:
        raise name.wrong(f"{RAW} takes {INSTRUCTION_SIZE} numbers, found {len(operands)}.")
    return bytes(_operand("n", word) for word in operands)


_EXPECTED = {
    "r": f"a register, {REGISTER_NAMES[0]} to {REGISTER_NAMES[-1]}",
    "n": "a number from 0 to 255 (decimal, 0x or 0b)",
}
