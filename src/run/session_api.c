/* session_api.c - ink_session: tokens in, logits out. A saved session holds only the tokens read; restoring
 * reads them again. That gives the same numbers, however they were split into feeds, and makes the format
 * independent of the network's state. */
#include <limits.h>
#include <string.h>

#include "base/engine.h"
#include "base/language.h"
#include "base/structs.h"
#include "run/model.h"
#include "run/session.h"

struct ink_session {
  const ink_model *model;
  Session *session;
  int32_t sequence; /* in `session`; -1: none yet */
  int64_t positions;
  Ids source, read; /* tokens of the encoder's source, and tokens read */
  bool broken;      /* out of memory within a step */
};

static const Config *config_of(const ink_session *s) {
  return &s->model->bundle.model->config;
}

/* ---- tokens around texts ---- */

int32_t ink_model_begin(const ink_model *m) {
  return bundle_begin(&m->bundle);
}

bool ink_model_ends(const ink_model *m, int32_t id) {
  return token_set_has(&m->bundle.model->config.ends, id);
}

/* ---- opening ---- */

static bool choose_positions(const Config *c, int64_t wanted, int64_t *positions, Error *err) {
  const int64_t most = c->arch->unlimited_context ? INT32_MAX : c->context;
  if (wanted < 0 || wanted > most)
    return fail_usage(err, "%lld positions are not possible for a session: this model has %lld",
                      (long long)wanted, (long long)most);
  *positions = wanted ? wanted : most;
  return true;
}

static ink_session *new_session(const ink_model *m, int64_t positions) {
  ink_session *s = mem_alloc_zeroed(1, sizeof *s);
  s->model = m;
  s->sequence = -1;
  s->positions = positions;
  return s;
}

/* Opens a new sequence; after running out of memory, in a new session. A network with an encoder needs a
 * source first. */
static void begin(ink_session *s) {
  if (s->broken) {
    session_free(s->session);
    s->session = NULL;
  } else if (s->sequence >= 0)
    session_close(s->session, s->sequence);
  s->sequence = -1;
  s->read.count = 0;
  if (!s->session) s->session = session_new(s->model->bundle.model, (StateSize){0});
  s->broken = false;
  if (s->source.count)
    s->sequence =
        session_open(s->session, session_add_source(s->session, s->source.data, (int64_t)s->source.count));
  else if (!config_of(s)->arch->encodes)
    s->sequence = session_open(s->session, -1);
}

static ink_session *open_session(const ink_model *m, const ink_session_options *options, Error *err) {
  int64_t positions;
  if (!choose_positions(&m->bundle.model->config, options->positions, &positions, err)) return NULL;
  ink_session *s = new_session(m, positions);
  begin(s);
  return s;
}

ink_session *ink_session_open(ink_model *m, const ink_session_options *options, ink_error *err) {
  MEM_GUARD(err, return NULL);
  static const ink_session_options none = INK_SESSION_OPTIONS_INIT;
  ink_session_options own;
  const bool known = bundle_check_tokens(&m->bundle, err) &&
                     struct_take(&own, sizeof own, options ? options : &none, "ink_session_options", err);
  ink_session *s = known ? open_session(m, &own, err) : NULL;
  MEM_GUARD_END();
  return s;
}

void ink_session_close(ink_session *s) {
  if (!s) return;
  session_free(s->session);
  vec_free(&s->source);
  vec_free(&s->read);
  mem_free(s);
}

int64_t ink_session_position(const ink_session *s) {
  return (int64_t)s->read.count;
}

int64_t ink_session_positions(const ink_session *s) {
  return s->positions;
}

int64_t ink_session_vocabulary(const ink_session *s) {
  return config_of(s)->vocabulary;
}

/* ---- reading ---- */

static bool check_ids(const int32_t *ids, size_t count, int64_t vocabulary, Error *err) {
  for (size_t i = 0; i < count; i++)
    if (ids[i] < 0 || ids[i] >= vocabulary)
      return fail_usage(err, "token %zu is %d, but the vocabulary has %lld tokens", i, (int)ids[i],
                        (long long)vocabulary);
  return count > 0 || fail_usage(err, "there are no tokens to read: give at least one");
}

static void copy_ids(Ids *to, const int32_t *ids, size_t count) {
  vec_reserve(to, to->count + count);
  memcpy(to->data + to->count, ids, count * sizeof *ids);
  to->count += count;
}

static bool can_read(const ink_session *s, const int32_t *ids, size_t count, Error *err) {
  if (s->broken)
    return fail_usage(err, "this session ran out of memory while reading: rewind it, or restore a saved one");
  if (config_of(s)->arch->encodes && !s->source.count)
    return fail_usage(err, "this model needs a source: call ink_session_source first");
  if (s->read.count + count > (size_t)s->positions)
    return fail_usage(err, "%zu tokens were read and %zu more exceed the %lld positions of this session",
                      s->read.count, count, (long long)s->positions);
  return check_ids(ids, count, config_of(s)->vocabulary, err);
}

static const float *read_ids(ink_session *s, const int32_t *ids, size_t count) {
  const float *logits = session_read(s->session, s->sequence, ids, (int64_t)count);
  copy_ids(&s->read, ids, count);
  return logits;
}

const float *ink_session_feed(ink_session *s, const int32_t *ids, size_t count, const ink_call *call,
                              ink_error *err) {
  MEM_GUARD(err, {
    s->broken = true;
    return NULL;
  });
  News news;
  const float *logits = NULL;
  if (call_enter(call, s->model->engine, &news, err) && can_read(s, ids, count, err)) {
    logits = read_ids(s, ids, count);
    if (!session_ok(s->session, err)) logits = NULL;
  }
  MEM_GUARD_END();
  return logits;
}

bool ink_session_source(ink_session *s, const int32_t *ids, size_t count, ink_error *err) {
  MEM_GUARD(err, {
    s->broken = true;
    return false;
  });
  const Config *c = config_of(s);
  const bool ok = (c->arch->encodes || fail_usage(err, "this model has no encoder and takes no source")) &&
                  check_ids(ids, count, c->source_vocabulary ? c->source_vocabulary : c->vocabulary, err) &&
                  (c->arch->unlimited_context || (int64_t)count <= c->context ||
                   fail_usage(err, "the source has %zu tokens, but this model reads at most %lld", count,
                              (long long)c->context));
  if (ok) {
    s->source.count = 0;
    copy_ids(&s->source, ids, count);
    begin(s);
  }
  MEM_GUARD_END();
  return ok;
}

bool ink_session_rewind(ink_session *s, ink_error *err) {
  MEM_GUARD(err, {
    s->broken = true;
    return false;
  });
  begin(s);
  MEM_GUARD_END();
  return true;
}

/* ---- saving ---- */

static const char magic[8] = "inksess1";

typedef struct SavedHead {
  char magic[8];
  uint64_t tokenizer;   /* fingerprint */
  int64_t vocabulary;   /* of the model */
  int64_t source, read; /* numbers of tokens that follow */
} SavedHead;

static SavedHead head_of(const ink_session *s) {
  SavedHead head = {.tokenizer = tokenizer_fingerprint(s->model->bundle.tokenizer),
                    .vocabulary = config_of(s)->vocabulary,
                    .source = (int64_t)s->source.count,
                    .read = (int64_t)s->read.count};
  memcpy(head.magic, magic, sizeof magic);
  return head;
}

void *ink_session_save(const ink_session *s, size_t *length, ink_error *err) {
  MEM_GUARD(err, return NULL);
  const SavedHead head = head_of(s);
  Buffer saved = {0};
  buffer_add(&saved, &head, sizeof head);
  buffer_add(&saved, s->source.data, s->source.count * sizeof *s->source.data);
  buffer_add(&saved, s->read.data, s->read.count * sizeof *s->read.data);
  *length = saved.length;
  void *bytes = buffer_take(&saved);
  MEM_GUARD_END();
  return bytes;
}

/* Checks that the counts match the number of bytes. */
static bool read_head(const ink_session *s, const char *bytes, size_t length, SavedHead *head, Error *err) {
  const char *what = _("the saved session");
  const SavedHead own = head_of(s);
  if (length < sizeof *head || memcmp(bytes, magic, sizeof magic))
    return fail_damaged(err, "%s is not valid: it has another format", what);
  memcpy(head, bytes, sizeof *head);
  const size_t ids = (length - sizeof *head) / sizeof(int32_t);
  if (head->source < 0 || head->read < 0 || (length - sizeof *head) % sizeof(int32_t) ||
      (size_t)head->source > ids || (size_t)head->read != ids - (size_t)head->source)
    return fail_damaged(err, "%s is damaged: its header announces %lld and %lld tokens, but %zu follow", what,
                        (long long)head->source, (long long)head->read, ids);
  return (head->tokenizer == own.tokenizer && head->vocabulary == own.vocabulary) ||
         fail_usage(err, "%s belongs to a model with another tokenizer", what);
}

static bool take_saved(ink_session *s, const char *bytes, size_t length, Ids *source, Ids *read, Error *err) {
  SavedHead head;
  if (!read_head(s, bytes, length, &head, err)) return false;
  vec_reserve(source, head.source + 1);
  vec_reserve(read, head.read + 1);
  source->count = (size_t)head.source;
  read->count = (size_t)head.read;
  memcpy(source->data, bytes + sizeof head, source->count * sizeof *source->data);
  memcpy(read->data, bytes + sizeof head + source->count * sizeof *source->data,
         read->count * sizeof *read->data);
  return true;
}

static bool read_saved(ink_session *s, const Ids *source, const Ids *read, const float **logits, Error *err) {
  *logits = NULL;
  if (source->count) {
    if (!ink_session_source(s, source->data, source->count, err)) return false;
  } else
    begin(s);
  if (!read->count) return true;
  if (!can_read(s, read->data, read->count, err)) return false;
  *logits = read_ids(s, read->data, read->count);
  return session_ok(s->session, err);
}

bool ink_session_restore(ink_session *s, const void *bytes, size_t length, const float **logits,
                         const ink_call *call, ink_error *err) {
  MEM_GUARD(err, {
    s->broken = true;
    return false;
  });
  News news;
  Ids source = {0}, read = {0};
  const float *last = NULL;
  const bool ok = call_enter(call, s->model->engine, &news, err) &&
                  take_saved(s, bytes, length, &source, &read, err) &&
                  read_saved(s, &source, &read, &last, err);
  if (logits) *logits = ok ? last : NULL;
  vec_free(&source);
  vec_free(&read);
  MEM_GUARD_END();
  return ok;
}
