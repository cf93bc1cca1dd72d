/* bench.c - `inkstone bench`: measurements, each with the peak of the machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/load.h"
#include "base/news.h"
#include "base/random.h"
#include "base/threads.h"
#include "base/unused.h"
#include "kernels/kernels.h"
#include "ops/bench.h"
#include "ops/peak.h"
#include "run/bundle.h"
#include "run/session.h"
#include "train/measure.h"

#include "train/bench.def" /* BenchSettings, bench_settings_table */

#include "base/settings_table.h"

#include "train/bench.def"

ink_settings *ink_settings_bench(void) {
  static const SettingTable *const tables[] = {&bench_settings_table, &model_settings_table,
                                               &general_settings_table};
  return settings_new(tables, sizeof tables / sizeof *tables);
}

typedef struct Bench {
  const BenchSettings *settings;
  const Settings *given;
  int64_t prompt_tokens, new_tokens; /* that `bench generate` reads and writes */
  Config config;
  News news;
  Precision precision; /* of the operands of matrix products */
  double peak, memory; /* the machine's peaks: FLOP/s and bytes/s */
  int64_t repeats;
} Bench;

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double median(double *values, int64_t n) {
  qsort(values, (size_t)n, sizeof *values, by_value);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static json_t *shape_json(const Config *c, const Cost *cost) {
  return json_build("{s:s, s:I, s:I, s:I, s:I, s:I}", "arch", c->arch->name, "parameters",
                    (json_int_t)cost->parameters, "layers", (json_int_t)c->layers, "width",
                    (json_int_t)c->width, "context", (json_int_t)c->context, "vocabulary",
                    (json_int_t)c->vocabulary);
}

/* ---- train ---- */

/* `--precision bf16` is the older name of `--type bf16`. */
static TensorType weight_type(const BenchSettings *s) {
  return strcmp(s->precision, "f32") ? TENSOR_BF16 : type_named(s->type);
}

static Model *random_model(const Bench *b, TensorType type) {
  Model *m = model_new(&b->config, false);
  params_initialize(m->params, 1);
  CHECK(!params_convert(m->params, type));
  return m;
}

static bool measure_training(Bench *b, const Tuning *tuning, json_t *out) {
  const int64_t n = b->repeats, tokens = b->settings->batch * b->config.context;
  const Cost cost = model_cost(&b->config, tuning, b->settings->batch, b->config.context, b->config.context);
  double *seconds = mem_alloc((size_t)n * sizeof *seconds);
  const StepMode mode = {
      .recompute = b->settings->checkpoint_activations, .precision = b->precision, .tuning = *tuning};
  const int64_t activations = mode.recompute ? cost.recompute_bytes : cost.activation_bytes;
  int64_t resident = 0;
  for (int64_t i = 0; i < n; i++) {
    seconds[i] = measure_step(&b->config, b->settings->batch, mode, 0.5, &resident);
    news_progress(&b->news, "training steps", i + 1, n, "measurement");
  }
  const double each = median(seconds, n), rate = cost.flops / each;
  mem_free(seconds);
  json_put(out, "model", shape_json(&b->config, &cost));
  json_merge(out,
             json_build("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "precision",
                        precision_name(mode.precision), "tokens_a_step", (json_int_t)tokens, "seconds_a_step",
                        each, "tokens_per_second", (double)tokens / each, "flops_per_second", rate,
                        "share_of_peak", rate / b->peak, "flops_a_token", cost.flops / (double)tokens,
                        "activation_bytes", (json_int_t)activations, "resident_bytes", (json_int_t)resident));
  return true;
}

static bool bench_train(Bench *b, json_t *out, Error *err) {
  Tuning tuning = {0};
  if (!b->settings->rank) return measure_training(b, &tuning, out);
  Model *base = random_model(b, type_named(b->settings->type));
  tuning =
      (Tuning){.base = base->params, .adapter = {.present = true, .rank = b->settings->rank, .scale = 2}};
  const bool ok = tuning_check(&tuning, &b->config, err) && measure_training(b, &tuning, out);
  model_free(base);
  return ok;
}

/* ---- generate ---- */

typedef struct Run {
  double prompt, token; /* seconds for the prompt, and for one new token */
  int64_t cache;        /* bytes of keys and values */
} Run;

/* With an encoder the prompt is a source, read with the first token of the target. */
static Run generate_once(const Bench *b, Session *session, const int32_t *prompt) {
  const int64_t length = b->prompt_tokens, more = b->new_tokens;
  const bool encodes = b->config.arch->encodes;
  const int32_t text = session_open(session, encodes ? session_add_source(session, prompt, length) : -1);
  Run run;
  double start = clock_seconds();
  session_read(session, text, prompt, encodes ? 1 : length);
  run.prompt = clock_seconds() - start;
  start = clock_seconds();
  for (int64_t i = 0; i < more; i++) session_read(session, text, prompt + i % length, 1);
  run.token = (clock_seconds() - start) / (double)more;
  run.cache = session_cache_bytes(session);
  session_close(session, text);
  return run;
}

/* Lengths that were not given are at most what the context holds. */
static bool fit_lengths(Bench *b, Error *err) {
  const int64_t context = b->config.context;
  const bool prompt_given = settings_given(b->given, "prompt_tokens");
  int64_t read = b->settings->prompt_tokens, more = b->settings->new_tokens;
  if (!b->config.arch->unlimited_context) {
    const bool apart = b->config.arch->encodes; /* the source and its target, which begins with a token */
    if (!settings_given(b->given, "new_tokens"))
      more = int64_max(1, int64_min(more, apart ? context - 1 : prompt_given ? context - read : context / 2));
    if (!prompt_given) read = int64_max(1, int64_min(read, apart ? context : context - more));
    if (apart ? read > context || more >= context : read + more > context)
      return fail_usage(err,
                        "%lld tokens do not fit into a context of %lld: give fewer --prompt-tokens or "
                        "--new-tokens, or a larger --context",
                        (long long)(read + more), (long long)context);
  }
  b->prompt_tokens = read;
  b->new_tokens = more;
  return true;
}

/* Forward only; for a prompt, logits are computed for the last token only. */
static double prompt_flops(const Config *c, const Cost *training, int64_t length) {
  return training->forward_flops - 2.0 * (double)(length - 1) * (double)c->width * (double)c->vocabulary;
}

static double stored_bytes(Params *params) {
  double bytes = 0;
  for (size_t i = 0; i < params_count(params); i++)
    bytes += (double)tensor_bytes(&params_at(params, i)->tensor);
  return bytes;
}

static void generate_figures(const Bench *b, double bytes, double prompt, double token, int64_t cache,
                             json_t *out) {
  const Cost whole = model_cost(&b->config, &(Tuning){0}, 1, b->prompt_tokens, b->prompt_tokens);
  const double length = (double)b->prompt_tokens;
  json_put(out, "model", shape_json(&b->config, &whole));
  json_put(out, "prompt_tokens", json_integer(b->prompt_tokens));
  json_put(out, "new_tokens", json_integer(b->new_tokens));
  json_put(out, "cache_bytes", json_integer(cache));
  json_merge(out, json_build("{s:f, s:f, s:f, s:f, s:f}", "prompt_tokens_per_second", length / prompt,
                             "prompt_share_of_peak",
                             prompt_flops(&b->config, &whole, b->prompt_tokens) / prompt / b->peak,
                             "new_tokens_per_second", 1 / token, "weight_bytes", bytes,
                             "new_share_of_memory_bandwidth", bytes / token / b->memory));
}

static int64_t least_vocabulary(const Config *c) {
  return c->source_vocabulary ? int64_min(c->source_vocabulary, c->vocabulary) : c->vocabulary;
}

static bool generate_with(const Bench *b, Model *m, json_t *out, Error *err) {
  if (!model_cache(m, b->settings->cache_type, err)) return false;
  const int64_t n = b->repeats, length = b->prompt_tokens;
  int32_t *prompt = mem_alloc((size_t)length * sizeof *prompt);
  double *prompts = mem_alloc((size_t)n * sizeof *prompts), *tokens = mem_alloc((size_t)n * sizeof *tokens);
  for (int64_t i = 0; i < length; i++)
    prompt[i] = (int32_t)random_below((uint64_t)least_vocabulary(&b->config), 1, random_stream("prompt"),
                                      (uint64_t)i);
  Session *session = session_new(m, (StateSize){0});
  int64_t cache = 0;
  for (int i = 0; i < 2; i++)
    cache = generate_once(b, session, prompt).cache; /* packs weights the second time */
  for (int64_t i = 0; i < n; i++) {
    const Run run = generate_once(b, session, prompt);
    prompts[i] = run.prompt;
    tokens[i] = run.token;
    news_progress(&b->news, "writing", i + 1, n, "measurement");
  }
  session_free(session);
  generate_figures(b, stored_bytes(m->params), median(prompts, n), median(tokens, n), cache, out);
  mem_free(prompts);
  mem_free(tokens);
  mem_free(prompt);
  return true;
}

static bool generate_at_random(Bench *b, json_t *out, Error *err) {
  if (!fit_lengths(b, err)) return false;
  Model *m = random_model(b, weight_type(b->settings));
  model_freeze(m);
  const bool ok = generate_with(b, m, out, err);
  model_free(m);
  return ok;
}

static bool generate_from_file(Bench *b, json_t *out, Error *err) {
  Bundle bundle;
  if (!bundle_open(&bundle, b->settings->weights, &b->news, err)) return false;
  b->config = bundle.model->config;
  const bool ok = fit_lengths(b, err) && generate_with(b, bundle.model, out, err);
  bundle_close(&bundle);
  return ok;
}

static bool bench_generate(Bench *b, json_t *out, Error *err) {
  const char *weights = b->settings->weights;
  return (weights && *weights ? generate_from_file : generate_at_random)(b, out, err);
}

/* ---- ops ---- */

static bool bench_ops(Bench *b, json_t *out, Error *err) {
  json_t *list = json_array();
  bool found = false;
  for (int i = 0; i < op_count; i++) {
    const char *name = op_table[i]->name;
    double seconds, flops;
    if (b->settings->operator&& strcmp(name, b->settings->operator)) continue;
    found = true;
    if (!op_bench(name, (int)b->repeats, &seconds, &flops)) continue;
    json_t *row = json_build("{s:s, s:f}", "operator", name, "seconds", seconds);
    if (flops > 0) json_put(row, "flops_per_second", json_real(flops / seconds));
    if (flops > 0) json_put(row, "share_of_peak", json_real(flops / seconds / b->peak));
    json_push(list, row);
    news_progress(&b->news, "operators", i + 1, op_count, "operator");
  }
  json_put(out, "operators", list);
  return found || fail_usage(err, "unknown operator \"%s\": `inkstone bench ops` lists them all",
                             b->settings->operator);
}

/* ---- machine ---- */

/* Adds the bf16 peak (the f32 peak without bf16 instructions), that of 8-bit integers, and the read bandwidth
 * of the caches, measured on half of each so that the data stays in it. The f32 and memory peaks are in every
 * result. */
static bool bench_machine(Bench *b, json_t *out, Error *err) {
  static const char *const names[] = {"level1_bytes_per_second", "level2_bytes_per_second",
                                      "level3_bytes_per_second"};
  (void)b, (void)err;
  json_put(out, "peak_bf16_flops_per_second", json_real(machine_peak_flops(threads_count(), PRECISION_BF16)));
  json_put(out, "peak_int8_operations_per_second", json_real(machine_peak_integers(threads_count())));
  for (int level = 1; level <= 3; level++)
    json_put(out, names[level - 1], json_real(machine_read_bandwidth(machine_cache(level) / 2)));
  return true;
}

/* ---- all ---- */

/* A figure taken from the result of `run`, with its share of a peak of the machine. */
typedef struct Figure {
  const char *name, *share, *ceiling;
} Figure;
typedef struct Kind {
  const char *name;
  bool (*run)(Bench *, json_t *, Error *);
  Figure figures[2];
} Kind;
static const Kind training = {
    "training", bench_train, {{"tokens_per_second", "share_of_peak", "arithmetic"}}};
static const Kind writing = {"writing",
                             bench_generate,
                             {{"prompt_tokens_per_second", "prompt_share_of_peak", "arithmetic"},
                              {"new_tokens_per_second", "new_share_of_memory_bandwidth", "memory"}}};

typedef struct KnownShape {
  const Kind *kind;
  const char *name;
  const char *settings[24]; /* name, value, ..., NULL */
} KnownShape;
static const KnownShape known_shapes[] = {
#define SHAPE(work, key, name, ...) {&work, name, {__VA_ARGS__}},
#include "../../bench/shapes.def"
#undef SHAPE
};

static void add_figure(json_t *list, const Kind *kind, const KnownShape *shape, const Figure *f,
                       const json_t *answer) {
  json_push(list,
            json_build("{s:s, s:s, s:s, s:f, s:s, s:f}", "work", kind->name, "shape", shape->name, "figure",
                       f->name, "value", json_number_value(json_object_get(answer, f->name)), "ceiling",
                       f->ceiling, "share", json_number_value(json_object_get(answer, f->share))));
}

static bool measure_shape(const Bench *b, const KnownShape *shape, json_t *list, Error *err) {
  const Kind *kind = shape->kind;
  Settings *settings = ink_settings_bench();
  for (int i = 0; shape->settings[i]; i += 2)
    CHECK(settings_fill(settings, shape->settings[i], shape->settings[i + 1], err));
  BenchSettings *own = settings_part(settings, &bench_settings_table);
  Bench one = *b;
  one.settings = own;
  one.given = settings;
  json_t *answer = json_object();
  const bool ok =
      config_from_settings(&one.config, settings_part(settings, &model_settings_table), own->vocab, err) &&
      kind->run(&one, answer, err);
  for (size_t i = 0; ok && i < 2 && kind->figures[i].name; i++)
    add_figure(list, kind, shape, &kind->figures[i], answer);
  json_decref(answer);
  ink_settings_free(settings);
  return ok;
}

static bool bench_all(Bench *b, json_t *out, Error *err) {
  json_t *list = json_array();
  bool ok = bench_machine(b, out, err);
  for (size_t i = 0; ok && i < sizeof known_shapes / sizeof *known_shapes; i++)
    ok = measure_shape(b, &known_shapes[i], list, err);
  json_put(out, "shapes", list);
  return ok;
}

static const struct {
  const char *name;
  bool (*run)(Bench *, json_t *, Error *);
} benches[] = {{"machine", bench_machine},
               {"train", bench_train},
               {"generate", bench_generate},
               {"ops", bench_ops},
               {"all", bench_all}};

/* Which measurements a setting has an effect on; those that are not listed: on all. */
static const struct {
  const char *name, *readers;
} readers[] = {{"vocab", "train generate"},
               {"batch", "train"},
               {"checkpoint_activations", "train"},
               {"prompt_tokens", "generate"},
               {"type", "train generate"},
               {"rank", "train"},
               {"weights", "generate"},
               {"precision", "train generate"},
               {"cache_type", "generate"},
               {"new_tokens", "generate"},
               {"operator", "ops"}};

static bool check_readers(const Bench *b, const char *what, Error *err) {
  char where[64];
  snprintf(where, sizeof where, _("on `bench %s`"), what);
  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
    if (!strstr(readers[i].readers, what) && !unused_setting(b->given, readers[i].name, where, &b->news, err))
      return false;
  return strstr(readers[0].readers, what) ||
         unused_table(b->given, &model_settings_table, where, &b->news, err);
}

/* A model has its shape and its types. */
static bool check_weights(const Bench *b, Error *err) {
  static const char *const of_random[] = {"vocab", "type", "precision"};
  const char *where = N_("with --weights, whose model has its own");
  if (!b->settings->weights || !*b->settings->weights) return true;
  for (size_t i = 0; i < sizeof of_random / sizeof *of_random; i++)
    if (!unused_setting(b->given, of_random[i], where, &b->news, err)) return false;
  return unused_table(b->given, &model_settings_table, where, &b->news, err);
}

static bool check_settings(const Bench *b, const char *what, Error *err) {
  static const SettingNeed of_writing[] = {{"type", "precision", "f32", false}, {0}},
                           of_training[] = {{"type", "rank", "!0", false}, {0}};
  return check_readers(b, what, err) && check_weights(b, err) &&
         unused_needs(b->given, b->given, strcmp(what, "train") ? of_writing : of_training, &b->news, err);
}

/* `bench generate --precision bf16` only rounds weights; its products are f32. */
static Precision product_precision(size_t which, const BenchSettings *s) {
  return benches[which].run == bench_train ? precision_named(s->precision) : PRECISION_F32;
}

/* Shares refer to a peak measured beforehand. They are unreliable if the machine is busy, or if the peak
 * measured afterwards differs; this adds both to the result. */
static void add_quiet(const Bench *b, const MachineLoad *before, json_t *out) {
  const double after = machine_peak_flops(threads_count(), b->precision);
  const MachineLoad now = load_now();
  Disturbance d = load_between(before, &now);
  d.moved = after / b->peak - 1;
  const bool busy = load_disturbs(&d, threads_count());
  json_put(out, "repeats", json_integer(b->repeats));
  json_put(out, "peak_flops_per_second_after", json_number(after));
  json_put(out, "load_average", d.average < 0 ? json_null() : json_number(d.average));
  json_put(out, "others_share", d.others < 0 ? json_null() : json_number(d.others));
  json_put(out, "stolen_share", d.stolen < 0 ? json_null() : json_number(d.stolen));
  json_put(out, "busy", json_boolean(busy));
  if (busy)
    news_warning(&b->news,
                 "the machine is busy (other programs used %.0f %% of its CPU time, other virtual machines "
                 "%.0f %%; load average %.1f before; its peak changed by %+.0f %%): shares of the peak are "
                 "uncertain by as much",
                 100 * fmax(0, d.others), 100 * fmax(0, d.stolen), d.average, 100 * d.moved);
}

/* Fewer could make a disturbed measurement the median. */
enum { LEAST_REPEATS = 3 };

static char *run_bench(size_t which, const ink_settings *settings, News news, Error *err) {
  const GeneralSettings *general = settings_part(settings, &general_settings_table);
  Bench b = {.settings = settings_part(settings, &bench_settings_table), .given = settings, .news = news};
  const MachineLoad before = load_now();
  if (!check_settings(&b, benches[which].name, err)) return NULL;
  b.repeats = b.settings->repeats > LEAST_REPEATS ? b.settings->repeats : LEAST_REPEATS;
  threads_set((int)general->threads);
  if (!config_from_settings(&b.config, settings_part(settings, &model_settings_table), b.settings->vocab,
                            err))
    return NULL;
  b.precision = product_precision(which, b.settings);
  b.peak = machine_peak_flops(threads_count(), b.precision);
  b.memory = machine_memory_bandwidth();
  json_t *out = json_build("{s:s, s:s, s:i, s:s, s:f, s:f}", "bench", benches[which].name, "inkstone_version",
                           INK_VERSION, "threads", threads_count(), "isa", kernels->isa,
                           "peak_flops_per_second", b.peak, "memory_bytes_per_second", b.memory);
  const bool ok = benches[which].run(&b, out, err);
  if (ok) add_quiet(&b, &before, out);
  char *text = ok ? json_text(out, JSON_INDENT(2)) : NULL;
  json_decref(out);
  return text;
}

char *ink_bench(const char *what, const ink_settings *settings, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  char *text = NULL;
  size_t which = 0;
  while (which < sizeof benches / sizeof *benches && strcmp(what, benches[which].name)) which++;
  if (which == sizeof benches / sizeof *benches)
    fail_usage(err, "unknown measurement \"%s\": expected machine, train, generate, ops or all", what);
  else if (call_enter(call, NULL, &news, err))
    text = run_bench(which, settings, news, err);
  MEM_GUARD_END();
  return text;
}
