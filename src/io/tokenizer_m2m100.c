/* tokenizer_m2m100.c - M2M100's tokenizer: sentencepiece.bpe.model cuts texts into pieces, vocab.json has
 * their ids. The tokens of languages, "__en__", have the ids behind these in the order of a list; the
 * source's is before a text, an end behind it. transformers: M2M100Tokenizer, which has no tokenizer.json. */
#include <string.h>

#include "base/arena.h"
#include "io/tokenizer_mapped.h"

static const struct {
  const char *name, *codes;
} lists[] = {
    {"m2m100",
     "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi "
     "hr "
     "ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or "
     "pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu"},
    {"wmt21", "en ha is ja cs ru zh de"}};

static const char *find_codes(const TokenizerFiles *f) {
  const char *name = json_get_text(f->config, "language_codes", "m2m100");
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (!strcmp(name, lists[i].name)) return lists[i].codes;
  fail(f->err, "%s: \"language_codes\" in tokenizer_config.json is \"%s\": m2m100 and wmt21 are known",
       f->path, name);
  return NULL;
}

/* The token of the source named by tokenizer_config.json, else "en", is put before texts; --from-lang
 * replaces it. */
static bool add_languages(MappedModel *m, const TokenizerFiles *f, Arena *names) {
  const char *codes = find_codes(f), *source = json_get_text(f->config, "src_lang", "en");
  for (size_t n; codes && *codes; codes += n + (codes[n] == ' ')) {
    n = strcspn(codes, " ");
    if (n == strlen(source) && !memcmp(source, codes, n)) m->vocabulary.begin = (int64_t)m->vocabulary.count;
    char name[16];
    const int length = snprintf(name, sizeof name, "__%.*s__", (int)n, codes);
    mapped_add(m, arena_strndup(names, name, (size_t)length), TOKEN_CONTROL);
  }
  m->vocabulary.add_begin = true;
  return codes && (m->vocabulary.begin >= 0 ||
                   fail(f->err,
                        "%s: \"src_lang\" in tokenizer_config.json is \"%s\", which is not a language "
                        "of the model",
                        f->path, source));
}

static bool check_class(const TokenizerFiles *f) {
  return !strcmp(json_get_text(f->config, "tokenizer_class", "M2M100Tokenizer"), "M2M100Tokenizer") ||
         tokenizer_files_refuse_class(f);
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  MappedModel m = {0};
  Arena *names = arena_new(0);
  const bool ok = check_class(f) && mapped_open(&m, f, file) && add_languages(&m, f, names) &&
                  mapped_store(&m, out, f->err);
  arena_free(names);
  mapped_free(&m);
  return ok;
}

static const char *const names[] = {"sentencepiece.bpe.model", NULL};
const TokenizerFormat tokenizer_m2m100 = {names, "vocab.json", read};
