"""The file types that magika and libmagic give, as our labels: the baselines of the model `filetype`.

Each tool gets the same bytes as the model, without a file name. A name that is less precise than our labels counts as
the closest one (magika's `lisp` is our `lisp`, although magika also answers it for Scheme). A tool cannot be right for
types that it has no name for; `without_name` lists these.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bytesim.errors import ToolError
from bytesim.formats.filetypes import LABELS, UNKNOWN

TIMEOUT_S = 600.0
BATCH = 2000
"""Files given to one run of `file`."""

_MAGIKA_NAMES = {
    "appleplist": "xml", "bib": "bibtex", "bzip": "bz2", "crt": "pem", "cs": "csharp", "csproj": "xml",
    "gemspec": "ruby",
    "gemfile": "ruby", "gzip": "gz", "h5": "hdf5", "javabytecode": "class", "latex": "tex", "pebin": "pe",
    "pythonbytecode": "pyc", "rdf": "xml", "sevenzip": "7z", "sgml": "xml", "vcxproj": "xml", "npz": "zip",
    "apk": "jar", "nupkg": "zip", "xpi": "zip", "crx": "zip", "snap": UNKNOWN, "xsd": "xml", "randomtxt": "txt",
    "ps": "postscript", "ai": "pdf", "tsv": "csv", "jsonl": "json", "zst": "zst", "mpegaudio": "mp3",
}  # fmt: skip
"""Names of magika -> our labels, where the spelling differs; all other names are spelt alike."""

_MAGIC_RULES = tuple(
    (re.compile(pattern, re.I), label)
    for pattern, label in (
        # (MIME type; description), first match wins
        (r"wordprocessingml|Microsoft Word 2007", "docx"),
        (r"spreadsheetml|Microsoft Excel 2007", "xlsx"),
        (r"presentationml|Microsoft PowerPoint 2007", "pptx"),
        (r"opendocument\.text", "odt"),
        (r"epub", "epub"),
        (r"java-archive", "jar"),
        (r"application/zip", "zip"),
        (r"gzip", "gz"),
        (r"bzip2", "bz2"),
        (r"x-xz", "xz"),
        (r"zstd", "zst"),
        (r"lz4", "lz4"),
        (r"7z-compressed", "7z"),
        (r"x-tar", "tar"),
        (r"debian\.binary-package", "deb"),
        (r"x-archive; current ar archive", "ar"),
        (r"Mach-O", "macho"),
        (r"^application/x-(pie-)?(executable|sharedlib|object|coredump); ELF|\bELF \d", "elf"),
        (r"PE32|dosexec", "pe"),
        (r"java-applet|Java class", "class"),
        (r"WebAssembly", "wasm"),
        (r"Erlang BEAM", "beam"),
        (r"byte-compiled; ?Emacs|Emacs/XEmacs v\d+ byte-compiled", "elc"),
        (r"python 3\.\d+ byte-compiled|Byte-compiled Python|bytecode.python", "pyc"),
        (r"sqlite3", "sqlite"),
        (r"NumPy data", "npy"),
        (r"Hierarchical Data Format|hdf", "hdf5"),
        (r"Parquet", "parquet"),
        (r"Apache Arrow", "arrow"),
        (r"GNU message catalog|x-gettext-translation", "mo"),
        (r"Qt Translation", "qm"),
        (r"GObject", "typelib"),
        (r"OpenType", "otf"),
        (r"font/sfnt|TrueType", "ttf"),
        (r"woff2|Web Open Font Format \(Version 2\)", "woff2"),
        (r"X11 Portable Compiled Font", "pcf"),
        (r"X11 BDF font", "bdf"),
        (r"ASCII font metrics", "afm"),
        (r"TeX font metric", "tfm"),
        (r"x-dvi", "dvi"),
        (r"application/pdf", "pdf"),
        (r"postscript", "postscript"),
        (r"rtf", "rtf"),
        (r"x-ms-bmp|image/bmp", "bmp"),
        (r"image/gif", "gif"),
        (r"icon", "ico"),
        (r"image/jpeg", "jpeg"),
        (r"image/png", "png"),
        (r"image/tiff", "tiff"),
        (r"image/webp", "webp"),
        (r"image/svg", "svg"),
        (r"x-xpmi|X pixmap", "xpm"),
        (r"ADTS, (layer III|v\d(\.\d)?.*AAC|AAC)|x-hx-aac", "aac"),
        (r"flac", "flac"),
        (r"midi", "midi"),
        (r"Opus audio", "opus"),
        (r"Vorbis audio|audio/ogg", "ogg"),
        (r"x-wav|WAVE audio", "wav"),
        (r"audio/mpeg|layer III", "mp3"),
        (r"x-msvideo", "avi"),
        (r"video/mp4|ISO Media", "mp4"),
        (r"webm", "webm"),
        (r"x-diff", "diff"),
        (r"troff", "man"),
        (r"BibTeX", "bibtex"),
        (r"Texinfo", "texinfo"),
        (r"x-tex|LaTeX|TeX document", "tex"),
        (r"gettext message catalogue|x-po\b", "po"),
        (r"PEM (certificate|RSA|DSA|EC)|OpenSSH|private key", "pem"),
        (r"x-shellscript|shell script", "shell"),
        (r"x-perl|Perl script|Perl5 module|Perl POD", "perl"),
        (r"script\.python|x-python|Python script", "python"),
        (r"x-ruby|Ruby script", "ruby"),
        (r"x-php|PHP script", "php"),
        (r"x-tcl|Tcl script|Tcl/Tk", "tcl"),
        (r"x-lua|Lua script", "lua"),
        (r"x-lisp|Lisp/Scheme", "lisp"),
        (r"x-fortran|FORTRAN", "fortran"),
        (r"pascal", "pascal"),
        (r"x-java\b|Java source", "java"),
        (r"javascript|Node\.js", "javascript"),
        (r"x-c\+\+|C\+\+ source", "cpp"),
        (r"x-asm|assembler source", "asm"),
        (r"text/x-c\b|C source", "c"),
        (r"makefile", "makefile"),
        (r"x-m4|M4 macro", "m4"),
        (r"text/html|HTML document", "html"),
        (r"text/xml|XML 1\.", "xml"),
        (r"application/json|JSON", "json"),
        (r"text/csv|CSV text", "csv"),
        (r"Windows setup INFormation|Generic INItialization|x-wine-extension-ini", "ini"),
        (r"^text/plain", "txt"),
    )
)
"""(pattern of the `MIME type; description` that libmagic gives, our label)."""


def magika_labels(files: Sequence[bytes]) -> list[str]:
    """Our label of each file by magika; "unknown" where its answer is none of ours. Raises ToolError."""
    reader = _magika()
    return [_our_name(str(reader.identify_bytes(data).output.label)) for data in files]


@cache
def _magika() -> Any:
    try:
        from magika import Magika
    except ImportError as error:
        raise ToolError("magika is not installed. `pip install magika` brings it.") from error
    return Magika()


def _our_name(name: str) -> str:
    ours = _MAGIKA_NAMES.get(name, name)
    return ours if ours in LABELS else UNKNOWN


def libmagic_labels(files: Sequence[bytes]) -> list[str]:
    """Our label of each file by libmagic, through the program `file`. Raises ToolError."""
    return [
        label_of_magic(answer)
        for start in range(0, len(files), BATCH)
        for answer in _magic(files[start : start + BATCH])
    ]


def label_of_magic(answer: str) -> str:
    """Our label for a `MIME type; description`; "unknown" if no pattern matches."""
    return next((label for pattern, label in _MAGIC_RULES if pattern.search(answer)), UNKNOWN)


def _magic(files: Sequence[bytes]) -> list[str]:
    """`MIME type; description` of each file. The files get neutral names."""
    with tempfile.TemporaryDirectory(prefix="bytesim-") as folder:
        for number, data in enumerate(files):
            Path(folder, f"{number:06d}").write_bytes(data)
        names = "".join(f"{number:06d}\n" for number in range(len(files)))
        Path(folder, "names").write_text(names)
        kinds, descriptions = _file(folder, "--mime-type"), _file(folder)
    if not len(kinds) == len(descriptions) == len(files):
        raise ToolError("`file` answered for another number of files than it was given.")
    return [f"{kind}; {description}" for kind, description in zip(kinds, descriptions, strict=True)]


def _file(folder: str, *options: str) -> list[str]:
    tool = shutil.which("file")
    if tool is None:
        raise ToolError("`file` is not installed. Install it (Debian: apt-get install file).")
    command = [tool, "--brief", *options, "--files-from", "names"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"`file` did not answer in {TIMEOUT_S:.0f} s.") from error
    if done.returncode:
        raise ToolError(f"`file` failed: {' '.join(done.stderr.decode('utf-8', 'replace').split())[:200]}")
    return done.stdout.decode("utf-8", "replace").splitlines()


def without_name(tool: str) -> list[str]:
    """Our labels for which a tool, "magika" or "libmagic", has no name. Raises ToolError."""
    if tool == "libmagic":
        named = {label for _, label in _MAGIC_RULES}
    else:
        named = {_our_name(str(content_type)) for content_type in _magika().get_output_content_types()}
    return [label for label in LABELS[:-1] if label not in named]
