"""Where recordings, films and scores end.

Sources: Standard MIDI Files 1.0 (MMA 1988), Ogg (RFC 3533), MPEG audio (ISO/IEC 11172-3), ADTS (ISO/IEC 13818-7), MP4
(ISO/IEC 14496-12), EBML (RFC 8794).
"""

from __future__ import annotations

from bytesim.formats.extents.reading import Metered, big, byte, inside, piece, require


def midi_end(data: Metered, start: int) -> int:
    """The header and its tracks."""
    require(big(data, start + 4, 4) == 6 and big(data, start + 8, 2) <= 2)
    at, tracks = start + 14, big(data, start + 10, 2)
    for _ in range(tracks):
        require(piece(data, at, 4) == b"MTrk")
        at = inside(data, at + 8 + big(data, at + 4, 4))
    require(tracks > 0)
    return at


def ogg_end(data: Metered, start: int) -> int:
    """The pages, up to the last one before another file begins."""
    at, ended = start, False
    while data[at : at + 5] == b"OggS\0":
        flags = byte(data, at + 5)
        if flags & 2 and ended:
            break
        ended |= bool(flags & 4)
        sizes = piece(data, at + 27, byte(data, at + 26))
        at = inside(data, at + 27 + len(sizes) + sum(sizes))
    return at


_BIT_RATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Whether MPEG 1, else 2 and 2.5 -> kilobits per second of layer 3."""
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_PADDING_STEP = 4096
_LEAST_FRAMES = 6


def mp3_end(data: Metered, start: int) -> int:
    """A tag ID3v2, frames of layer 3, and a tag ID3v1."""
    at = start
    if data[at : at + 3] == b"ID3":
        size = 0
        for part in piece(data, at + 6, 4):
            require(part < 128)
            size = size << 7 | part
        at += 10 + size
        while (block := data[at : at + _PADDING_STEP]) and not block.strip(b"\0"):  # padding after the tag
            at += len(block)
        at += len(block) - len(block.lstrip(b"\0"))
    frames, header = 0, b""
    while True:
        header = data[at : at + 4]
        if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
            break
        version, rate, sampling = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
        if version == 1 or not 0 < rate < 15 or sampling == 3:
            break
        bits = _BIT_RATES[version == 3][rate] * 1000
        at += (144 if version == 3 else 72) * bits // _SAMPLE_RATES[version][sampling] + (header[2] >> 1 & 1)
        frames += 1
    require(frames >= _LEAST_FRAMES)
    if data[at : at + 3] == b"TAG":
        at += 128
    return inside(data, at)


def aac_end(data: Metered, start: int) -> int:
    """ADTS frames."""
    at, frames, first = start, 0, piece(data, start, 3)
    while True:
        header = data[at : at + 7]
        if len(header) < 7 or header[0] != 0xFF or header[1:3] != first[1:3]:
            break
        length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
        require(length > 7)
        at += length
        frames += 1
    require(frames >= _LEAST_FRAMES)
    return inside(data, at)


_BOXES = frozenset(
    b"ftyp moov mdat free skip wide moof mfra sidx styp meta uuid pdin prft emsg ssix udta mvhd pnot PICT".split()
)


def mp4_end(data: Metered, start: int) -> int:
    """The outermost boxes, as far as their names are known."""
    at, names = start, set[bytes]()
    while (name := bytes(data[at + 4 : at + 8])) in _BOXES and not (name == b"ftyp" and at > start):
        size, least = big(data, at, 4), 8
        if size == 1:
            size, least = big(data, at + 8, 8), 16
        require(size >= least)
        at = inside(data, at + size)
        names.add(name)
    require(bool(names & {b"moov", b"mdat", b"meta", b"moof"}))
    return at


def webm_end(data: Metered, start: int) -> int:
    """The header and the segment, if its size is known."""

    def size_at(at: int) -> tuple[int, int]:
        first = byte(data, at)
        require(first > 0)
        width = 9 - first.bit_length()
        value = int.from_bytes(piece(data, at, width), "big") & (1 << (7 * width)) - 1
        require(value < (1 << (7 * width)) - 1)  # all ones: the size is not known
        return value, at + width

    length, at = size_at(start + 4)
    at += length
    require(piece(data, at, 4) == b"\x18\x53\x80\x67")
    length, at = size_at(at + 4)
    return inside(data, at + length)


def flac_end(data: Metered, start: int) -> int:
    """The metadata and the frames, whose headers are followed to the last one; a checksum ends it.

    A checksum may be right by chance, so of several ends that one counts by which the last frame has about as many
    bytes a sample as the others.
    """
    at, last = start + 4, 0
    while not last:
        last, kind = byte(data, at) >> 7, byte(data, at) & 127
        require(kind < 7)
        at = inside(data, at + 4 + big(data, at + 1, 3))
    samples = big(data, start + 21, 5) & (1 << 36) - 1
    require(samples > 0)
    end = _next_frame(data, at, 0)
    first, done, before, frame = end, 0, 0, 0
    while True:
        before, count = done, _frame_samples(data, end)
        done += count
        if done >= samples:
            break
        frame += 1
        end = _next_frame(data, end + 1, frame)
    share = (end - first) / before if before else 0.0
    wanted, ends, crc = share * (samples - before), list[int](), 0
    for place, value in enumerate(data[end : end + _MOST_FRAME], 1):
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ value]
        if crc == 0 and place > 8:
            ends.append(place)
            if place > 4 * wanted + 64:
                break
    require(bool(ends))
    nearest = min(ends, key=lambda place: abs(place - wanted))
    run = 1
    while nearest + run in ends:
        run += 1
    return end + nearest + (run == 2)  # a checksum that ends with 0 is already right one byte before


_MOST_FRAME = 1 << 17


def _crc16(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1 ^ (0x8005 if value & 0x8000 else 0)) & 0xFFFF
    return value


_CRC16 = tuple(_crc16(byte) for byte in range(256))


def _crc8(data: bytes) -> int:
    value = 0
    for part in data:
        value ^= part
        for _ in range(8):
            value = (value << 1 ^ (7 if value & 128 else 0)) & 255
    return value


def _header_length(header: bytes) -> int:
    first, extra = header[4], 0
    while first & 0x80 >> extra and extra < 8:
        extra += 1
    codes = {6: 1, 7: 2}.get(header[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    return 4 + max(1, extra) + codes


def _next_frame(data: Metered, at: int, frame: int) -> int:
    """The next place of a frame's header, whose checksum is right, and whose number follows that of the one before."""
    while True:
        if frame:  # the first one follows the metadata at once
            at = data.find(b"\xff", at)
        header = piece(data, at, 16)
        if header[0] == 0xFF and header[1] & 0xFE == 0xF8 and header[2] >> 4 and header[3] & 1 == 0:
            length = _header_length(header)
            number = _coded_number(header[4:])
            if _crc8(header[:length]) == header[length] and (header[1] & 1 or number == frame):
                return at
        require(frame > 0)
        at += 1


def _coded_number(coded: bytes) -> int:
    """The number of a frame, coded as UTF-8 codes a character, with up to seven bytes."""
    first, extra = coded[0], 0
    while extra < 7 and first & 0x80 >> extra:
        extra += 1
    value = first & 0x7F >> extra
    for part in coded[1 : max(1, extra)]:
        value = value << 6 | part & 63
    return value


def _frame_samples(data: Metered, at: int) -> int:
    """Samples of a channel in a frame."""
    code = byte(data, at + 2) >> 4
    if code == 1:
        return 192
    if code <= 5:
        return 576 << (code - 2)
    if code >= 8:
        return 256 << (code - 8)
    length = _header_length(piece(data, at, 16))
    size = 1 if code == 6 else 2
    rate = {12: 1, 13: 2, 14: 2}.get(byte(data, at + 2) & 15, 0)
    return big(data, at + length - rate - size, size) + 1
