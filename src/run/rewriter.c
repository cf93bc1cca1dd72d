#include "run/rewriter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "run/draw.h"
#include "text/sentences.h"
#include "text/utf8.h"

/* A part of a text that the model reads at once. */
typedef struct Part {
  int64_t text; /* index of the text */
  Ids source, prompt;
  const char *after; /* white space after the part in the text */
  size_t after_length;
} Part;

/* Additional information on a text's output. */
typedef struct Remark {
  char *problem; /* why there is no output; NULL: there is one */
  bool cut;      /* only the end of the text was read */
} Remark;

typedef struct Rewriter {
  const RewriteRequest *request;
  const RewriteInput *inputs;
  VEC(Part) parts;
  Remark *remarks;        /* [texts] */
  ProtectedInput *masked; /* [texts] what is read instead of the inputs; NULL: the inputs */
  int64_t capacity;       /* maximum number of source tokens */
  ink_rewritten *out;
} Rewriter;

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t without_spaces(const char *text, size_t length) {
  while (length && is_space(text[length - 1])) length--;
  return length;
}

/* ---- splitting ---- */

static const Tokenizer *source_tokenizer(const Rewriter *w) {
  return tokenizer_source(w->request->tokenizer);
}

static bool count_tokens(const Rewriter *w, const char *text, size_t length, int64_t *count, Error *err) {
  Ids ids = {0};
  const bool ok = tokenizer_encode(source_tokenizer(w), text, length, false, &ids, err);
  *count = (int64_t)ids.count;
  vec_free(&ids);
  return ok;
}

/* Parts are split before; this fails only for models with a context of a few tokens. */
static bool fits_or_fail(const PairLayout *l, const Part *part, Error *err) {
  const int64_t source = (int64_t)part->source.count, prompt = (int64_t)part->prompt.count;
  return (source <= l->source_time && prompt < l->time) ||
         fail(err, "%" PRId64 " tokens cannot be split further, and the model reads at most %" PRId64,
              source + prompt, l->separate ? l->source_time : l->time);
}

static bool add_turns(Rewriter *w, Part part, const Turn *turns, size_t count, Error *err) {
  const RewriteRequest *r = w->request;
  size_t dropped = 0;
  const bool ok =
      layout_input(r->layout, r->tokenizer, turns, count, &part.source, &part.prompt, &dropped, err);
  w->out->dropped_turns += (int64_t)dropped;
  vec_push(&w->parts, part);
  return ok && fits_or_fail(r->layout, &part, err);
}

static bool add_part(Rewriter *w, int64_t text, const char *bytes, size_t length, Error *err) {
  const size_t kept = without_spaces(bytes, length);
  const Part part = {.text = text, .after = bytes + kept, .after_length = length - kept};
  return add_turns(w, part, &(Turn){ROLE_USER, bytes, kept, NULL}, 1, err);
}

/* Halves the text, between characters, until it fits. */
static bool add_halves(Rewriter *w, int64_t text, const char *bytes, size_t length, Error *err) {
  int64_t tokens;
  if (!count_tokens(w, bytes, length, &tokens, err)) return false;
  if (tokens <= w->capacity || length < 8) return add_part(w, text, bytes, length, err);
  const size_t half = utf8_whole_prefix(bytes, length / 2);
  return add_halves(w, text, bytes, half, err) && add_halves(w, text, bytes + half, length - half, err);
}

/* Takes as many whole sentences as fit, at least one; *all: their number of tokens. */
static bool next_part(const Rewriter *w, const char *bytes, size_t length, size_t *taken, int64_t *all,
                      Error *err) {
  int64_t tokens;
  *all = 0;
  for (*taken = 0; *taken < length;) {
    const size_t n = sentence_length(bytes + *taken, length - *taken);
    if (!count_tokens(w, bytes + *taken, n, &tokens, err)) return false;
    if (*taken && *all + tokens > w->capacity) return true;
    *all += tokens;
    *taken += n;
  }
  return true;
}

/* Whether most tokens are parts of characters: a byte-level tokenizer has not learnt these characters. */
static bool is_unknown(const Rewriter *w, const Ids *ids) {
  size_t fragments = 0;
  for (size_t i = 0; i < ids->count; i++) {
    size_t length;
    const char *piece = tokenizer_piece(source_tokenizer(w), ids->data[i], &length);
    fragments += !piece || !(utf8_valid_prefix(piece, length) == length);
  }
  return 2 * fragments > ids->count;
}

static bool inspect(Rewriter *w, const char *bytes, size_t length, int64_t *tokens, Error *err) {
  Ids ids = {0};
  const bool ok = tokenizer_encode(source_tokenizer(w), bytes, length, false, &ids, err);
  *tokens = (int64_t)ids.count;
  w->out->unknown_inputs += is_unknown(w, &ids);
  const char *spelled = tokenizer_special_in(source_tokenizer(w), bytes, length);
  w->out->spelled_specials += spelled != NULL;
  if (!w->out->special_token) w->out->special_token = spelled;
  vec_free(&ids);
  return ok;
}

typedef struct Sentence {
  size_t begin;
  int64_t tokens;
} Sentence;
typedef VEC(Sentence) Sentences;

static bool find_sentences(const Rewriter *w, const Turn *turn, Sentences *out, Error *err) {
  for (size_t at = 0, n; at < turn->length; at += n) {
    Sentence s = {.begin = at};
    n = sentence_length(turn->text + at, turn->length - at);
    if (!count_tokens(w, turn->text + at, n, &s.tokens, err)) return false;
    vec_push(out, s);
  }
  return true;
}

static void drop_front(Turn *turn, size_t bytes) {
  turn->text += bytes;
  turn->length -= bytes;
}

/* Drops an eighth of a sentence at a time, between characters, until it fits. */
static bool shorten(const Rewriter *w, Turn *turn, Error *err) {
  int64_t tokens;
  for (;;) {
    if (!count_tokens(w, turn->text, turn->length, &tokens, err)) return false;
    if (tokens <= w->capacity || turn->length < 8) return true;
    size_t dropped = utf8_whole_prefix(turn->text, turn->length / 8);
    if (!dropped) dropped = utf8_character(turn->text, turn->length);
    drop_front(turn, dropped ? dropped : 1);
  }
}

/* Keeps the last sentences that fit: the end of a conversation matters most. */
static bool keep_end(const Rewriter *w, Turn *turn, Error *err) {
  Sentences all = {0};
  bool ok = find_sentences(w, turn, &all, err);
  size_t first = all.count;
  for (int64_t tokens = 0; first > 0; first--)
    if ((tokens += all.data[first - 1].tokens) > w->capacity) break;
  if (ok) drop_front(turn, all.data[first < all.count ? first : all.count - 1].begin);
  vec_free(&all);
  return ok && shorten(w, turn, err);
}

static bool add_conversation(Rewriter *w, int64_t text, const RewriteInput *input, int64_t tokens,
                             Error *err) {
  const Part part = {.text = text};
  if (tokens <= w->capacity) return add_turns(w, part, input->turns, input->count, err);
  Turn *turns = mem_alloc(input->count * sizeof *turns);
  memcpy(turns, input->turns, input->count * sizeof *turns);
  w->remarks[text].cut = true;
  const bool ok = keep_end(w, &turns[input->count - 1], err) && add_turns(w, part, turns, input->count, err);
  mem_free(turns);
  return ok;
}

static bool check_utf8(const char *bytes, size_t length, Error *err) {
  const size_t valid = utf8_valid_prefix(bytes, length);
  const char *nul = memchr(bytes, 0, length);
  if (nul) return fail(err, "byte %zu is NUL, so this is not text", (size_t)(nul - bytes) + 1);
  return valid == length ||
         fail(err, "byte %zu is not UTF-8: give its --encoding, or --invalid replace", valid + 1);
}

static bool add_text(Rewriter *w, int64_t text, const RewriteInput *input, Error *err) {
  const Turn *last = &input->turns[input->count - 1];
  const char *bytes = last->text;
  size_t length = last->length, taken;
  int64_t tokens;
  if (!without_spaces(bytes, length)) return true;
  if (!check_utf8(bytes, length, err)) return false;
  if (!inspect(w, bytes, length, &tokens, err)) return false;
  if (w->request->layout->chat) return add_conversation(w, text, input, tokens, err);
  if (tokens <= w->capacity) return add_part(w, text, bytes, length, err);
  if (w->request->rules && w->request->rules->constraint)
    return fail(err,
                "the text is longer than the model reads; split into parts, it would have several outputs, "
                "each of which meets the constraint: give a shorter one");
  w->out->split_texts++;
  for (; length; bytes += taken, length -= taken) {
    if (!next_part(w, bytes, length, &taken, &tokens, err)) return false;
    w->out->cut_sentences += tokens > w->capacity;
    if (!add_halves(w, text, bytes, taken, err)) return false;
  }
  return true;
}

static bool add_input(Rewriter *w, int64_t text, const RewriteInput *input, Error *err) {
  if (!w->masked) return add_text(w, text, input, err);
  ProtectedInput *masked = &w->masked[text];
  return protection_mask(w->request->protection, input->turns, input->count, masked, err) &&
         add_text(w, text, &(RewriteInput){masked->turns, masked->count}, err);
}

static void free_parts(Rewriter *w, size_t kept) {
  while (w->parts.count > kept) {
    Part *p = &w->parts.data[--w->parts.count];
    vec_free(&p->source);
    vec_free(&p->prompt);
  }
}

/* With errors_per_text, an unreadable text is recorded in its remark instead of failing the call. */
static bool add_or_remark(Rewriter *w, int64_t text, const RewriteInput *input, Error *err) {
  const size_t before = w->parts.count;
  Error problem = {0};
  if (!w->request->errors_per_text) return add_input(w, text, input, err);
  if (add_input(w, text, input, &problem)) return true;
  free_parts(w, before);
  w->remarks[text].problem = mem_strdup(problem.text);
  return true;
}

/* ---- generating ---- */

typedef struct PartLength {
  int64_t length, part;
} PartLength;

/* Longest first. */
static int by_length(const void *a, const void *b) {
  const PartLength *x = a, *y = b;
  if (x->length != y->length) return x->length > y->length ? -1 : 1;
  return x->part < y->part ? -1 : 1;
}

/* Number of outputs generated for each part. */
static int64_t texts_each(const Rewriter *w) {
  const SearchSettings *s = w->request->search;
  return s->sample ? s->n_best : s->beam;
}

static Hypothesis *find(const Rewriter *w, const Input *inputs, const int64_t *numbers, int64_t count) {
  const RewriteRequest *r = w->request;
  TokenSet ends = token_set_of(layout_end(r->layout));
  for (int32_t i = 0; i < r->model->config.ends.count; i++)
    token_set_add(&ends, r->model->config.ends.ids[i]);
  if (r->search->sample)
    return draw_run(&(DrawRequest){r->model, r->sampling, r->seed, texts_each(w), ends, r->rules}, inputs,
                    count, numbers);
  return search_run(&(SearchRequest){r->model, r->search, r->max_tokens, ends, r->never, r->rules}, inputs,
                    count);
}

/* Sorts the parts by length: adjacent ones then need little padding and end at about the same time. The
 * longest begin, so that threads which run out of parts wait for short ones. */
static Hypothesis *rewrite_parts(const Rewriter *w) {
  const size_t count = w->parts.count, each = (size_t)texts_each(w);
  PartLength *order = mem_alloc_zeroed(count, sizeof *order);
  Input *inputs = mem_alloc_zeroed(count, sizeof *inputs);
  int64_t *numbers = mem_alloc_zeroed(count, sizeof *numbers);
  for (size_t i = 0; i < count; i++)
    order[i] =
        (PartLength){(int64_t)(w->parts.data[i].source.count + w->parts.data[i].prompt.count), (int64_t)i};
  qsort(order, count, sizeof *order, by_length);
  for (size_t i = 0; i < count; i++) {
    const Part *p = &w->parts.data[numbers[i] = order[i].part];
    inputs[i] = (Input){p->source.data, p->prompt.data, (int64_t)p->source.count, (int64_t)p->prompt.count};
  }
  Hypothesis *sorted = find(w, inputs, numbers, (int64_t)count);
  Hypothesis *found = sorted ? mem_alloc_zeroed(count * each, sizeof *found) : NULL;
  for (size_t i = 0; i < count && sorted; i++)
    memcpy(found + (size_t)order[i].part * each, sorted + i * each, each * sizeof *found);
  mem_free(sorted);
  mem_free(numbers);
  mem_free(inputs);
  mem_free(order);
  return found;
}

/* ---- output ---- */

/* Puts back what is masked, and compares the output with its input; *json: ink_output.check. */
static bool finish_output(const Rewriter *w, int64_t text, Buffer *output, char **json, Error *err) {
  Protection *p = w->request->protection;
  const RewriteInput *input = &w->inputs[text];
  Buffer whole = {0};
  *json = NULL;
  if (!p || w->remarks[text].problem) return true;
  if (w->masked) {
    protection_put_back(p, &w->masked[text], output->data ? output->data : "", output->length, &whole);
    buffer_free(output);
    *output = whole;
  }
  if (protection_checks(p) &&
      !protection_check(p, input->turns, input->count, output->data ? output->data : "", output->length, err))
    return false;
  *json = protection_json(p);
  return true;
}

/* Whether it is answered by the text for outputs of too little confidence. */
static bool is_unsure(const Rewriter *w, double confidence) {
  const AbstainSettings *s = w->request->abstain;
  return s && s->unsure && confidence < s->confidence;
}

/* There is one part: a text under a constraint is not split. */
static void say_stuck(const Rewriter *w, const Hypothesis *h, Error *why) {
  const Rules *rules = w->request->rules;
  const ConstraintText made = {h->ids.data, (int64_t)h->ids.count, rules->before};
  if (constraint_check(rules->constraint, &made, why))
    fail(why, "no token of the model can go on with what the constraint asks for");
}

/* Incomplete characters in the output become U+FFFD, so that the text is valid UTF-8. `tokens`: in
 * sums->logprob.
 */
static bool report(const Rewriter *w, int64_t text, int rank, const Buffer *b, const Hypothesis *sums,
                   int64_t tokens, bool *proceed, Error *err) {
  Buffer whole = {0};
  char *check = NULL;
  const double confidence = confidence_of(sums->logprob, tokens);
  Error why = {0};
  if (sums->stuck) say_stuck(w, sums, &why);
  const bool unsure = !why.code && is_unsure(w, confidence);
  if (unsure)
    buffer_adds(&whole, w->request->abstain->unsure);
  else if (b->length)
    utf8_repair(b->data, b->length, &whole);
  const bool ok = unsure || why.code || finish_output(w, text, &whole, &check, err);
  const ink_output output = {.input = text,
                             .rank = rank,
                             .text = whole.data ? whole.data : "",
                             .length = whole.length,
                             .logprob = sums->logprob,
                             .score = sums->score,
                             .problem = why.code ? why.text : w->remarks[text].problem,
                             .cut = w->remarks[text].cut,
                             .unended = sums->unended,
                             .check = check,
                             .confidence = confidence,
                             .unsure = unsure};
  *proceed = ok && w->request->listener(w->request->user, &output);
  mem_free(check);
  buffer_free(&whole);
  return ok;
}

static bool was_found(const Hypothesis *found, size_t first, size_t last, size_t each, size_t rank) {
  for (size_t i = first; i < last; i++)
    if (!found[i * each + rank].ids.data) return false;
  return true;
}

/* Joins the n-th best outputs of a text's parts by the white space between the parts. */
static bool report_joined(const Rewriter *w, int64_t text, size_t first, size_t last, const Hypothesis *found,
                          bool *proceed, Error *err) {
  const size_t each = (size_t)texts_each(w);
  const int64_t ranks = w->request->search->n_best;
  Buffer b = {0};
  bool ok = true;
  for (int64_t rank = 0; rank < ranks && ok && *proceed; rank++) {
    Hypothesis sums = {0};
    int64_t tokens = 0;
    buffer_clear(&b);
    if (rank && !was_found(found, first, last, each, (size_t)rank)) break;
    for (size_t i = first; i < last && ok; i++) {
      const Hypothesis *h = &found[i * each + (size_t)rank];
      ok = tokenizer_decode(w->request->tokenizer, h->ids.data, h->ids.count, false, &b, err);
      if (i + 1 < last) buffer_add(&b, w->parts.data[i].after, w->parts.data[i].after_length);
      sums.logprob += h->logprob;
      sums.score += h->score / (double)(last - first);
      sums.unended |= h->unended;
      tokens += (int64_t)h->ids.count + !h->unended; /* the end is one */
      if (h->stuck) sums.stuck = true, sums.ids = h->ids;
      w->out->new_tokens += (int64_t)h->ids.count;
    }
    w->out->unended_outputs += sums.unended;
    ok = ok && report(w, text, (int)rank, &b, &sums, tokens, proceed, err);
  }
  buffer_free(&b);
  return ok;
}

static void show_parts(const Rewriter *w, const Hypothesis *found) {
  const RewriteRequest *r = w->request;
  for (size_t i = 0; r->on_part && i < w->parts.count; i++) {
    const Part *p = &w->parts.data[i];
    const Input input = {p->source.data, p->prompt.data, (int64_t)p->source.count, (int64_t)p->prompt.count};
    r->on_part(r->part_user, r, &input, &found[i * (size_t)texts_each(w)].ids);
  }
}

static bool report_all(const Rewriter *w, int64_t count, const Hypothesis *found, Error *err) {
  const Buffer nothing = {0};
  size_t first = 0;
  bool proceed = true;
  for (int64_t text = 0; text < count && proceed; text++) {
    size_t last = first;
    while (last < w->parts.count && w->parts.data[last].text == text) last++;
    if (!(last == first ? report(w, text, 0, &nothing, &(Hypothesis){0}, 0, &proceed, err)
                        : report_joined(w, text, first, last, found, &proceed, err)))
      return false;
    first = last;
  }
  return true;
}

static bool report_found(const Rewriter *w, int64_t count, const Hypothesis *found, Error *err) {
  if (interrupted()) return fail_interrupted(err);
  if (!found) return fail_not_finite(err);
  show_parts(w, found);
  return report_all(w, count, found, err);
}

bool rewriter_run(const RewriteRequest *r, const RewriteInput *inputs, int64_t count, ink_rewritten *out,
                  Error *err) {
  Rewriter w = {
      .request = r, .inputs = inputs, .capacity = layout_capacity(r->layout, r->max_tokens), .out = out};
  bool ok = true;
  w.remarks = mem_alloc_zeroed((size_t)count + 1, sizeof *w.remarks);
  if (protection_masks(r->protection)) w.masked = mem_alloc_zeroed((size_t)count + 1, sizeof *w.masked);
  for (int64_t i = 0; i < count && ok; i++) {
    ok = add_or_remark(&w, i, &inputs[i], err);
    if (!ok && count > 1) fail_prefix(err, "text %" PRId64, i + 1);
  }
  if (ok && w.parts.count) {
    const double start = clock_seconds();
    Hypothesis *found = rewrite_parts(&w);
    out->seconds += clock_seconds() - start;
    ok = report_found(&w, count, found, err);
    if (found) hypotheses_free(found, (int64_t)w.parts.count * texts_each(&w));
  } else if (ok) {
    ok = report_all(&w, count, NULL, err);
  }
  free_parts(&w, 0);
  vec_free(&w.parts);
  for (int64_t i = 0; i < count; i++) {
    if (w.masked) protected_input_free(&w.masked[i]);
    mem_free(w.remarks[i].problem);
  }
  mem_free(w.masked);
  mem_free(w.remarks);
  return ok;
}
