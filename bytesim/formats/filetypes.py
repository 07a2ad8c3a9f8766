"""The file types that bytesim tells apart by content: one list, fixed before any training. No torch.

`LABELS` are the classes of the model `filetype`, in the order of its outputs; the last one is UNKNOWN. A change of this
list makes every trained model useless, so a test guards it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "unknown"
"""The label of a file that is of none of the types."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A file type: its label, its kind and its full name."""

    name: str
    kind: str
    """text, document, image, audio, video, archive, program, data or font. All kinds but text are binary."""
    about: str


_TYPES = """
abc          text      ABC music notation
ada          text      Ada source
asm          text      Assembly source
bibtex       text      BibTeX bibliography
c            text      C source or header
cmake        text      CMake script
cpp          text      C++ source or header
csharp       text      C# source
css          text      Cascading style sheet
csv          text      Comma-separated values
d            text      D source
diff         text      Unified diff
elisp        text      Emacs Lisp source
erlang       text      Erlang source
fortran      text      Fortran source
go           text      Go source
haskell      text      Haskell source
html         text      HTML page
ini          text      Settings in sections (ini, cfg, desktop entry, systemd unit)
ipynb        text      Jupyter notebook
java         text      Java source
javascript   text      JavaScript source
json         text      JSON data
lisp         text      Common Lisp source
lua          text      Lua source
m4           text      m4 macros and autoconf input
makefile     text      Makefile
man          text      Manual page (troff)
markdown     text      Markdown text
matlab       text      Octave or MATLAB source
ocaml        text      OCaml source
pascal       text      Pascal source
pem          text      PEM key or certificate
perl         text      Perl source
php          text      PHP source
po           text      Gettext translations
postscript   text      PostScript, encapsulated or not
prolog       text      Prolog source
python       text      Python source
r            text      R source
rst          text      reStructuredText
rtf          text      Rich Text Format
ruby         text      Ruby source
rust         text      Rust source
scheme       text      Scheme source
shell        text      Shell script
sql          text      SQL statements
svg          text      SVG picture
tcl          text      Tcl source
tex          text      TeX or LaTeX source
texinfo      text      Texinfo source
toml         text      TOML settings
txt          text      Plain text
typescript   text      TypeScript source
vala         text      Vala source
verilog      text      Verilog or SystemVerilog source
vhdl         text      VHDL source
vim          text      Vim script
xml          text      XML document
xpm          text      X pixmap
yaml         text      YAML document
afm          font      Adobe font metrics (text)
bdf          font      Glyph bitmaps (text)
otf          font      OpenType font with PostScript outlines
pcf          font      X11 bitmap font, compiled
tfm          font      TeX font metrics
ttf          font      TrueType font
woff2        font      Web font, compressed with Brotli
docx         document  Word document (OOXML)
dvi          document  TeX device-independent output
epub         document  Electronic book
odt          document  OpenDocument text
pdf          document  Portable Document Format
pptx         document  PowerPoint slides (OOXML)
xlsx         document  Excel workbook (OOXML)
bmp          image     Windows bitmap
gif          image     GIF picture
ico          image     Windows icon
jpeg         image     JPEG picture
png          image     PNG picture
tiff         image     TIFF picture
webp         image     WebP picture
aac          audio     AAC in ADTS frames
flac         audio     FLAC sound
midi         audio     MIDI music
mp3          audio     MPEG layer 3 sound
ogg          audio     Vorbis in Ogg
opus         audio     Opus in Ogg
wav          audio     RIFF WAVE sound
avi          video     RIFF AVI film
mp4          video     MPEG-4 film
webm         video     WebM film
7z           archive   7-Zip archive
ar           archive   Static library (ar of object files)
bz2          archive   bzip2 stream
deb          archive   Debian package
gz           archive   gzip stream
jar          archive   Java archive
lz4          archive   LZ4 frame
tar          archive   tar archive, not compressed
xz           archive   xz stream
zip          archive   Zip archive
zst          archive   Zstandard stream
beam         program   Erlang bytecode
class        program   Java bytecode
elc          program   Emacs Lisp bytecode
elf          program   Linux program or shared library
macho        program   macOS program or library
pe           program   Windows program or library
pyc          program   Python bytecode
wasm         program   WebAssembly module
arrow        data      Arrow IPC or Feather file
hdf5         data      HDF5 data
mo           data      Gettext translations, compiled
npy          data      NumPy array
parquet      data      Parquet table
pickle       data      Python pickle
qm           data      Qt translations, compiled
sqlite       data      SQLite database
typelib      data      GObject introspection, compiled
"""

FILE_TYPES: Final = tuple(FileType(*line.split(None, 2)) for line in _TYPES.strip().splitlines())

LABELS: Final = (*(file_type.name for file_type in FILE_TYPES), UNKNOWN)
"""The classes of the classifier, in the order of its outputs."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OUTLIERS: Final = _words("""
scala groovy objc elixir scss coffeescript vue proto qml awk dot pod dtd gnuplot metafont ppd glsl nim pfb xcursor rpm
iso squashfs cpio npz tzif terminfo fits aiff mkv flv xcf luac ppm woff icns wavpack pcx
actionscript ani antlr applescript arff arj asciidoc asn1 aspell ast avr avro basic bdb bitcode blend blp bnf
bplist bst cab caml chm cif compress csh csound cur dbf der dicom dimacs dockerfile dpx dsstore dtb dts dxf ejs emf
eml enc eot erb expect exr fig fish gap ghc glb gpgring graphql grib gsm h264 handlebars haxe hdf4 hdr heic hlsl
icalendar icu idl im intelhex ircam ivf jks jls jxl less liberty lnk logo lrzip lzma maple mat maxima mdb meson mng
mov mpeg ms_def msp mxf netcdf nifti nist nsis numbers nut obj org paf pam patchdata pcapng pdbmol pfm pgp pk playlist
powershell properties psd pvf qcow qif qmake qoi racket rar ras rc realmedia rexx rf64 romfs rpmspec rzip sass sbc
scad sed sf2 sfd shp sieve smt solution sox speex spice srt standardml stl strings supercollider svx swf swift
terraform textile theora thrift tla torrent tsv ttc twig uu vbasic vcard vcd vf voc w64 wiki wim wmf wtv xbm xi
xresources xwd y4m zlib zone zpaq zsh
""")  # fmt: skip
"""Types without a label of their own: in training they have the label UNKNOWN."""

UNSEEN_DEV: Final = _words("""
clojure smalltalk povray tga au lzop gdbm msgpack
""")  # fmt: skip
"""Types that are held out of training: the threshold of UNKNOWN is fitted on these."""

UNSEEN_TEST: Final = _words("""
kotlin coq forth lilypond gherkin hunspell pgn batch julia yacc sgi jp2 dds caf ac3 tta mpegts asf lzip pcap djvu
tracker icc wad cbor avif
""")  # fmt: skip
"""Types that are held out of training and of fitting: how often they are answered with UNKNOWN is measured on these."""
