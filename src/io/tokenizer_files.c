#include "io/tokenizer_files.h"

#include <fnmatch.h>
#include <string.h>

#include "base/hints.h"
#include "io/vocabulary.h"

#define TOKENIZER_FILES(name) extern const TokenizerFormat tokenizer_##name;
#include "io/tokenizer_files.def"
#undef TOKENIZER_FILES
static const TokenizerFormat *const formats[] = {
#define TOKENIZER_FILES(name) &tokenizer_##name,
#include "io/tokenizer_files.def"
#undef TOKENIZER_FILES
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const char *beside(const char *path, char buf[PATH_CAPACITY], const char *name) {
  const char *slash = strrchr(path, '/');
  snprintf(buf, PATH_CAPACITY, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, name);
  return buf;
}

const char *tokenizer_files_beside(const TokenizerFiles *f, char buf[PATH_CAPACITY], const char *name) {
  return beside(f->path, buf, name);
}

/* What a class of transformers does, without "Tokenizer" and "Fast" in its name. */
typedef struct TokenizerClass {
  const char *name;
  bool begin, end;
  SpaceRule rule;
} TokenizerClass;

static const TokenizerClass classes[] = {{"", false, false, SPACE_BEFORE_TEXT},
                                         {"Llama", true, false, SPACE_BEFORE_LETTERS},
                                         {"CodeLlama", true, false, SPACE_BEFORE_LETTERS},
                                         {"Gemma", true, false, SPACE_NOWHERE},
                                         {"T5", false, true, SPACE_BEHIND_SYMBOLS},
                                         {"Pegasus", false, true, SPACE_BEHIND_SYMBOLS},
                                         {"GPT2", false, false, SPACE_BEFORE_TEXT},
                                         {"Qwen2", false, false, SPACE_BEFORE_TEXT},
                                         {"Roberta", true, true, SPACE_BEFORE_TEXT},
                                         {"Bart", true, true, SPACE_BEFORE_TEXT}};

/* Classes that are not read and that transformers saves without a tokenizer.json. */
static const char *const without_json[] = {
    "BartphoTokenizer",    "BertweetTokenizer",    "BioGptTokenizer",  "BlenderbotSmallTokenizer",
    "ByT5Tokenizer",       "CTRLTokenizer",        "CpmTokenizer",     "CpmAntTokenizer",
    "GPTSw3Tokenizer",     "MyT5Tokenizer",        "PhobertTokenizer", "PLBartTokenizer",
    "ProphetNetTokenizer", "Speech2TextTokenizer", "XLMTokenizer"};

bool tokenizer_files_refuse_class(const TokenizerFiles *f) {
  const char *name = json_get_text(f->config, "tokenizer_class", "");
  for (size_t i = 0; i < sizeof without_json / sizeof *without_json; i++)
    if (!strcmp(name, without_json[i]))
      return fail(f->err,
                  "%s: tokenizers of the class \"%s\" are not supported (and transformers has no "
                  "tokenizer.json for them)",
                  f->path, name);
  return fail(f->err, "%s: tokenizers of the class \"%s\" are read from tokenizer.json only: " SAVE_TOKENIZER,
              f->path, name);
}

/* NULL: it is not known. */
static const TokenizerClass *find_class(const char *name) {
  size_t length = strlen(name);
  for (const char *const *ending = (const char *const[]){"Fast", "Tokenizer", NULL}; *ending; ending++)
    if (length >= strlen(*ending) && !memcmp(name + length - strlen(*ending), *ending, strlen(*ending)))
      length -= strlen(*ending);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (strlen(classes[i].name) == length && !memcmp(classes[i].name, name, length)) return &classes[i];
  return NULL;
}

bool tokenizer_files_frame(const TokenizerFiles *f, Vocabulary *v) {
  const char *name = json_get_text(f->config, "tokenizer_class", "");
  const TokenizerClass *class = find_class(name);
  const json_t *begins = json_object_get(f->config, "add_bos_token"),
               *ends = json_object_get(f->config, "add_eos_token");
  if (!class) return tokenizer_files_refuse_class(f);
  const bool legacy = json_is_true(json_object_get(f->config, "legacy")); /* of LlamaTokenizer */
  v->add_begin = json_is_boolean(begins) ? json_is_true(begins) : class->begin;
  v->add_end = json_is_boolean(ends) ? json_is_true(ends) : class->end;
  v->space_rule = legacy && class->rule == SPACE_BEFORE_LETTERS ? SPACE_BEHIND_SYMBOLS : class->rule;
  v->add_space &= v->space_rule != SPACE_NOWHERE;
  return true;
}

const char *tokenizer_files_name(const TokenizerFiles *f, const char *key, const char *fallback) {
  const json_t *value = json_object_get(f->config, key);
  return json_is_string(value) ? json_string_value(value) : json_get_text(value, "content", fallback);
}

LanguagePlace tokenizer_files_language(const json_t *config) {
  static const struct {
    const char *begin;
    LanguagePlace place;
  } places[] = {{"M2M100", LANGUAGE_BEFORE},
                {"Nllb", LANGUAGE_BEFORE},
                {"MBart50", LANGUAGE_BEFORE},
                {"MBart", LANGUAGE_BEHIND}};
  const char *name = json_get_text(config, "tokenizer_class", "");
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (!strncmp(name, places[i].begin, strlen(places[i].begin))) return places[i].place;
  return LANGUAGE_NOWHERE;
}

static bool matches(const TokenizerFormat *format, const char *name) {
  for (const char *const *n = format->names; *n; n++)
    if (!fnmatch(*n, name, 0)) return true;
  return false;
}

bool tokenizer_files_has(const char *name) {
  for (int i = 0; i < FORMATS; i++)
    if (matches(formats[i], name)) return true;
  return false;
}

static bool claims(const TokenizerFormat *format, const char *path) {
  const char *slash = strrchr(path, '/');
  char with[PATH_CAPACITY];
  return matches(format, slash ? slash + 1 : path) &&
         (!format->with || file_exists(beside(path, with, format->with)));
}

/* The format of a file, or of the first in a directory, whose path is then completed. */
static const TokenizerFormat *find(char path[PATH_CAPACITY], Error *err) {
  char file[PATH_CAPACITY];
  const TokenizerFormat *found = NULL;
  Names names = {0};
  if (!dir_exists(path)) {
    for (int i = 0; i < FORMATS && !found; i++)
      if (claims(formats[i], path)) found = formats[i];
    return found;
  }
  if (!dir_list(path, &names, err)) return NULL;
  for (int i = 0; i < FORMATS && !found; i++)
    for (size_t k = 0; k < names.count && !found; k++)
      if (claims(formats[i], path_join(file, path, names.items[k]))) found = formats[i];
  if (found) memcpy(path, file, PATH_CAPACITY);
  names_free(&names);
  return found;
}

bool tokenizer_files_read(const char *path, char found[PATH_CAPACITY], StoredTokenizer *out, Error *err) {
  TokenizerFiles f = {.err = err};
  char config[PATH_CAPACITY];
  FileView file;
  snprintf(f.path, sizeof f.path, "%s", path);
  const TokenizerFormat *format = file_exists(path) ? find(f.path, err) : NULL;
  if (!format) return true;
  memcpy(found, f.path, PATH_CAPACITY);
  tokenizer_files_beside(&f, config, "tokenizer_config.json");
  json_t *json = file_exists(config) ? json_read(config, err) : json_object();
  f.config = json;
  bool ok = json && file_view_regular(f.path, &file, err);
  if (ok) {
    ok = format->read(&f, file, out);
    file_view_close(&file);
  }
  json_decref(json);
  return ok;
}
