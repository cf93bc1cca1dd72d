#!/bin/sh
# Installs the missing packages for building and testing Inkstone, on Debian and its derivatives.
#
#   sh scripts/deps.sh                for building and testing
#   sh scripts/deps.sh --dev          also for development: clang, clang-format, mandoc
#   sh scripts/deps.sh PACKAGE...     also these packages
#
# Silent and quick if nothing is missing.
set -eu

# The purpose of each library: docs/decisions/0002-dependencies.md.
packages='gcc libc6-dev cmake ninja-build pkg-config gettext
  libjansson-dev libyaml-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev libedit-dev libcurl4-openssl-dev libmicrohttpd-dev libcmocka-dev python3'
development='clang libclang-rt-dev clang-format mandoc'

say() { printf 'deps: %s\n' "$*" >&2; }
installed() { dpkg-query -W -f='${Status}\n' "$1" 2>/dev/null | grep -q 'install ok installed'; }

for argument; do
  case $argument in
    --dev) packages="$packages $development" ;;
    -*) say "unknown option $argument: the only one is --dev"; exit 2 ;;
    *) packages="$packages $argument" ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  say "not a Debian system: install the equivalents of these Debian packages:" $packages
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
try() { # shows the output only on failure
  "$@" >"$log" 2>&1 || { cat "$log" >&2; say "failed: $*"; return 1; }
}

say "installing$missing"
try $as_root apt-get update -q
try $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
