/* Any bytes as pairs or conversations, packed or not: refused with a sentence, or examples with no empty
 * turn but those with other members, all inside of UTF-8 text, which batches take apart and together again.
 * The first two bytes choose form and settings; a 0x1e byte divides the rest in two files. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/pair_batches.h"
#include "data/preference_batches.h"
#include "text/utf8.h"

/* Bytes as a file in memory. */
static void as_file(int which, const uint8_t *data, size_t size, char path[64]) {
  static int descriptors[2] = {-1, -1};
  int *d = &descriptors[which];
  if (*d < 0) *d = memfd_create("fuzz", 0);
  CHECK(ftruncate(*d, 0) == 0 && pwrite(*d, data, size, 0) == (ssize_t)size);
  snprintf(path, 64, "/proc/self/fd/%d", *d);
}

static void check(const Pairs *p) {
  for (size_t i = 0; i < p->count; i++) {
    const Example *e = &p->examples[i];
    CHECK(e->turns >= 2 && e->first + e->turns + e->references <= p->turn_count);
    for (size_t k = 0; k < e->turns; k++) {
      const Document *d = example_turn(p, e, k);
      CHECK((d->length || turn_members(p, e->first + k)) &&
            utf8_valid_prefix(d->text, d->length) == d->length && p->roles[e->first + k] < ROLES);
    }
  }
}

static Tokenizer *bytes_tokenizer(void) {
  static Tokenizer *t;
  Pairs none = {0};
  if (t) return t;
  TextSource source = pairs_source(&none, 0);
  const TokenizerSettings settings = {.tokenizer = "byte", .memory = 1000000};
  t = tokenizer_train(&source, &settings, NULL, &(News){0}, NULL);
  mem_free(source.self);
  return t;
}

static void lay_out(const Pairs *p, bool separate, bool chat, int64_t time) {
  PairTokens data;
  Batch batch;
  Error err = {0};
  const Tokenizer *t = bytes_tokenizer();
  const PairLayout layout = {.separate = separate, .chat = chat, .time = time, .source_time = time};
  CHECK(pairs_encode(&data, p, t, t, &(News){0}, &err));
  Batches *b = pair_batches(&data, &layout, 0, 100, 1, &(News){0}, &err);
  int64_t scored = 0;
  for (int64_t i = 0; b && i < b->count; i++) {
    batches_get(b, i, &batch);
    scored += batch_scored(&batch);
  }
  CHECK(!b || scored == b->tokens);
  batches_free(b);
  pair_tokens_free(&data);
}

static void use(Pairs *p, const PairTrainingSettings *settings, bool chat, uint8_t how) {
  Error err = {0};
  PairsReport report;
  check(p);
  const size_t all = p->count;
  Pairs *held = pairs_hold_out(p, 0.3, &err);
  CHECK(p->count + (held ? held->count : 0) == all || !held);
  if (held) check(held);
  if (pairs_check(p, held, settings, &report, &(News){0}, &err)) lay_out(p, how & 1, chat, 2 + (how >> 3));
  pairs_free(held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char *const formats[] = {"auto", "tsv", "json", "turns"};
  char paths[2][64];
  if (size < 2) return 0;
  const uint8_t form = data[0], how = data[1];
  const uint8_t *begin = data + 2, *divide = memchr(begin, 0x1e, size - 2);
  const size_t first = divide ? (size_t)(divide - begin) : size - 2;
  as_file(0, begin, first, paths[0]);
  if (divide) as_file(1, divide + 1, size - 2 - first - 1, paths[1]);
  const TextSettings ds = {.invalid = form & 8 ? "replace" : "refuse"};
  const PairSettings ps = {.format = divide && form & 16 ? "parallel" : formats[form & 3],
                           .columns = form & 32 ? "2,1" : NULL,
                           .fields = form & 64 ? "messages,a" : NULL,
                           .turn_mark = form & 128 ? "ab" : NULL,
                           .skip_bad = how & 2};
  const PairTrainingSettings ts = {
      .duplicates = how & 4 ? "drop" : "keep", .overlap = "drop", .too_long = "truncate"};
  Error err = {0};
  const bool preferences = how & 16, conversations = form & 4;
  const PairsKind kind = preferences     ? PAIRS_PREFERENCES
                         : conversations ? PAIRS_CONVERSATIONS
                         : how & 8       ? PAIRS_LABELLED
                                         : PAIRS_TEXTS;
  Pairs *p =
      pairs_open((const char *[]){paths[0], paths[1]}, divide ? 2 : 1, kind, &ds, &ps, &(News){0}, &err);
  CHECK((p != NULL) == !err.code && (p != NULL) == !*err.text);
  if (p && preferences) pairs_free(preference_sides(p));
  if (p && !preferences) use(p, &ts, conversations, how);
  pairs_free(p);
  return 0;
}
