#!/bin/sh
# Leaves the package lists of this Debian machine in DIRECTORY: `packages`, and the descriptions in each LANGUAGE as `en`, `de` ...
# Lists that are there already are kept: delete them to have newer ones.
#
#   sh recipes/debian-synopsis/lists.sh DIRECTORY LANGUAGE...
#
# What apt has not downloaded already (descriptions are left out in containers, and languages not in use everywhere) is downloaded
# by apt from the mirrors that the machine uses, into DIRECTORY/apt: the machine's own lists stay as they are, and nobody needs
# to be root.
set -eu
[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

lists=$1
shift
command -v apt-get >/dev/null || { echo 'lists.sh: no apt-get here: this recipe needs Debian, or a system made from it' >&2; exit 1; }
mkdir -p "$lists"
lists=$(cd "$lists" && pwd)

# targets KIND [LANGUAGE]: the files with lists of a kind (Packages, Translations) that apt has
targets() {
  # shellcheck disable=SC2016 # apt replaces $(FILENAME)
  apt-get ${conf:+-c "$conf"} indextargets --format '$(FILENAME)' "Created-By: $1" ${2:+"Language: $2"} |
    while read -r file; do [ ! -e "$file" ] || printf '%s\n' "$file"; done
}

# keep NAME KIND [LANGUAGE]: puts all lists of a kind into one file
keep() {
  name=$1
  shift
  targets "$@" | while read -r file; do
    /usr/lib/apt/apt-helper cat-file "$file"
    echo
  done >"$lists/$name.tmp"
  [ -s "$lists/$name.tmp" ] || { rm "$lists/$name.tmp"; return 1; }
  mv "$lists/$name.tmp" "$lists/$name"
}

keep_all() {
  [ -s "$lists/packages" ] || keep packages Packages || return 1
  for language; do
    [ -s "$lists/$language" ] || keep "$language" Translations "$language" || return 1
  done
}

conf=
keep_all "$@" && exit 0
conf=$lists/apt/apt.conf
mkdir -p "$lists/apt/lists/partial" "$lists/apt/cache"
{
  echo '#clear Acquire::Languages;'
  echo '#clear APT::Update::Post-Invoke;'
  echo '#clear APT::Update::Post-Invoke-Success;'
  echo 'APT::Sandbox::User "";'
  printf 'Dir::State::Lists "%s";\nDir::Cache "%s";\n' "$lists/apt/lists" "$lists/apt/cache"
  printf 'Acquire::Languages { '
  printf '"%s"; ' "$@"
  echo '};'
} >"$conf"
echo 'apt has no such lists here: downloading them (about 30 MB)' >&2
apt-get -c "$conf" -qq update >&2
keep_all "$@" || { printf 'lists.sh: the mirrors have no descriptions in: %s\n' "$*" >&2; exit 1; }
