#!/bin/sh
# Makes the Chinese side of the conversations that dailydialog-reply-en/get.sh makes ready, in data/ beside this script.
#
#   sh recipes/dailydialog-reply-zh/get.sh DIRECTORY
#
# Where to get them: see ../dailydialog-reply-en/get.sh.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

recipe=$(dirname "$0")
DATA=$recipe/data CONVERSATION_LANGUAGE=zh sh "$recipe/../dailydialog-reply-en/get.sh" "$1"
