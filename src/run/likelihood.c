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
  bool chat;
  Ids *label_ids; /* [labels] */
  Session *session;
} Asker;

/* ---- the template ---- */

static const char text_mark[] = "{text}", label_mark[] = "{label}";

static void list_labels(const Labels *labels, Buffer *out) {
  for (int64_t i = 0; i < labels->count; i++) buffer_addf(out, "%s%s", i ? ", " : "", labels->names[i]);
}

/* White space before a label belongs to its first token. */
static bool split_template(Asker *a, const char *template, Error *err) {
  const char *text = strstr(template, text_mark), *label = strstr(template, label_mark);
  if (!text || !label || label < text || label[sizeof label_mark - 1] || strstr(text + 1, text_mark))
    return fail_usage(
        err, "--template: needs {text} once, and {label} at its end, such as \"{text}\\nTopic: {label}\"");
  buffer_add(&a->before, template, (size_t)(text - template));
  text += sizeof text_mark - 1;
  size_t length = (size_t)(label - text);
  while (length && text[length - 1] == ' ') length--;
  buffer_add(&a->behind, text, length);
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
  buffer_adds(&a->behind, "\nLabel:");
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

static bool encode_labels(Asker *a, Error *err) {
  Buffer text = {0};
  bool ok = true;
  a->label_ids = mem_alloc_zeroed((size_t)a->labels->count, sizeof *a->label_ids);
  for (int64_t i = 0; ok && i < a->labels->count; i++) {
    buffer_clear(&text);
    buffer_addf(&text, "%s%s", a->chat ? "" : " ", a->labels->names[i]);
    ok = tokenizer_encode(a->bundle->tokenizer, text.data, text.length, false, &a->label_ids[i], err) &&
         (a->label_ids[i].count ||
          fail_usage(err, "--labels: \"%s\" has no tokens in this model's vocabulary", a->labels->names[i]));
  }
  buffer_free(&text);
  return ok;
}

static bool encode_prompt(const Asker *a, const char *text, size_t length, Ids *ids, Error *err) {
  const Tokenizer *t = a->bundle->tokenizer;
  Buffer all = {0};
  Ids source = {0};
  size_t dropped;
  ids->count = 0;
  buffer_add(&all, a->before.data ? a->before.data : "", a->before.length);
  buffer_add(&all, text, length);
  buffer_add(&all, a->behind.data ? a->behind.data : "", a->behind.length);
  const Turn turn = {ROLE_USER, all.data, all.length, NULL};
  if (!a->chat && bundle_begin(a->bundle) >= 0) vec_push(ids, bundle_begin(a->bundle));
  const bool ok = a->chat ? layout_input(&a->layout, t, &turn, 1, &source, ids, &dropped, err)
                          : tokenizer_encode(t, all.data ? all.data : "", all.length, false, ids, err);
  buffer_free(&all);
  vec_free(&source);
  return ok && (ids->count || fail(err, "the text has no tokens"));
}

/* Tokens that the model reads before the longest label. */
static int64_t capacity_of(const Asker *a) {
  const Config *c = &a->bundle->model->config;
  size_t longest = 0;
  for (int64_t i = 0; i < a->labels->count; i++)
    if (a->label_ids[i].count > longest) longest = a->label_ids[i].count;
  return c->arch->unlimited_context ? INT32_MAX : c->context - (int64_t)longest;
}

/* With --too-long truncate, an eighth of the text is cut off until it fits. */
static bool fit_prompt(const Asker *a, const char *text, size_t length, Ids *ids, Error *err) {
  const int64_t most = capacity_of(a);
  for (;; length = utf8_whole_prefix(text, length - length / 8 - 1)) {
    if (!encode_prompt(a, text, length, ids, err)) return false;
    if ((int64_t)ids->count <= most) return true;
    if (!length) return fail(err, "the template is longer than the model reads: shorten it");
    if (strcmp(a->settings->too_long, "truncate"))
      return fail(err,
                  "the text and its template have %zu tokens, of which the model reads %" PRId64
                  ": give --too-long truncate to cut off the text's end",
                  ids->count, most);
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
static void score_prompt(const Asker *a, const Ids *prompt, double *scores) {
  const int64_t vocabulary = a->bundle->model->config.vocabulary, length = (int64_t)prompt->count;
  const int32_t sequence = session_open(a->session, -1);
  const float *read = session_read(a->session, sequence, prompt->data, length);
  float *first = mem_alloc((size_t)vocabulary * sizeof *first); /* later feeds overwrite what was read */
  memcpy(first, read, (size_t)vocabulary * sizeof *first);
  double sum = 0;
  for (int64_t i = 0; i < a->labels->count; i++)
    scores[i] = score_label(a, sequence, length, first, &a->label_ids[i]);
  double top = scores[0];
  for (int64_t i = 0; i < a->labels->count; i++) top = fmax(top, scores[i]);
  for (int64_t i = 0; i < a->labels->count; i++) sum += exp(scores[i] - top);
  for (int64_t i = 0; i < a->labels->count; i++) scores[i] -= top + log(sum);
  session_close(a->session, sequence);
  mem_free(first);
}

static bool score_text(const Asker *a, const char *text, size_t length, double *scores, Error *err) {
  Ids prompt = {0};
  const bool ok = fit_prompt(a, text, length, &prompt, err);
  if (ok) score_prompt(a, &prompt, scores);
  vec_free(&prompt);
  return ok;
}

/* ln of the mean probability of each label where there is no text. */
static bool find_bias(const Asker *a, double *bias, Error *err) {
  static const char *const free_of_content[] = {"N/A", "", "[MASK]"};
  enum { TEXTS = sizeof free_of_content / sizeof *free_of_content };
  const int64_t count = a->labels->count;
  double *scores = mem_alloc_zeroed((size_t)count, sizeof *scores);
  bool ok = true;
  for (int t = 0; ok && a->settings->calibrate && t < TEXTS; t++) {
    ok = score_text(a, free_of_content[t], strlen(free_of_content[t]), scores, err);
    for (int64_t i = 0; i < count; i++) bias[i] += exp(scores[i]) / TEXTS;
  }
  for (int64_t i = 0; i < count; i++) bias[i] = a->settings->calibrate ? log(bias[i]) : 0;
  mem_free(scores);
  return ok;
}

/* ---- texts ---- */

static bool score_all(const Asker *a, ClassifyTexts *t, const double *bias, Error *err) {
  const int64_t count = a->labels->count;
  for (int64_t i = 0; i < t->count && !interrupted(); i++) {
    double *scores = t->scores + i * count;
    Error problem = {0};
    if (classify_check_text(t->texts[i], t->lengths[i], &problem) &&
        score_text(a, t->texts[i], t->lengths[i], scores, &problem))
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
                            ClassifyTexts *texts, Error *err) {
  Asker a = {.bundle = b, .settings = settings, .labels = labels};
  double *bias = mem_alloc_zeroed((size_t)labels->count, sizeof *bias);
  bool ok = check_model(b, err) && choose_template(&a, err) && encode_labels(&a, err);
  if (ok) a.session = session_new(b->model, (StateSize){0});
  ok = ok && find_bias(&a, bias, err) && score_all(&a, texts, bias, err);
  session_free(a.session);
  for (int64_t i = 0; a.label_ids && i < labels->count; i++) vec_free(&a.label_ids[i]);
  mem_free(a.label_ids);
  mem_free(bias);
  buffer_free(&a.before);
  buffer_free(&a.behind);
  return ok;
}
