/* Any bytes as the files of a tokenizer: refused with a sentence, or a tokenizer that is made or refused.
 * The first byte says of which kind; pieces are tokenizer_config.json, vocab.json and
 * the file itself. */
#include "fuzz/pieces.h"
#include "io/tokenizer_files.h"
#include "text/tokenizer.h"

#define TOKENIZER_FILES(name) extern const TokenizerFormat tokenizer_##name;
#include "io/tokenizer_files.def"
#undef TOKENIZER_FILES

static const struct {
  char letter;
  const char *name;
  const TokenizerFormat *format;
} kinds[] = {{'s', "tokenizer.model", &tokenizer_sentencepiece},
             {'r', "r50k_base.tiktoken", &tokenizer_tiktoken},
             {'o', "source.spm", &tokenizer_marian},
             {'l', "sentencepiece.bpe.model", &tokenizer_m2m100},
             {'m', "merges.txt", &tokenizer_merges},
             {'t', "tekken.json", &tokenizer_tekken},
             {'w', "vocab.txt", &tokenizer_wordpiece},
             {'v', "rwkv_vocab.txt", &tokenizer_rwkv}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void use(StoredTokenizer *stored) {
  static const char text[] = "ab \xe6\x9c\x88 \xff'll 12";
  Error err = {0};
  Ids ids = {0};
  Buffer out = {0};
  Tokenizer *t = tokenizer_build(stored, "fuzz.json", &err);
  CHECK(!t == (err.code != 0));
  if (t && tokenizer_encode(t, text, sizeof text, true, &ids, &err))
    CHECK(tokenizer_decode(t, ids.data, ids.count, false, &out, &err));
  tokenizer_free(t);
  vec_free(&ids);
  buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char paths[3][PATH_CAPACITY];
  const char *const files[] = {paths[0], paths[1], paths[2]};
  size_t kind = 0;
  while (size && kind < KINDS && *data != (uint8_t)kinds[kind].letter) kind++;
  if (!size || kind == KINDS) return 0;
  if (!*scratch) open_pieces();
  path_join(paths[0], scratch, "tokenizer_config.json");
  path_join(paths[1], scratch, "vocab.json");
  path_join(paths[2], scratch, kinds[kind].name);
  for (int i = 0; i < 3; i++) remove(paths[i]);
  write_pieces(data + 1, size - 1, files, 3);
  Error err = {0};
  StoredTokenizer stored = {0};
  char found[PATH_CAPACITY];
  const bool ok = tokenizer_files_read(paths[2], found, &stored, &err);
  CHECK(ok == !err.code);
  if (ok && stored.steps.length) use(&stored);
  stored_free(&stored);
  return 0;
}
