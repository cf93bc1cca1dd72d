# bare_machine.sh - a Debian of its own in a directory, for scripts that try something where nothing is installed.
# Use: . scripts/bare_machine.sh; then machine_new, machine_inside. Needs root, and the network for apt.

# Makes $machine, a directory that is removed when the script ends. The output of debootstrap is cached in the file.
machine_new() { # FILE.tar PACKAGES: besides the essential ones; separated by commas, may be empty
  [ "$(id -u)" = 0 ] || { echo "$0: needs root to create a chroot: run it as root" >&2; exit 1; }
  machine=$(mktemp -d "${TMPDIR:-/tmp}/machine.XXXXXX")
  trap 'rm -rf --one-file-system "$machine"' EXIT INT TERM
  if [ ! -e "$1" ]; then
    command -v debootstrap >/dev/null || sh scripts/deps.sh debootstrap
    mkdir -p "$(dirname "$1")"
    debootstrap --variant=minbase ${2:+--include="$2"} bookworm "$machine" "${DEBIAN_MIRROR-http://deb.debian.org/debian}"
    tar -C "$machine" -cf "$1.part" . && mv "$1.part" "$1"
  else
    tar -C "$machine" -xf "$1"
  fi
  # The network settings of this machine.
  cp /etc/resolv.conf /etc/hosts "$machine/etc/"
  for setting in $(apt-config dump --format '%f%n' | grep -iE '^Acquire::(.*::)?Proxy' || true); do
    printf '%s "%s";\n' "$setting" "$(apt-config dump --format '%v%n' "$setting")"
  done >"$machine/etc/apt/apt.conf.d/99proxy"
}

# Runs a command in the machine. Mounts are made in a separate namespace, so that they are removed however the command ends.
machine_inside() { # COMMAND
  unshare --mount --propagation private sh -eu -c '
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    mount --bind /dev/pts "$1/dev/pts"
    exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM-dumb}" sh -c "$2"' inside "$machine" "$1"
}
