"""Makers of the filetype set: archives and compressed streams."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

from bytesim.datasets.filetype.makers.maker import Job, Maker


def _tar_bytes(job: Job, form: str = "") -> bytes:
    """The inputs as a tar archive; `form` is ustar, gnu or pax."""
    forms = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
    form = form or job.rng.choice(sorted(forms))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=forms[form]) as archive:
        for path, name in zip(job.inputs, job.names, strict=True):
            data = path.read_bytes()
            entry = tarfile.TarInfo(name.lstrip("./")[-90:])
            entry.size, entry.mtime = len(data), job.rng.randint(9 * 10**8, 17 * 10**8)
            entry.uname = entry.gname = job.rng.choice(("root", "user", "build", ""))
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def stream_of(job: Job) -> bytes:
    """The input of a stream compressor: one file, or several as a tar archive."""
    return job.read() if len(job.inputs) == 1 else _tar_bytes(job)


def tar(job: Job) -> bytes:
    if job.settings == "tar program":
        return job.run("tar", "-cf", "-", *job.lay_out())
    return _tar_bytes(job, job.settings)


def zip_(job: Job) -> bytes:
    names = job.lay_out()
    if job.settings.startswith(("zip", "7z")):
        job.run(*job.settings.split(), "out.zip", *names)
        return (job.folder / "out.zip").read_bytes()
    method, level = job.settings.split()
    kind = {"deflated": zipfile.ZIP_DEFLATED, "stored": zipfile.ZIP_STORED}[method]
    with zipfile.ZipFile(job.folder / "out.zip", "w", kind, compresslevel=int(level)) as archive:
        for name in names:
            archive.write(job.folder / name, f"{job.rng.choice(('', 'files/', 'a/b/'))}{name}")
    return (job.folder / "out.zip").read_bytes()


def gz(job: Job) -> bytes:
    data = stream_of(job)
    if job.settings.startswith("7z"):
        (job.folder / "in").write_bytes(data)
        job.run("7z", "a", "-tgzip", "-mx=9", "out.gz", "in")
        return (job.folder / "out.gz").read_bytes()
    if job.settings.startswith("gzip"):
        (job.folder / job.names[0].rsplit("/", 1)[-1]).write_bytes(data)
        return job.run(*job.settings.split(), job.names[0].rsplit("/", 1)[-1])
    return gzip.compress(data, int(job.settings), mtime=job.rng.randint(0, 17 * 10**8))


def bzip2(job: Job) -> bytes:
    if job.settings.startswith("7z"):
        (job.folder / "in").write_bytes(stream_of(job))
        job.run("7z", "a", "-tbzip2", "out.bz2", "in")
        return (job.folder / "out.bz2").read_bytes()
    return bz2.compress(stream_of(job), int(job.settings))


def xz(job: Job) -> bytes:
    if job.settings.startswith("7z"):
        (job.folder / "in").write_bytes(stream_of(job))
        job.run("7z", "a", "-txz", "out.xz", "in")
        return (job.folder / "out.xz").read_bytes()
    check = job.rng.choice((lzma.CHECK_CRC64, lzma.CHECK_CRC32, lzma.CHECK_SHA256))
    return lzma.compress(stream_of(job), lzma.FORMAT_XZ, check=check, preset=int(job.settings))


def piped(job: Job) -> bytes:
    """A compressor that reads stdin and writes stdout."""
    return job.run(*job.settings.split(), stdin=stream_of(job))


def sevenzip(job: Job) -> bytes:
    job.run("7z", "a", "-t7z", *job.settings.split(), "out.7z", *job.lay_out())
    return (job.folder / "out.7z").read_bytes()


def sevenzip_as(job: Job) -> bytes:
    """Another format that 7-Zip writes; the settings are 7-Zip's name of it."""
    job.run("7z", "a", f"-t{job.settings}", "out.bin", *job.lay_out())
    return (job.folder / "out.bin").read_bytes()


def cpio(job: Job) -> bytes:
    names = job.lay_out()
    return job.run("cpio", "-o", "-H", job.settings, "--quiet", stdin="\n".join(names).encode())


def iso(job: Job) -> bytes:
    names = job.lay_out()
    return job.run("genisoimage", "-quiet", *job.settings.split(), "-o", "-", *names)


def squashfs(job: Job) -> bytes:
    names = job.lay_out()
    job.run("mksquashfs", *names, "out.squashfs", "-quiet", "-no-progress", "-comp", job.settings)
    return (job.folder / "out.squashfs").read_bytes()


def rpm(job: Job) -> bytes:
    names = job.lay_out()
    files = "\n".join(f"/usr/share/made/{name}" for name in names)
    copies = "\n".join(f"cp {job.folder / name} %{{buildroot}}/usr/share/made/" for name in names)
    (job.folder / "p.spec").write_text(
        f"Name: made{job.rng.randint(1, 999)}\nVersion: {job.rng.randint(0, 9)}.{job.rng.randint(0, 20)}\nRelease: 1\n"
        f"Summary: files\nLicense: MIT\nBuildArch: noarch\n%description\nFiles of one origin.\n%install\n"
        f"mkdir -p %{{buildroot}}/usr/share/made\n{copies}\n%files\n{files}\n"
    )
    defines = {"_topdir": str(job.folder / "top"), "_binary_payload": job.settings, "__os_install_post": "%{nil}"}
    job.run("rpmbuild", "-bb", *(f"--define={key} {value}" for key, value in defines.items()), "p.spec")
    return next((job.folder / "top").rglob("*.rpm")).read_bytes()


MAKERS = [
    Maker("tar", tar, ("ustar", "gnu", "pax", "tar program"), "any", ("tar",), 500, 24),
    Maker("zip", zip_, ("deflated 1", "deflated 6", "deflated 9", "stored 0", "zip -q -6", "7z a -tzip"), "any",
          ("zip", "7z"), 400, 24),
    Maker("gz", gz, ("1", "6", "9", "gzip -c", "gzip -9nc", "7z"), "any", ("gzip", "7z"), 560, 16),
    Maker("bz2", bzip2, ("1", "5", "9", "7z"), "any", ("7z",), 560, 16, 2000),
    Maker("xz", xz, ("0", "3", "6", "9", "7z"), "any", ("7z",), 560, 16, 2000),
    Maker("zst", piped, ("zstd -1 -c", "zstd -3 -c", "zstd -9 -c", "zstd -19 -c", "zstd -6 --no-check -c"), "any",
          ("zstd",), 560, 16, 2000),
    Maker("lz4", piped, ("lz4 -1 -c", "lz4 -9 -c", "lz4 -B4 -c", "lz4 -5 -BD --content-size -c"), "any", ("lz4",),
          560, 16, 2000),
    Maker("7z", sevenzip, ("-mx=1", "-mx=5", "-mx=9", "-m0=lzma", "-m0=lzma2 -ms=off"), "any", ("7z",), 560, 24, 2000),
    Maker("cpio", cpio, ("newc", "odc", "crc"), "any", ("cpio",), 120, 8),
    Maker("iso", iso, ("-R", "-J -R", "-l"), "any", ("genisoimage",), 120, 8),
    Maker("squashfs", squashfs, ("gzip", "xz", "zstd"), "any", ("mksquashfs",), 120, 8),
    Maker("rpm", rpm, ("w9.gzdio", "w2.xzdio", "w19.zstdio"), "text", ("rpmbuild",), 100, 8),
    Maker("lzip", piped, ("lzip -c",), "any", ("lzip",), 60, 4, 2000),
    Maker("lzop", piped, ("lzop -c",), "any", ("lzop",), 60, 4, 2000),
]  # fmt: skip
