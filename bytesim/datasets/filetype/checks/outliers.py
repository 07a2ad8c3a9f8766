"""Types of the filetype set without a label: in training they stand for `unknown`, for outlier exposure.

Out-of-distribution files can be of any kind, so the more kinds training shows, the better. Source: Hendrycks et al.
2018, arXiv:1812.04606.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bytesim.datasets.filetype.checks.predicates import Check, is_text, magic, marks

_TEXTS = r"""
actionscript  .as                                \b(package|class|function|var)\b
antlr         .g4                                ^[ \t]*(parser |lexer )?grammar\b
applescript   .applescript                       \b(tell|end|set)\b
arff          .arff                              (?i)^@relation
asciidoc      .adoc .asciidoc                    ^={1,4} \S
asn1          .asn .asn1                         ::=
basic         .bas                               (?i)^[ \t]*(\d+ )?(rem|print|dim|sub|if|end|let)\b
bnf           .bnf .ebnf .abnf                   =
bst           .bst                               ^[ \t]*(FUNCTION|ENTRY|INTEGERS|MACRO)
cif           .cif .mcif                         ^_\w+
csh           .csh .tcsh                         ^[ \t]*(set|setenv|alias|if)\b
csound        .csd .orc                          (<CsoundSynthesizer>|\binstr\b)
dimacs        .cnf                               ^p cnf
dockerfile    dockerfile .dockerfile             ^(FROM|ARG)\b
dxf           .dxf                               ^ *SECTION\s*$
ejs           .ejs                               <%
eml           .eml .mbox                         ^(From|Received|Message-I[dD]|Subject):
enc           .enc                               \bdef\b
erb           .erb                               <%
expect        .exp                               \b(expect|spawn|proc)\b
fig           .fig                               \A#FIG
fish          .fish                              \b(function|set|end)\b
gap           .g .gi .gd                         \b(InstallMethod|DeclareOperation|function|Declare\w+)\b
graphql       .graphql .gql                      \b(type|query|mutation|schema|fragment)\b
handlebars    .hbs .handlebars .mustache         \{\{
haxe          .hx                                \b(package|class|import|function)\b
hlsl          .hlsl .fx .cg .usf                 \b(float[234]|struct|sampler)\b
icalendar     .ics                               BEGIN:VCALENDAR
idl           .idl                               \b(interface|module|typedef)\b
intelhex      .hex .ihx .ihex                    \A:[0-9A-Fa-f]{8}
less          .less                              [{;]
liberty       .lib                               ^[ \t]*library\s*\(
logo          .lg .logo                          ^to \w+
maple         .mpl                               \b(proc|end)\b
maxima        .mac                               :=|\$\s*$
meson         meson.build meson_options.txt      \b(project|dependency|option|files|executable)\(
ms_def        .def                               ^[ \t]*(EXPORTS|LIBRARY)\b
nsis          .nsi .nsh                          (?i)^[ \t]*(!define|!macro|section|function|!include)\b
obj           .obj                               ^v -?\d
org           .org                               ^(\*+ |#\+)
patchdata     .pd                                \A#N canvas
pdbmol        .pdb .ent                          ^(ATOM|HETATM)
pgp           .asc .gpg .pgp                     -----BEGIN PGP
playlist      .m3u .m3u8 .pls .cue               (#EXTM3U|\[playlist\]|^[ \t]*TRACK|/)
powershell    .ps1 .psm1 .psd1                   (\$\w+|^function)
properties    .properties                        ^[\w.\\ -]+\s*[=:]
qif           .qif .ofx                          (!Type|OFXHEADER|<OFX)
qmake         .pri .prf .qbs                     (\+=|:)
racket        .rkt                               ^#lang
rc            .rc                                \b(DIALOG|DIALOGEX|MENU|VERSIONINFO|ICON|BITMAP|STRINGTABLE)\b
rexx          .rexx .rex                         (?i)\b(say|parse|do|end)\b
rpmspec       .spec                              ^%(prep|build|install|files)
sass          .sass                              ^[ \t]*[\w.#$@&-]+
scad          .scad                              \b(module|translate|cube|cylinder)\b
sed           .sed                               ^[ \t]*/?.*s/|^/
sfd           .sfd                               \ASplineFontDB
sieve         .sieve                             \b(require|if|fileinto)\b
smt           .smt2 .smt                         ^[ \t]*\((set-logic|declare-|assert|set-)
solution      .sln                               Microsoft Visual Studio Solution
spice         .cir .spice .sp .ckt .cdl          (?i)^\.(subckt|end|model|include|tran|param)
srt           .srt .sub .vtt .ass .ssa           \d\d:\d\d
standardml    .sml .fun                          \b(val|fun|structure|signature)\b
stl           .stl                               \Asolid\b
strings       .strings                           ^"[^"]*" *= *"
supercollider .scd                               \b(SynthDef|arg|var)\b
swift         .swift                             \b(func|import|class|struct|let)\b
terraform     .tf .hcl                           \b(resource|variable|provider)\b
textile       .textile                           ^(h[1-6]\.|\* )
thrift        .thrift                            \b(struct|service|namespace)\b
tla           .tla                               ---- MODULE
tsv           .tsv .tab                          ^[^\t\n]*\t[^\n]*\n[^\t\n]*\t
twig          .twig .jinja .j2 .jinja2           \{[{%]
uu            .uu .uue                           ^begin \d{3}\b
vbasic        .vb .vbs .frm                      (?i)\b(sub|function|dim|imports)\b
vcard         .vcf                               BEGIN:VCARD
vcd           .vcd                               \$(var|timescale|date)\b
wiki          .wiki .mediawiki                   (==|\[\[|'')
xbm           .xbm                               ^#define \w+_width
xresources    .ad .xdefaults                     ^[\w*.]+:
zone          .zone .db                          \bIN\s+(SOA|NS|A)\b
zsh           .zsh .zsh-theme                    (\$|\bfi\b|autoload)
"""

_BINARIES = r"""
ani           .ani                               ACON  8
arj           .arj                               \x60\xea
aspell        .rws .cwl                          aspell|prezip|\x02
ast           .ast                               STRM
avr           .avr                               2BIT
avro          .avro                              Obj\x01
bdb           .db .bdb                           \x62\x31\x05\x00|\x61\x15\x06\x00|\x00\x05\x31\x62  12
bitcode       .bc                                BC\xc0\xde
blend         .blend                             BLENDER
blp           .blp                               BLP1|BLP2
bplist        .plist .bplist .nib .strings       bplist
cab           .cab                               MSCF
caml          .cmi .cmo .cma .cmx .cmt .cmti     Caml1999
chm           .chm                               ITSF
compress      .z                                 \x1f\x9d
cur           .cur                               \x00\x00\x02\x00
dbf           .dbf                               \x03|\x83|\xf5
der           .der .cer .p12 .p7b .crl           \x30\x82
dicom         .dcm .dicom                        DICM  128
dpx           .dpx                               SDPX|XPDS
dsstore       .ds_store                          \x00\x00\x00\x01Bud1
dtb           .dtb .dtbo                         \xd0\x0d\xfe\xed
dts           .dts                               \x7f\xfe\x80\x01
emf           .emf                               \x20EMF  40
eot           .eot                               LP  34
exr           .exr                               \x76\x2f\x31\x01
ghc           .hi .dyn_hi                        \x01\xfa\xce
glb           .glb                               glTF
gpgring       .kbx                               KBXf  8
grib          .grib .grb .grib2                  GRIB
gsm           .gsm
h264          .h264 .264 .avc                    \x00\x00\x00\x01
hdf4          .hdf .hdf4                         \x0e\x03\x13\x01
hdr           .hdr .pic                          #?RADIANCE|#?RGBE
heic          .heic .heif                        ftyp  4
icu           .res .icu .brk .cnv .spp           \xda\x27  2
im            .im                                Image\x20type
ircam         .ircam .sf                         \x64\xa3
ivf           .ivf                               DKIF
jks           .jks .keystore                     \xfe\xed\xfe\xed
jls           .jls                               \xff\xd8\xff\xf7
jxl           .jxl                               \xff\x0a|\x00\x00\x00\x0cJXL
lnk           .lnk                               L\x00\x00\x00\x01\x14\x02\x00
lrzip         .lrz                               LRZI
lzma          .lzma                              \x5d\x00\x00
mat           .mat                               MATLAB
mdb           .mdb .accdb                        \x00\x01\x00\x00Standard
mng           .mng                               \x8aMNG
mov           .mov .qt                           moov|mdat|wide|ftyp|free  4
mpeg          .mpg .mpeg .m2v .vob               \x00\x00\x01\xba|\x00\x00\x01\xb3
msp           .msp                               DanM|LinS
mxf           .mxf                               \x06\x0e\x2b\x34
netcdf        .nc .cdf                           CDF\x01|CDF\x02
nifti         .nii .hdr                          \x5c\x01\x00\x00|\x00\x00\x01\x5c
nist          .nist .sph                         NIST_1A
numbers       .numbers
nut           .nut                               nut/multimedia
paf           .paf                               \x20paf|fap\x20
pam           .pam                               P7
pcapng        .pcapng .ntar                      \x0a\x0d\x0d\x0a
pfm           .pfm                               PF\x0a|Pf\x0a|\x00\x01
pk            .pk                                \xf7\x59
psd           .psd .psb                          8BPS
pvf           .pvf                               PVF1
qcow          .qcow2 .qcow                       QFI\xfb
qoi           .qoi                               qoif
rar           .rar                               Rar!\x1a
ras           .ras                               \x59\xa6\x6a\x95
realmedia     .rm .rmvb .ra                      .RMF|.ra\xfd
rf64          .rf64                              RF64
romfs         .romfs                             -rom1fs-
rzip          .rz                                RZIP
sbc           .sbc                               \x9c
sf2           .sf2 .sf3                          sfbk  8
shp           .shp .shx                          \x00\x00\x27\x0a
sox           .sox                               .SoX|XoS.
speex         .spx                               OggS
svx           .svx .8svx                         8SVX|16SV  8
swf           .swf                               FWS|CWS|ZWS
theora        .ogv                               OggS
torrent       .torrent                           d8:|d10:|d7:
ttc           .ttc                               ttcf
vf            .vf                                \xf7\xca
voc           .voc                               Creative\x20Voice
w64           .w64                               riff\x2e\x91
wim           .wim .swm                          MSWIM
wmf           .wmf                               \xd7\xcd\xc6\x9a|\x01\x00\x09\x00
wtv           .wtv                               \xb7\xd8\x00\x20
xi            .xi                                Extended\x20Instrument
xwd           .xwd                               \x00\x00\x00
y4m           .y4m                               YUV4MPEG2
zlib          .zz                                \x78
zpaq          .zpaq                              7kSt|zPQ
"""


def _rows(table: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield (type, endings or whole names, rule) of each line of a table."""
    for line in table.strip("\n").splitlines():
        kind, names, rule = line[:14].strip(), line[14:49].split(), line[49:]
        yield kind, tuple(names), rule


def _signed(rule: str) -> Callable[[bytes], bool]:
    """A test for a signature, or for one of several (separated by `|`), and perhaps its offset (after two spaces)."""
    signatures, _, at = rule.partition("  ")
    starts = [signature.encode().decode("unicode_escape").encode("latin-1") for signature in signatures.split("|")]
    signed = magic(*starts, at=int(at or 0))
    return lambda data: signed(data) and not is_text(data)


OUTLIER_CHECKS = [
    *(Check(kind, names, marks(pattern), "marks of its syntax") for kind, names, pattern in _rows(_TEXTS)),
    *(Check(kind, names, _signed(rule), "its signature") for kind, names, rule in _rows(_BINARIES)),
]
"""Text types, proved by a pattern, and binary types, proved by their signature."""
