#include "train/budget.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/figure.h"
#include "base/threads.h"
#include "run/search.h"
#include "train/measure.h"

/* ---- scaling law ---- */

/* Nats per token above the irreducible loss; fitted in docs/log.md ("The budget's law"). */
static const double law_A = 40, law_a = 0.34, law_B = 840, law_b = 0.5;
/* Passes over the same text after which a further one adds little. */
static const double law_passes = 15;

/* The number of distinct tokens that `seen` tokens are worth if only `different` of them are distinct. */
static double effective_tokens(double seen, double different) {
  const double again = seen / different - 1;
  return again <= 0 ? seen : different * (1 + law_passes * (1 - exp(-again / law_passes)));
}

static double law_loss(double parameters, double seen, double different) {
  return law_A * pow(parameters, -law_a) + law_B * pow(effective_tokens(seen, different), -law_b);
}

/* ---- candidates ---- */

typedef struct Shape {
  int64_t layers, width, heads;
} Shape;
static const Shape shapes[] = {{2, 64, 2},  {4, 64, 2},  {3, 96, 3},   {3, 128, 4}, {4, 128, 4},
                               {6, 128, 4}, {4, 192, 6}, {6, 192, 6},  {4, 256, 8}, {6, 256, 8},
                               {6, 384, 6}, {8, 512, 8}, {12, 768, 12}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct Choice {
  Shape shape;
  int64_t vocabulary, context;
  double parameters, tokens, loss, tokens_per_second;
} Choice;

/* An estimate of the tokenized text, made before the tokenizer is trained. */
typedef struct Text {
  const char *tokenizer;
  int64_t vocabulary, tokens;
} Text;

/* The vocabulary of subwords grows with the text. */
static int64_t choose_vocabulary(int64_t characters) {
  return characters < 2000000 ? 512 : characters < 8000000 ? 1024 : characters < 30000000 ? 4096 : 8192;
}

/* Bytes per token of alphabetic text: 2.05 with a vocabulary of 512, 2.62 with 1024 (measured). */
static double bytes_a_token(int64_t vocabulary) {
  return fmin(4.5, fmax(1, 2.05 + 0.57 * log2((double)vocabulary / 512)));
}

/* Text like Chinese is tokenized by characters, a rule from the runs in docs/log.md. */
static Text choose_text(const Settings *settings, const MaterialPart *corpus) {
  const TokenizerSettings *given = settings_part(settings, &tokenizer_settings_table);
  const double bytes = (double)corpus->bytes, characters = (double)corpus->characters;
  const bool many = bytes > 1.8 * characters;
  Text text = {.tokenizer = strcmp(given->tokenizer, "auto") ? given->tokenizer : many ? "char" : "bpe"};
  const bool pieces = !strcmp(text.tokenizer, "bpe") && !many, single = !strcmp(text.tokenizer, "byte");
  text.vocabulary = single         ? 257
                    : given->vocab ? given->vocab
                    : pieces       ? choose_vocabulary(corpus->characters)
                    : many         ? 8192
                                   : 256;
  text.tokens = (int64_t)(pieces ? bytes / bytes_a_token(text.vocabulary) : single ? bytes : characters);
  return text;
}

/* `shape` NULL: the shape is fixed by the settings. */
static bool config_of(Config *c, const ModelSettings *given, const Shape *shape, int64_t vocabulary,
                      Error *err) {
  ModelSettings s = *given;
  if (shape) {
    s.layers = shape->layers;
    s.width = shape->width;
    s.heads = shape->heads;
    if (!s.context) s.context = 128;
  }
  return config_from_settings(c, &s, vocabulary, err);
}

enum { TOKENS_A_STEP = 2048 };

/* Share of the measured speed that runs of two and of ten minutes reached; evaluations, samples, checkpoints
 * and other load on the machine take the rest. */
static const double training_share = 0.85;

static bool estimate(Choice *choice, const ModelSettings *given, StepMode mode, const Shape *shape,
                     const Text *text, double seconds, Error *err) {
  Config config;
  if (!config_of(&config, given, shape, text->vocabulary, err)) return false;
  const int64_t sequences = config.context < TOKENS_A_STEP ? TOKENS_A_STEP / config.context : 1;
  const double each = measure_step(&config, sequences, mode, 0.25, NULL);
  const Cost cost = model_cost(&config, &(Tuning){0}, 1, 1, 1);
  *choice = (Choice){.shape = {config.layers, config.width, config.heads},
                     .vocabulary = text->vocabulary,
                     .context = config.context};
  choice->tokens_per_second = (double)(sequences * config.context) / each;
  choice->parameters = (double)(cost.parameters - config.vocabulary * config.width);
  choice->tokens = choice->tokens_per_second * seconds * training_share;
  choice->loss = law_loss(choice->parameters, choice->tokens, (double)text->tokens);
  return true;
}

/* Tries shapes from small to large, until larger ones only get worse: they see too few tokens. */
static bool choose_shape(Choice *best, const ModelSettings *given, StepMode mode, bool fixed,
                         const Text *text, double deadline, const News *news, Error *err) {
  *best = (Choice){.loss = INFINITY};
  for (int i = 0; i < (fixed ? 1 : SHAPES); i++) {
    Choice now;
    const double left =
        fmax(deadline - clock_seconds(), 1e-3); /* budget_steps reports that no time is left */
    news_progress(news, "measuring this machine", i, SHAPES, "shape");
    if (!estimate(&now, given, mode, fixed ? NULL : &shapes[i], text, left, err)) return false;
    if (now.loss < best->loss) *best = now;
    if (now.loss > best->loss * 1.05) break;
  }
  return true;
}

static bool is_fixed(const Settings *s) {
  static const char *const names[] = {"size", "layers", "width", "heads", "arch"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (settings_given(s, names[i])) return true;
  return false;
}

static bool fill_int(Settings *s, const char *name, int64_t value, Error *err) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, value);
  return settings_fill(s, name, text, err);
}

/* More passes over the same text need more regularization. */
static const char *choose_dropout(double passes) {
  return passes > 25 ? "0.2" : passes > 4 ? "0.1" : "0";
}

/* Short runs need a higher learning rate than long ones (docs/log.md). */
static bool fill_rate(Settings *s, int64_t width, Error *err) {
  char text[32];
  snprintf(text, sizeof text, "%.4g", fmin(4e-3, 0.32 / (double)width));
  return settings_fill(s, "lr", text, err);
}

/* About 4,000 updates or more, of at least 1,024 tokens. */
static int64_t choose_batch_tokens(double tokens) {
  return (int64_t)fmin(8192, fmax(1024, tokens / 4000));
}

static bool fill(Settings *s, const Choice *c, const Text *text, Error *err) {
  const bool shaped = is_fixed(s);
  return settings_fill(s, "tokenizer", text->tokenizer, err) &&
         (!strcmp(text->tokenizer, "byte") || fill_int(s, "vocab", text->vocabulary, err)) &&
         (shaped ||
          (fill_int(s, "layers", c->shape.layers, err) && fill_int(s, "width", c->shape.width, err) &&
           fill_int(s, "heads", c->shape.heads, err))) &&
         fill_int(s, "context", c->context, err) &&
         fill_int(s, "batch_tokens", choose_batch_tokens(c->tokens), err) &&
         fill_rate(s, c->shape.width, err) &&
         settings_fill(s, "dropout", choose_dropout(c->tokens / (double)text->tokens), err);
}

bool budget_choose(Settings *s, const MaterialPart *corpus, double deadline, const News *news, Error *err) {
  const ModelSettings *given = settings_part(s, &model_settings_table);
  const Text text = choose_text(s, corpus);
  Choice best;
  char a[FIGURE_SIZE], b[FIGURE_SIZE], c[FIGURE_SIZE];
  const StepMode mode = step_mode(settings_part(s, &train_settings_table));
  if (!choose_shape(&best, given, mode, is_fixed(s), &text, deadline, news, err)) return false;
  news_note(
      news,
      "budget: tokenizer %s, vocabulary up to %s; %" PRId64 " layers of width %" PRId64
      " (%s parameters without embeddings), which see %s tokens in this time, %.1f passes over the text: "
      "the lowest expected loss of the measured shapes",
      text.tokenizer, figure_count(a, text.vocabulary), best.shape.layers, best.shape.width,
      figure_count(b, (int64_t)best.parameters), figure_count(c, (int64_t)best.tokens),
      best.tokens / (double)text.tokens);
  return fill(s, &best, &text, err);
}

/* ---- steps ---- */

/* Share of the time for evaluations, samples, checkpoints and the report; corrected later (pace.h). */
static const double overhead = 0.08;

/* A forward pass is a third of an update, plus an overhead because its batches are smaller. Texts for
 * --best-by are generated token by token: at most a context per example and beam. */
double budget_evaluation(const Plan *p, const Material *material, const Settings *s) {
  static const double forward = 0.5;
  const TrainSettings *train = settings_part(s, &train_settings_table);
  const SearchSettings *search = settings_part(s, &search_settings_table);
  const double scored = fmin((double)p->eval_tokens, (double)material->held.tokens),
               examples = fmin((double)train->eval_examples, (double)material->held.examples),
               written = judged_by_metric(train) ? examples * (double)(p->context * search->beam) : 0;
  return forward * (scored + written) / p->step_tokens;
}

/* Limits evaluations to a fifth of the time, down to a single one at the end. */
static void space_evaluations(Plan *p, const TrainSettings *s, double updates) {
  const double most = 0.2 * (double)p->steps / updates; /* evaluations */
  if (s->eval_every || (double)p->steps / (double)p->eval_every <= most) return;
  p->eval_every = most >= 2 ? (int64_t)((double)p->steps / most) : 4 * p->steps;
}

bool budget_steps(Settings *s, Plan *plan, const Material *material, double deadline, const News *news,
                  Error *err) {
  char a[FIGURE_SIZE], b[FIGURE_SIZE];
  enum { MEASURED = 4096 }; /* tokens: enough to be representative, few enough for large networks */
  const double piece = fmin(MEASURED, plan->step_tokens / (double)(plan->accumulate * plan->mix));
  const int64_t sequences = (int64_t)fmax(1, piece / (double)plan->context);
  StepMode mode = step_mode(settings_part(s, &train_settings_table));
  mode.tuning = plan->tuning;
  Config config = plan->config;
  config.context = plan->context;
  const double each = measure_step(&config, sequences, mode, 0.7, NULL) * plan->step_tokens /
                      (double)(sequences * plan->context);
  const double left = deadline - clock_seconds();
  if (left < 3 * each)
    return fail_usage(err,
                      "--budget leaves no time for training after preparing the data: give at least %s more",
                      figure_time(a, 10 * each - left));
  const TrainSettings *train = settings_part(s, &train_settings_table);
  plan_set_steps(plan, train, (int64_t)(left * (1 - overhead) / each));
  space_evaluations(plan, train, budget_evaluation(plan, material, s));
  news_note(news, "budget: %s steps fit into the remaining %s", figure_count(a, plan->steps),
            figure_time(b, left));
  return true;
}
