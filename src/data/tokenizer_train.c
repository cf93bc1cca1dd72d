/* tokenizer_train.c - ink_tokenizer_train: a tokenizer from files. */
#include "base/engine.h"
#include "base/general.h"
#include "base/threads.h"
#include "data/corpus.h"

ink_settings *ink_settings_tokenizer(void) {
  static const SettingTable *const tables[] = {&tokenizer_settings_table, &text_settings_table,
                                               &document_settings_table, &general_settings_table};
  return settings_new(tables, sizeof tables / sizeof *tables);
}

static bool train_and_save(const Corpus *corpus, const char *out, bool create, const ink_settings *settings,
                           const News *news, Error *err) {
  TextSource source = corpus_source(corpus);
  Tokenizer *tokenizer =
      tokenizer_train(&source, settings_part(settings, &tokenizer_settings_table), NULL, news, err);
  mem_free(source.self);
  const bool ok = tokenizer && tokenizer_save(tokenizer, out, create, err);
  tokenizer_free(tokenizer);
  return ok;
}

static bool learn_from(const char *const *files, size_t count, const char *out, const ink_settings *settings,
                       const News *news, Error *err) {
  const bool create = !file_exists(out);
  Corpus *corpus = corpus_open(files, count, settings_part(settings, &text_settings_table),
                               settings_part(settings, &document_settings_table), news, err);
  const bool ok = corpus && train_and_save(corpus, out, create, settings, news, err);
  corpus_free(corpus);
  return ok;
}

bool ink_tokenizer_train(const char *const *files, int count, const char *out, const ink_settings *settings,
                         const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  const GeneralSettings *general = settings_part(settings, &general_settings_table);
  const bool begun = call_enter(call, NULL, &news, err);
  threads_set((int)general->threads);
  const bool ok = begun && unused_needs(settings, settings, tokenizer_needs, &news, err) &&
                  file_check_output(out, files, (size_t)count, err) && file_check_no_model(out, err) &&
                  file_check_kind(out, "\"added_tokens\"", "tokenizer.json", err) &&
                  learn_from(files, (size_t)count, out, settings, &news, err);
  MEM_GUARD_END();
  return ok;
}
