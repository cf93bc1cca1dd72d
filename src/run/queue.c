/* queue.c - ink_queue: concurrent requests to a model, for servers. */
#include "base/engine.h"
#include "base/general.h"
#include "run/generation.h"
#include "run/model.h"
#include "run/turns.h"
#include "run/writer.h"

typedef struct Request Request;

struct ink_queue {
  ink_model *model;
  ink_engine *engine;
  Generator *generator;
  Request *first; /* unfinished or not yet freed */
  bool broken;    /* out of memory within a step, or logits were not finite: no further steps */
};

struct Request {
  ink_queue *queue;
  Generation generation;
  Writer *writer;
  ink_written written;
  ink_end_listener *ended;
  void *user;
  bool done;
  Request *next;
};

/* ---- opening and closing ---- */

ink_queue *ink_queue_open(ink_model *m, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  ink_queue *q = NULL;
  if (call_enter(call, m->engine, &news, err) && bundle_check_tokens(&m->bundle, err)) {
    q = mem_alloc_zeroed(1, sizeof *q);
    q->model = m;
    q->engine = work_context.engine;
    q->generator = generator_new(m->bundle.model, (GeneratorSettings){0});
  }
  MEM_GUARD_END();
  return q;
}

static void free_request(Request *r) {
  writer_close(r->writer);
  generation_close(&r->generation);
  mem_free(r);
}

/* Frees ended requests, which their own callback could not do. */
static void free_ended(ink_queue *q) {
  for (Request **at = &q->first; *at;) {
    Request *r = *at;
    if (r->done) {
      *at = r->next;
      free_request(r);
    } else
      at = &r->next;
  }
}

static void report_end(Request *r, const Error *why) {
  if (r->done) return;
  r->done = true;
  if (r->ended) r->ended(r->user, &r->written, why);
}

static void on_end(void *user, GenerationEnd how) {
  const Request *r = user;
  Error why = {0};
  if (how == GENERATION_CANCELLED)
    fail_as(&why, INK_INTERRUPTED, "cancelled");
  else
    writer_ok(r->writer, &why);
  report_end(user, why.code ? &why : NULL);
}

void ink_queue_close(ink_queue *q) {
  if (!q) return;
  for (Request *r = q->first; r; r = r->next) r->done = true;
  generator_free(q->generator);
  free_ended(q);
  mem_free(q);
}

int64_t ink_queue_unfinished(const ink_queue *q) {
  int64_t count = 0;
  for (const Request *r = q->first; r; r = r->next) count += !r->done;
  return count;
}

/* ---- requests ---- */

static WriteRequest request_of(const ink_queue *q, const Request *r, const ink_settings *settings,
                               ink_token_listener *listener) {
  const Bundle *b = &q->model->bundle;
  const GeneralSettings *general = settings_part(settings, &general_settings_table);
  return (WriteRequest){.model = b->model,
                        .tokenizer = b->tokenizer,
                        .sampling = r->generation.sampling,
                        .rules = &r->generation.rules,
                        .seed = general->seed,
                        .begin = bundle_begin(b),
                        .opening = bundle_opening(b),
                        .listener = listener,
                        .user = r->user};
}

/* A prompt, or the turns of a conversation. */
typedef struct Prompt {
  const char *text;
  size_t length;
  const ink_turn *turns; /* NULL: a prompt */
  int count;
} Prompt;

static bool submit_text(ink_queue *q, Request *r, const Prompt *p, const ink_settings *settings,
                        ink_token_listener *listener, Error *err) {
  const Bundle *b = &q->model->bundle;
  if (!bundle_check_task(b, task_find("write"), err) ||
      !generation_open(&r->generation, b, NULL, settings, err))
    return false;
  const WriteRequest request = request_of(q, r, settings, listener);
  r->writer = writer_submit(q->generator, &request, p->text, p->length, &r->written, on_end, r, err);
  return r->writer != NULL;
}

/* The ids of a conversation that fits as a whole. */
static bool read_turns(const Bundle *b, const PairLayout *layout, const Turn *turns, size_t count,
                       Ids *source, Ids *prompt, Error *err) {
  PairLayout whole = *layout;
  size_t dropped = 0;
  if (!layout->separate) whole.time = 2 * (layout->time - 1); /* of which layout_input takes half */
  return layout_input(&whole, b->tokenizer, turns, count, source, prompt, &dropped, err) &&
         (!dropped || fail_usage(err,
                                 "the conversation is longer than the model reads (%lld tokens, of which at "
                                 "least one is left for the reply): leave out turns, or shorten them",
                                 (long long)layout->time));
}

static bool submit_turns(ink_queue *q, Request *r, const Prompt *p, const ink_settings *settings,
                         ink_token_listener *listener, Error *err) {
  const Bundle *b = &q->model->bundle;
  const Task *reply = task_find("reply");
  PairLayout layout;
  Ids source = {0}, ids = {0};
  Turn *turns = mem_alloc_zeroed((size_t)p->count + 1, sizeof *turns);
  bool ok = p->count > 0 || fail_usage(err, "the conversation is empty: give at least one turn");
  ok = ok && turns_of(p->turns, p->count, turns, err) && bundle_check_task(b, reply, err) &&
       bundle_layout(b, reply, &layout, err) && generation_open(&r->generation, b, &layout, settings, err) &&
       generation_fit(&r->generation, &layout, err) &&
       read_turns(b, &layout, turns, (size_t)p->count, &source, &ids, err);
  mem_free(turns);
  if (!ok) {
    vec_free(&source);
    vec_free(&ids);
    return false;
  }
  WriteRequest request = request_of(q, r, settings, listener);
  request.reply = true;
  r->writer = writer_submit_ids(q->generator, &request, &source, &ids, &r->written, on_end, r, err);
  return r->writer != NULL;
}

static bool is_usable(const ink_queue *q, Error *err) {
  return !q->broken || fail_usage(err, "a step of this queue has failed: close it and open another");
}

static int64_t submit(ink_queue *q, const Prompt *p, const ink_settings *settings,
                      ink_token_listener *listener, ink_end_listener *ended, void *user, Error *err) {
  Request *r = mem_alloc_zeroed(1, sizeof *r);
  *r = (Request){.queue = q, .ended = ended, .user = user};
  if (!(p->turns ? submit_turns : submit_text)(q, r, p, settings, listener, err)) {
    free_request(r);
    return 0;
  }
  r->next = q->first;
  q->first = r;
  return writer_number(r->writer);
}

int64_t ink_queue_write(ink_queue *q, const char *prompt, size_t length, const ink_settings *settings,
                        ink_token_listener *listener, ink_end_listener *ended, void *user, ink_error *err) {
  MEM_GUARD(err, return 0);
  engine_enter(q->engine);
  const Prompt p = {.text = prompt, .length = length};
  const int64_t number = is_usable(q, err) ? submit(q, &p, settings, listener, ended, user, err) : 0;
  MEM_GUARD_END();
  return number;
}

int64_t ink_queue_reply(ink_queue *q, const ink_turn *turns, int count, const ink_settings *settings,
                        ink_token_listener *listener, ink_end_listener *ended, void *user, ink_error *err) {
  static const ink_turn none;
  MEM_GUARD(err, return 0);
  engine_enter(q->engine);
  const Prompt p = {.turns = turns ? turns : &none, .count = count};
  const int64_t number = is_usable(q, err) ? submit(q, &p, settings, listener, ended, user, err) : 0;
  MEM_GUARD_END();
  return number;
}

void ink_queue_cancel(ink_queue *q, int64_t number) {
  if (!q->broken) generator_cancel(q->generator, number);
}

/* ---- steps ---- */

static void fail_all(ink_queue *q, const Error *why) {
  q->broken = true;
  for (Request *r = q->first; r; r = r->next) report_end(r, why);
}

bool ink_queue_step(ink_queue *q, const ink_call *call, ink_error *err) {
  Error why = {0};
  MEM_GUARD(&why, {
    q->generator = NULL; /* leaked: its state is inconsistent */
    fail_all(q, &why);
    return fail_from(err, &why);
  });
  News news;
  bool ok = is_usable(q, err) && call_enter(call, q->engine, &news, err);
  if (ok) {
    generator_step(q->generator);
    if (!generator_ok(q->generator, &why)) {
      fail_all(q, &why);
      ok = fail_from(err, &why);
    }
    free_ended(q);
  }
  MEM_GUARD_END();
  return ok;
}
