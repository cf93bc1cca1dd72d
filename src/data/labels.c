#include "data/labels.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/figure.h"
#include "base/json.h"
#include "base/language.h"
#include "data/pairs_impl.h"

void labels_free(Labels *l) {
  for (int64_t i = 0; i < l->count; i++) mem_free(l->names[i]);
  mem_free(l->names);
  map_free(l->ids);
  *l = (Labels){0};
}

int64_t labels_find(const Labels *l, const char *name, size_t length) {
  int64_t id;
  return l->ids && map_get(l->ids, name, length, &id) ? id : -1;
}

bool labels_add(Labels *l, const char *name, size_t length) {
  if (labels_find(l, name, length) >= 0) return false;
  if (!l->ids) l->ids = map_new();
  map_set(l->ids, name, length, l->count);
  l->names = mem_resize(l->names, (size_t)(l->count + 1) * sizeof *l->names);
  char *copy = mem_alloc(length + 1);
  memcpy(copy, name, length);
  copy[length] = '\0';
  l->names[l->count++] = copy;
  return true;
}

bool labels_same(const Labels *a, const Labels *b) {
  for (int64_t i = 0; i < a->count; i++)
    if (labels_find(b, a->names[i], strlen(a->names[i])) < 0) return false;
  return a->count == b->count;
}

/* ---- config.json ---- */

bool labels_read(Labels *l, const json_t *configuration, int64_t count, const char *where, Error *err) {
  const json_t *names = json_object_get(configuration, "id2label");
  char key[32], usual[40];
  for (int64_t i = 0; i < count; i++) {
    snprintf(key, sizeof key, "%" PRId64, i);
    snprintf(usual, sizeof usual, "LABEL_%" PRId64, i);
    const json_t *named = json_object_get(names, key);
    const char *name = json_object_size(names) ? json_string_value(named) : usual;
    if (!name) return fail(err, "%s: \"id2label\" has no name for the label %" PRId64, where, i);
    if (!labels_add(l, name, strlen(name)))
      return fail(err, "%s: \"id2label\" has the name \"%.100s\" twice", where, name);
  }
  return true;
}

void labels_write(const Labels *l, json_t *configuration) {
  json_t *names = json_object(), *ids = json_object();
  char key[32];
  for (int64_t i = 0; i < l->count; i++) {
    snprintf(key, sizeof key, "%" PRId64, i);
    json_put(names, key, json_string(l->names[i]));
    json_put(ids, l->names[i], json_integer(i));
  }
  json_put(configuration, "id2label", names);
  json_put(configuration, "label2id", ids);
}

/* ---- labelled texts ---- */

static const Document *label_text(const Pairs *p, const Example *e) {
  return example_turn(p, e, 1);
}

int64_t label_of(const Labels *l, const Pairs *p, const Example *e) {
  const Document *name = label_text(p, e);
  return labels_find(l, name->text, name->length);
}

static bool is_number(const char *text) {
  char *end;
  strtoll(text, &end, 10);
  return (isdigit((unsigned char)*text) || *text == '-') && !*end && strlen(text) < 18;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b) {
  const long long x = strtoll(*(char *const *)a, NULL, 10), y = strtoll(*(char *const *)b, NULL, 10);
  return x == y ? by_bytes(a, b) : (x > y) - (x < y);
}

static void sort(Labels *l) {
  bool numbers = true;
  for (int64_t i = 0; i < l->count; i++) numbers = numbers && is_number(l->names[i]);
  if (l->count) qsort(l->names, (size_t)l->count, sizeof *l->names, numbers ? by_number : by_bytes);
  for (int64_t i = 0; i < l->count; i++) map_set(l->ids, l->names[i], strlen(l->names[i]), i);
}

typedef struct LabelCount {
  const char *name;
  int64_t count;
} LabelCount;

static int by_count(const void *a, const void *b) {
  const LabelCount *x = a, *y = b;
  return x->count == y->count ? strcmp(x->name, y->name) : (x->count < y->count) - (x->count > y->count);
}

/* Most frequent first. The caller frees. */
static LabelCount *counts_of(const Labels *l, const Pairs *p) {
  LabelCount *counts = mem_alloc_zeroed((size_t)l->count + 1, sizeof *counts);
  for (int64_t i = 0; i < l->count; i++) counts[i].name = l->names[i];
  for (size_t i = 0; i < p->count; i++) counts[label_of(l, p, &p->examples[i])].count++;
  qsort(counts, (size_t)l->count, sizeof *counts, by_count);
  return counts;
}

/* "ham 400, spam 30" */
static void list_counts(const LabelCount *counts, int64_t count, Buffer *out) {
  enum { SHOWN = 12 };
  for (int64_t i = 0; i < count && i < SHOWN; i++)
    buffer_addf(out, "%s%.40s %" PRId64, i ? ", " : "", counts[i].name, counts[i].count);
  if (count > SHOWN) buffer_adds(out, ", ...");
}

static void report(const LabelCount *counts, int64_t count, const News *news) {
  enum { UNEVEN = 10 };
  const LabelCount *most = &counts[0], *least = &counts[count - 1];
  int64_t single = 0;
  char n[FIGURE_SIZE];
  Buffer list = {0};
  list_counts(counts, count, &list);
  news_note(news, "%s: %s", figure_of(n, count, "label"), list.data ? list.data : "");
  buffer_free(&list);
  for (int64_t i = 0; i < count; i++) single += counts[i].count == 1;
  if (single)
    news_warning(news, "%s with a single text to learn from, such as \"%.60s\"",
                 figure_of(n, single, "label"), least->name);
  if (most->count >= UNEVEN * least->count)
    news_warning(news,
                 "the labels are uneven: \"%.60s\" has %" PRId64 " texts, \"%.60s\" %" PRId64
                 ": judge by macro-F1, in which all labels count the same (--best-by macro-f1)",
                 most->name, most->count, least->name, least->count);
}

bool labels_of(Labels *l, const Pairs *train, const News *news, Error *err) {
  for (size_t i = 0; i < train->count; i++) {
    const Document *name = label_text(train, &train->examples[i]);
    labels_add(l, name->text, name->length);
  }
  if (l->count < 2)
    return fail(err, "all texts have the same label, \"%.60s\": give texts of at least two labels",
                l->count ? l->names[0] : "");
  sort(l);
  LabelCount *counts = counts_of(l, train);
  report(counts, l->count, news);
  mem_free(counts);
  return true;
}

bool labels_check(const Labels *l, const Pairs *p, Error *err) {
  char where[PATH_CAPACITY];
  for (size_t i = 0; i < p->count; i++) {
    const Example *e = &p->examples[i];
    const Document *name = label_text(p, e);
    if (label_of(l, p, e) < 0)
      return fail(err, "%s: the label \"%.*s\" is none of those that the model learns",
                  example_location(p, e, where), (int)(name->length < 60 ? name->length : 60), name->text);
  }
  return true;
}

void labels_index(const Labels *l, PairTokens *tokens) {
  const Pairs *p = tokens->pairs;
  tokens->labels = mem_alloc((p->count + 1) * sizeof *tokens->labels);
  for (size_t i = 0; i < p->count; i++) tokens->labels[i] = (int32_t)label_of(l, p, &p->examples[i]);
}

int64_t labels_return(Pairs *train, Pairs *held) {
  Map *learned = map_new();
  size_t kept = 0;
  for (size_t i = 0; i < train->count; i++) {
    const Document *name = label_text(train, &train->examples[i]);
    map_set(learned, name->text, name->length, 0);
  }
  const size_t before = held->count;
  train->examples = mem_resize(train->examples, (train->count + before + 1) * sizeof *train->examples);
  for (size_t i = 0; i < before; i++) {
    const Document *name = label_text(held, &held->examples[i]);
    int64_t any;
    const bool stays = map_get(learned, name->text, name->length, &any);
    *(stays ? &held->examples[kept++] : &train->examples[train->count++]) = held->examples[i];
  }
  held->count = kept;
  map_free(learned);
  if (kept == before) return 0;
  pairs_fingerprint(train);
  pairs_fingerprint(held);
  return (int64_t)(before - kept);
}
