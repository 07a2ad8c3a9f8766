"""Which type a file is, by its name and a check of its content: how the filetype set gets labels that are right.

A name alone proves nothing (`.v` is Verilog or Coq, `.ts` TypeScript or Qt's XML), so every type has a check: its
magic bytes, a parser, or marks that a text of its kind has.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_PARSED_BYTES = 1 << 20
"""Longer texts are checked by their marks alone, not by a parser."""
MIN_TEXT_BYTES = 120


@dataclass(frozen=True, slots=True)
class Check:
    """How one type is known: endings or whole names (lower case), and a test of the bytes."""

    type: str
    names: tuple[str, ...]
    """`.py` for an ending, `makefile` for a whole name."""
    test: Callable[[bytes], bool]
    how: str
    """What the test looks at, for filetype_build.json."""


def recognise(name: str, data: bytes) -> str | None:
    """The type of a file, or None where its name and content do not agree on one that is wanted."""
    base = name.rsplit("/", 1)[-1].lower()
    ending = "." + base.rsplit(".", 1)[1] if "." in base[1:] else ""
    for check in (*BY_NAME.get(base, ()), *BY_NAME.get(ending, ()), *(() if ending else _by_content(base, data))):
        if check.test(data):
            return check.type
    return None


def may_be_wanted(name: str) -> bool:
    """Whether a file of this name can be of a wanted type; cheap, before it is read."""
    base = name.rsplit("/", 1)[-1].lower()
    return "." not in base[1:] or base in BY_NAME or "." + base.rsplit(".", 1)[1] in BY_NAME


def types_of_name(name: str) -> set[str]:
    """The types that a name alone allows; empty where the content must decide."""
    base = name.rsplit("/", 1)[-1].lower()
    if "." not in base[1:] and base not in BY_NAME:
        return set()
    ending = "." + base.rsplit(".", 1)[1] if "." in base[1:] else ""
    return {check.type for check in (*BY_NAME.get(base, ()), *BY_NAME.get(ending, ()))}


def _by_content(base: str, data: bytes) -> tuple[Check, ...]:
    """Checks for a name without an ending: programs, scripts by their first line, and the usual text files."""
    if data[:4] == b"\x7fELF":
        return (BY_TYPE["elf"],)
    first = data[:80].split(b"\n", 1)[0]
    if first.startswith(b"#!"):
        for word, kind in (("python", "python"), ("perl", "perl"), ("ruby", "ruby"), ("tclsh", "tcl"), ("wish", "tcl")):
            if word.encode() in first:
                return (BY_TYPE[kind],)
        if re.search(rb"/(ba|da|k|z)?sh\b|env (ba)?sh\b", first):
            return (BY_TYPE["shell"],)
    if data[:3] == b"\x02\x01\x36" or data[:2] in (b"\x1a\x01", b"\x1e\x02"):
        return (BY_TYPE["terminfo"],)
    for magic, kind in ((b"TZif", "tzif"), (b"Xcur", "xcursor")):
        if data.startswith(magic):
            return (BY_TYPE[kind],)
    return (BY_TYPE["txt"],) if re.match(r"readme|news|authors|copying|licen[sc]e|changelog|todo|install", base) else ()


# --- tests -----------------------------------------------------------------------------------


def is_text(data: bytes) -> bool:
    """Whether bytes are a text of some length: no control bytes that texts do not have."""
    if len(data) < MIN_TEXT_BYTES or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    return not re.search(rb"[\x00-\x06\x0e-\x1a]", data[: 1 << 16])


def marks(pattern: str, *, without: str = "") -> Callable[[bytes], bool]:
    """A test for texts that hold a pattern (lines by lines) and do not hold another, in their first 200,000 bytes."""
    wanted = re.compile(pattern.encode(), re.M)
    unwanted = re.compile(without.encode(), re.M) if without else None

    def test(data: bytes) -> bool:
        head = data[:200_000]
        return is_text(data) and bool(wanted.search(head)) and not (unwanted and unwanted.search(head))

    return test


def magic(*starts: bytes, at: int = 0, end: bytes = b"") -> Callable[[bytes], bool]:
    """A test for bytes at an offset (any of `starts`) and at the end of the file."""
    return lambda data: any(data[at : at + len(each)] == each for each in starts) and data.endswith(end)


def _is_python(data: bytes) -> bool:
    if not (is_text(data) and re.search(rb"^(import|from|def|class|if|@)\b|^\w+ = ", data, re.M)):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data[:MAX_PARSED_BYTES])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _is_json(data: bytes) -> bool:
    if not is_text(data) or data.lstrip()[:1] not in (b"{", b"["):
        return False
    if len(data) > MAX_PARSED_BYTES:
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _is_notebook(data: bytes) -> bool:
    return _is_json(data) and b'"cells"' in data and b'"nbformat"' in data


def _is_toml(data: bytes) -> bool:
    try:
        return is_text(data) and bool(tomllib.loads(data.decode()))
    except (ValueError, RecursionError):
        return False


def _root(data: bytes) -> str:
    """The name of an XML document's root, empty where it is none. Entities are not expanded beyond expat's limits."""
    if not is_text(data) or b"<" not in data[:400]:
        return ""
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(data[: 1 << 16]), events=("start",)):
            return element.tag.rsplit("}", 1)[-1]
    except (ElementTree.ParseError, ValueError, LookupError):
        return ""
    return ""


def _is_xml(data: bytes) -> bool:
    return _root(data) not in ("", "svg", "html")


def _is_csv(data: bytes) -> bool:
    if not is_text(data) or data.lstrip()[:1] in (b"<", b"{"):
        return False
    text = data[:20_000].decode("utf-8", "replace").splitlines()[:-1]
    for delimiter in ",;":
        try:
            widths = {len(row) for row in csv.reader(text, delimiter=delimiter) if row}
        except csv.Error:
            continue
        if len(text) >= 3 and len(widths) == 1 and widths.pop() >= 2:
            return True
    return False


def _is_prose(data: bytes) -> bool:
    """Plain text: mostly letters and spaces, with no mark of a markup language or of a table."""
    if not is_text(data) or _MARKUP.search(data[:100_000]):
        return False
    head = data[:20_000]
    letters = sum(byte in _PROSE for byte in head)
    return letters >= 0.8 * len(head) and len(head.split()) >= 0.1 * len(head)


_PROSE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,.\n'") | frozenset(range(0x80, 0x100))
_MARKUP = re.compile(rb"^(\.\. |={3,} *$|#{1,6} |```|#!|#include|\\\w+|<\w+|<!)|</\w+>|\]\(|[;{}] *$", re.M)


def _is_zip_with(*names: bytes) -> Callable[[bytes], bool]:
    """A zip archive that names one of these files (names stand uncompressed in the directory at its end)."""
    return lambda data: data[:4] == b"PK\x03\x04" and any(name in data for name in names)


def _is_plain_zip(data: bytes) -> bool:
    known = (b"[Content_Types].xml", b"META-INF/MANIFEST.MF", b"mimetypeapplication/")
    return data[:4] == b"PK\x03\x04" and b"PK\x05\x06" in data[-70_000:] and not any(name in data for name in known)


def _is_gz(data: bytes) -> bool:
    return data[:3] == b"\x1f\x8b\x08" and len(data) > 40


def _is_tar(data: bytes) -> bool:
    return data[257:262] == b"ustar" and len(data) % 512 == 0


def _is_mp3(data: bytes) -> bool:
    if data[:3] == b"ID3":
        return True
    return len(data) > 200 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2


def _is_ar(data: bytes) -> bool:
    return data[:8] == b"!<arch>\n" and not data.startswith(b"!<arch>\ndebian-binary") and b"\x7fELF" in data[: 1 << 20]


def _is_tfm(data: bytes) -> bool:
    """The first 16-bit number of a TeX font metric file is its length in words."""
    return len(data) >= 100 and int.from_bytes(data[:2], "big") * 4 == len(data)


def _is_pickle(data: bytes) -> bool:
    begins = (data[:1] == b"\x80" and data[1] <= 5) or data[:2] in (b"(l", b"(d")
    return len(data) > 60 and begins and data.endswith(b".")


def _is_tracker(data: bytes) -> bool:
    return (
        data[:17] == b"Extended Module: " or data[:4] == b"IMPM" or data[44:48] == b"SCRM" or data[1080:1084] == b"M.K."
    )


def _is_pe(data: bytes) -> bool:
    at = int.from_bytes(data[60:64], "little")
    return data[:2] == b"MZ" and data[at : at + 4] == b"PE\0\0"


def _is_ogg(codec: bytes) -> Callable[[bytes], bool]:
    return lambda data: data[:4] == b"OggS" and codec in data[:80]


_CPP = r"^\s*(namespace|template|class) ?\b|\w::\w|^\s*(public|private|protected):|^#include <\w+>\s*$|\bstd::"
_LISP = r"^\s*\((defun|defmacro|defpackage|in-package|defvar|defgeneric|defmethod|defclass|define-)"
_MAN = tuple(f".{section}{more}" for section in "123456789" for more in ("", "x", "p", "pm", "ssl", "perl", "tcl"))


def _texts() -> list[Check]:
    """Types whose marks are a pattern."""
    table: list[tuple[str, str, Callable[[bytes], bool]]] = [
        ("ada", ".adb .ads", marks(r"(?i)^\s*(procedure|package|function|with)\b.*", without=r"#include")),
        ("asm", ".s .asm .nasm", marks(r"(?i)^\s+(mov\w*|ldr\w*|push\w*|addq?|call|jmp|lea\w*|vmov\w*|ret|br|bl)\b")),
        ("bibtex", ".bib", marks(r"^\s*@\w+\s*[{(]")),
        (
            "cmake",
            "cmakelists.txt .cmake",
            marks(r"(?i)^\s*(set|if|add_\w+|project|include|find_\w+|macro|function)\s*\("),
        ),
        ("cpp", ".cc .cpp .cxx .hpp .hh .hxx", marks(r"::|\bclass\b|\btemplate\b|\bnamespace\b|^#include")),
        ("c", ".c", marks(r"^#\s*include|^(static|int|void|struct|typedef|extern)\b", without=r"^#include <iostream>")),
        ("c", ".h", marks(r"^#\s*(ifndef|define|include|pragma)", without=_CPP)),
        ("cpp", ".h", marks(_CPP)),
        ("csharp", ".cs", marks(r"^\s*(using [\w.]+;|namespace )")),
        ("css", ".css", marks(r"[\w.#\]\)*:-][^{};]*\{[^{}]*:[^{}]*\}", without=r"^\s*<")),
        ("d", ".d .di", marks(r"^\s*(module|import) [\w.]+( *[:,].*)?;", without=r"^#include|\\$")),
        ("diff", ".diff .patch", marks(r"^@@ -\d+(,\d+)? \+\d")),
        ("elisp", ".el", marks(r"^\s*\((defun|defvar|require|provide|defcustom|defconst|setq)\b")),
        ("erlang", ".erl .hrl", marks(r"^-\w+\(.*", without=r"^#include")),
        (
            "fortran",
            ".f .f90 .for .f95 .f03 .f08",
            marks(r"(?i)^\s*(subroutine|program|module|function|end|integer)\b"),
        ),
        ("go", ".go", marks(r"^package \w+")),
        ("haskell", ".hs", marks(r"^(module|import)\s")),
        ("html", ".html .htm .xhtml", marks(r"(?i)<(!doctype html|html|head|body)")),
        (
            "ini",
            ".ini .cfg .desktop .service .theme .conf .inf",
            marks(r"^\[[^\]]+\]\s*\n(?:[^\[]*\n)?[\w.-]+ ?= ?\S*", without=r"^<"),
        ),
        ("java", ".java", marks(r"^\s*(package|import) [\w.*]+;|\b(class|interface)\b")),
        (
            "javascript",
            ".js .mjs .cjs .jsx",
            marks(r"\b(function|var|const|let|require|exports|return)\b", without=r"\A\s*[<{\[]"),
        ),
        ("lisp", ".lisp .lsp .cl .asd", marks(_LISP)),
        ("lua", ".lua", marks(r"\b(local|function|return)\b")),
        ("m4", ".m4 .ac configure.in", marks(r"\b(A[CMSXU]_\w+|m4_\w+|define\(|dnl\b)")),
        (
            "makefile",
            "makefile makefile.am makefile.in gnumakefile .mk .mak rules",
            marks(r"^[^\s#][^\n=]*:[^\n]*\n\t|^\w+ *[:+?]?= ?"),
        ),
        ("man", " ".join(_MAN), marks(r"^[.'](TH|Dd)\s")),
        ("markdown", ".md .markdown", marks(r"^(#{1,6} |```|[*-] )|\]\(", without=r"\A\s*<\?xml")),
        ("objc", ".m .mm", marks(r"^(@interface|@implementation|#import)")),
        ("matlab", ".m", marks(r"^\s*(function\b|%+ |## )", without=r"@implementation|#import|\(\*")),
        ("ocaml", ".ml .mli", marks(r"^\s*(let|val|open|type|module)\b")),
        ("pascal", ".pas .pp .lpr .dpr", marks(r"(?i)^\s*(unit|program|library)\s+\w+")),
        ("pem", ".pem .crt .key .csr", marks(r"\A(?:[^-\n]*\n)*-----BEGIN [A-Z0-9 ]+-----")),
        ("prolog", ".pl .pro .plt .prolog", marks(r"^:- |^\w+\(.*\) *:-", without=r"^\s*(use|my) ")),
        ("perl", ".pl .pm .t", marks(r"^\s*(use|my|sub|package|our) .*", without=r"^:- ")),
        ("php", ".php .inc .phpt", marks(r"<\?php")),
        ("po", ".po .pot", marks(r'^msgid "')),
        ("postscript", ".ps .eps .epsf .pro", lambda data: data[:4] == b"%!PS"),
        ("r", ".r", marks(r"<- ?\w")),
        ("rst", ".rst", marks(r"^(={3,}|-{3,}|~{3,}|\*{3,})\s*$|^\.\. ")),
        ("rtf", ".rtf", magic(b"{\\rtf")),
        ("ruby", ".rb .rake .gemspec rakefile", marks(r"^\s*(def|require|class|module|end|describe|task)\b")),
        ("rust", ".rs", marks(r"\b(fn|use|mod|impl|pub|struct)\b")),
        ("scheme", ".scm .ss .sld .sls", marks(r"^\s*\((define|library|use-modules)")),
        ("shell", ".sh .bash .bats configure .in", marks(r"\A#! ?/(usr/)?bin/(env )?(ba|da|k|z)?sh\b")),
        ("shell", ".sh .bash", marks(r"^\s*(if \[|for \w+ in|fi$|done$|esac$|echo |export )")),
        ("sql", ".sql", marks(r"(?i)^\s*(select|insert|create|alter|update|drop|delete|grant)\s")),
        (
            "tcl",
            ".tcl .tk .itcl .tm .test",
            marks(r"^\s*(proc|namespace eval|package require|set) [\w:]", without=r"^#!/bin/sh\n[^#]"),
        ),
        (
            "tex",
            ".tex .sty .cls .ltx .dtx .def",
            marks(r"\\(begin|def|newcommand|documentclass|section|input|gdef|let)\b"),
        ),
        ("texinfo", ".texi .texinfo .txi", marks(r"^@(node|chapter|section|c |item|setfilename|deftypefun)")),
        ("typescript", ".ts .tsx .mts", marks(r"\b(interface|export|import|const|class|declare)\b", without=r"\A\s*<")),
        ("vala", ".vala .vapi", marks(r"^\s*(public|private|internal|class|using|namespace|\[CCode)\b")),
        ("coq", ".v", marks(r"^\s*(Require|Theorem|Lemma|Definition|Section|Fixpoint)\b[^;]*\.\s*$")),
        ("verilog", ".v .sv .vh .svh", marks(r"^\s*(module|package|interface|class|`\w+|endmodule)\b")),
        ("vhdl", ".vhd .vhdl", marks(r"(?i)^\s*(entity|architecture|package|library)\b")),
        ("vim", ".vim", marks(r"^\s*(let|set|if|function|syn|au|hi|call|command)!? ")),
        ("afm", ".afm", magic(b"StartFontMetrics")),
        ("bdf", ".bdf", magic(b"STARTFONT")),
        ("xpm", ".xpm", marks(r"/\* XPM \*/")),
        ("yaml", ".yaml .yml", marks(r"\A(?:(?:#.*|---.*|%.*|\s*)\n)*(- |[\w\"'./-]+:(\s|$))", without=r"^\t")),
        # Outliers and unseen types
        ("scala", ".scala .sc", marks(r"\b(object|class|def|val|trait)\b")),
        ("groovy", ".groovy .gradle", marks(r"\b(def|class|import|apply|task)\b")),
        ("elixir", ".ex .exs", marks(r"\b(defmodule|do|end)\b")),
        ("scss", ".scss", marks(r"[{;]")),
        ("coffeescript", ".coffee", marks(r"->|=>| = ")),
        ("vue", ".vue", marks(r"<(template|script)")),
        ("proto", ".proto", marks(r"^\s*(syntax|message|package)\b")),
        ("qml", ".qml", marks(r"^import Qt")),
        ("awk", ".awk .gawk", marks(r"\{")),
        ("dot", ".dot .gv", marks(r"\b(di)?graph\b")),
        ("pod", ".pod", marks(r"^=(head|pod|over)", without=r"^\s*(use|my) .*;$")),
        ("dtd", ".dtd .ent .mod", marks(r"<!(ELEMENT|ENTITY)")),
        ("gnuplot", ".gp .gnu .dem .gnuplot", marks(r"^\s*(set|plot|splot) ")),
        ("metafont", ".mf .mp", marks(r"\b(beginchar|beginfig|def|enddef)\b")),
        ("ppd", ".ppd", magic(b"*PPD-Adobe")),
        ("glsl", ".glsl .vert .frag .vp .fp", marks(r"\b(void main|uniform|varying|vec[234])\b")),
        ("nim", ".nim .nims", marks(r"\b(proc|import|type|template|let|var)\b")),
        ("clojure", ".clj .cljs .cljc", marks(r"^\s*\((ns|def|defn|in-ns)\b")),
        ("smalltalk", ".st .cs-st", marks(r"!\s*$|subclass:|^\s*\^ ?self")),
        ("povray", ".pov", marks(r"#(include|declare)|camera")),
        ("kotlin", ".kt .kts", marks(r"\b(fun|val|class|package)\b")),
        ("forth", ".fs .fth .4th .frt", marks(r"^: \S+|\\ ")),
        ("lilypond", ".ly .ily", marks(r"\\(version|score|header|relative|include|define|new)")),
        ("gherkin", ".feature", marks(r"^\s*(Feature|Scenario):")),
        ("hunspell", ".aff", marks(r"^[SP]FX \S+ ")),
        ("pgn", ".pgn", marks(r'^\[Event "')),
        ("batch", ".bat .cmd", marks(r"(?i)^\s*@?(echo|set|if|rem|goto|call)\b")),
        ("julia", ".jl", marks(r"^\s*(function|using|module|import|end|const)\b")),
        ("yacc", ".y .yy", marks(r"^%%\s*$")),
    ]
    return [Check(kind, tuple(names.split()), test, "marks of its syntax") for kind, names, test in table]


def _parsed() -> list[Check]:
    """Types that a parser proves."""
    return [
        Check("python", (".py",), _is_python, "Python's own parser"),
        Check("ipynb", (".ipynb",), _is_notebook, "json, with cells"),
        Check("json", (".json", ".geojson", ".map", ".webmanifest"), _is_json, "json"),
        Check("toml", (".toml",), _is_toml, "tomllib"),
        Check("svg", (".svg",), lambda data: _root(data) == "svg", "expat, root svg"),
        Check("xml", _XML, _is_xml, "expat, root other than svg and html"),
        Check("csv", (".csv",), _is_csv, "csv, rows of one width"),
        Check("txt", (".txt",), _is_prose, "mostly words, no marks of a markup"),
        Check("tfm", (".tfm",), _is_tfm, "its length stands in its first bytes"),
    ]


_XML = (
    *(".xml", ".xsl", ".xslt", ".xsd", ".rng", ".ui", ".glade", ".gir", ".docbook", ".dbk", ".rdf", ".plist", ".qrc"),
    *(".ts", ".vcproj", ".mxml", ".kml", ".gml"),
)


def _signed() -> list[Check]:
    """Types that their first bytes prove, with those at the end where they have some."""
    table: list[tuple[str, str, Callable[[bytes], bool]]] = [
        ("otf", ".otf", magic(b"OTTO")),
        ("ttf", ".ttf", magic(b"\0\1\0\0\0", b"true\0")),
        ("pcf", ".pcf", magic(b"\1fcp")),
        ("woff2", ".woff2", magic(b"wOF2")),
        ("docx", ".docx", _is_zip_with(b"word/document.xml")),
        ("xlsx", ".xlsx", _is_zip_with(b"xl/workbook.xml")),
        ("pptx", ".pptx", _is_zip_with(b"ppt/presentation.xml")),
        ("odt", ".odt", _is_zip_with(b"mimetypeapplication/vnd.oasis.opendocument.text")),
        ("epub", ".epub", _is_zip_with(b"mimetypeapplication/epub+zip")),
        ("dvi", ".dvi", magic(b"\xf7\2", end=b"\xdf\xdf\xdf\xdf")),
        ("pdf", ".pdf", magic(b"%PDF-")),
        ("bmp", ".bmp", magic(b"BM")),
        ("gif", ".gif", magic(b"GIF87a", b"GIF89a")),
        ("ico", ".ico", magic(b"\0\0\1\0")),
        ("jpeg", ".jpg .jpeg", magic(b"\xff\xd8\xff")),
        ("png", ".png", magic(b"\x89PNG\r\n\x1a\n")),
        ("tiff", ".tif .tiff", magic(b"II*\0", b"MM\0*")),
        ("webp", ".webp", magic(b"WEBP", at=8)),
        ("aac", ".aac", magic(b"\xff\xf1", b"\xff\xf9")),
        ("flac", ".flac", magic(b"fLaC")),
        ("midi", ".mid .midi", magic(b"MThd")),
        ("mp3", ".mp3", _is_mp3),
        ("ogg", ".ogg .oga", _is_ogg(b"\1vorbis")),
        ("opus", ".opus .ogg", _is_ogg(b"OpusHead")),
        ("wav", ".wav", magic(b"WAVE", at=8)),
        ("avi", ".avi", magic(b"AVI ", at=8)),
        ("mp4", ".mp4", magic(b"ftyp", at=4)),
        ("webm", ".webm", lambda data: data[:4] == b"\x1aE\xdf\xa3" and b"webm" in data[:64]),
        ("7z", ".7z", magic(b"7z\xbc\xaf\x27\x1c")),
        ("ar", ".a", _is_ar),
        ("bz2", ".bz2", magic(b"BZh")),
        ("deb", ".deb", magic(b"!<arch>\ndebian-binary")),
        ("gz", ".gz .tgz .svgz", _is_gz),
        ("jar", ".jar .war", _is_zip_with(b"META-INF/MANIFEST.MF")),
        ("lz4", ".lz4", magic(b"\x04\x22\x4d\x18")),
        ("tar", ".tar", _is_tar),
        ("xz", ".xz", magic(b"\xfd7zXZ\0", end=b"YZ")),
        ("zip", ".zip .whl .egg", _is_plain_zip),
        ("zst", ".zst", magic(b"\x28\xb5\x2f\xfd")),
        ("beam", ".beam", magic(b"BEAM", at=8)),
        ("class", ".class", magic(b"\xca\xfe\xba\xbe\0\0")),
        ("elc", ".elc", magic(b";ELC")),
        (
            "macho",
            ".so .dylib .bundle .macho",
            magic(b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\2"),
        ),
        ("elf", ".so .elf .ko .0 .1 .2 .3 .4 .5 .6 .7 .8 .9", magic(b"\x7fELF")),
        ("pe", ".exe .dll .pyd .efi .sys", _is_pe),
        ("pyc", ".pyc", lambda data: data[2:4] == b"\r\n" and len(data) > 60),
        ("wasm", ".wasm", magic(b"\0asm")),
        ("arrow", ".arrow .feather", magic(b"ARROW1", end=b"ARROW1")),
        ("hdf5", ".h5 .hdf5 .hdf .nc", magic(b"\x89HDF\r\n\x1a\n")),
        ("mo", ".mo .gmo", magic(b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")),
        ("npy", ".npy", magic(b"\x93NUMPY")),
        ("parquet", ".parquet", magic(b"PAR1", end=b"PAR1")),
        ("pickle", ".pkl .pickle .pck", _is_pickle),
        ("qm", ".qm", magic(b"<\xb8d\x18\xca\xef\x9c\x95")),
        ("sqlite", ".sqlite .db .sqlite3 .db3 .gpkg", magic(b"SQLite format 3\0")),
        ("typelib", ".typelib", magic(b"GOBJ\nMETADATA\r\n\x1a")),
        # Outliers and unseen types
        ("pfb", ".pfb", magic(b"\x80\1")),
        ("xcursor", ".cursor", magic(b"Xcur")),
        ("rpm", ".rpm", magic(b"\xed\xab\xee\xdb")),
        ("iso", ".iso", magic(b"CD001", at=32769)),
        ("squashfs", ".squashfs", magic(b"hsqs")),
        ("cpio", ".cpio", magic(b"07070")),
        ("npz", ".npz", _is_zip_with(b".npy")),
        ("tzif", ".tzif", magic(b"TZif")),
        ("terminfo", ".terminfo", magic(b"\x1a\1", b"\x1e\2")),
        ("fits", ".fits .fit", magic(b"SIMPLE  =")),
        ("aiff", ".aiff .aif", magic(b"FORM")),
        ("mkv", ".mkv", lambda data: data[:4] == b"\x1aE\xdf\xa3" and b"matroska" in data[:64]),
        ("flv", ".flv", magic(b"FLV\1")),
        ("xcf", ".xcf", magic(b"gimp xcf")),
        ("luac", ".luac", magic(b"\x1bLua")),
        ("ppm", ".ppm .pgm .pbm .pnm", magic(b"P4", b"P5", b"P6")),
        ("woff", ".woff", magic(b"wOFF")),
        ("icns", ".icns", magic(b"icns")),
        ("wavpack", ".wv", magic(b"wvpk")),
        ("pcx", ".pcx", magic(b"\n\5\1", b"\n\2\1", b"\n\3\1")),
        ("tga", ".tga", lambda data: len(data) > 200 and data[1] in (0, 1) and data[2] in (1, 2, 3, 9, 10, 11)),
        ("au", ".au .snd", magic(b".snd")),
        ("lzop", ".lzo", magic(b"\x89LZO\0\r\n\x1a\n")),
        ("gdbm", ".gdbm", magic(b"\xcf\x9a\x57\x13", b"\xce\x9a\x57\x13")),
        ("msgpack", ".msgpack", lambda data: len(data) > 100),
        ("sgi", ".sgi .rgb", magic(b"\1\xda")),
        ("jp2", ".jp2 .j2k", magic(b"\0\0\0\x0cjP  ", b"\xffO\xffQ")),
        ("dds", ".dds", magic(b"DDS ")),
        ("caf", ".caf", magic(b"caff")),
        ("ac3", ".ac3", magic(b"\x0bw")),
        ("tta", ".tta", magic(b"TTA1")),
        ("mpegts", ".mts .m2ts", lambda data: data[:1] == data[188:189] == data[376:377] == b"G"),
        ("asf", ".wmv .wma .asf", magic(b"0&\xb2u")),
        ("lzip", ".lz", magic(b"LZIP")),
        ("pcap", ".pcap .cap", magic(b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"M<\xb2\xa1")),
        ("djvu", ".djvu .djv", magic(b"AT&TFORM")),
        ("tracker", ".xm .it .s3m .mod", _is_tracker),
        ("icc", ".icc .icm", magic(b"acsp", at=36)),
        ("wad", ".wad", magic(b"PWAD", b"IWAD")),
        ("cbor", ".cbor", lambda data: len(data) > 100),
        ("avif", ".avif", lambda data: data[4:8] == b"ftyp" and b"avif" in data[:40]),
    ]
    return [Check(kind, tuple(names.split()), test, "its signature") for kind, names, test in table]


CHECKS = (*_texts(), *_parsed(), *_signed())

BY_TYPE: dict[str, Check] = {check.type: check for check in reversed(CHECKS)}
BY_NAME: dict[str, list[Check]] = {}
for _check in CHECKS:
    for _name in _check.names:
        BY_NAME.setdefault(_name, []).append(_check)
