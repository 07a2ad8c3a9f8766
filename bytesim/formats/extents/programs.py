"""Where programs end.

Sources: System V ABI for ELF, Microsoft's PE Format, Apple's mach-o/loader.h, the Java Virtual Machine Specification
(chapter 4), the WebAssembly core specification.
"""

from __future__ import annotations

from typing import Literal

from bytesim.formats.extents.reading import (
    Metered,
    big,
    byte,
    inside,
    little,
    number,
    piece,
    require,
    variable,
)


def elf_end(data: Metered, start: int) -> int:
    """By the last of the headers, segments and sections."""
    wide, order = byte(data, start + 4) == 2, _order(byte(data, start + 5))

    def read(at: int, size: int) -> int:
        return number(data, start + at, size, order)

    word = 8 if wide else 4
    segments, sections = read(24 + word, word), read(24 + 2 * word, word)
    sizes = 24 + 3 * word + 6
    segment_size, many_segments = read(sizes, 2), read(sizes + 2, 2)
    section_size, many_sections = read(sizes + 4, 2), read(sizes + 6, 2)
    require(many_segments + many_sections > 0)
    end = max(segments + segment_size * many_segments, sections + section_size * many_sections)
    for at in range(segments, segments + segment_size * many_segments, max(1, segment_size)):
        offset, length = (read(at + 8, 8), read(at + 32, 8)) if wide else (read(at + 4, 4), read(at + 16, 4))
        end = max(end, offset + length)
    for at in range(sections, sections + section_size * many_sections, max(1, section_size)):
        if read(at + 4, 4) != 8:  # 8: a section without bytes in the file
            offset, length = (read(at + 24, 8), read(at + 32, 8)) if wide else (read(at + 16, 4), read(at + 20, 4))
            end = max(end, offset + length)
    return inside(data, start + end)


def _order(code: int) -> Literal["little", "big"]:
    require(code in (1, 2))
    return "little" if code == 1 else "big"


def pe_end(data: Metered, start: int) -> int:
    """By the last section, and the signature after it."""
    at = start + little(data, start + 60, 4)
    require(piece(data, at, 4) == b"PE\0\0")
    sections, optional = little(data, at + 6, 2), little(data, at + 20, 2)
    require(0 < sections <= 96)
    end = 0
    for section in range(at + 24 + optional, at + 24 + optional + 40 * sections, 40):
        size, offset = little(data, section + 16, 4), little(data, section + 20, 4)
        end = max(end, offset + size)
    directories = at + 24 + (112 if little(data, at + 24, 2) == 0x20B else 96)
    if directories + 40 <= at + 24 + optional:
        end = max(end, little(data, directories + 32, 4) + little(data, directories + 36, 4))
    require(end > 0)
    return inside(data, start + end)


_SEGMENT_32, _SEGMENT_64, _SYMBOLS = 1, 25, 2


def macho_end(data: Metered, start: int) -> int:
    """By the last segment and the table of symbols; of a file for several processors, by the last program."""
    magic = piece(data, start, 4)
    if magic == b"\xca\xfe\xba\xbe":
        return _fat_end(data, start)
    order: Literal["little", "big"] = "little" if magic[3] == 0xFE else "big"
    wide = 0xCF in (magic[0], magic[3])

    def read(at: int, size: int) -> int:
        return number(data, at, size, order)

    commands = read(start + 16, 4)
    require(0 < commands < 4096)
    at, end = start + (32 if wide else 28), 0
    for _ in range(commands):
        kind, size = read(at, 4), read(at + 4, 4)
        require(size >= 8)
        if kind == _SEGMENT_64:
            end = max(end, read(at + 40, 8) + read(at + 48, 8))
        elif kind == _SEGMENT_32:
            end = max(end, read(at + 32, 4) + read(at + 36, 4))
        elif kind == _SYMBOLS:
            end = max(
                end, read(at + 8, 4) + read(at + 12, 4) * (16 if wide else 12), read(at + 16, 4) + read(at + 20, 4)
            )
        at += size
    return inside(data, max(at, start + end))


def _fat_end(data: Metered, start: int) -> int:
    end = 0
    for at in range(start + 8, start + 8 + 20 * big(data, start + 4, 4), 20):
        end = max(end, big(data, at + 8, 4) + big(data, at + 12, 4))
    require(end > 0)
    return inside(data, start + end)


_CONSTANTS = {3: 5, 4: 5, 5: 9, 6: 9, 7: 3, 8: 3, 9: 5, 10: 5, 11: 5, 12: 5, 15: 4, 16: 3, 17: 5, 18: 5, 19: 3, 20: 3}
"""Tag of a constant -> its bytes; strings, of tag 1, have a length."""


def class_end(data: Metered, start: int) -> int:
    """The constants, fields, methods and attributes."""
    at, entry, count = start + 10, 1, big(data, start + 8, 2)
    while entry < count:
        tag = byte(data, at)
        require(tag == 1 or tag in _CONSTANTS)
        at += 3 + big(data, at + 1, 2) if tag == 1 else _CONSTANTS[tag]
        entry += 2 if tag in (5, 6) else 1
    at += 8 + 2 * big(data, at + 6, 2)
    for _ in ("fields", "methods"):
        members = big(data, at, 2)
        at += 2
        for _ in range(members):
            at = _after_attributes(data, at + 6)
    return inside(data, _after_attributes(data, at))


def _after_attributes(data: Metered, at: int) -> int:
    count = big(data, at, 2)
    at += 2
    for _ in range(count):
        at += 6 + big(data, at + 2, 4)
    return at


def wasm_end(data: Metered, start: int) -> int:
    """The sections, in their order."""
    order = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
    at, place, sections = start + 8, -1, 0
    while at < len(data):
        kind = byte(data, at)
        if kind and (kind not in order or order.index(kind) <= place):
            break
        size, after = variable(data, at + 1)
        if kind == 0 and not 0 < size <= len(data) - after:
            break  # a zero that follows the module
        require(size > 0)
        inside(data, after + size)
        place, at, sections = (order.index(kind) if kind else place), after + size, sections + 1
    require(sections > 0)
    return at


def beam_end(data: Metered, start: int) -> int:
    """By the size of the outermost chunk, padded to four bytes."""
    return inside(data, start + 8 + -(-big(data, start + 4, 4) // 4) * 4)
