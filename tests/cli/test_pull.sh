# pull: models from a hub on this machine, which misbehaves in every way that it is told to.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "SKIP: no python3" && exit 77; }
unset HF_TOKEN HF_HOME HF_HUB_CACHE HF_HUB_OFFLINE http_proxy https_proxy all_proxy ALL_PROXY

mkdir hub home
export XDG_CACHE_HOME="$folder/cache" HOME="$folder/home" no_proxy="*"
models=$XDG_CACHE_HOME/inkstone/models

text_of 300 >text
train_small model text
expect_status 0
mkdir -p hub/ink/poems hub/ink/files/sub hub/ink/single
cp model/*.json model/model.safetensors hub/ink/poems
echo "not of the model" >hub/ink/poems/training.log
run convert model one.gguf --type q8_0
expect_status 0
for type in Q4_0 Q4_K_M Q4_K_S Q8_0; do cp one.gguf hub/ink/files/poems-$type.gguf; done
for part in 1 2; do cp one.gguf hub/ink/files/sub/large-BF16-0000$part-of-00002.gguf; done
cp one.gguf hub/ink/files/mmproj-F16.gguf
cp one.gguf hub/ink/single/poems.gguf
touch hub/faults hub/log

await() { # COMMAND: until it succeeds, or for a minute
  tries=0
  until "$@" || [ $tries -ge 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}
printf -- '---\nlicense: apache-2.0\n---\n# Poems\n' >hub/ink/poems/README.md
echo 'Apache License' >hub/ink/poems/LICENSE
python3 "$SOURCE/tests/hub/server.py" hub ports >server.log 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
await [ -f ports ]
read -r port other <ports || { cat server.log && exit 1; }
export HF_ENDPOINT="http://localhost:$port/"

# fault LINES: what goes wrong in the next requests. The log is emptied.
fault() {
  : >hub/log
  printf '%s\n' "$*" | tr ';' '\n' | sed 's/^ *//' >hub/faults
}
expect_log() { grep -qE -e "$1" hub/log || { flunk "expected in the server's log: $1" && sed 's/^/  log: /' hub/log; }; }
expect_not_log() { ! grep -qE -e "$1" hub/log || flunk "unexpected in the server's log: $1"; }
expect_whole() { # REPOSITORY: as on the hub, and nothing is left over
  for name in config.json tokenizer.json model.safetensors generation_config.json; do
    expect_same "hub/$1/$name" "$models/$1/$name"
  done
  expect_no_file "$models/$1/.incoming"
}
expect_empty() { [ -z "$(find "$models/$1" -type f ! -name lock 2>/dev/null)" ] || flunk "files of $1 are there"; }
forget() { rm -rf "$models"; }

# A directory, and its name in place of a model.
run info ink/poems
expect_failure 'inkstone pull ink/poems'
run pull ink/poems --json
expect_status 0
expect_json out
expect_out "\"path\": \"$models/ink/poems\""
expect_out '"commit": "0123456789abcdef0123456789abcdef01234567"'
expect_whole ink/poems
expect_no_file "$models/ink/poems/training.log"
expect_log "/api/models/ink/poems/revision/main\?blobs=true"
expect_log "/ink/poems/resolve/0123456789abcdef0123456789abcdef01234567/config.json"
run write -m ink/poems --greedy --max-tokens 20 "The moon"
expect_status 0
cp out first
run write -m model --greedy --max-tokens 20 "The moon"
expect_same first out
run info ink/poems --json
expect_status 0
expect_out '"id": "apache-2.0"' && expect_out '"text_file": "LICENSE"'
run tokenizer encode -m ink/poems moon
expect_status 0
run eval -m ink/poems text -q
expect_status 0
run convert ink/poems copy
expect_status 0
expect_err "LICENSE: keep it with the new model"
grep -q '"license": "apache-2.0"' copy/config.json || flunk "the licence is lost"
expect_same copy/model.safetensors model/model.safetensors
run train write text -o tuned --from ink/poems --steps 1 --threads 1 -q
expect_status 0
run train write text -o tuned2 --tokenizer-from ink/poems --size nano --steps 1 --threads 1 -q
expect_status 0
run pull --list
expect_out "ink/poems"
run pull --list --json
expect_json out

# A directory of that name goes first.
mkdir -p ink && cp -r model ink/poems && rm ink/poems/inkstone.json ink/poems/model.safetensors
run info ink/poems
expect_failure "ink/poems: model.safetensors is missing"
rm -r ink

# Again: nothing but the listing is fetched; a damaged file is mended, an old one removed.
fault
run pull ink/poems
expect_status 0
expect_not_log resolve
printf X | dd of="$models/ink/poems/model.safetensors" bs=1 seek=500 conv=notrunc 2>/dev/null
echo '{}' >"$models/ink/poems/added_tokens.json"
echo mine >"$models/ink/poems/notes.txt"
run pull ink/poems
expect_status 0
expect_whole ink/poems
expect_no_file "$models/ink/poems/added_tokens.json"
expect_file "$models/ink/poems/notes.txt"

# Offline, and other revisions.
: >hub/log
run pull ink/poems --offline
expect_status 0
expect_out "$models/ink/poems"
HF_HUB_OFFLINE=1 run pull ink/other
expect_failure "ink/other" "not downloaded yet"
expect_not_log .
run pull ink/poems --revision refs/pr/1 -q
expect_status 0
expect_log "/revision/refs%2Fpr%2F1\?"
expect_file "$models/ink/poems@refs%2Fpr%2F1/config.json"
run info ink/poems@refs/pr/1
expect_status 0
run pull ink/poems@a --revision b
expect_usage "contradicts"

# GGUF: the only file, one named by its type or its path, Q4_K_M of several, all files of a split one.
run pull ink/single
expect_status 0
run info ink/single
expect_status 0
run pull ink/files
expect_status 0
expect_err "the model is poems-Q4_K_M.gguf"
expect_same one.gguf "$models/ink/files/poems-Q4_K_M.gguf"
expect_no_file "$models/ink/files/poems-Q4_0.gguf"
run info ink/files
expect_status 0
run info ink/files:q8_0
expect_failure "inkstone pull ink/files:q8_0"
for name in q8_0 poems-Q4_0.gguf Q4_K_S; do
  run pull "ink/files:$name" -q
  expect_status 0
  run info "ink/files:$name"
  expect_status 0
done
run pull ink/files:BF16
expect_status 0
expect_same one.gguf "$models/ink/files/sub/large-BF16-00002-of-00002.gguf"
run pull ink/files:Q4_K
expect_failure "no such file or type" "poems-Q4_K_S.gguf" "sub/large-BF16-00001"
expect_not_err "mmproj"
rm hub/ink/files/poems-Q4_K_M.gguf
run pull ink/files
expect_failure "several models" "poems-Q8_0.gguf"
rm hub/ink/files/sub/large-BF16-00002-of-00002.gguf
run pull ink/files:bf16
expect_failure "only 1 of the 2 files"
mkdir -p hub/ink/nothing && echo x >hub/ink/nothing/README.md
run pull ink/nothing
expect_failure "no model that Inkstone reads"
expect_no_file "$models/ink/nothing"

# Connections that break are continued where they were, in one call and in the next.
forget
fault "drop resolve 1; drop model.safetensors 2"
run pull ink/poems
expect_status 0
expect_whole ink/poems
expect_log "model.safetensors range=bytes=[1-9]"
expect_err "trying again"
forget
fault "drop model.safetensors"
run pull ink/poems --retries 1
expect_failure "model.safetensors" "same command continues"
expect_empty ink/poems/x
fault
run pull ink/poems
expect_status 0
expect_log "model.safetensors range=bytes=[1-9]"
expect_not_log "/config.json"
expect_whole ink/poems

# Servers that ignore Range, send another part, or no length.
for how in no-range other-part no-length; do
  forget
  fault "drop model.safetensors 1; $how model.safetensors"
  run pull ink/poems --retries 3
  if [ $how = other-part ]; then expect_failure "another part"; else
    expect_status 0
    expect_whole ink/poems
  fi
done
forget
fault "stall model.safetensors 1"
run pull ink/poems --timeout 1
expect_status 0
expect_whole ink/poems
forget
fault "silent api"
run pull ink/poems --timeout 1 --retries 0
expect_failure "cannot be downloaded" "Timeout was reached"

# What an earlier attempt left is not trusted.
fault "drop model.safetensors"
run pull ink/poems --retries 0
expect_status 1
for part in "$models"/ink/poems/.incoming/*; do printf X | dd of="$part" conv=notrunc bs=1 2>/dev/null; done
fault
run pull ink/poems
expect_status 0
expect_whole ink/poems

# Wrong bytes, wrong lengths, endless bodies: nothing of them stays.
for lie in "wrong checksum" "size-lie bytes" "short bytes" "endless more_than"; do
  forget
  fault "${lie% *} safetensors;${lie% *} /api/"
  run pull ink/poems --retries 1
  expect_failure "$(echo "${lie#* }" | tr _ ' ')"
  expect_empty ink/poems/model.safetensors
  [ ! -e "$models/ink/poems/model.safetensors" ] || flunk "wrong weights are there after ${lie% *}"
done
forget
fault "wrong config.json"
run pull ink/poems
expect_failure "config.json" "git SHA-1"
expect_no_file "$models/ink/poems/config.json"

# Redirects: the token goes to the endpoint only.
forget
fault "redirect model.safetensors"
HF_TOKEN=hf_secret run pull ink/poems
expect_status 0
expect_whole ink/poems
expect_log "^$port /ink/poems/resolve/.*/model.safetensors range=- auth=Bearer hf_secret"
expect_log "^$port /api/.* auth=Bearer hf_secret"
expect_log "^$other .*/model.safetensors range=- auth=-"
expect_not_log "^$other .*secret"
fault "circle config.json"
forget
run pull ink/poems
expect_failure "redirects"
HF_TOKEN="a
b" run pull ink/poems
expect_usage HF_TOKEN

# What a hub refuses, with the remedy.
fault
run pull ink/nowhere
expect_failure "no such repository" "licence" HF_TOKEN
HF_TOKEN=hf_old run pull ink/nowhere
expect_failure "does not accept HF_TOKEN"
for answer in 403:licence 404:"check the name"; do
  fault "status-${answer%%:*} /api/"
  run pull ink/poems
  expect_failure "${answer#*:}" "(${answer%%:*})"
  [ "$(wc -l <hub/log)" -eq 1 ] || flunk "it should not try again after ${answer%%:*}"
done
fault "status-429 /api/; late /api/"
run pull ink/poems
expect_failure "too many requests"
fault "status-503 /api/ 1; soon /api/ 1"
run pull ink/poems
expect_status 0
expect_err "status 503: trying again in 1s"
fault "status-500 /api/"
run pull ink/poems --retries 1
expect_failure "status 500"
for page in page disguised; do
  fault "$page /api/"
  run pull ink/poems
  expect_failure "web page" HF_ENDPOINT
done
HF_ENDPOINT=http://127.0.0.1:1 run pull ink/poems --retries 0
expect_failure "cannot be downloaded"
HF_ENDPOINT=file:///etc run pull ink/poems
expect_usage HF_ENDPOINT

# Listings that would lead elsewhere, or that are none.
forget
for evil in dots absolute backslash nul control inner git empty directory; do
  fault "$evil /api/"
  run pull ink/poems
  expect_failure "lead elsewhere"
  expect_no_file "$models"
done
for none in "no-sizes how large" "no-commit names no commit" "deep ink/poems" "long longer than"; do
  fault "${none%% *} /api/"
  run pull ink/poems
  expect_failure "${none#* }"
done

# Names.
fault
for name in poems /ink/poems ink/poems/x ../poems ink/.. ink/po:../x ink/poems@ ink/poems@-x "ink/po ems" ink/poems:/etc/passwd; do
  run pull "$name"
  expect_usage "$name"
done
run pull
expect_usage "--list"
run pull ink/poems --list
expect_usage "--list"
expect_not_log .

# Two at once: one waits for none, and the other is whole.
forget
fault "stall model.safetensors 1"
"$INKSTONE" pull ink/poems --timeout 3 >one.out 2>one.err &
one=$!
await grep -q safetensors hub/log
run pull ink/poems
expect_failure "in use by another inkstone"
wait $one || flunk "the first of two failed"
expect_whole ink/poems

# A signal ends it at once, and what came is kept.
forget
fault "stall model.safetensors"
"$INKSTONE" pull ink/poems --timeout 60 >one.out 2>one.err &
one=$!
await grep -q safetensors hub/log
kill -TERM $one
wait $one && flunk "an interrupted download succeeded"
grep -q interrupted one.err || flunk "it should say that it was interrupted"

# The cache of huggingface_hub.
forget
snapshot=home/.cache/huggingface/hub/models--ink--poems/snapshots/0123
mkdir -p $snapshot home/.cache/huggingface/hub/models--ink--poems/refs
cp model/* $snapshot 2>/dev/null
printf 0123 >home/.cache/huggingface/hub/models--ink--poems/refs/main
run info ink/poems
expect_status 0
run info ink/poems@0123
expect_status 0
run pull ink/poems --offline
expect_out "snapshots/0123"
finish
