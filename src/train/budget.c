#include "train/budget.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/figure.h"
#include "base/integers.h"
#include "base/threads.h"
#include "train/advice.h"
#include "train/law.h"
#include "train/measure.h"

/* ---- candidates ---- */

typedef struct Shape {
  int64_t layers, width, heads;
  int64_t ffn; /* 0: by the width */
} Shape;
static const Shape shapes[] = {{2, 64, 2, 0},   {4, 64, 2, 0},  {3, 96, 3, 0},  {3, 128, 4, 0},
                               {4, 128, 4, 0},  {6, 128, 4, 0}, {4, 192, 6, 0}, {6, 192, 6, 0},
                               {4, 256, 8, 0},  {6, 256, 8, 0}, {6, 384, 6, 0}, {8, 512, 8, 0},
                               {12, 768, 12, 0}};
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
  int64_t filled; /* the setting --vocab; 0: by the amount of text */
} Text;

/* The vocabulary of subwords grows with the text. */
static int64_t choose_vocabulary(int64_t characters) {
  return characters < 2000000 ? 512 : characters < 8000000 ? 1024 : characters < 30000000 ? 4096 : 8192;
}

/* Bytes per token of alphabetic text: 2.05 with a vocabulary of 512, 2.62 with 1024 (measured). */
static double bytes_a_token(int64_t vocabulary) {
  return fmin(4.5, fmax(1, 2.05 + 0.57 * log2((double)vocabulary / 512)));
}

/* Text like Chinese is tokenized by characters, a rule from the runs in docs/log.md; pairs by pieces that
 * both sides share, as in the recipes. */
static const char *choose_tokenizer(int runs, bool many) {
  return runs & PAIRS ? "bpe" : many ? "char" : "bpe";
}

/* Of pairs: a text of few characters has few pieces that occur often enough. Summaries have long sources, and
 * fewer updates to learn pieces from. Of conversations and labels: by the amount of text (0). */
static int64_t choose_pieces(int runs, const Task *task, int64_t characters) {
  enum { FEW = 2000000 };
  if (runs & (TALK | LABELS)) return 0;
  if (!(runs & PAIRS)) return choose_vocabulary(characters);
  return strcmp(task->name, "translate") || characters < FEW ? 6000 : 10000;
}

static Text choose_text(const Settings *settings, const Material *m, int runs) {
  enum { USUAL = 4096, CHARACTERS = 8192, LETTERS = 256, BYTES = 257 };
  const TokenizerSettings *given = settings_part(settings, &tokenizer_settings_table);
  const double bytes = (double)m->train.bytes, characters = (double)m->train.characters;
  const bool many = bytes > 1.8 * characters;
  Text text = {.tokenizer =
                   strcmp(given->tokenizer, "auto") ? given->tokenizer : choose_tokenizer(runs, many)};
  const bool pieces = !strcmp(text.tokenizer, "bpe") && (!many || runs & PAIRS),
             single = !strcmp(text.tokenizer, "byte");
  text.filled = given->vocab ? given->vocab : pieces ? choose_pieces(runs, m->task, m->train.characters) : 0;
  text.vocabulary = single ? BYTES : text.filled ? text.filled : pieces ? USUAL : many ? CHARACTERS : LETTERS;
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
    if (shape->ffn && !s.ffn) s.ffn = shape->ffn;
    if (!s.context) s.context = 128;
  }
  return config_from_settings(c, &s, vocabulary, err);
}

/* Share of the measured speed that runs of two and of ten minutes reached; evaluations, samples, checkpoints
 * and other load on the machine take the rest. */
static const double training_share = 0.85;

/* What is asked for, and what of it is known. */
typedef struct Search {
  const ModelSettings *given;
  StepMode mode;
  const Text *text;
  int runs;
  double deadline;
  const News *news;
} Search;

/* Measures a shape (NULL: that of the settings); pairs as sequences of the length that they have on average.
 */
static bool estimate(Choice *choice, const Search *w, const Shape *shape, int64_t examples, Error *err) {
  enum { TOKENS_A_STEP = 2048, SHORTEST = 8 };
  Config config;
  if (!config_of(&config, w->given, shape, w->text->vocabulary, err)) return false;
  if (w->runs & PAIRS)
    config.context =
        int64_min(config.context, int64_max(SHORTEST, w->text->tokens / 2 / int64_max(1, examples)));
  const int64_t sequences = config.context < TOKENS_A_STEP ? TOKENS_A_STEP / config.context : 1;
  const double each = measure_step(&config, sequences, w->mode, 0.25, NULL);
  const Cost cost = model_cost(&config, &(Tuning){0}, 1, 1, 1);
  /* budget_steps reports that no time is left */
  const double seconds = fmax(w->deadline - clock_seconds(), 1e-3);
  *choice = (Choice){.shape = {config.layers, config.width, config.heads, config.ffn},
                     .vocabulary = w->text->vocabulary,
                     .context = config.context};
  choice->tokens_per_second = (double)(sequences * config.context) / each;
  choice->parameters = (double)(cost.parameters - config.vocabulary * config.width);
  choice->tokens = choice->tokens_per_second * seconds * training_share;
  choice->loss = law_loss(choice->parameters, choice->tokens, (double)w->text->tokens);
  return true;
}

/* Tries shapes from small to large, until larger ones only get worse: they see too few tokens. */
static bool choose_by_law(Choice *best, const Search *w, bool fixed, Error *err) {
  *best = (Choice){.loss = INFINITY};
  for (int i = 0; i < (fixed ? 1 : SHAPES); i++) {
    Choice now;
    news_progress(w->news, "measuring this machine", i, SHAPES, "shape");
    if (!estimate(&now, w, fixed ? NULL : &shapes[i], 0, err)) return false;
    if (now.loss < best->loss) *best = now;
    if (now.loss > best->loss * 1.05) break;
  }
  return true;
}

/* Shapes of encoder and decoder, and the updates of 2,048 tokens below which a shape learns too little. Those
 * of width 128 are the recipes', which had 1,500 to 7,000 updates; the bounds are rules of thumb. */
static const struct {
  Shape shape;
  double updates;
} pair_shapes[] = {{{2, 64, 2, 256}, 0},
                   {{3, 128, 4, 512}, 700},
                   {{4, 128, 4, 256}, 5000},
                   {{4, 256, 8, 1024}, 30000},
                   {{6, 384, 6, 1536}, 60000}};
enum { PAIR_SHAPES = sizeof pair_shapes / sizeof *pair_shapes };

/* Tries shapes from small to large, as long as enough updates fit. */
static bool choose_by_updates(Choice *best, const Search *w, bool fixed, int64_t examples, Error *err) {
  enum { UPDATE = 2048 };
  for (int i = 0; i < (fixed ? 1 : PAIR_SHAPES); i++) {
    Choice now;
    news_progress(w->news, "measuring this machine", i, PAIR_SHAPES, "shape");
    if (!estimate(&now, w, fixed ? NULL : &pair_shapes[i].shape, examples, err)) return false;
    if (i && now.tokens / UPDATE < pair_shapes[i].updates) break;
    *best = now;
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

static bool fill_shape(Settings *s, const Shape *shape, Error *err) {
  return fill_int(s, "layers", shape->layers, err) && fill_int(s, "width", shape->width, err) &&
         fill_int(s, "heads", shape->heads, err) && (!shape->ffn || fill_int(s, "ffn", shape->ffn, err));
}

static bool fill_tokenizer(Settings *s, const Text *text, Error *err) {
  return settings_fill(s, "tokenizer", text->tokenizer, err) &&
         (!text->filled || !strcmp(text->tokenizer, "byte") || fill_int(s, "vocab", text->vocabulary, err));
}

/* Short runs need a higher learning rate than long ones (docs/log.md). */
static bool fill_rate(Settings *s, int64_t width, Error *err) {
  const TrainSettings *train = settings_part(s, &train_settings_table);
  char text[32];
  snprintf(text, sizeof text, "%.4g", fmin(4e-3, 0.32 / (double)width));
  return train->lr > 0 || settings_fill(s, "lr", text, err);
}

bool budget_fill_batch(Settings *s, int64_t tokens, Error *err) {
  return settings_given(s, "batch") || fill_int(s, "batch_tokens", tokens, err);
}

/* More passes over the same text need more regularization: of running text and conversations, as the runs of
 * docs/log.md show; of pairs, as in the recipes (43 passes 0.3; 11 and 7 passes 0.2; 4 passes and fewer 0.1).
 */
static const char *choose_dropout(int runs, double passes) {
  if (runs & PAIRS) return passes > 25 ? "0.3" : passes > 5 ? "0.2" : "0.1";
  if (runs & TALK) return passes > 25 ? "0.2" : "0.1";
  return passes > 25 ? "0.2" : passes > 4 ? "0.1" : "0";
}

static int64_t within(double x, int64_t least, int64_t most) {
  return (int64_t)fmin((double)most, fmax((double)least, x));
}

/* Of running text about 4,000 updates or more, of at least 1,024 tokens. Of pairs about 110, as the recipes
 * have of captions and short sentences, but no update of fewer or more tokens than theirs; where time is
 * short, smaller updates rather than few. */
static int64_t choose_batch(int runs, const Choice *c, const Text *text, int64_t examples) {
  enum { TOGETHER = 110, FEW = 1500 };
  if (runs & TEXT) return within(c->tokens / 4000, 1024, 8192);
  const double wanted = runs & PAIRS ? (double)TOGETHER * (double)text->tokens / (double)examples : 4096;
  return within(c->tokens / FEW, 1024, within(wanted, 2048, 6144));
}

static void report_choice(const News *news, const Choice *c, const Text *text, int runs, double passes) {
  char a[FIGURE_SIZE], b[FIGURE_SIZE], d[FIGURE_SIZE];
  if (runs & PAIRS)
    news_note(
        news,
        "budget: tokenizer %s, vocabulary up to %s; %" PRId64 " layers of width %" PRId64
        ", which see %s tokens of targets in this time, %.1f passes: the largest shape for which enough "
        "updates fit",
        text->tokenizer, figure_count(a, text->vocabulary), c->shape.layers, c->shape.width,
        figure_count(d, (int64_t)c->tokens), passes);
  else
    news_note(news,
              "budget: tokenizer %s, vocabulary up to %s; %" PRId64 " layers of width %" PRId64
              " (%s parameters without embeddings), which see %s tokens in this time, %.1f passes over the "
              "text: the lowest expected loss of the measured shapes",
              text->tokenizer, figure_count(a, text->vocabulary), c->shape.layers, c->shape.width,
              figure_count(b, (int64_t)c->parameters), figure_count(d, (int64_t)c->tokens), passes);
}

/* Two layers of width 128, as in the recipes of labels, which learn little from a text: one number. */
static bool choose_classifier(Settings *s, const Text *text, bool fixed, const News *news, Error *err) {
  static const Shape shape = {2, 128, 4, 0};
  if (!fixed && !fill_shape(s, &shape, err)) return false;
  news_note(news, "budget: tokenizer %s%s: as in the recipes of labels", text->tokenizer,
            fixed ? "" : N_("; 2 layers of width 128"));
  return fill_tokenizer(s, text, err) && budget_fill_batch(s, 4096, err);
}

static bool choose_network(Settings *s, const Material *m, const Search *w, bool fixed, Error *err) {
  const int runs = w->runs;
  const int64_t examples = int64_max(1, m->train.examples);
  Choice best;
  if (!(runs & PAIRS ? choose_by_updates(&best, w, fixed, examples, err)
                     : choose_by_law(&best, w, fixed, err)))
    return false;
  const double passes = best.tokens / fmax(1, (double)w->text->tokens / (runs & PAIRS ? 2 : 1));
  report_choice(w->news, &best, w->text, runs, passes);
  return fill_tokenizer(s, w->text, err) && (fixed || fill_shape(s, &best.shape, err)) &&
         (!(runs & TEXT) || fill_int(s, "context", best.context, err)) &&
         budget_fill_batch(s, choose_batch(runs, &best, w->text, examples), err) &&
         fill_rate(s, best.shape.width, err) &&
         settings_fill(s, "dropout", choose_dropout(runs, passes), err);
}

bool budget_choose(Settings *s, const Material *m, double deadline, const News *news, Error *err) {
  const int runs = advice_runs(s, m);
  const bool fixed = is_fixed(s);
  if (runs & PAIRS && !settings_given(s, "arch") && !settings_fill(s, "arch", arch_of_pairs()->name, err))
    return false;
  if (!advice_fill(s, runs, news, err)) return false;
  if (runs & TUNED) return true;
  const Text text = choose_text(s, m, runs);
  const Search search = {.given = settings_part(s, &model_settings_table),
                         .mode = step_mode(settings_part(s, &train_settings_table)),
                         .text = &text,
                         .runs = runs,
                         .deadline = deadline,
                         .news = news};
  return runs & LABELS ? choose_classifier(s, &text, fixed, news, err)
                       : choose_network(s, m, &search, fixed, err);
}
