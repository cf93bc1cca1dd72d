#!/bin/sh
# Builds the libraries that Inkstone needs as static ones from Debian's sources, for what scripts/package.sh makes to run on
# other systems: with musl for the binary (static binaries of glibc convert encodings by modules of the very same glibc only),
# with glibc for the Python package (Debian's own static libraries cannot be linked into a shared one).
#
#   sh scripts/static_deps.sh COMPILER DIRECTORY LIBRARY...      fills lib, include and licenses in DIRECTORY; what is there
#                                                                already is kept. COMPILER: musl-gcc, gcc
set -eu

[ $# -gt 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
sh "$(dirname "$0")/deps.sh" musl-tools dpkg-dev make autoconf automake libtool
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
sources=$prefix/sources
export CC="$1" CFLAGS='-O2 -fPIC' PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
shift 2
mkdir -p "$sources/lists/partial" "$sources/cache/archives/partial" "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/licenses"

# apt-get with the sources of this system's release; the system's own lists stay as they are.
list=/etc/apt/sources.list.d/debian.sources
if [ -e "$list" ]; then
  sed 's/^Types: *deb$/Types: deb-src/' "$list" >"$sources/debian.sources"
  list=$sources/debian.sources
else
  sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$sources/debian.list"
  list=$sources/debian.list
fi
apt() {
  apt-get -q -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$sources/lists" -o Dir::Cache="$sources/cache" -o APT::Sandbox::User=root "$@"
}
# A mirror may lack the sources of the security updates: then those of the release.
fetch() {
  apt source --only-source "$1" || apt source --only-source "$1" --target-release "$(. /etc/os-release && echo "$VERSION_CODENAME")"
}

configured() { # FLAG...
  { [ -e configure ] || autoreconf -fi; } && ./configure --prefix="$prefix" --disable-shared --enable-static "$@" && make -j2 &&
    make install
}
build_zlib() { ./configure --static --prefix="$prefix" && make -j2 libz.a && make install; }
build_libzstd() { make -j2 -C lib install-static install-includes install-pc PREFIX="$prefix"; }
build_utf8proc() {
  make libutf8proc.a libutf8proc.pc prefix="$prefix" && cp libutf8proc.a "$prefix/lib" && cp utf8proc.h "$prefix/include" &&
    cp libutf8proc.pc "$prefix/lib/pkgconfig"
}
build_jansson() { # as the shared one shows it: its utf8_encode is not the only function of that name
  configured && ld -r -o jansson.o --whole-archive "$prefix/lib/libjansson.a" &&
    objcopy --wildcard --keep-global-symbol='json*' --keep-global-symbol='jansson*' jansson.o &&
    rm "$prefix/lib/libjansson.a" && ar rcs "$prefix/lib/libjansson.a" jansson.o
}
build_libyaml() { configured; }
build_pcre2() { configured --enable-jit; }
build_ncurses() { # with descriptions of the usual terminals inside: a bare system has no files of them
  configured --without-cxx --without-cxx-binding --without-ada --without-manpages --without-progs --without-tests --without-debug \
    --disable-db-install --enable-pc-files --with-pkg-config-libdir="$prefix/lib/pkgconfig" \
    --with-terminfo-dirs=/etc/terminfo:/lib/terminfo:/usr/share/terminfo \
    --with-fallbacks=linux,xterm,xterm-256color,screen,screen-256color,tmux,tmux-256color,vt100,dumb
}
build_libedit() { # Debian's takes what it lacks from libbsd, which musl has; its .pc leaves ncurses to shared libraries
  LIBBSD_CFLAGS=' ' LIBBSD_LIBS=' ' LDFLAGS="-L$prefix/lib" \
    CFLAGS="$CFLAGS -I$prefix/include -I$prefix/include/ncurses -D__STDC_ISO_10646__=201103L" configured &&
    sed -i 's/-ledit$/-ledit -lncurses/' "$prefix/lib/pkgconfig/libedit.pc"
}
build_curl() { # its header only: the library is loaded on first use
  cp -r include/curl "$prefix/include" && printf 'Name: libcurl\nDescription: its header\nVersion: %s\nCflags: -I%s\n' \
    "$(sed -n 's/^#define LIBCURL_VERSION "\([0-9.]*\).*/\1/p' include/curl/curlver.h)" "$prefix/include" >"$prefix/lib/pkgconfig/libcurl.pc"
}
build_libmicrohttpd() { # likewise
  cp src/include/microhttpd.h "$prefix/include" && printf 'Name: libmicrohttpd\nDescription: its header\nVersion: %s\nCflags: -I%s\n' \
    "$(sed -n 's/^AC_INIT(\[*GNU Libmicrohttpd\]*, *\[*\([0-9.]*\).*/\1/p' configure.ac)" "$prefix/include" >"$prefix/lib/pkgconfig/libmicrohttpd.pc"
}

# The kernel's interfaces, which are any libc's; musl's own folder has none.
ln -sfn /usr/include/linux /usr/include/asm-generic "$prefix/include"
ln -sfn "/usr/include/$(uname -m)-linux-gnu/asm" "$prefix/include/asm"

for library; do
  [ ! -e "$prefix/licenses/$library" ] || continue
  echo "static_deps: $library, by $CC" >&2
  rm -rf "${sources:?}/$library"
  mkdir -p "$sources/$library"
  [ -e "$sources/updated" ] || { apt update >/dev/null && touch "$sources/updated"; }
  (cd "$sources/$library" && fetch "$library" && cd ./*/ && build_$library) >"$sources/$library.log" 2>&1 ||
    { tail -n 20 "$sources/$library.log" >&2; echo "static_deps: $library failed" >&2; exit 1; }
  cp "$sources/$library"/*/debian/copyright "$prefix/licenses/$library"
done
