# Models of llama2.c: the text that llama2.c's own test expects of stories260K (its test_all.py), by both of its
# formats; what is no model is named.
. "$(dirname "$0")/lib.sh"
run write -m nothing.bin The
expect_failure nothing.bin "no such model directory"
printf '\5\0\0\0' >tok512.bin
run write -m tok512.bin The
expect_failure tok512.bin "tokenizer, as of llama2.c"
[ "$failures" -eq 0 ] || exit 1

real=$SOURCE/../shared/weights/stories260K
[ -r "$real/stories260K.bin" ] || { echo "SKIP: no $real" && exit 77; }
cat >wanted <<'END'
Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.
Lily's mom said, "Lily, let's go to the park." Lily was sad and didn
END
printf '%s' "$(cat wanted)" >wanted # without the last line end
for model in stories260K.bin stories260K_v1.bin; do
  run write -m "$real/$model" --greedy --max-tokens 120 -q "Once upon a time"
  expect_status 0
  head -c "$(wc -c <wanted)" out >got
  expect_same got wanted
done

# The same nats as of the GGUF file with the same weights; texts end at the begin token, where the next would begin.
printf 'Once upon a time, there was a little girl named Lily.\n\nZoë said: "A café!"\n' >text.txt
nats() { run eval -m "$real/$1" text.txt --json && grep -o '"nats":[ 0-9.e]*' out; }
[ -n "$(nats stories260K.bin)" ] || flunk "no nats"
[ "$(nats stories260K.bin)" = "$(nats stories260K.derived-f32.gguf)" ] || flunk "other nats than GGUF's"
[ "$(nats stories260K_v1.bin)" = "$(nats stories260K.derived-f32.gguf)" ] || flunk "version 1: other nats"
run write -m "$real/stories260K.bin" --greedy --max-tokens 500 -q "Once upon a time"
[ "$(grep -c 'Once upon a time' out)" -eq 1 ] || flunk "a second text after the end of the first"

# Without its tokenizer.
cp "$real/stories260K.bin" alone.bin && rm -f tok512.bin
run write -m alone.bin The
expect_failure alone.bin "its tokenizer is missing" tok512.bin
finish
