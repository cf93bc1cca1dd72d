#!/bin/sh
# Checks that the README's two commands work on a machine with only Debian 12's base packages and git:
# creates one in a directory (debootstrap), clones this repository into it and runs them there in a chroot.
#
#   sh scripts/clean_machine.sh [--base FILE.tar] [COMMAND...]
#
# The output of debootstrap is cached in FILE.tar (default build/debian12.tar). Needs root, and the network for apt.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
base=$repository/build/debian12.tar
if [ "${1-}" = --base ]; then
  base=$(realpath -m "$2")
  shift 2
fi
[ $# -gt 0 ] || set -- 'sh scripts/demo.sh' 'sh scripts/test.sh'
cd "$repository"
. scripts/bare_machine.sh
machine_new "$base" git

git clone -q --no-hardlinks "$repository" "$machine/root/inkstone"
printf 'clean_machine: %s packages, commit %s\n' "$(chroot "$machine" dpkg-query -f '.\n' -W | wc -l)" \
  "$(git -C "$machine/root/inkstone" log -1 --format='%h %s')"

for command; do
  printf '\n$ %s\n' "$command"
  started=$(date +%s)
  machine_inside "cd /root/inkstone && $command" || { printf 'clean_machine: failed: %s\n' "$command"; exit 1; }
  printf 'clean_machine: %s: %s s\n' "$command" "$(($(date +%s) - started))"
done
