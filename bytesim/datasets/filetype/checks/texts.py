"""Text types of the filetype set: their file names, and the pattern or parser that proves them."""

from __future__ import annotations

from collections.abc import Callable

from bytesim.datasets.filetype.checks.predicates import (
    Check,
    is_csv,
    is_ini,
    is_json,
    is_notebook,
    is_plain,
    is_python,
    is_tfm,
    is_toml,
    is_xml,
    magic,
    marks,
    xml_root,
)

_CPP = r"^[ \t]*(namespace|template|class) ?\b|\w::\w|^[ \t]*(public|private|protected):|^#include <\w+>\s*$|\bstd::"
_LISP = r"^[ \t]*\((defun|defmacro|defpackage|in-package|defvar|defgeneric|defmethod|defclass|define-)"
_MAN = tuple(f".{section}{more}" for section in "123456789" for more in ("", "x", "p", "pm", "ssl", "perl", "tcl"))


SYNTAX_MARKS: tuple[tuple[str, str, Callable[[bytes], bool]], ...] = (
    ("abc", ".abc", marks(r"^X: ?\d")),
    ("ada", ".adb .ads", marks(r"(?i)^[ \t]*(procedure|package|function|with)\b.*", without=r"#include")),
    (
        "asm",
        ".s .asm .nasm",
        marks(
            r"(?i)^[ \t]+(mov\w*|ldr\w*|push\w*|addq?|call|jmp|lea\w*|vmov\w*|ret|br|bl)\b"
            r"|^[ \t]*(\.(globl?|text|section|align|type|word|byte|org)\b|TEXT\s|(section|global|bits|org|extern)\s)",
            without=r"^[ \t]*(void|static|struct)\b|^[ \t]*int\s+[A-Za-z_]\w*\s*[(;=,]",
        ),
    ),
    ("bibtex", ".bib", marks(r"^[ \t]*@\w+\s*[{(]")),
    (
        "cmake",
        "cmakelists.txt .cmake",
        marks(r"(?i)^[ \t]*(set|if|add_\w+|project|include|find_\w+|macro|function)\s*\("),
    ),
    ("cpp", ".cc .cpp .cxx .hpp .hh .hxx", marks(r"::|\bclass\b|\btemplate\b|\bnamespace\b|^#include")),
    ("c", ".c", marks(r"^#\s*include|^(static|int|void|struct|typedef|extern)\b", without=r"^#include <iostream>")),
    ("c", ".h", marks(r"^#\s*(ifndef|define|include|pragma)", without=_CPP)),
    ("cpp", ".h", marks(_CPP)),
    ("csharp", ".cs", marks(r"^[ \t]*(using [\w.]+;|namespace |(public|internal|partial|static|abstract) )")),
    ("css", ".css", marks(r"[\w.#\]\)*:-][^{};]*\{[^{}]*:[^{}]*\}", without=r"^[ \t]*<")),
    ("d", ".d .di", marks(r"^[ \t]*(module|import) [\w.]+( *[:,].*)?;", without=r"^#include|\\$")),
    ("diff", ".diff .patch", marks(r"^@@ -\d+(,\d+)? \+\d")),
    ("elisp", ".el", marks(r"^[ \t]*\((defun|defvar|require|provide|defcustom|defconst|setq)\b")),
    ("erlang", ".erl .hrl", marks(r"^-\w+\(.*", without=r"^#include")),
    (
        "fortran",
        ".f .f90 .for .f95 .f03 .f08",
        marks(r"(?i)^[ \t]*(subroutine|program|module|function|end|integer)\b"),
    ),
    ("go", ".go", marks(r"^package \w+")),
    ("haskell", ".hs", marks(r"^(module|import)\s")),
    (
        "html",
        ".html .htm .xhtml",
        marks(r"(?i)<(!doctype html|html|head|body)|</(div|p|ul|li|table|span|script|h[1-6]|a)>"),
    ),
    (
        "ini",
        ".ini .cfg .desktop .service .theme .conf .inf",
        marks(r"^\[[^\]]+\]\s*\n(?:[^\[]*\n)?[\w.-]+ ?= ?\S*", without=r"^<"),
    ),
    ("java", ".java", marks(r"^[ \t]*(package|import) [\w.*]+;|\b(class|interface)\b")),
    (
        "javascript",
        ".js .mjs .cjs .jsx",
        marks(r"\b(function|var|const|let|require|exports|return)\b", without=r"\A\s*[<{\[]"),
    ),
    ("lisp", ".lisp .lsp .cl .asd", marks(_LISP + r"|\A(;[^\n]*\n|\s)*\(")),
    ("lua", ".lua", marks(r"\b(local|function|return)\b")),
    ("m4", ".m4 .ac configure.in", marks(r"\b(A[CMSXU]_\w+|m4_\w+|define\(|dnl\b)")),
    (
        "makefile",
        "makefile makefile.am makefile.in gnumakefile .mk .mak rules",
        marks(r"^[\w.%/$() -]+:(?!/)[^\n=]*\n\t|^[\w.]+[ \t]*[:+?]?=(?!=)|^\.PHONY|^-?s?include\s", without=r"\A\s*<"),
    ),
    ("man", " ".join(_MAN), marks(r"^[.'](TH|Dd)\s")),
    ("markdown", ".md .markdown", marks(r"\w", without=r"\A\s*(<\?xml|<!DOCTYPE|\{)|^\(define_")),
    ("objc", ".m .mm", marks(r"^(@interface|@implementation|#import)")),
    ("matlab", ".m", marks(r"^[ \t]*(function\b|%+ |## )", without=r"@implementation|#import|\(\*")),
    ("ocaml", ".ml .mli", marks(r"^[ \t]*(let|val|open|type|module)\b")),
    ("pascal", ".pas .pp .lpr .dpr", marks(r"(?i)^[ \t]*(unit|program|library)\s+\w+")),
    ("pem", ".pem .crt .key .csr", marks(r"\A(?:[^-\n]*\n)*-----BEGIN [A-Z0-9 ]+-----")),
    ("prolog", ".pl .pro .plt .prolog", marks(r"^:- |^\w+\(.*\) *:-", without=r"^[ \t]*(use|my) ")),
    ("perl", ".pl .pm .t", marks(r"^[ \t]*(use|my|sub|package|our) .*", without=r"^:- ")),
    ("php", ".php .inc .phpt", marks(r"<\?php")),
    ("po", ".po .pot", marks(r'^msgid "')),
    ("postscript", ".ps .eps .epsf .pro", lambda data: data[:4] == b"%!PS"),
    ("r", ".r", marks(r"<- ?\w")),
    ("rst", ".rst", marks(r"\w", without=r"\A\s*(<|\{)|^# hash value =")),
    ("rtf", ".rtf", magic(b"{\\rtf")),
    ("ruby", ".rb .rake .gemspec rakefile", marks(r"^[ \t]*(def|require|class|module|end|describe|task)\b")),
    ("rust", ".rs", marks(r"\b(fn|use|mod|impl|pub|struct)\b")),
    ("scheme", ".scm .ss .sld .sls", marks(r"^[ \t]*\((define|library|use-modules)")),
    ("shell", ".sh .bash .bats configure .in", marks(r"\A#! ?/(usr/)?bin/(env )?(ba|da|k|z)?sh\b")),
    ("shell", ".sh .bash", marks(r"^[ \t]*(if \[|for \w+ in|fi$|done$|esac$|echo |export )")),
    ("sql", ".sql", marks(r"(?i)^[ \t]*(select|insert|create|alter|update|drop|delete|grant)\s")),
    (
        "tcl",
        ".tcl .tk .itcl .tm .test",
        marks(r"^[ \t]*(proc|namespace eval|package require|set) [\w:]", without=r"^#!/bin/sh\n[^#]"),
    ),
    (
        "tex",
        ".tex .sty .cls .ltx .dtx .def",
        marks(r"\\(begin|def|newcommand|documentclass|section|input|gdef|let)\b"),
    ),
    ("texinfo", ".texi .texinfo .txi", marks(r"^@(node|chapter|section|c |item|setfilename|deftypefun)")),
    ("typescript", ".ts .tsx .mts", marks(r"\b(interface|export|import|const|class|declare)\b", without=r"\A\s*<")),
    ("vala", ".vala .vapi", marks(r"^[ \t]*(public|private|internal|class|using|namespace|\[CCode)\b")),
    ("coq", ".v", marks(r"^[ \t]*(Require|Theorem|Lemma|Definition|Section|Fixpoint)\b[^;]*\.\s*$")),
    ("verilog", ".v .sv .vh .svh", marks(r"^[ \t]*(module|package|interface|class|`\w+|endmodule)\b")),
    ("vhdl", ".vhd .vhdl", marks(r"(?i)^[ \t]*(entity|architecture|package|library)\b")),
    ("vim", ".vim", marks(r"^[ \t]*(let|set|if|function|syn|au|hi|call|command)!? ")),
    ("afm", ".afm", magic(b"StartFontMetrics")),
    ("bdf", ".bdf", magic(b"STARTFONT")),
    ("xpm", ".xpm", marks(r"/\* XPM \*/")),
    ("yaml", ".yaml .yml", marks(r"\A(?:(?:#.*|---.*|%.*|[^\S\n]*)\n)*(- |[\w\"'./-]+:(\s|$))", without=r"^\t")),
    # Outliers and unseen types
    ("scala", ".scala .sc", marks(r"\b(object|class|def|val|trait)\b")),
    ("groovy", ".groovy .gradle", marks(r"\b(def|class|import|apply|task)\b")),
    ("elixir", ".ex .exs", marks(r"\b(defmodule|do|end)\b")),
    ("scss", ".scss", marks(r"[{;]")),
    ("coffeescript", ".coffee", marks(r"->|=>| = ")),
    ("vue", ".vue", marks(r"<(template|script)")),
    ("proto", ".proto", marks(r"^[ \t]*(syntax|message|package)\b")),
    ("qml", ".qml", marks(r"^import Qt")),
    ("awk", ".awk .gawk", marks(r"\{")),
    ("dot", ".dot .gv", marks(r"\b(di)?graph\b")),
    ("pod", ".pod", marks(r"^=(head|pod|over)", without=r"^[ \t]*(use|my) .*;$")),
    ("dtd", ".dtd .ent .mod", marks(r"<!(ELEMENT|ENTITY)")),
    ("gnuplot", ".gp .gnu .dem .gnuplot", marks(r"^[ \t]*(set|plot|splot) ")),
    ("metafont", ".mf .mp", marks(r"\b(beginchar|beginfig|def|enddef)\b")),
    ("ppd", ".ppd", magic(b"*PPD-Adobe")),
    ("glsl", ".glsl .vert .frag .vp .fp", marks(r"\b(void main|uniform|varying|vec[234])\b")),
    ("nim", ".nim .nims", marks(r"\b(proc|import|type|template|let|var)\b")),
    ("clojure", ".clj .cljs .cljc", marks(r"^[ \t]*\((ns|def|defn|in-ns)\b")),
    ("smalltalk", ".st .cs-st", marks(r"!\s*$|subclass:|^[ \t]*\^ ?self")),
    ("povray", ".pov", marks(r"#(include|declare)|camera")),
    ("kotlin", ".kt .kts", marks(r"\b(fun|val|class|package)\b")),
    ("forth", ".fs .fth .4th .frt", marks(r"^: \S+|\\ ")),
    ("lilypond", ".ly .ily", marks(r"\\(version|score|header|relative|include|define|new)")),
    ("gherkin", ".feature", marks(r"^[ \t]*(Feature|Scenario):")),
    ("hunspell", ".aff", marks(r"^[SP]FX \S+ ")),
    ("pgn", ".pgn", marks(r'^\[Event "')),
    ("batch", ".bat .cmd", marks(r"(?i)^[ \t]*@?(echo|set|if|rem|goto|call)\b")),
    ("julia", ".jl", marks(r"^[ \t]*(function|using|module|import|end|const)\b")),
    ("yacc", ".y .yy", marks(r"^%%\s*$")),
)
"""(type, endings or whole names, test for a pattern that marks its syntax)."""

TEXT_CHECKS = [
    *(Check(kind, tuple(names.split()), test, "marks of its syntax") for kind, names, test in SYNTAX_MARKS),
    Check("ini", (".ini", ".cfg"), is_ini, "sections and settings on nine in ten lines"),
    Check("txt", (".txt",), is_plain, "no clear signs of a markup, a language or a table"),
]


_XML = (
    *(".xml", ".xsl", ".xslt", ".xsd", ".rng", ".ui", ".glade", ".gir", ".docbook", ".dbk", ".rdf", ".plist", ".qrc"),
    *(".ts", ".vcproj", ".mxml", ".kml", ".gml"),
)

PARSED_CHECKS = [
    Check("python", (".py",), is_python, "Python's own parser"),
    Check("ipynb", (".ipynb",), is_notebook, "json, with cells"),
    Check("json", (".json", ".geojson", ".map", ".webmanifest"), is_json, "json"),
    Check("toml", (".toml",), is_toml, "tomllib"),
    Check("svg", (".svg",), lambda data: xml_root(data) == "svg", "expat, root svg"),
    Check("xml", _XML, is_xml, "expat, root other than svg and html"),
    Check("csv", (".csv",), is_csv, "csv, most rows of one width"),
    Check("tfm", (".tfm",), is_tfm, "its length stands in its first bytes"),
]
"""Types that a parser proves."""
