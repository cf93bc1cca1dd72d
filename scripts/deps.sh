#!/bin/sh
# Installs, on Debian or a relative of it, what building and testing Inkstone needs and this machine lacks.
#
#   sh scripts/deps.sh                to build and to test
#   sh scripts/deps.sh --dev          and what developing takes: clang, clang-format, mandoc
#   sh scripts/deps.sh PACKAGE...     and these packages too
#
# Silent and quick where nothing is missing.
set -eu

# Which library is for what: docs/decisions/0002-dependencies.md.
packages='gcc libc6-dev cmake ninja-build pkg-config
  libjansson-dev libyaml-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev libedit-dev libcmocka-dev python3'
development='clang libclang-rt-dev clang-format mandoc'

say() { printf 'deps: %s\n' "$*" >&2; }
installed() { dpkg-query -W -f='${Status}\n' "$1" 2>/dev/null | grep -q 'install ok installed'; }

for argument; do
  case $argument in
    --dev) packages="$packages $development" ;;
    -*) say "no option $argument; there is --dev"; exit 2 ;;
    *) packages="$packages $argument" ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  say "this is not a Debian system; by Debian's names, Inkstone needs:" $packages
  exit 1
fi

missing=
for package in $packages; do
  installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  say "missing:$missing; run as root:  apt-get install --no-install-recommends$missing"
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
try() { # quiet, unless it fails
  "$@" >"$log" 2>&1 || { cat "$log" >&2; say "failed: $*"; return 1; }
}

say "installing$missing"
try $as_root apt-get update -q
try $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
