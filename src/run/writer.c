#include "run/writer.h"

#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "run/stream.h"

/* One of the texts being written. */
typedef struct Text {
  Ids ids; /* prompt and text */
  TextStream stream;
  int64_t written;
  DecodeState decode;
  bool done, ended, stuck; /* ended: by an end token; stuck: no token could follow */
} Text;

typedef struct Draw {
  int32_t id;
  double logprob;
  ink_alternative *alternatives; /* [setting]: of its row */
} Draw;

struct Writer {
  WriteRequest copy;
  const WriteRequest *request; /* points to `copy` */
  Ids source, ids;             /* of the encoder; of the prompt */
  int64_t number;              /* of the request in the generator */
  WriterEnd *ended;
  void *user;
  Sampler sampler;
  Rules rules; /* the request's, for this text; owns nothing */
  TokenBiases biases;
  ink_alternative *alternatives; /* [count, setting] */
  Text *texts;
  Draw *draws;                 /* [count]: by row, in this step */
  int32_t *which;              /* [count]: index of the text of each row */
  int64_t count, prompt, most; /* prompt: its tokens; most: new tokens of each text */
  ink_written *written;
  double start;      /* time of submission */
  bool begun;        /* the prompt was read */
  bool from_nothing; /* the prompt was empty */
  bool stopped;
  Error problem; /* of the constraint */
};

/* Of prompt and text. */
static int64_t context_of(const WriteRequest *r) {
  if (r->context) return r->context;
  return r->model->config.arch->unlimited_context ? INT64_MAX : r->model->config.context;
}

/* Whether the text ends where the context is full. */
static bool is_bounded(const WriteRequest *r) {
  const char *overflow = r->sampling->overflow;
  return r->reply || (overflow && !strcmp(overflow, "end"));
}

/* Maximum number of new tokens, by the settings and the model's rules. */
static int64_t most_new(const WriteRequest *r, int64_t prompt) {
  const int64_t most = rules_most_tokens(r->rules, prompt, r->sampling->max_tokens);
  return is_bounded(r) && most > context_of(r) - prompt ? context_of(r) - prompt : most;
}

/* The generator's window: needed if prompt and text may exceed the context; 0: not. */
static int64_t window_for(const WriteRequest *r, int64_t prompt) {
  const int64_t wanted = prompt + most_new(r, prompt), context = context_of(r);
  return wanted <= context ? 0 : context;
}

static bool check_fits(const WriteRequest *r, int64_t prompt, Error *err) {
  return !is_bounded(r) || prompt < context_of(r) ||
         fail_usage(err,
                    "the %s has %lld tokens, but the model reads at most %lld, at least one of which must be "
                    "left for the text: shorten it",
                    r->reply ? N_("conversation") : N_("prompt"), (long long)prompt,
                    (long long)context_of(r));
}

static void drop_second(Ids *ids) {
  for (size_t i = 2; i < ids->count; i++) ids->data[i - 1] = ids->data[i];
  ids->count--;
}

bool writer_prompt(const WriteRequest *r, const char *prompt, size_t length, Ids *ids, ink_written *w,
                   Error *err) {
  if (r->begin >= 0) vec_push(ids, r->begin);
  const size_t first = ids->count;
  const bool specials = r->sampling->special_tokens;
  if (!tokenizer_encode(r->tokenizer, prompt, length, specials, ids, err)) return false;
  if (first && ids->count > first && ids->data[first] == r->begin)
    drop_second(ids); /* the prompt spelled it */
  if (!specials) w->special_token = tokenizer_special_in(r->tokenizer, prompt, length);
  if (ids->count == first && r->opening >= 0) vec_push(ids, r->opening);
  if (!ids->count && tokenizer_end(r->tokenizer) >= 0) vec_push(ids, tokenizer_end(r->tokenizer));
  if (!ids->count)
    return fail_usage(err, "the prompt is empty, and this model has no begin token: give a few words");
  w->prompt_tokens = (int64_t)ids->count;
  if (!check_fits(r, w->prompt_tokens, err)) return false;
  const int64_t most = most_new(r, w->prompt_tokens);
  if (most < 1)
    return fail_usage(err,
                      "the prompt has %lld tokens, but the model limits prompt and text to %lld (max_length "
                      "of its generation_config.json): give --max-tokens N",
                      (long long)w->prompt_tokens, (long long)r->rules->max_length);
  if (is_bounded(r)) return true;
  const int64_t context = context_of(r);
  const int64_t kept = context - (most < context / 2 ? most : context / 2);
  const int64_t over = (int64_t)ids->count - kept;
  if (over <= 0) return true;
  memmove(ids->data + first, ids->data + first + over,
          (ids->count - first - (size_t)over) * sizeof *ids->data);
  ids->count -= (size_t)over;
  w->dropped_prompt_tokens = over;
  return true;
}

static bool emit(Writer *w, int64_t sample, Draw d, ink_end end) {
  const TextStream *s = &w->texts[sample].stream;
  const ink_token token = {.sample = (int)sample,
                           .id = d.id,
                           .logprob = d.logprob,
                           .text = s->ready ? s->held.data : "",
                           .length = s->ready,
                           .end = end,
                           .alternatives = d.alternatives,
                           .alternative_count = d.alternatives ? (int)w->request->sampling->alternatives : 0};
  if (!w->request->listener(w->request->user, &token)) w->stopped = true;
  return !w->stopped;
}

/* Counts a text that ends where the constraint goes on: at the limit, at a stop text, or (stuck) because no
 * token could follow. */
static void check_match(Writer *w, const Text *text) {
  const Rules *rules = &w->rules;
  const int32_t *ids = text->ids.data + w->prompt;
  const ConstraintText made = {ids, (int64_t)text->ids.count - w->prompt, rules->before};
  if (!rules->constraint || text->ended ||
      (constraint_matches(rules->constraint, &made) && !text->stream.stopped))
    return;
  w->written->unmatched++;
  w->written->stuck += text->stuck;
  if (text->stuck) constraint_check(rules->constraint, &made, &w->problem);
}

static void finish(Writer *w, int64_t sample, ink_end why) {
  Text *text = &w->texts[sample];
  text->done = true;
  check_match(w, text);
  if (text->stream.stopped)
    stream_add(&text->stream, "", 0);
  else
    stream_finish(&text->stream);
  emit(w, sample, (Draw){.id = -1}, why);
}

static bool ends(const Writer *w, int32_t id) {
  return !w->request->sampling->ignore_end && token_set_has(&w->request->model->config.ends, id);
}

/* Adds a token's text, consistent with tokenizer_decode. */
static void add_piece(const Writer *w, Text *text, int32_t id) {
  size_t length = 0;
  const char *piece = tokenizer_next(w->request->tokenizer, id, &text->decode, &length);
  stream_add(&text->stream, piece ? piece : "", piece ? length : 0);
}

/* The random number depends only on the seed, the sample and its number of tokens, not on threads or the
 * number of samples. */
static Draw draw(Writer *w, int64_t sample, const float *logits) {
  const WriteRequest *r = w->request;
  const Text *text = &w->texts[sample];
  const double random =
      random_unit((uint64_t)r->seed, random_stream("write") + (uint64_t)sample, (uint64_t)text->written);
  Draw d = {0};
  d.id = sampler_draw(&w->sampler, logits, text->ids.data, w->prompt, (int64_t)text->ids.count, random,
                      &d.logprob);
  return d;
}

static void show_alternatives(Writer *w, int64_t i, const float *logits) {
  const int64_t count = w->request->sampling->alternatives;
  if (!count) return;
  w->draws[i].alternatives = w->alternatives + i * count;
  sampler_likeliest(logits, w->request->model->config.vocabulary, w->draws[i].alternatives, count);
}

/* In the first call, all texts sample from the same logits: the prompt's. */
static int64_t choose(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  Writer *w = user;
  const bool begins = !w->begun;
  const int64_t count = begins ? w->count : rows;
  if (begins) w->written->prompt_seconds = clock_seconds() - w->start;
  w->begun = true;
  for (int64_t i = 0; i < count; i++) {
    from[i] = begins ? 0 : (int32_t)i;
    if (begins) w->which[i] = (int32_t)i;
    const float *row = logits + from[i] * w->request->model->config.vocabulary;
    w->draws[i] = draw(w, w->which[i], row);
    show_alternatives(w, i, row);
    tokens[i] = w->draws[i].id;
  }
  return count;
}

static void add_token(Writer *w, int64_t sample, Draw d) {
  Text *text = &w->texts[sample];
  if (d.id < 0) {
    text->stuck = true;
    finish(w, sample, INK_END_NONE);
    return;
  }
  vec_push(&text->ids, d.id);
  text->written++;
  w->written->new_tokens++;
  if (ends(w, d.id)) {
    text->ended = true;
    finish(w, sample, INK_END_TOKEN);
    return;
  }
  add_piece(w, text, d.id);
  if (!emit(w, sample, d, INK_END_NONE)) return;
  if (text->stream.stopped)
    finish(w, sample, INK_END_STOP);
  else if (text->written >= w->most)
    finish(w, sample, INK_END_LENGTH);
}

static int64_t accept(void *user, int64_t rows, int32_t *from, int32_t *tokens) {
  Writer *w = user;
  int64_t kept = 0;
  for (int64_t i = 0; i < rows && !w->stopped; i++) {
    const int32_t which = w->which[i];
    add_token(w, which, w->draws[i]);
    if (w->texts[which].done) continue;
    from[kept] = from[i];
    tokens[kept] = tokens[i];
    w->which[kept++] = which;
  }
  return w->stopped ? 0 : kept;
}

static void end(void *user, GenerationEnd how, int64_t rows) {
  const Writer *w = user;
  w->written->new_seconds = clock_seconds() - w->start - w->written->prompt_seconds;
  if (w->ended) w->ended(w->user, how);
}

static void open_texts(Writer *w, const Ids *prompt) {
  for (int64_t i = 0; i < w->count; i++) {
    Text *text = &w->texts[i];
    vec_reserve(&text->ids, prompt->count);
    memcpy(text->ids.data, prompt->data, prompt->count * sizeof *prompt->data);
    text->ids.count = prompt->count;
    if (!w->from_nothing) text->decode = decode_state_within();
    text->stream.stops = &w->request->sampling->stop;
  }
}

void writer_close(Writer *w) {
  if (!w) return;
  for (int64_t i = 0; i < w->count; i++) {
    vec_free(&w->texts[i].ids);
    stream_free(&w->texts[i].stream);
  }
  mem_free(w->texts);
  mem_free(w->draws);
  mem_free(w->which);
  mem_free(w->alternatives);
  vec_free(&w->biases);
  sampler_close(&w->sampler);
  vec_free(&w->source);
  vec_free(&w->ids);
  mem_free(w);
}

bool writer_ok(const Writer *w, Error *err) {
  return !w->problem.code || fail_from(err, &w->problem);
}

int64_t writer_number(const Writer *w) {
  return w->number;
}

static Writer *new_writer(const WriteRequest *r, const Ids *prompt, const TokenBiases *biases,
                          bool from_nothing, ink_written *written) {
  Writer *w = mem_alloc_zeroed(1, sizeof *w);
  w->copy = *r;
  w->request = &w->copy;
  w->count = r->sampling->samples;
  w->written = written;
  w->ids = *prompt;
  w->prompt = (int64_t)prompt->count;
  w->texts = mem_alloc_zeroed((size_t)w->count, sizeof *w->texts);
  w->draws = mem_alloc_zeroed((size_t)w->count, sizeof *w->draws);
  w->which = mem_alloc_zeroed((size_t)w->count, sizeof *w->which);
  sampler_open(&w->sampler, r->sampling, r->model->config.vocabulary);
  w->most = most_new(r, r->reply ? (int64_t)prompt->count : written->prompt_tokens);
  w->rules = r->rules ? *r->rules : (Rules){.repetition_penalty = 1};
  if (!from_nothing) w->rules.before = decode_state_within();
  w->from_nothing = from_nothing;
  w->sampler.rules = &w->rules;
  w->biases = *biases;
  w->sampler.biases = &w->biases;
  w->alternatives = mem_alloc_zeroed((size_t)(w->count * r->sampling->alternatives), sizeof *w->alternatives);
  w->sampler.most = w->prompt + w->most;
  return w;
}

static void submit(Generator *g, Writer *w) {
  const GenerationRequest request = {
      .input = {w->source.data, w->ids.data, (int64_t)w->source.count, w->prompt},
      .rows = w->count,
      .most = w->most,
      .window = window_for(w->request, w->prompt),
      .shifts = &w->written->shifts,
      .choose = choose,
      .accept = accept,
      .finish = end,
      .user = w};
  w->start = clock_seconds();
  w->number = generator_submit(g, &request);
}

static Writer *begin(Generator *g, const WriteRequest *r, Ids *source, Ids *prompt, bool from_nothing,
                     ink_written *written, WriterEnd *ended, void *user, Error *err) {
  TokenBiases biases = {0};
  if (!sampler_biases(r->sampling, r->model->config.vocabulary, &biases, err)) {
    vec_free(&biases);
    vec_free(prompt);
    vec_free(source);
    return NULL;
  }
  Writer *w = new_writer(r, prompt, &biases, from_nothing, written);
  w->source = *source;
  w->ended = ended;
  w->user = user;
  open_texts(w, prompt);
  submit(g, w);
  return w;
}

Writer *writer_submit(Generator *g, const WriteRequest *r, const char *prompt, size_t length,
                      ink_written *written, WriterEnd *ended, void *user, Error *err) {
  Ids ids = {0}, none = {0};
  *written = (ink_written){.size = sizeof *written};
  if (!writer_prompt(r, prompt, length, &ids, written, err)) {
    vec_free(&ids);
    return NULL;
  }
  return begin(g, r, &none, &ids, !length, written, ended, user, err);
}

Writer *writer_submit_ids(Generator *g, const WriteRequest *r, Ids *source, Ids *prompt, ink_written *written,
                          WriterEnd *ended, void *user, Error *err) {
  Ids read = *source, ids = *prompt;
  *source = *prompt = (Ids){0};
  *written = (ink_written){.size = sizeof *written, .prompt_tokens = (int64_t)(read.count + ids.count)};
  if (!check_fits(r, (int64_t)ids.count, err)) {
    vec_free(&read);
    vec_free(&ids);
    return NULL;
  }
  return begin(g, r, &read, &ids, true, written, ended, user, err);
}

bool writer_run(const WriteRequest *r, const char *prompt, size_t length, ink_written *written, Error *err) {
  Generator *g = generator_new(r->model, (GeneratorSettings){.expected.sequences = r->sampling->samples});
  Writer *w = writer_submit(g, r, prompt, length, written, NULL, NULL, err);
  while (w && generator_step(g) && !interrupted()) continue;
  const bool ok = w && generator_ok(g, err) && writer_ok(w, err);
  generator_free(g);
  writer_close(w);
  return ok;
}

bool writer_collect(void *buffer, const ink_token *token) {
  if (token->sample == 0) buffer_add(buffer, token->text, token->length);
  return true;
}
