/* likelihood.c - labels by a model that was not trained to label: the one that it finds the likeliest as the
 * continuation of a template. Calibrated (Zhao et al. 2021), the probability p(y | x) of a label y is divided
 * by the mean of those that it has where the text says nothing:
 *
 *   q(y | x) ~ p(y | x) / mean p(y | c),   c: "N/A", "", "[MASK]",   p over the labels */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/language.h"
#include "base/news.h"
#include "base/threads.h"
#include "base/unused.h"
#include "data/layout.h"
#include "run/classify.h"
#include "run/session.h"
#include "text/utf8.h"

typedef struct Asker {
  const Bundle *bundle;
  const ClassifySettings *settings;
  const Labels *labels;
  Buffer before, behind; /* of the text in what the model reads */
  PairLayout layout;     /* of a question by a chat template; else unused */
  bool chat, joined;     /* joined: tokens that a label shares with the text are reported */
  const News *news;
  Session *session;
} Asker;

/* What the model reads. Texts and labels have tokens as in one text, so the last characters before a label
 * may belong to its first token. */
typedef struct Question {
  Ids prompt;  /* that the texts with all labels begin with */
  Ids *labels; /* [labels]: the rest of each text */
} Question;

static void question_free(const Asker *a, Question *q) {
  vec_free(&q->prompt);
  for (int64_t i = 0; q->labels && i < a->labels->count; i++) vec_free(&q->labels[i]);
  mem_free(q->labels);
  q->labels = NULL;
}

/* ---- the template ---- */

static const char text_mark[] = "{text}", label_mark[] = "{label}";

static void list_labels(const Labels *labels, Buffer *out) {
  for (int64_t i = 0; i < labels->count; i++) buffer_addf(out, "%s%s", i ? ", " : "", labels->names[i]);
}

static bool split_template(Asker *a, const char *template, Error *err) {
  const char *text = strstr(template, text_mark), *label = strstr(template, label_mark);
  if (!text || !label || label < text || label[sizeof label_mark - 1] || strstr(text + 1, text_mark))
    return fail_usage(
        err, "--template: needs {text} once, and {label} at its end, such as \"{text}\\nTopic: {label}\"");
  buffer_add(&a->before, template, (size_t)(text - template));
  text += sizeof text_mark - 1;
  buffer_add(&a->behind, text, (size_t)(label - text));
  return true;
}

static void use_question(Asker *a) {
  buffer_adds(&a->before, "Labels: ");
  list_labels(a->labels, &a->before);
  buffer_adds(&a->before, "\n\nText: ");
  buffer_adds(&a->behind, "\n\nWhich label fits the text? Answer with the label alone.");
}

static void use_lines(Asker *a) {
  buffer_adds(&a->before, "Labels: ");
  list_labels(a->labels, &a->before);
  buffer_adds(&a->before, "\nText: ");
  buffer_adds(&a->behind, "\nLabel: ");
}

static bool choose_template(Asker *a, Error *err) {
  const Bundle *b = a->bundle;
  const Task *reply = task_find("reply");
  if (a->settings->template) return split_template(a, a->settings->template, err);
  a->chat = b->chat || bundle_task(b) == reply;
  if (!a->chat) return use_lines(a), true;
  use_question(a);
  return bundle_layout(b, reply, &a->layout, err);
}

/* ---- tokens ---- */

/* The prompt by the chat template, whose last token no label changes. */
static bool ask_in_turn(const Asker *a, const Turn *turn, Question *q, Error *err) {
  const Tokenizer *t = a->bundle->tokenizer;
  Ids source = {0};
  size_t dropped;
  bool ok = layout_input(&a->layout, t, turn, 1, &source, &q->prompt, &dropped, err);
  vec_free(&source);
  for (int64_t i = 0; ok && i < a->labels->count; i++) {
    const char *name = a->labels->names[i];
    ok = tokenizer_encode(t, name, strlen(name), false, &q->labels[i], err);
  }
  return ok;
}

/* The tokens of the prompt with a label, or without one. */
static bool encode_with(const Asker *a, Buffer *prompt, const char *label, Ids *ids, Error *err) {
  const size_t length = prompt->length;
  if (bundle_begin(a->bundle) >= 0) vec_push(ids, bundle_begin(a->bundle));
  buffer_adds(prompt, label);
  const bool ok = tokenizer_encode(a->bundle->tokenizer, prompt->data, prompt->length, false, ids, err);
  prompt->length = length;
  return ok;
}

static size_t shared_tokens(const Ids *a, const Ids *b) {
  size_t n = 0;
  while (n < a->count && n < b->count && a->data[n] == b->data[n]) n++;
  return n;
}

/* White space before a label usually belongs to its first token. */
static void report_joined(Asker *a, const Buffer *prompt, int64_t label) {
  if (a->joined || !prompt->length || strchr(" \t\r\n", prompt->data[prompt->length - 1])) return;
  a->joined = true;
  news_note(
      a->news,
      "--template: a token has its last characters and the first of the label \"%s\": it counts as part "
      "of the label",
      a->labels->names[label]);
}

static bool ask_in_text(Asker *a, Buffer *prompt, Question *q, Error *err) {
  bool ok = encode_with(a, prompt, "", &q->prompt, err);
  for (int64_t i = 0; ok && i < a->labels->count; i++) {
    ok = encode_with(a, prompt, a->labels->names[i], &q->labels[i], err);
    const size_t shared = shared_tokens(&q->prompt, &q->labels[i]);
    if (shared < q->prompt.count) report_joined(a, prompt, i);
    q->prompt.count = shared;
  }
  const size_t shared = q->prompt.count;
  if (!ok) return false;
  for (int64_t i = 0; i < a->labels->count; i++) {
    Ids *ids = &q->labels[i];
    ids->count -= shared;
    memmove(ids->data, ids->data + shared, ids->count * sizeof *ids->data);
  }
  return true;
}

/* What follows the prompt may be nothing if the vocabulary has no token for a label. */
static bool check_labels(const Asker *a, const Question *q, Error *err) {
  for (int64_t i = 0; i < a->labels->count; i++)
    if (!q->labels[i].count)
      return fail_usage(err, "--labels: \"%s\" has no tokens in this model's vocabulary",
                        a->labels->names[i]);
  return true;
}

static bool ask(Asker *a, const char *text, size_t length, Question *q, Error *err) {
  Buffer all = {0};
  *q = (Question){.labels = mem_alloc_zeroed((size_t)a->labels->count, sizeof *q->labels)};
  buffer_add(&all, a->before.data ? a->before.data : "", a->before.length);
  buffer_add(&all, text, length);
  buffer_add(&all, a->behind.data ? a->behind.data : "", a->behind.length);
  buffer_adds(&all, "");
  const Turn turn = {ROLE_USER, all.data, all.length, NULL};
  const bool ok =
      (a->chat ? ask_in_turn(a, &turn, q, err) : ask_in_text(a, &all, q, err)) && check_labels(a, q, err);
  buffer_free(&all);
  if (!ok) question_free(a, q);
  return ok;
}

/* With the longest label. */
static int64_t tokens_of(const Asker *a, const Question *q) {
  size_t longest = 0;
  for (int64_t i = 0; i < a->labels->count; i++)
    if (q->labels[i].count > longest) longest = q->labels[i].count;
  return (int64_t)(q->prompt.count + longest);
}

/* With --too-long truncate, an eighth of the text is cut off until it fits. */
static bool ask_what_fits(Asker *a, const char *text, size_t length, Question *q, Error *err) {
  const Config *c = &a->bundle->model->config;
  for (;; length = utf8_whole_prefix(text, length - length / 8 - 1)) {
    if (!ask(a, text, length, q, err)) return false;
    const int64_t tokens = tokens_of(a, q);
    if (c->arch->unlimited_context || tokens <= c->context) return true;
    question_free(a, q);
    if (!length) return fail(err, "the template is longer than the model reads: shorten it");
    if (strcmp(a->settings->too_long, "truncate"))
      return fail(err,
                  "the text, its template and a label have %" PRId64
                  " tokens, of which the model reads %" PRId64
                  ": give --too-long truncate to cut off the text's end",
                  tokens, c->context);
  }
}

/* ---- probabilities ---- */

static double log_probability(const float *logits, int64_t count, int32_t id) {
  double log_sum;
  class_choose(logits, count, &log_sum);
  return (double)logits[id] - log_sum;
}

/* ln p of the label behind what `sequence` has read; `first`: the logits there. */
static double score_label(const Asker *a, int32_t sequence, int64_t length, const float *first,
                          const Ids *label) {
  const int64_t vocabulary = a->bundle->model->config.vocabulary, more = (int64_t)label->count - 1;
  double sum = log_probability(first, vocabulary, label->data[0]);
  if (!more) return sum;
  const int32_t fork = session_fork(a->session, sequence, length);
  const float *logits = session_feed(a->session, &(Feed){fork, label->data, more, more, 0}, 1);
  for (int64_t i = 0; i < more; i++)
    sum += log_probability(logits + i * vocabulary, vocabulary, label->data[i + 1]);
  session_close(a->session, fork);
  return sum;
}

/* ln p of each label, over the labels. */
static void score_question(const Asker *a, const Question *q, double *scores) {
  const int64_t vocabulary = a->bundle->model->config.vocabulary, length = (int64_t)q->prompt.count;
  const int32_t sequence = session_open(a->session, -1);
  const float *read = session_read(a->session, sequence, q->prompt.data, length);
  float *first = mem_alloc((size_t)vocabulary * sizeof *first); /* later feeds overwrite what was read */
  memcpy(first, read, (size_t)vocabulary * sizeof *first);
  double sum = 0;
  for (int64_t i = 0; i < a->labels->count; i++)
    scores[i] = score_label(a, sequence, length, first, &q->labels[i]);
  double top = scores[0];
  for (int64_t i = 0; i < a->labels->count; i++) top = fmax(top, scores[i]);
  for (int64_t i = 0; i < a->labels->count; i++) sum += exp(scores[i] - top);
  for (int64_t i = 0; i < a->labels->count; i++) scores[i] -= top + log(sum);
  session_close(a->session, sequence);
  mem_free(first);
}

/* *asked: there are tokens before the label. */
static bool score_text(Asker *a, const char *text, size_t length, double *scores, bool *asked, Error *err) {
  Question q = {0};
  if (!ask_what_fits(a, text, length, &q, err)) return false;
  *asked = q.prompt.count > 0;
  if (*asked) score_question(a, &q, scores);
  question_free(a, &q);
  return true;
}

/* ln of the mean probability of each label where there is no text. */
static bool find_bias(Asker *a, double *bias, Error *err) {
  static const char *const free_of_content[] = {"N/A", "", "[MASK]"};
  enum { TEXTS = sizeof free_of_content / sizeof *free_of_content };
  const int64_t count = a->labels->count;
  double *scores = mem_alloc_zeroed((size_t)count, sizeof *scores);
  bool ok = true, asked;
  int found = 0;
  for (int t = 0; ok && a->settings->calibrate && t < TEXTS; t++) {
    ok = score_text(a, free_of_content[t], strlen(free_of_content[t]), scores, &asked, err);
    if (!ok || !asked) continue;
    found++;
    for (int64_t i = 0; i < count; i++) bias[i] += exp(scores[i]);
  }
  for (int64_t i = 0; i < count; i++) bias[i] = found ? log(bias[i] / found) : 0;
  mem_free(scores);
  if (ok && a->settings->calibrate && found < TEXTS)
    news_note(a->news,
              "--template has nothing before {text}: probabilities are calibrated by %d of %d texts, those "
              "with tokens before the label",
              found, (int)TEXTS);
  return ok;
}

/* ---- texts ---- */

static bool score_one(Asker *a, const char *text, size_t length, double *scores, Error *err) {
  bool asked;
  return classify_check_text(text, length, err) && score_text(a, text, length, scores, &asked, err) &&
         (asked || fail(err, "no token is before the label's: begin --template with a few words"));
}

static bool score_all(Asker *a, ClassifyTexts *t, const double *bias, Error *err) {
  const int64_t count = a->labels->count;
  for (int64_t i = 0; i < t->count && !interrupted(); i++) {
    double *scores = t->scores + i * count;
    Error problem = {0};
    if (score_one(a, t->texts[i], t->lengths[i], scores, &problem))
      for (int64_t k = 0; k < count; k++) scores[k] -= bias[k];
    else
      t->problems[i] = mem_strdup(problem.text);
  }
  return session_ok(a->session, err) && (!interrupted() || fail_interrupted(err));
}

static bool check_model(const Bundle *b, Error *err) {
  if (b->model->config.arch->encodes)
    return fail_usage(err,
                      "a model with an encoder does not continue a template: use a decoder, or one that was "
                      "trained with `inkstone train classify`");
  return !bundle_is_ours(b) || bundle_task(b)->chat || bundle_check_task(b, task_find("write"), err);
}

bool classify_by_likelihood(const Bundle *b, const ClassifySettings *settings, const Labels *labels,
                            ClassifyTexts *texts, const News *news, Error *err) {
  Asker a = {.bundle = b, .settings = settings, .labels = labels, .news = news};
  double *bias = mem_alloc_zeroed((size_t)labels->count, sizeof *bias);
  bool ok = check_model(b, err) && choose_template(&a, err);
  if (ok) a.session = session_new(b->model, (StateSize){0});
  ok = ok && find_bias(&a, bias, err) && score_all(&a, texts, bias, err);
  session_free(a.session);
  mem_free(bias);
  buffer_free(&a.before);
  buffer_free(&a.behind);
  return ok;
}
