#include "io/repository.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/language.h"
#include "io/shards.h"
#include "io/tokenizer_files.h"

/* ---- names ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* ORG or NAME, by the rules of the hub. */
static bool is_part(const char *text, size_t length) {
  static const size_t most = 96;
  if (!length || length > most || strchr(".-", text[0]) || memmem(text, length, "..", 2)) return false;
  for (size_t i = 0; i < length; i++)
    if (!strchr(letters, text[i]) && !strchr("._-", text[i])) return false;
  return true;
}

static bool is_id(const char *text) {
  const char *slash = strchr(text, '/');
  return slash && is_part(text, (size_t)(slash - text)) && is_part(slash + 1, strlen(slash + 1));
}

static bool is_revision(const char *text) {
  if (!strchr(letters, *text) || strstr(text, "..") || strstr(text, "//") || text[strlen(text) - 1] == '/')
    return false;
  for (const char *c = text; *c; c++)
    if (!strchr(letters, *c) && !strchr("._-+/", *c)) return false;
  return true;
}

/* Cuts "head<mark>tail" and copies the tail; true if there is no mark or the tail fits and is not empty. */
static bool cut(char *head, char mark, char *tail, size_t capacity) {
  char *at = strchr(head, mark);
  *tail = '\0';
  if (!at) return true;
  *at = '\0';
  return at[1] && snprintf(tail, capacity, "%s", at + 1) < (int)capacity;
}

static bool parse(RepositoryName *n, const char *text) {
  char head[sizeof n->id + sizeof n->revision + sizeof n->file];
  if (snprintf(head, sizeof head, "%s", text) >= (int)sizeof head ||
      !cut(head, ':', n->file, sizeof n->file) || !cut(head, '@', n->revision, sizeof n->revision))
    return false;
  return is_id(head) && snprintf(n->id, sizeof n->id, "%s", head) > 0 &&
         (!*n->revision || is_revision(n->revision)) &&
         (!*n->file || repository_safe(n->file, strlen(n->file)));
}

bool repository_name(RepositoryName *n, const char *text, Error *err) {
  return parse(n, text) ||
         fail_usage(err,
                    "%.200s: not the name of a repository: give ORG/NAME, ORG/NAME@REVISION or ORG/NAME:FILE",
                    text);
}

bool repository_safe(const char *name, size_t length) {
  if (!length || memchr(name, '\\', length)) return false;
  for (size_t i = 0; i < length; i++) {
    const bool begins = !i || name[i - 1] == '/';
    if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) return false;
    if (begins && strchr("./~", name[i])) return false;
  }
  return name[length - 1] != '/';
}

/* ---- GGUF files ---- */

static bool ends_with(const char *name, const char *tail) {
  const size_t length = strlen(name), n = strlen(tail);
  return length > n && !strcasecmp(name + length - n, tail);
}

/* Of "NAME-00002-of-00003.gguf": the length of NAME, with number and count. 0: not such a name. */
static size_t split_stem(const char *name, int *number, int *count) {
  static const size_t tail = sizeof "-00001-of-00003.gguf" - 1;
  const size_t length = strlen(name);
  if (length <= tail ||
      fnmatch("-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9].gguf", name + length - tail, 0))
    return 0;
  *number = atoi(name + length - tail + 1);
  *count = atoi(name + length - tail + 10);
  return length - tail;
}

/* A model, or the first file of one: no vision encoder, no importance matrix. */
static bool is_model_file(const char *name) {
  int number = 1, count;
  const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
  split_stem(name, &number, &count);
  return ends_with(name, ".gguf") && number == 1 && !strcasestr(base, "mmproj") &&
         !strcasestr(base, "imatrix");
}

/* Whether the name has the type as a word: "Q4_K" is not one of "model-Q4_K_M.gguf". */
static bool has_type(const char *name, const char *type) {
  for (const char *at = name; (at = strcasestr(at, type)); at++) {
    const char behind = at[strlen(type)];
    if ((at == name || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)behind) && behind != '_')
      return true;
  }
  return false;
}

/* The names to choose from. */
typedef struct Choice {
  const char *const *names;
  size_t count;
  const char *where;
  bool *chosen;
  Error *err;
} Choice;

/* The number of model files of this type (NULL: any), and the first of them. */
static size_t count_models(const Choice *c, const char *type, const char **first) {
  size_t found = 0;
  for (size_t i = 0; i < c->count; i++)
    if (is_model_file(c->names[i]) && (!type || has_type(c->names[i], type)) && !found++)
      *first = c->names[i];
  return found;
}

static bool fail_list(const Choice *c, const char *type, const char *says) {
  enum { MOST = 40 };
  Buffer list = {0};
  size_t listed = 0;
  for (size_t i = 0; i < c->count; i++)
    if (is_model_file(c->names[i]) && (!type || has_type(c->names[i], type)) && ++listed <= MOST)
      buffer_addf(&list, "%s%s", list.length ? ", " : "", c->names[i]);
  fail(c->err, "%s: %s: %.800s%s", c->where, says, list.data ? list.data : _("none"),
       listed > MOST || list.length > 800 ? ", ..." : "");
  buffer_free(&list);
  return false;
}

static bool mark_split(const Choice *c, const char *name, size_t stem, int count) {
  int found = 0, number, other;
  for (size_t i = 0; i < c->count; i++)
    if (split_stem(c->names[i], &number, &other) == stem && other == count &&
        !strncmp(c->names[i], name, stem)) {
      c->chosen[i] = true;
      found++;
    }
  return found == count ||
         fail(c->err, "%s: has only %d of the %d files of %s", c->where, found, count, name);
}

static bool mark_file(const Choice *c, const char *name) {
  int number, count;
  const size_t stem = split_stem(name, &number, &count);
  if (stem) return mark_split(c, name, stem, count);
  for (size_t i = 0; i < c->count; i++)
    if (!strcmp(c->names[i], name)) return c->chosen[i] = true;
  return false;
}

static bool has_name(const Choice *c, const char *name) {
  for (size_t i = 0; i < c->count; i++)
    if (!strcmp(c->names[i], name)) return true;
  return false;
}

/* ---- the choice ---- */

bool repository_of_directory(const char *name) {
  static const char *const description[] = {"config.json",
                                            "generation_config.json",
                                            "tokenizer.json",
                                            "tokenizer_config.json",
                                            "vocab.json",
                                            "special_tokens_map.json",
                                            "added_tokens.json",
                                            "source_tokenizer.json",
                                            "chat_template.jinja",
                                            "inkstone.json",
                                            "README.md",
                                            "LICENSE",
                                            "LICENSE.txt",
                                            "LICENSE.md",
                                            "LICENCE",
                                            "COPYING"};
  for (size_t i = 0; i < sizeof description / sizeof *description; i++)
    if (!strcmp(name, description[i])) return true;
  return !strchr(name, '/') && (tokenizer_files_has(name) || shards_may_have(name));
}

static bool choose_directory(const Choice *c) {
  if (!has_name(c, "config.json") || !shards_choose(c->names, c->count, c->chosen)) return false;
  for (size_t i = 0; i < c->count; i++)
    if (!shards_may_have(c->names[i]) && repository_of_directory(c->names[i])) c->chosen[i] = true;
  return true;
}

static bool choose_named(const Choice *c, const char *file, const char **main) {
  const char *first = NULL;
  if (has_name(c, file)) return mark_file(c, *main = file);
  const size_t found = count_models(c, file, &first);
  if (found == 1) return mark_file(c, *main = first);
  return found ? fail_list(c, file, _("several files have this type: name one of them"))
               : fail_list(c, NULL, _("has no such file or type of weights; its GGUF files are"));
}

static bool choose_model(const Choice *c, const char **main) {
  const char *first = NULL;
  if (choose_directory(c)) return true;
  const size_t found = count_models(c, NULL, &first);
  if (!found)
    return fail(c->err,
                "%s: has no model that Inkstone reads: neither config.json with model.safetensors or "
                "pytorch_model.bin, nor a GGUF file",
                c->where);
  if (found == 1 || count_models(c, "Q4_K_M", &first) == 1) return mark_file(c, *main = first);
  return fail_list(c, NULL, _("has several models: name one of them, or its type, after a colon"));
}

bool repository_choose(const char *const *names, size_t count, const char *file, const char *where,
                       bool *chosen, const char **main, Error *err) {
  const Choice c = {names, count, where, chosen, err};
  *main = NULL;
  return *file ? choose_named(&c, file, main) : choose_model(&c, main);
}
