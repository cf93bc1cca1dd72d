#!/bin/sh
# Makes the packages of Inkstone in build/packages and tries each where nothing else is installed.
#
#   sh scripts/package.sh deb          Debian packages: checked by lintian; installed, used and removed in a bare Debian
#   sh scripts/package.sh tarball      one static binary for any Linux on x86-64: run in a directory with nothing else
#   sh scripts/package.sh wheel        the Python package: used in a new virtual environment without other packages
#   sh scripts/package.sh              all of them
#
# Needs Debian, root (for chroot) and the network (for apt and pip).
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
out=$root/build/packages
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

say() { printf 'package: %s\n' "$*" >&2; }
build() { cmake --build "$1" -- --quiet ${2+"$2"}; } # DIRECTORY [TARGET]

# ---- Debian packages ----

make_deb() {
  sh scripts/deps.sh lintian dpkg-dev file
  # As Debian builds (dpkg-buildflags), without debugging information, which would need a package of its own.
  CFLAGS="$(DEB_CFLAGS_MAINT_STRIP=-g dpkg-buildflags --get CFLAGS) $(dpkg-buildflags --get CPPFLAGS)" \
    LDFLAGS="$(dpkg-buildflags --get LDFLAGS) -Wl,-z,now" cmake --preset deb >/dev/null
  build build/deb
  rm -f "$out"/*.deb
  (cd build/deb && cpack -B "$out" >cpack.log 2>&1) || { cat build/deb/cpack.log; exit 1; }
  rm -rf "$out/_CPack_Packages"
  lintian --allow-root --fail-on error,warning "$out"/*.deb
  say "lintian has nothing to say"
}

# What is in a system, beside the diaries of the package system and what follows from other packages.
contents() { (cd "$machine" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \
  -o -path ./tmp -o -path ./root -o -path ./etc/ld.so.cache \) -prune -o -print | sort); }

check_deb() {
  machine_new "$root/build/debian12-bare.tar" ''
  cp "$out"/*.deb scripts/package_use.sh "$machine/tmp"
  needed=$(for package in "$out"/*.deb; do dpkg-deb -f "$package" Depends; done | tr , '\n' | sed 's/(.*//; /inkstone/d' | sort -u | tr '\n' ' ')
  machine_inside "apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $needed gcc libc6-dev pkg-config >/dev/null"
  contents >"$work/before"
  machine_inside 'dpkg -i /tmp/*.deb >/dev/null && sh /tmp/package_use.sh inkstone'
  cp examples/write.c "$machine/root"
  machine_inside 'cd /root && cc write.c $(pkg-config --cflags --libs inkstone) -o write && ./write model "The moon" && ldd write | grep libinkstone.so.0'
  machine_inside 'cd /root && cc write.c $(pkg-config --cflags inkstone) -l:libinkstone.a $(pkg-config --static --libs inkstone | sed s/-linkstone//) \
    -o static && ./static model "The moon"'
  [ "$(contents | comm -13 "$work/before" - | wc -l)" -gt 40 ] || { say "the packages installed nothing"; exit 1; }
  machine_inside 'dpkg --purge inkstone libinkstone-dev libinkstone0 >/dev/null && ldconfig'
  contents | diff "$work/before" - || { say "traces are left"; exit 1; }
  say "installed, used and removed without a trace, in a Debian of $(chroot "$machine" dpkg-query -f '.\n' -W | wc -l) packages"
}

# ---- a static binary ----

make_tarball() {
  libraries=$root/build/musl-libraries
  sh scripts/static_deps.sh musl-gcc "$libraries" zlib libzstd utf8proc jansson libyaml pcre2 curl libmicrohttpd ncurses libedit
  cp /usr/share/doc/musl-dev/copyright "$libraries/licenses/musl"
  CC=musl-gcc PKG_CONFIG_LIBDIR=$libraries/lib/pkgconfig cmake --preset release -B build/static -DINKSTONE_TESTS=OFF \
    -DINKSTONE_STATIC=ON -DINKSTONE_PACKAGES=tarball -DINKSTONE_LICENSES="$libraries/licenses" >/dev/null
  cmake --build build/static --target inkstone inkstone_pages -- --quiet
  rm -f "$out"/*.tar.xz
  (cd build/static && cpack -B "$out" >cpack.log 2>&1) || { cat build/static/cpack.log; exit 1; }
  rm -rf "$out/_CPack_Packages"
}

# In a directory that holds the archive's files, a shell to run them, and nothing else: no libraries, no /proc, no locales.
check_tarball() {
  sh scripts/deps.sh busybox-static
  empty=$work/empty
  mkdir -p "$empty/tmp" "$empty/dev"
  mknod "$empty/dev/null" c 1 3
  tar -C "$empty" --strip-components=1 -xf "$out"/*.tar.xz
  cp "$(command -v busybox)" "$empty/bin/sh"
  cp scripts/package_use.sh "$empty"
  inside() { env -i HOME=/tmp PATH=/bin "$(command -v chroot)" "$empty" /bin/sh -euc "$1"; }
  inside 'set -- inkstone; . /package_use.sh'
  iconv -f utf-8 -t gb18030 "$empty/tmp/text.txt" >"$empty/tmp/gb.txt"
  inside 'inkstone eval -m /tmp/model /tmp/gb.txt --encoding gb18030'
  inside '! inkstone pull nobody/nothing' 2>"$work/refused"
  grep 'static binary' "$work/refused"
  say "the static binary works in a directory with nothing else"
}

# ---- the Python package ----

make_wheel() {
  libraries=$root/build/wheel-libraries
  sh scripts/deps.sh python3 binutils
  sh scripts/static_deps.sh gcc "$libraries" zlib libzstd utf8proc jansson libyaml pcre2
  PKG_CONFIG_PATH=$libraries/lib/pkgconfig cmake --preset release -B build/wheel -DINKSTONE_TESTS=OFF >/dev/null
  cmake --build build/wheel --target inkstone_shared -- --quiet
  strip --strip-unneeded -o build/wheel/libinkstone.so build/wheel/src/libinkstone.so
  rm -f "$out"/*.whl
  python3 scripts/wheel.py build/wheel/libinkstone.so "$libraries/licenses" "$out"
}

# In a new environment: alone, then with pytest and mypy the tests of the package.
check_wheel() {
  sh scripts/deps.sh python3-venv
  python=$work/environment/bin/python
  python3 -m venv "$work/environment"
  "$python" -m pip install -q --no-index "$out"/*.whl
  ! "$python" -c 'import numpy' 2>/dev/null || { say "numpy is there: the check is of a package without it"; exit 1; }
  (cd "$work" && "$python" "$root/examples/train_and_write.py" "$root/LICENSE" model)
  "$python" -m pip install -q pytest mypy
  (cd "$work" && "$python" -m pytest -q -p no:cacheprovider "$root/tests/python")
  (cd "$work" && "$python" -m mypy --strict --cache-dir=/dev/null "$root/examples/train_and_write.py")
  say "the wheel works in a new environment"
}

. scripts/bare_machine.sh
[ $# -gt 0 ] || set -- deb tarball wheel
for what; do
  case $what in
    deb | tarball | wheel)
      "make_$what"
      (check_$what)
      ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
(cd "$out" && ls -l)
