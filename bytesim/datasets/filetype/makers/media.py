"""Makers of the filetype set: pictures, sounds, videos and fonts, from found ones in other formats or settings."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from bytesim.datasets.filetype.makers.maker import Job, Maker


def picture(job: Job, most: int = 900) -> Any:
    """An input as a Pillow image, scaled at random."""
    from PIL import Image

    image: Any = Image.open(io.BytesIO(job.read()))
    image = image.convert(job.rng.choice(("RGB", "RGB", "RGBA", "L")))
    limit = job.rng.choice((64, 128, 256, 400, most))
    image.thumbnail((limit, limit))
    if max(image.size) < 24 or job.rng.random() < 0.2:
        scale = job.rng.choice((2, 3, 4))
        image = image.resize((image.width * scale, image.height * scale), job.rng.choice((0, 2, 3)))
    return image


def _saved(image: Any, form: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def bmp(job: Job) -> bytes:
    modes = {"24": "RGB", "8": "P", "grey": "L", "1": "1", "32": "RGBA"}
    return _saved(picture(job, 400).convert(modes[job.settings]), "BMP")


def gif(job: Job) -> bytes:
    return _saved(picture(job).convert("RGB").quantize(int(job.settings)), "GIF")


def ico(job: Job) -> bytes:
    image = picture(job, 256).convert("RGBA")
    image = image.resize((256, 256)) if job.rng.random() < 0.3 else image.resize((64, 64))
    sizes = [(16, 16), (32, 32), (48, 48), (64, 64), (24, 24), (128, 128), (256, 256)]
    chosen = job.rng.sample(sizes, job.rng.randint(1, 5))
    return _saved(image, "ICO", sizes=chosen, bitmap_format=job.settings)


def jpeg(job: Job) -> bytes:
    image, rng = picture(job), job.rng
    image = image.convert(rng.choice(("RGB", "RGB", "L")))
    return _saved(image, "JPEG", quality=rng.randint(25, 97), progressive=job.settings == "progressive",
                  subsampling=rng.choice((0, 1, 2)), optimize=rng.random() < 0.3)  # fmt: skip


def png(job: Job) -> bytes:
    return _saved(picture(job), "PNG", compress_level=int(job.settings))


def tiff(job: Job) -> bytes:
    how = {"compression": job.settings} if job.settings != "raw" else {}
    image = picture(job, 500).convert("RGB" if job.settings == "jpeg" else job.rng.choice(("RGB", "L", "RGBA")))
    return _saved(image, "TIFF", **how)


def tiff_copied(job: Job) -> bytes:
    """A TIFF rewritten by tiffcp; the settings are byte order, compression and strips or tiles."""
    source = job.folder / "in.tif"
    picture(job, 500).convert(job.rng.choice(("RGB", "L", "RGBA", "1"))).save(source)
    job.run("tiffcp", *job.settings.split(), "in.tif", "out.tif")
    return (job.folder / "out.tif").read_bytes()


def webp(job: Job) -> bytes:
    image = picture(job).convert(job.rng.choice(("RGB", "RGBA")))
    return _saved(image, "WEBP", lossless=job.settings == "lossless", quality=job.rng.randint(20, 95),
                  method=job.rng.randint(0, 4))  # fmt: skip


def by_pillow(job: Job) -> bytes:
    """A format without options; the settings are Pillow's name of it and the mode."""
    form, mode = job.settings.split()
    image = picture(job, 400).convert(mode)
    if form == "ICNS":
        image = image.resize((128, 128))
    return _saved(image, form)


def avif(job: Job) -> bytes:
    picture(job).convert("RGB").save(job.folder / "in.png")
    job.run("avifenc", "-s", "8", "in.png", "out.avif")
    return (job.folder / "out.avif").read_bytes()


# --- sounds ----------------------------------------------------------------------------------


def sound(job: Job, most_s: float = 6.0) -> tuple[Any, int]:
    """A piece of an input as (samples, rate in hertz), mono or stereo, at one of the usual rates."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(io.BytesIO(job.read()), dtype="float32", always_2d=True)
    length = int(rate * job.rng.uniform(1.0, most_s))
    start = job.rng.randint(0, max(0, len(samples) - length))
    samples = samples[start : start + length]
    if job.rng.random() < 0.5:
        samples = samples.mean(axis=1, keepdims=True)
    elif job.rng.random() < 0.3:
        samples = np.repeat(samples[:, :1], 2, axis=1)
    new_rate = job.rng.choice((8000, 16000, 22050, 32000, 44100, 48000))
    return soxr.resample(samples, rate, new_rate), new_rate


def _wav(job: Job) -> None:
    import soundfile

    samples, rate = sound(job)
    soundfile.write(job.folder / "in.wav", samples, rate, subtype="PCM_16")


def wav(job: Job) -> bytes:
    import soundfile

    samples, rate = sound(job, 3.0)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype=job.settings)
    return buffer.getvalue()


def by_soundfile(job: Job) -> bytes:
    """A sound written by libsndfile; the settings are its format and subtype."""
    import soundfile

    samples, rate = sound(job)
    form, subtype = job.settings.split()
    buffer = io.BytesIO()
    how = {"compression_level": job.rng.choice((0.0, 0.3, 0.6, 1.0))} if form in ("FLAC", "OGG") else {}
    soundfile.write(buffer, samples, rate, format=form, subtype=subtype, **how)
    return buffer.getvalue()


def by_program(job: Job) -> bytes:
    """A sound by an encoder that reads in.wav and writes the file that its command names last."""
    _wav(job)
    command = job.settings.split()
    job.run(*command)
    return (job.folder / command[-1]).read_bytes()


def opus(job: Job) -> bytes:
    _wav(job)
    rate = job.rng.choice((16, 24, 48, 64, 96, 128))
    if job.settings == "opusenc":
        job.run("opusenc", "--quiet", "--bitrate", str(rate), "in.wav", "out.opus")
    else:
        job.run("ffmpeg", "-v", "error", "-i", "in.wav", "-c:a", "libopus", "-b:a", f"{rate}k", "out.opus")
    return (job.folder / "out.opus").read_bytes()


def aac(job: Job) -> bytes:
    _wav(job)
    rate = job.rng.choice((32, 64, 96, 128, 160))
    job.run(
        "ffmpeg", "-v", "error", "-i", "in.wav", "-c:a", "aac", "-b:a", f"{rate}k", *job.settings.split(), "out.aac"
    )
    return (job.folder / "out.aac").read_bytes()


def mp3(job: Job) -> bytes:
    _wav(job)
    rate = job.rng.choice(("-V2", "-V5", "-b64", "-b128", "-b192"))
    if job.settings == "lame":
        job.run("lame", "--quiet", rate, "in.wav", "out.mp3")
    else:
        job.run("ffmpeg", "-v", "error", "-i", "in.wav", "-b:a", job.rng.choice(("64k", "128k", "160k")), "out.mp3")
    return (job.folder / "out.mp3").read_bytes()


def midi(job: Job) -> bytes:
    """A found tune in another key and tempo, sometimes without some of its tracks."""
    import mido

    song = mido.MidiFile(file=io.BytesIO(job.read()), clip=True)
    shift, stretch = job.rng.randint(-5, 6), job.rng.choice((0.75, 1.0, 1.5, 2.0))
    song.tracks[:] = job.rng.sample(song.tracks, job.rng.randint(1, len(song.tracks)))
    for track in song.tracks:
        for message in track:
            message.time = int(message.time * stretch)
            if message.type in ("note_on", "note_off") and message.channel != 9:
                message.note = min(127, max(0, message.note + shift))
    buffer = io.BytesIO()
    song.save(file=buffer)
    return buffer.getvalue()


# --- videos ----------------------------------------------------------------------------------

_MOVES = (
    "zoompan=z='min(zoom+0.01,2)':d=40:s=SIZE:fps=15",
    "zoompan=z=1.6:x='on*3':y='on*2':d=40:s=SIZE:fps=15",
    "zoompan=z='2-on*0.02':d=36:s=SIZE:fps=12,hue=h='n*4'",
    "scale=SIZE,loop=40:1,noise=alls=20:allf=t,fps=15",
)


def film(job: Job) -> bytes:
    """A video of a moving picture, with a tone or noise; the settings are the codecs and the file name."""
    image = picture(job, 600).convert("RGB")
    image.save(job.folder / "in.png")
    *codecs, name = job.settings.split()
    size = job.rng.choice(("160x120", "240x180", "320x240", "176x144"))
    move = job.rng.choice(_MOVES).replace("SIZE", size)
    tone = job.rng.choice(
        (
            f"sine=f={job.rng.randint(100, 900)}:b=3",
            "anoisesrc=a=0.1:c=pink",
            f"aevalsrc=sin({job.rng.randint(900, 4000)}*t*t)",
        )
    )
    with_sound = ["-f", "lavfi", "-i", f"{tone}:d=3"] if job.rng.random() < 0.6 else []
    how = [
        "-b:v",
        job.rng.choice(("80k", "200k", "500k")),
        "-t",
        str(job.rng.choice((1.5, 2.5))),
        "-pix_fmt",
        "yuv420p",
    ]
    job.run("ffmpeg", "-v", "error", "-threads", "1", "-i", "in.png", *with_sound, "-vf", move, *codecs, *how, name)
    return (job.folder / name).read_bytes()


# --- fonts -----------------------------------------------------------------------------------


def web_font(job: Job) -> bytes:
    """A found font, whole or in part, as a web font; the settings name the flavour."""
    from fontTools import subset, ttLib

    font: Any = ttLib.TTFont(io.BytesIO(job.read()), lazy=True)
    if job.rng.random() < 0.5:
        options = subset.Options(layout_features=["*"], notdef_outline=True)
        cutter = subset.Subsetter(options)
        first = job.rng.choice((0x20, 0x20, 0x400, 0x370))
        cutter.populate(unicodes=range(first, first + job.rng.choice((96, 160, 400))))
        cutter.subset(font)
    font.flavor = job.settings
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def pcf(job: Job) -> bytes:
    (job.folder / "in.bdf").write_bytes(job.read())
    job.run("bdftopcf", *job.settings.split(), "-o", "out.pcf", "in.bdf")
    return (job.folder / "out.pcf").read_bytes()


def tfm(job: Job) -> bytes:
    """The metrics of a found font in TeX's format, sometimes widened or slanted."""
    (job.folder / "in.afm").write_bytes(job.read())
    how = job.rng.choice(([], ["-e", f"{job.rng.uniform(0.7, 1.4):.2f}"], ["-s", f"{job.rng.uniform(0.1, 0.3):.2f}"]))
    job.run("afm2tfm", "in.afm", *how, "out.tfm")
    return (job.folder / "out.tfm").read_bytes()


def bdf(job: Job) -> bytes:
    """A found outline font as a bitmap font; the settings are its size in points and dots per inch."""
    points, dots = job.settings.split()
    (job.folder / "in.ttf").write_bytes(job.read())
    glyphs = job.rng.choice(("32_126", "32_255", "32_1023"))
    job.run("sh", "-c", f"otf2bdf -p {points} -r {dots} -l {glyphs} -o out.bdf in.ttf; test -s out.bdf")  # exits with 8
    return (job.folder / "out.bdf").read_bytes()


_FFMPEG = "ffmpeg -v error -i in.wav"

MAKERS = [
    Maker("bmp", bmp, ("24", "24", "8", "grey", "1", "32"), "image", (), 400, 1, 300),
    Maker("ico", ico, ("png", "bmp"), "image", (), 400, 1, 300),
    Maker("tiff", tiff, ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"), "image", (), 320, 1, 300),
    Maker("tiff", tiff_copied, ("-B -c none", "-B -c lzw -r 16", "-L -c zip -t -w 64 -l 64", "-B -c packbits -r 8",
                                "-L -c lzw -t -w 32 -l 32"), "image", ("tiffcp",), 240, 1, 300),
    Maker("webp", webp, ("lossy", "lossy", "lossless"), "image", (), 500, 1, 600),
    Maker("gif", gif, ("256", "64", "16"), "image", (), 80, 1, 600),
    Maker("jpeg", jpeg, ("baseline", "progressive"), "image", (), 140, 1, 600),
    Maker("png", png, ("6", "9", "1"), "image", (), 60, 1, 600),
    Maker("wav", wav, ("PCM_16", "PCM_16", "PCM_U8", "FLOAT", "ULAW", "PCM_24"), "sound", (), 200, 1, 2000),
    Maker("flac", by_soundfile, ("FLAC PCM_16", "FLAC PCM_24"), "sound", (), 160, 1, 2000),
    Maker("flac", by_program, ("flac -s -8 in.wav -o out.flac", "flac -s -0 in.wav -o out.flac",
                               f"{_FFMPEG} out.flac"), "sound", ("flac", "ffmpeg"), 140, 1, 2000),
    Maker("mp3", mp3, ("lame", "ffmpeg"), "sound", ("lame", "ffmpeg"), 500, 1, 2000),
    Maker("ogg", by_program, ("oggenc -Q -q2 in.wav -o out.ogg", "oggenc -Q -q6 in.wav -o out.ogg",
                              f"{_FFMPEG} -c:a libvorbis -q:a 4 out.ogg"), "sound", ("oggenc", "ffmpeg"), 160, 1, 2000),
    Maker("opus", opus, ("opusenc", "ffmpeg"), "sound", ("opusenc", "ffmpeg"), 500, 1, 2000),
    Maker("aac", aac, ("", "-profile:a aac_low", "-aac_coder fast"), "sound", ("ffmpeg",), 500, 1, 2000),
    Maker("midi", midi, ("",), "midi", (), 160, 1, 300),
    Maker("mp4", film, ("-c:v libx264 -preset veryfast -c:a aac out.mp4", "-c:v mpeg4 -c:a aac out.mp4",
                        "-c:v libx264 -preset medium -profile:v baseline -movflags +faststart -c:a libmp3lame out.mp4"),
          "image", ("ffmpeg",), 260, 1, 2000),
    Maker("webm", film, ("-c:v libvpx -deadline realtime -c:a libvorbis out.webm",
                         "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus out.webm",
                         "-c:v libvpx-vp9 -deadline good -cpu-used 5 -c:a libvorbis out.webm"),
          "image", ("ffmpeg",), 260, 1, 2000),
    Maker("avi", film, ("-c:v mpeg4 -c:a libmp3lame out.avi", "-c:v mjpeg -c:a pcm_s16le out.avi",
                        "-c:v msmpeg4 -c:a ac3 out.avi", "-c:v libx264 -preset veryfast -c:a libmp3lame out.avi"),
          "image", ("ffmpeg",), 260, 1, 2000),
    Maker("woff2", web_font, ("woff2",), "ttf", ("python:fontTools", "python:brotli"), 120, 1, 3000),
    Maker("woff2", web_font, ("woff2",), "otf", ("python:fontTools", "python:brotli"), 40, 1, 3000),
    Maker("pcf", pcf, ("", "-p4 -t"), "bdf", ("bdftopcf",), 60, 1, 1000),
    Maker("tfm", tfm, ("",), "afm", ("afm2tfm",), 160, 1, 500),
    Maker("bdf", bdf, ("10 75", "12 100", "16 100", "9 72"), "ttf", ("otf2bdf",), 200, 1, 3000),
    # Outliers and unseen types
    Maker("woff", web_font, ("woff",), "ttf", ("python:fontTools",), 60, 1, 3000),
    Maker("pcx", by_pillow, ("PCX RGB", "PCX L"), "image", (), 100, 1, 300),
    Maker("ppm", by_pillow, ("PPM RGB", "PPM L"), "image", (), 60, 1, 300),
    Maker("icns", by_pillow, ("ICNS RGBA",), "image", (), 60, 1, 300),
    Maker("aiff", by_soundfile, ("AIFF PCM_16",), "sound", (), 90, 1, 2000),
    Maker("mkv", film, ("-c:v libx264 -preset veryfast -c:a aac out.mkv", "-c:v mpeg4 -c:a ac3 out.mkv"), "image",
          ("ffmpeg",), 80, 1, 2000),
    Maker("flv", film, ("-c:v flv -an out.flv",), "image", ("ffmpeg",), 60, 1, 2000),
    Maker("wavpack", by_program, (f"{_FFMPEG} -c:a wavpack out.wv",), "sound", ("ffmpeg",), 60, 1, 2000),
    Maker("tga", by_pillow, ("TGA RGB",), "image", (), 60, 1, 300),
    Maker("au", by_soundfile, ("AU PCM_16",), "sound", (), 60, 1, 2000),
    Maker("sgi", by_pillow, ("SGI RGB",), "image", (), 60, 1, 300),
    Maker("jp2", by_pillow, ("JPEG2000 RGB",), "image", (), 60, 1, 300),
    Maker("dds", by_pillow, ("DDS RGBA",), "image", (), 60, 1, 300),
    Maker("avif", avif, ("",), "image", ("avifenc",), 60, 1, 300),
    Maker("caf", by_soundfile, ("CAF PCM_16",), "sound", (), 60, 1, 2000),
    Maker("ac3", by_program, (f"{_FFMPEG} -c:a ac3 out.ac3",), "sound", ("ffmpeg",), 60, 1, 2000),
    Maker("tta", by_program, (f"{_FFMPEG} -c:a tta out.tta",), "sound", ("ffmpeg",), 60, 1, 2000),
    Maker("mpegts", film, ("-c:v mpeg2video -an -f mpegts out.mts",), "image", ("ffmpeg",), 60, 1, 2000),
    Maker("asf", film, ("-c:v wmv2 -c:a wmav2 out.wmv",), "image", ("ffmpeg",), 60, 1, 2000),
]  # fmt: skip
