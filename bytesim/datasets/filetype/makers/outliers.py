"""Makers of the filetype set: types without a label, which stand for `unknown` in training."""

from __future__ import annotations

import plistlib
import zlib
from typing import Any

from bytesim.datasets.filetype.makers.archives import sevenzip_as, stream_of
from bytesim.datasets.filetype.makers.data import array_of, objects_of
from bytesim.datasets.filetype.makers.maker import Job, Maker
from bytesim.datasets.filetype.makers.media import by_pillow, by_program, by_soundfile, film, picture

COUNT = 100


def still(job: Job) -> bytes:
    """A picture written by ffmpeg; the settings are its options and, last, the file name."""
    *options, name = job.settings.split()
    picture(job, 400).convert("RGB").save(job.folder / "in.png")
    job.run("ffmpeg", "-v", "error", "-i", "in.png", *options, name)
    return (job.folder / name).read_bytes()


def archive(job: Job) -> bytes:
    """An archive of the inputs; the settings are the archiver's command, with the file name last."""
    command = job.settings.split()
    job.run(*command, *job.lay_out())
    return next(job.folder.glob(f"{command[-1].partition('.')[0]}.*")).read_bytes()


def packed(job: Job) -> bytes:
    """A file compressed in place; the settings are the command and the ending that it adds."""
    *command, ending = job.settings.split()
    (job.folder / "in").write_bytes(stream_of(job))
    job.run(*command, "in")
    return (job.folder / f"in{ending}").read_bytes()


def lzma_alone(job: Job) -> bytes:
    import lzma

    return lzma.compress(stream_of(job), lzma.FORMAT_ALONE, preset=job.rng.choice((1, 6, 9)))


def zlib_stream(job: Job) -> bytes:
    return zlib.compress(stream_of(job), job.rng.choice((1, 6, 9)))


def romfs(job: Job) -> bytes:
    files = job.folder / "files"
    files.mkdir()
    for name in job.lay_out():
        (job.folder / name).rename(files / name)
    job.run("genromfs", "-d", "files", "-f", "out.romfs")
    return (job.folder / "out.romfs").read_bytes()


def property_list(job: Job) -> bytes:
    values = objects_of(job)
    return plistlib.dumps(_without_none(values), fmt=plistlib.FMT_BINARY, skipkeys=True)


def _without_none(value: Any) -> Any:
    """The same values without those that a property list cannot hold."""
    if isinstance(value, dict):
        return {str(key): _without_none(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def numbers(job: Job) -> bytes:
    """Samples or pixels without a header, as programs that stream them write."""
    return array_of(job)[:60_000].tobytes()


_FFMPEG = ("ffmpeg",)
_IN = "ffmpeg -v error -i in.wav"

MAKERS = [
    *(
        Maker(kind, by_soundfile, (f"{kind.upper()} {subtype}",), "sound", (), COUNT, 1, 2000)
        for kind, subtype in (
            *(("w64", "PCM_16"), ("voc", "PCM_16"), ("nist", "PCM_16"), ("svx", "PCM_16"), ("ircam", "PCM_16")),
            *(("paf", "PCM_16"), ("avr", "PCM_16"), ("xi", "DPCM_16"), ("rf64", "PCM_16"), ("pvf", "PCM_16")),
        )
    ),
    Maker("mat", by_soundfile, ("MAT5 PCM_16",), "sound", (), COUNT, 1, 2000),
    *(
        Maker(kind, by_program, (f"{_IN} {how}",), "sound", _FFMPEG, COUNT, 1, 2000)
        for kind, how in (
            *(("speex", "-c:a libspeex out.spx"), ("dts", "-strict -2 -c:a dca out.dts"), ("sbc", "out.sbc")),
            *(("sox", "out.sox"), ("gsm", "-ar 8000 -ac 1 out.gsm"), ("ast", "out.ast")),
            ("realmedia", "-ar 8000 -ac 1 -c:a real_144 out.ra"),
        )
    ),
    *(
        Maker(kind, film, (how,), "image", _FFMPEG, COUNT, 1, 2000)
        for kind, how in (
            *(("mpeg", "-r 25 -c:v mpeg1video -an out.mpg"), ("ivf", "-c:v libvpx -deadline realtime -an out.ivf")),
            *(("theora", "-c:v libtheora -c:a libvorbis out.ogv"), ("mxf", "-r 25 -c:v mpeg2video -an out.mxf")),
            *(("nut", "-c:v mpeg4 -an out.nut"), ("mov", "-c:v mjpeg -c:a pcm_s16le out.mov")),
            *(("swf", "-c:v flv -an out.swf"), ("h264", "-c:v libx264 -preset veryfast -an out.h264")),
            *(("wtv", "-c:v mpeg2video -an out.wtv"), ("y4m", "-an out.y4m")),
        )
    ),
    *(
        Maker(kind, still, (how,), "image", _FFMPEG, COUNT, 1, 300)
        for kind, how in (
            *(("dpx", "out.dpx"), ("ras", "-c:v sunrast out.sun"), ("xwd", "out.xwd"), ("pam", "out.pam")),
            *(("exr", "out.exr"), ("qoi", "out.qoi"), ("jls", "out.jls"), ("jxl", "out.jxl"), ("pfm", "out.pfm")),
        )
    ),
    Maker("im", by_pillow, ("IM RGB", "IM L"), "image", (), COUNT, 1, 300),
    Maker("msp", by_pillow, ("MSP 1",), "image", (), COUNT, 1, 300),
    Maker("blp", by_pillow, ("BLP P",), "image", (), COUNT, 1, 300),
    Maker("xbm", by_pillow, ("XBM 1",), "image", (), COUNT, 1, 300),
    Maker("wim", sevenzip_as, ("wim",), "any", ("7z",), COUNT, 8, 500),
    Maker("arj", archive, ("arj a out.arj",), "any", ("arj",), COUNT, 8, 500),
    Maker("zpaq", archive, ("zpaq a out.zpaq",), "any", ("zpaq",), COUNT, 8, 500),
    Maker("compress", packed, ("compress -f .Z",), "any", ("compress",), COUNT, 4, 2000),
    Maker("lrzip", packed, ("lrzip -q .lrz",), "any", ("lrzip",), COUNT, 4, 2000),
    Maker("rzip", packed, ("rzip .rz",), "any", ("rzip",), COUNT, 4, 2000),
    Maker("lzma", lzma_alone, ("",), "any", (), COUNT, 4, 2000),
    Maker("zlib", zlib_stream, ("",), "any", (), COUNT, 4, 2000),
    Maker("romfs", romfs, ("",), "any", ("genromfs",), COUNT, 8, 500),
    Maker("bplist", property_list, ("",), "table", (), COUNT, 1, 1000),
    Maker("numbers", numbers, ("sound",), "wav", (), COUNT, 1, 2000),
    Maker("numbers", numbers, ("image",), "image", (), COUNT, 1, 500),
]
