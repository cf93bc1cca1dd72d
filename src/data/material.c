#include "data/material.h"

#include "base/settings_table.h"

#include "data/settings.def"

Material *material_open(const Task *task, const TextList *files, const Settings *settings, const News *news,
                        Error *err) {
  Material *m = task->material->open(task, files, settings, news, err);
  if (!m) return NULL;
  m->kept = (MaterialTokens){-1, -1, -1, -1, -1};
  m->use = task;
  return m;
}

void material_free(Material *m) {
  if (m) m->kind->free(m);
}

TextSource material_source(const Material *m, MaterialSide side) {
  return m->kind->source(m, side);
}

bool material_encode(Material *m, const Tokenizer *tokenizer, Error *err) {
  return m->kind->encode(m, tokenizer, err);
}

bool material_fit(Material *m, const Tokenizer *tokenizer, bool encodes, int64_t context, Error *err) {
  m->context = context;
  return m->kind->fit(m, tokenizer, encodes, context, err);
}

Batches *material_batches(const Material *m, BatchSize size, uint64_t seed, Error *err) {
  return m->kind->training(m, size, seed, err);
}

Batches *material_eval_batches(const Material *m, BatchSize size, int64_t time, int64_t limit, Error *err) {
  return m->kind->evaluation(m, size, time, limit, err);
}

int64_t material_need(const Material *m, bool encodes, double share) {
  return m->kind->need ? m->kind->need(m, encodes, share) : 0;
}
