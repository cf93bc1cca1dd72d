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
  base=$2
  shift 2
fi
[ $# -gt 0 ] || set -- 'sh scripts/demo.sh' 'sh scripts/test.sh'
[ "$(id -u)" = 0 ] || { echo "clean_machine: needs root to create a chroot: run it as root" >&2; exit 1; }

machine=$(mktemp -d /tmp/clean-machine.XXXXXX)
trap 'rm -rf --one-file-system "$machine"' EXIT INT TERM

if [ ! -e "$base" ]; then
  command -v debootstrap >/dev/null || sh "$repository/scripts/deps.sh" debootstrap
  mkdir -p "$(dirname "$base")"
  debootstrap --variant=minbase --include=git bookworm "$machine" "${DEBIAN_MIRROR-http://deb.debian.org/debian}"
  tar -C "$machine" -cf "$base.part" . && mv "$base.part" "$base"
else
  tar -C "$machine" -xf "$base"
fi

# The network settings of this machine.
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
for setting in $(apt-config dump --format '%f%n' | grep -iE '^Acquire::(.*::)?Proxy' || true); do
  printf '%s "%s";\n' "$setting" "$(apt-config dump --format '%v%n' "$setting")"
done >"$machine/etc/apt/apt.conf.d/99proxy"

git clone -q --no-hardlinks "$repository" "$machine/root/inkstone"
printf 'clean_machine: %s packages, commit %s\n' "$(chroot "$machine" dpkg-query -f '.\n' -W | wc -l)" \
  "$(git -C "$machine/root/inkstone" log -1 --format='%h %s')"

# Mounts are made in a separate namespace, so that they are removed however the command ends.
inside() {
  unshare --mount --propagation private sh -eu -c '
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    mount --bind /dev/pts "$1/dev/pts"
    exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM-dumb}" \
      sh -c "cd /root/inkstone && $2"' inside "$machine" "$1"
}

for command; do
  printf '\n$ %s\n' "$command"
  started=$(date +%s)
  inside "$command" || { printf 'clean_machine: failed: %s\n' "$command"; exit 1; }
  printf 'clean_machine: %s: %s s\n' "$command" "$(($(date +%s) - started))"
done
