/* bench_tokenize.c - the speed of encoding text and of training a tokenizer.
 *
 *   bench_tokenize encode TOKENIZER.json TEXT [threads [repeats]]
 *   bench_tokenize train VOCABULARY TEXT [threads]
 *
 * Each line of the file TEXT is a text; the best repeat counts.
 *
 * Prints one JSON object; bench/peers/bpe.py compares it with Hugging Face tokenizers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "data/corpus.h"
#include "text/tokenizer.h"

static Error error;

static void give_up(void) {
  fprintf(stderr, "bench_tokenize: %s\n", error.text);
  exit(1);
}

static Corpus *open_lines(const char *path) {
  static const SettingTable *const tables[] = {&text_settings_table, &document_settings_table};
  Settings *settings = settings_new(tables, 2);
  if (!ink_settings_set(settings, "documents", "line", &error)) give_up();
  Corpus *c = corpus_open(&path, 1, settings_part(settings, &text_settings_table),
                          settings_part(settings, &document_settings_table), NULL, &error);
  if (!c) give_up();
  return c;
}

/* FNV-1a over all ids, to compare two programs. */
static uint64_t digest(const Encoded *e) {
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < e->starts[e->count]; i++) hash = (hash ^ (uint32_t)e->tokens[i]) * 1099511628211u;
  return hash;
}

static void bench_encode(const char *tokenizer, const char *text, int repeats) {
  Tokenizer *t = tokenizer_open(tokenizer, &error);
  if (!t) give_up();
  Corpus *c = open_lines(text);
  const Encoder encoder = {.tokenizers = {t}, .end = -1};
  double best = 0;
  int64_t tokens = 0;
  uint64_t hash = 0;
  for (int i = 0; i < repeats; i++) {
    Encoded e;
    const double start = clock_seconds();
    if (!texts_encode(&e, &encoder, c->documents, c->count, NULL, &error)) give_up();
    const double now = clock_seconds() - start;
    if (best == 0 || now < best) best = now;
    tokens = e.starts[e.count];
    hash = digest(&e);
    encoded_free(&e);
  }
  printf("{\"seconds\": %.6f, \"bytes\": %lld, \"texts\": %zu, \"tokens\": %lld, \"digest\": \"%016llx\"}\n",
         best, (long long)c->bytes, c->count, (long long)tokens, (unsigned long long)hash);
  corpus_free(c);
  tokenizer_free(t);
}

static void bench_train(const char *vocabulary, const char *text) {
  static const SettingTable *const tables[] = {&tokenizer_settings_table};
  Settings *settings = settings_new(tables, 1);
  if (!ink_settings_set(settings, "vocab", vocabulary, &error)) give_up();
  Corpus *c = open_lines(text);
  TextSource source = corpus_source(c);
  const double start = clock_seconds();
  Tokenizer *t =
      tokenizer_train(&source, settings_part(settings, &tokenizer_settings_table), NULL, NULL, &error);
  if (!t) give_up();
  printf("{\"seconds\": %.6f, \"bytes\": %lld, \"tokens\": %lld}\n", clock_seconds() - start,
         (long long)c->bytes, (long long)tokenizer_size(t));
  tokenizer_free(t);
  mem_free(source.self);
  corpus_free(c);
}

int main(int count, char **words) {
  const bool encodes = count >= 4 && !strcmp(words[1], "encode"),
             trains = count >= 4 && !strcmp(words[1], "train");
  if (!encodes && !trains) {
    fprintf(stderr,
            "usage: bench_tokenize encode TOKENIZER.json TEXT [threads [repeats]]\n"
            "       bench_tokenize train VOCABULARY TEXT [threads]\n");
    return 2;
  }
  threads_set(count > 4 ? atoi(words[4]) : 0);
  if (encodes) bench_encode(words[2], words[3], count > 5 ? atoi(words[5]) : 5);
  if (trains) bench_train(words[2], words[3]);
  return 0;
}
