#include "run/languages.h"

#include <inttypes.h>
#include <string.h>

#include "io/tokenizer_files.h"

#include "base/settings_table.h"

#include "run/languages.def"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The code of the language that a token names: all of "en_XX" (mBART) and "eng_Latn" (NLLB), "en" of "__en__"
 * (M2M100); NULL: none. */
static const char *code_of(const Tokenizer *t, int64_t id, int *length) {
  const char *name = tokenizer_is_special(t, (int32_t)id) ? tokenizer_name(t, (int32_t)id) : NULL;
  const size_t all = name ? strlen(name) : 0, language = name ? strspn(name, LOWER) : 0;
  *length = (int)all;
  if (all > 5 && !memcmp(name, "__", 2) && !strcmp(name + all - 2, "__")) {
    *length -= 4;
    return name + 2;
  }
  if (language < 2 || language > 3 || name[language] != '_') return NULL;
  const char *place = name + language + 1;
  const size_t upper = strspn(place, UPPER), lower = strspn(place + upper, LOWER);
  const bool known = place[upper + lower] == 0 && ((upper == 2 && !lower) || (upper == 1 && lower == 3));
  return known ? name : NULL;
}

static bool is_language(const Tokenizer *t, int64_t id) {
  int length;
  return code_of(t, id, &length) != NULL;
}

static int64_t find_language(const Tokenizer *t, const char *code) {
  for (int64_t id = 0; id < tokenizer_size(t); id++) {
    int length;
    const char *known = code_of(t, id, &length);
    if (known && (!strcmp(code, tokenizer_name(t, (int32_t)id)) ||
                  ((size_t)length == strlen(code) && !memcmp(code, known, (size_t)length))))
      return id;
  }
  return -1;
}

/* "en, fr, ...": at most 20 of them; the number of all. */
static int64_t list_languages(const Tokenizer *t, Buffer *out) {
  enum { SHOWN = 20 };
  int64_t count = 0;
  int length;
  for (int64_t id = 0; id < tokenizer_size(t); id++) {
    const char *code = code_of(t, id, &length);
    if (code && ++count <= SHOWN) buffer_addf(out, "%s%.*s", count > 1 ? ", " : "", length, code);
  }
  if (count > SHOWN) buffer_addf(out, ", ... (%" PRId64 " languages)", count);
  return count;
}

/* ---- the place of the source's language ---- */

static bool replace_language(TokenRun *run, const Tokenizer *t, int64_t language) {
  bool found = false;
  for (int32_t i = 0; i < run->count; i++)
    if (is_language(t, run->ids[i])) run->ids[i] = (int32_t)language, found = true;
  return found;
}

/* Where the post-processor has a language, it is replaced. */
static bool set_source(PairLayout *l, const Tokenizer *t, LanguagePlace place, int64_t language) {
  if (replace_language(&l->source_before, t, language) || replace_language(&l->source_behind, t, language))
    return true;
  if (place == LANGUAGE_NOWHERE) return false;
  l->source_before = token_run_of(place == LANGUAGE_BEFORE ? language : -1);
  l->source_behind = token_run_of(l->end);
  if (place == LANGUAGE_BEHIND) l->source_behind.ids[l->source_behind.count++] = (int32_t)language;
  return true;
}

/* ---- languages asked for ---- */

static bool named(const Tokenizer *t, const char *flag, const char *code, int64_t *id, Error *err) {
  Buffer known = {0};
  if ((*id = find_language(t, code)) >= 0) return true;
  list_languages(t, &known);
  fail_usage(err, "%s %s: the model does not know this language: it knows %s", flag, code, known.data);
  buffer_free(&known);
  return false;
}

static bool missing(const Tokenizer *t, const char *flag, Error *err) {
  Buffer known = {0};
  const int64_t count = list_languages(t, &known);
  fail_usage(err, "the model translates between %" PRId64 " languages: say with %s CODE which: %s", count,
             flag, known.data);
  buffer_free(&known);
  return false;
}

/* Targets begin with the language instead of the start token where that is a language or sources end with
 * theirs (mBART), unless the start is an end token (NLLB's older form); else after the start token. */
static void set_target(const Bundle *b, PairLayout *l, int64_t language) {
  const Tokenizer *t = b->tokenizer;
  bool begins = is_language(t, l->start);
  for (int32_t i = 0; i < l->source_behind.count; i++)
    begins |= is_language(t, l->source_behind.ids[i]) && !token_set_has(&b->model->config.ends, l->start);
  if (begins)
    l->start = (int32_t)language;
  else
    l->target_before = token_run_of(language);
}

static bool frame(const Bundle *b, const LanguageSettings *s, const json_t *config, PairLayout *l,
                  Error *err) {
  const Tokenizer *t = b->tokenizer;
  const json_t *forced = json_object_get(b->generation, "forced_bos_token_id");
  int64_t source, target = json_is_integer(forced) ? json_integer_value(forced) : -1;
  if (!s->from_lang || !*s->from_lang) return missing(t, "--from-lang", err); /* files name only a default */
  if (!named(t, "--from-lang", s->from_lang, &source, err)) return false;
  if (!set_source(l, t, tokenizer_files_language(config), source))
    return fail(err,
                "tokenizer_config.json: where the language of a source stands is not known for the "
                "\"tokenizer_class\" there: name M2M100Tokenizer, NllbTokenizer, MBart50Tokenizer or "
                "MBartTokenizer");
  if (s->to_lang && *s->to_lang) {
    if (!named(t, "--to-lang", s->to_lang, &target, err)) return false;
  } else if (!is_language(t, target)) {
    return is_language(t, l->start) || missing(t, "--to-lang", err);
  }
  set_target(b, l, target);
  return true;
}

/* Whether targets or sources have a language; a fine-tuned model of one pair may know tokens of others. */
bool languages_frame(const Bundle *b, const Settings *settings, PairLayout *l, Error *err) {
  const LanguageSettings *s = settings_part(settings, &language_settings_table);
  const bool given = (s->from_lang && *s->from_lang) || (s->to_lang && *s->to_lang);
  Buffer known = {0};
  json_t *config = NULL;
  const bool has = l->separate && !bundle_is_ours(b) && list_languages(b->tokenizer, &known) > 1;
  buffer_free(&known);
  if (!has)
    return !given || fail_usage(err,
                                "--from-lang and --to-lang are for models that translate between "
                                "several languages: this one has no tokens of languages");
  const bool ok = source_read_tokenizer_config(&b->source, &config, err) && frame(b, s, config, l, err);
  json_decref(config);
  return ok;
}
