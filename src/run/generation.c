#include "run/generation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/unused.h"

/* ---- the file ---- */

typedef enum RuleKind { COUNT, SWITCH, ID, IDS, MASK, WORDS, DECAY } RuleKind;

static const struct {
  const char *key, *setting;
} setting_keys[] = {
#define SETTING_KEY(key, setting) {#key, setting},
#define RULE_KEY(key, kind, member)
#define FIXED_KEY(key, values)
#define HARMLESS_KEY(key)
#include "models/generation.def"
#undef SETTING_KEY
#undef RULE_KEY
};
static const struct {
  const char *key;
  RuleKind kind;
  size_t offset;
} rule_keys[] = {
#define SETTING_KEY(key, setting)
#define RULE_KEY(key, kind, member) {#key, kind, offsetof(Rules, member)},
#include "models/generation.def"
#undef RULE_KEY
#undef FIXED_KEY
#undef HARMLESS_KEY
};
static const ConfigFact facts[] = {
#define RULE_KEY(key, kind, member)
#define FIXED_KEY(key, values) {#key, values},
#define HARMLESS_KEY(key)      {#key, "*"},
#include "models/generation.def"
#undef SETTING_KEY
#undef RULE_KEY
#undef FIXED_KEY
#undef HARMLESS_KEY
};
enum {
  SETTING_KEYS = sizeof setting_keys / sizeof *setting_keys,
  RULE_KEYS = sizeof rule_keys / sizeof *rule_keys,
  FACTS = sizeof facts / sizeof *facts
};

static const json_t *member(const json_t *json, const char *key) {
  const json_t *value = json_object_get(json, key);
  return json_is_null(value) ? NULL : value;
}

static bool is_known(const char *key, const ConfigFact **fact) {
  *fact = NULL;
  for (int i = 0; i < SETTING_KEYS; i++)
    if (!strcmp(setting_keys[i].key, key)) return true;
  for (int i = 0; i < RULE_KEYS; i++)
    if (!strcmp(rule_keys[i].key, key)) return true;
  for (int i = 0; i < FACTS && !*fact; i++)
    if (!strcmp(facts[i].key, key)) *fact = &facts[i];
  return *fact != NULL;
}

static bool check_keys(const json_t *json, const char *where, Error *err) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)json, key, value) {
    const ConfigFact *fact;
    if (key[0] == '_' || json_is_null(value)) continue;
    if (!is_known(key, &fact))
      return fail(err,
                  "%s: the key \"%s\" is unknown and might change the output: remove it from the file if it "
                  "does not matter",
                  where, key);
    if (fact && !config_fact_holds(fact->values, value))
      return fail(err,
                  "%s: the value of \"%s\" changes the output and is not supported: remove it from the file "
                  "to generate without it",
                  where, key);
  }
  return true;
}

/* ---- rules ---- */

typedef struct Reading {
  const char *where, *key;
  int64_t vocabulary;
  Error *err;
} Reading;

static bool add_id(const Reading *r, const json_t *value, Ids *ids) {
  const json_int_t id = json_integer_value(value);
  if (!json_is_integer(value)) return fail(r->err, "%s: \"%s\" is not a token id", r->where, r->key);
  if (id < 0 || id >= r->vocabulary)
    return fail(r->err, "%s: \"%s\" is %" PRId64 ", but the vocabulary has %" PRId64 " tokens", r->where,
                r->key, (int64_t)id, r->vocabulary);
  vec_push(ids, (int32_t)id);
  return true;
}

/* An id, or a list of them. */
static bool add_ids(const Reading *r, const json_t *value, Ids *ids) {
  if (!json_is_array(value)) return add_id(r, value, ids);
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!add_id(r, json_array_get(value, i), ids)) return false;
  return true;
}

/* As transformers does, ids outside of the vocabulary, such as Whisper's -1, are skipped: there is nothing to
 * suppress. */
static bool add_mask(const Reading *r, const json_t *value, Ids *ids) {
  const size_t count = json_is_array(value) ? json_array_size(value) : 1;
  for (size_t i = 0; i < count; i++) {
    const json_t *id = json_is_array(value) ? json_array_get(value, i) : value;
    const bool outside =
        json_is_integer(id) && (json_integer_value(id) < 0 || json_integer_value(id) >= r->vocabulary);
    if (!outside && !add_id(r, id, ids)) return false;
  }
  return true;
}

static bool add_words(const Reading *r, const json_t *value, Rules *rules) {
  for (size_t i = 0; i < json_array_size(value); i++) {
    vec_push(&rules->bad_words, (Ids){0});
    const json_t *word = json_array_get(value, i);
    if (!json_array_size(word))
      return fail(r->err, "%s: \"%s\" is not a list of lists of token ids", r->where, r->key);
    if (!add_ids(r, word, &rules->bad_words.data[i])) return false;
  }
  return json_is_array(value) ||
         fail(r->err, "%s: \"%s\" is not a list of lists of token ids", r->where, r->key);
}

static bool read_decay(const Reading *r, const json_t *value, Rules *rules) {
  const json_t *start = json_array_get(value, 0), *factor = json_array_get(value, 1);
  if (!json_is_integer(start) || json_integer_value(start) < 0 || !json_is_number(factor) ||
      json_number_value(factor) <= 0)
    return fail(r->err, "%s: \"%s\" is not a pair of a number of tokens and a factor", r->where, r->key);
  rules->decay_start = json_integer_value(start);
  rules->decay_factor = json_number_value(factor);
  return true;
}

static bool read_rule(const Reading *r, RuleKind kind, void *at, const json_t *value, Rules *rules) {
  switch (kind) {
    case COUNT:
      *(int64_t *)at = json_integer_value(value);
      return (json_is_integer(value) && json_integer_value(value) >= 0) ||
             fail(r->err, "%s: \"%s\" is not a number of tokens", r->where, r->key);
    case SWITCH:
      *(bool *)at = json_is_true(value);
      return json_is_boolean(value) || fail(r->err, "%s: \"%s\" is neither true nor false", r->where, r->key);
    case ID:
      return add_id(r, value, at);
    case IDS:
      return add_ids(r, value, at);
    case MASK:
      return add_mask(r, value, at);
    case WORDS:
      return add_words(r, value, rules);
    case DECAY:
      return read_decay(r, value, rules);
  }
  return false;
}

static bool read_rules(Rules *rules, const json_t *json, const Config *c, const char *where, Error *err) {
  *rules = (Rules){.repetition_penalty = 1};
  for (int i = 0; i < RULE_KEYS; i++) {
    const json_t *value = member(json, rule_keys[i].key);
    const Reading r = {where, rule_keys[i].key, c->vocabulary, err};
    if (value && !read_rule(&r, rule_keys[i].kind, (char *)rules + rule_keys[i].offset, value, rules))
      return false;
  }
  return true;
}

static bool check_ids(const json_t *json, const Config *c, const char *where, Error *err) {
  static const char *const keys[] = {"bos_token_id", "eos_token_id", "pad_token_id",
                                     "decoder_start_token_id"};
  Ids ids = {0};
  bool ok = true;
  for (int i = 0; i < 4 && ok; i++) {
    const json_t *value = member(json, keys[i]);
    const bool none = json_is_integer(value) && json_integer_value(value) == -1;
    if (value && i == 3 && !json_is_integer(value))
      ok = fail(err, "%s: \"%s\" is not a token id", where, keys[i]);
    else
      ok = !value || none || add_ids(&(Reading){where, keys[i], c->vocabulary, err}, value, &ids);
  }
  vec_free(&ids);
  return ok;
}

/* ---- settings ---- */

static bool fill(Settings *s, const char *name, const char *text, Error *err) {
  return !settings_knows(s, name) || settings_fill(s, name, text, err);
}

static bool fill_key(Settings *s, const json_t *json, const char *key, const char *setting, Error *err) {
  const json_t *value = member(json, key);
  if (!value) return true;
  if (json_is_string(value) && strcmp(key, "early_stopping")) /* which may be "never" */
    return fail_damaged(err, "\"%s\" is a text, not a number, true or false", key);
  if (!strcmp(key, "do_sample") && !json_is_boolean(value)) /* transformers takes 1 for true in part */
    return fail_damaged(err, "\"%s\" is neither true nor false", key);
  char *text = json_is_string(value) ? mem_strdup(json_string_value(value))
                                     : json_text(value, JSON_ENCODE_ANY | JSON_COMPACT);
  const bool ok = fill(s, setting, text, err) || fail_prefix(err, "\"%s\"", key);
  mem_free(text);
  return ok;
}

/* A file of another program relies on transformers' defaults for keys that it lacks. */
static bool complete(Settings *s, const json_t *json, Error *err) {
  static const char *const absent[][3] = {
      {"temperature", "temperature", "1"}, {"top_k", "top_k", "50"}, {"top_p", "top_p", "1"}};
  for (int i = 0; i < 3 && json_is_true(member(json, "do_sample")); i++)
    if (!member(json, absent[i][0]) && !fill(s, absent[i][1], absent[i][2], err)) return false;
  return member(json, "early_stopping") || fill(s, "early_stopping", "false", err);
}

static bool fill_all(Settings *s, const json_t *json, bool ours, Error *err) {
  for (int i = 0; i < SETTING_KEYS; i++)
    if (!fill_key(s, json, setting_keys[i].key, setting_keys[i].setting, err)) return false;
  const json_t *longest = member(json, "max_new_tokens") ? NULL : member(json, "max_length");
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, (int64_t)json_integer_value(longest));
  return (!longest || json_integer_value(longest) < 1 || fill(s, "max_tokens", text, err)) &&
         (ours || complete(s, json, err));
}

/* ---- reading ---- */

/* In older directories, the generation keys are in config.json. */
static json_t *chosen_keys(const ModelSource *source) {
  const json_t *config = source->configuration;
  const char *key;
  json_t *value, *json = json_object();
  json_object_foreach((json_t *)(uintptr_t)config, key, value) {
    const ConfigFact *fact;
    if (is_known(key, &fact)) json_share(json, key, value);
  }
  if (json_is_true(member(config, "force_bos_token_to_be_generated")) && !member(json, "forced_bos_token_id"))
    json_share(json, "forced_bos_token_id", json_object_get(config, "bos_token_id"));
  return json;
}

/* Reports unusable values when the model is opened. */
static bool try_all(const json_t *json, const Config *c, const char *path, Error *err) {
  static const SettingTable *const tables[] = {&search_settings_table, &sampling_settings_table};
  Rules rules;
  Error problem = {0};
  if (!json_is_object(json)) return fail(err, "%s: not a JSON object", path);
  if (!check_keys(json, path, err) || !check_ids(json, c, path, err)) return false;
  const bool ok = read_rules(&rules, json, c, path, err);
  rules_free(&rules);
  if (!ok) return false;
  Settings *s = settings_new(tables, 2);
  const bool fits = fill_all(s, json, false, &problem);
  ink_settings_free(s);
  return fits || fail(err, "%s: %s", path, problem.text);
}

json_t *generation_read(const ModelSource *source, const Config *c, Error *err) {
  json_t *json = source->generation ? json_incref(source->generation) : chosen_keys(source);
  if (try_all(json, c, source->generation ? source->generation_at : source->configuration_at, err))
    return json;
  json_decref(json);
  return NULL;
}

void generation_settle(Config *c, const json_t *json) {
  const json_t *start = member(json, "decoder_start_token_id");
  if (json_is_integer(start) && c->arch->encodes) c->decoder_start = json_integer_value(start);
}

/* ---- the user's settings ---- */

/* Settings that apply only to beam search, only to sampling, or only to `inkstone write`. */
static const struct {
  const char *name;
  enum { BY_SEARCH, BY_SAMPLING, BY_WRITING } works;
} bound_settings[] = {{"beam", BY_SEARCH},
                      {"length-penalty", BY_SEARCH},
                      {"early-stopping", BY_SEARCH},
                      {"coverage-penalty", BY_SEARCH},
                      {"temperature", BY_SAMPLING},
                      {"greedy", BY_SAMPLING},
                      {"top-k", BY_SAMPLING},
                      {"top-p", BY_SAMPLING},
                      {"min-p", BY_SAMPLING},
                      {"typical", BY_SAMPLING},
                      {"frequency-penalty", BY_SAMPLING},
                      {"presence-penalty", BY_SAMPLING},
                      {"penalty-window", BY_SAMPLING},
                      {"samples", BY_WRITING},
                      {"stop", BY_WRITING},
                      {"special-tokens", BY_WRITING},
                      {"ignore-end", BY_WRITING},
                      {"logit-bias", BY_WRITING},
                      {"alternatives", BY_WRITING},
                      {"overflow", BY_WRITING}};
enum { BOUND_SETTINGS = sizeof bound_settings / sizeof *bound_settings };

/* The first such setting that the user gave; NULL: none. */
static const char *given_of(const Settings *s, int works) {
  for (int i = 0; i < BOUND_SETTINGS; i++)
    if ((int)bound_settings[i].works == works && settings_knows(s, bound_settings[i].name) &&
        settings_given(s, bound_settings[i].name))
      return bound_settings[i].name;
  return NULL;
}

static bool refuse_without_effect(const Settings *s, bool draws, Error *err) {
  const char *search = given_of(s, BY_SEARCH), *drawing = given_of(s, BY_SAMPLING),
             *writing = given_of(s, BY_WRITING);
  if (writing)
    return fail_usage(err, "--%s applies only to `inkstone write`: leave it out%s", writing,
                      strcmp(writing, "samples") ? "" : " (--n-best N gives several texts)");
  if (search && draws)
    return fail_usage(err, "--%s applies only to beam search, not to sampling: leave out it or --sample",
                      search);
  if (search && drawing)
    return fail_usage(err, "--%s applies to beam search, --%s to sampling (--sample): leave one of them out",
                      search, drawing);
  if (drawing && !draws)
    return fail_usage(
        err, "--%s applies only to sampling: add --sample, or leave it out (--beam 1 is greedy)", drawing);
  return true;
}

/* With the likeliest token always chosen, what only changes the draw has no effect. */
static bool check_greedy(const Settings *s, const SamplingSettings *sampling, Error *err) {
  static const char *const unused[] = {"temperature", "top_k", "top_p", "min_p", "typical"};
  const char *greedy = sampling->greedy ? "greedy" : "temperature 0";
  if (!sampling->greedy && sampling->temperature > 0) return true;
  for (size_t i = sampling->greedy ? 0 : 1; i < sizeof unused / sizeof *unused; i++)
    if (settings_knows(s, unused[i]) && settings_given(s, unused[i]))
      return fail_usage(err, "--%s has no effect with --%s: leave one of them out",
                        settings_flag(s, unused[i]), greedy);
  return sampling->samples <= 1 ||
         fail_usage(err, "--samples has no effect with --%s: leave one of them out", greedy);
}

static bool check_window(const Settings *s, const SamplingSettings *sampling, Error *err) {
  const bool penalizes = sampling->repetition_penalty != 1 || sampling->frequency_penalty != 0 ||
                         sampling->presence_penalty != 0;
  return penalizes ||
         unused_flag(s, "penalty_window",
                     N_("without --repetition-penalty, --frequency-penalty or --presence-penalty"), err);
}

/* The minimum length must be possible. A maximum given alone overrides the model's minimum. */
static bool check_lengths(const Settings *s, int64_t min_tokens, int64_t max_tokens, Error *err) {
  if (!settings_given(s, "min_tokens") || min_tokens <= max_tokens) return true;
  return fail_usage(err,
                    "--min-tokens %" PRId64 " is above --max-tokens %" PRId64
                    ": give a smaller minimum or a larger maximum",
                    min_tokens, max_tokens);
}

/* A beam of one ends with a single text: there is none to prefer. */
static bool check_single_beam(const Settings *s, const SearchSettings *search, Error *err) {
  static const char *const unused[] = {"coverage_penalty", "early_stopping"};
  for (size_t i = 0; search->beam == 1 && !search->sample && i < sizeof unused / sizeof *unused; i++)
    if (settings_given(s, unused[i]))
      return fail_usage(err, "--%s has no effect with a beam of 1: leave it out, or give a larger --beam",
                        settings_flag(s, unused[i]));
  return true;
}

/* Giving a setting of beam search selects beam search, whatever the model's default. */
static bool choose_search(Generation *g, const Bundle *b, Error *err) {
  SearchSettings *s = &g->search;
  *s = *(const SearchSettings *)settings_part(g->settings, &search_settings_table);
  const bool chosen = settings_given(g->settings, "sample");
  if (!chosen && given_of(g->settings, BY_SEARCH)) s->sample = false;
  if (!chosen && s->sample && !bundle_is_ours(b) &&
      json_integer_value(member(b->generation, "num_beams")) > 1)
    return fail_usage(
        err,
        "this model asks for sampling from %" PRId64
        " beams, which is not supported: give --sample for sampling, or --beam N for beam search",
        s->beam);
  if (s->n_best > s->beam) s->beam = s->n_best;
  return refuse_without_effect(g->settings, s->sample, err) && check_single_beam(g->settings, s, err) &&
         check_lengths(g->settings, s->min_tokens, g->sampling->max_tokens, err) &&
         (!s->sample || check_greedy(g->settings, g->sampling, err)) &&
         check_window(g->settings, g->sampling, err);
}

/* `write` samples or is greedy; it has no beam search. */
static bool choose_drawing(const Generation *g, const Bundle *b, Error *err) {
  const json_t *json = b->generation;
  const int64_t beams = json_integer_value(member(json, "num_beams"));
  if (given_of(g->settings, BY_SAMPLING)) return check_greedy(g->settings, g->sampling, err);
  if (beams > 1)
    return fail_usage(
        err,
        "this model asks for beam search with %" PRId64
        " beams, which `inkstone write` does not support: give --greedy, or --temperature F for sampling",
        beams);
  return !json_is_false(member(json, "do_sample")) || fill(g->settings, "greedy", "true", err);
}

static bool choose_sampling(const Generation *g, const Bundle *b, Error *err) {
  return choose_drawing(g, b, err) && check_window(g->settings, g->sampling, err);
}

/* A single forbidden token is handled without a rule: returned and removed; -1: none. */
static int32_t take_never(Rules *r) {
  if (r->bad_words.count != 1 || r->bad_words.data[0].count != 1 || r->renormalize) return -1;
  const int32_t id = r->bad_words.data[0].data[0];
  vec_free(&r->bad_words.data[0]);
  r->bad_words.count = 0;
  return id;
}

static int64_t merged(const Generation *g, const Bundle *b, const char *setting, const char *key) {
  if (!settings_knows(g->settings, setting)) return json_integer_value(member(b->generation, key));
  char *text = settings_text(g->settings, setting);
  const int64_t value = atoll(text);
  mem_free(text);
  return value;
}

/* A token that is no part of a text, such as padding: search passes over it, which is cheaper than a rule;
 * sampling has it as a rule. */
static void settle_never(Generation *g, const Bundle *b, const PairLayout *layout, bool draws) {
  Rules *r = &g->rules;
  int32_t never = take_never(r);
  if (never < 0 && bundle_is_ours(b)) never = layout_never(layout);
  if (never >= 0 && token_set_has(&r->ends, never)) return;
  if (never >= 0 && draws)
    vec_push(&r->suppressed, never);
  else
    g->never = never;
}

static void settle_rules(Generation *g, const Bundle *b, const PairLayout *layout) {
  Rules *r = &g->rules;
  const bool draws = !layout || g->search.sample;
  const int64_t min_new = merged(g, b, "min_tokens", "min_new_tokens");
  if (draws) { /* search has them as settings */
    r->min_new = min_new;
    r->no_repeat_ngram = merged(g, b, "no_repeat_ngram", "no_repeat_ngram_size");
  }
  if (min_new) r->min_length = 0;
  if (settings_given(g->settings, "max_tokens") || member(b->generation, "max_new_tokens")) r->max_length = 0;
  if (!draws) r->repetition_penalty = g->sampling->repetition_penalty;
  r->ends = b->model->config.ends;
  if (layout) token_set_add(&r->ends, layout_end(layout));
  if (layout && layout->target_before.count) {
    r->forced_first.count = 0;
    vec_push(&r->forced_first, layout->target_before.ids[0]);
  }
  if (layout) settle_never(g, b, layout, draws);
}

bool generation_fill(Settings *s, const Bundle *b, Error *err) {
  /* as in transformers; a beam makes replies dull */
  if (b->chat && !member(b->generation, "num_beams") && !fill(s, "beam", "1", err)) return false;
  return fill_all(s, b->generation, bundle_is_ours(b), err);
}

static json_t *value_of(const char *text) {
  json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
  return value ? value : json_string(text);
}

json_t *generation_describe(const Bundle *b) {
  static const SettingTable *const tables[] = {&search_settings_table, &sampling_settings_table};
  Settings *plain = settings_new(tables, 2), *filled = settings_new(tables, 2);
  json_t *json = json_object();
  Error err = {0};
  CHECK(generation_fill(filled, b, &err)); /* checked when the file was read */
  for (int i = 0; i < SETTING_KEYS; i++) {
    const char *name = setting_keys[i].setting;
    char *before = settings_text(plain, name), *now = settings_text(filled, name);
    if (member(b->generation, setting_keys[i].key) || strcmp(before, now))
      json_put(json, name, value_of(now));
    mem_free(before);
    mem_free(now);
  }
  for (int i = 0; i < RULE_KEYS; i++) {
    const json_t *value = member(b->generation, rule_keys[i].key);
    if (value) json_share(json, rule_keys[i].key, value);
  }
  ink_settings_free(plain);
  ink_settings_free(filled);
  return json;
}

json_t *generation_portable(const Bundle *b) {
  static const SettingTable *const tables[] = {&search_settings_table, &sampling_settings_table};
  static const char *const keys[] = {"temperature", "top_k", "top_p", "early_stopping"}; /* of `complete` */
  json_t *json = json_deep_copy(b->generation);
  Settings *filled = settings_new(tables, 2);
  Error err = {0};
  CHECK(generation_fill(filled, b, &err)); /* checked when the file was read */
  for (size_t i = 0; bundle_is_ours(b) && i < sizeof keys / sizeof *keys; i++) {
    char *text = settings_text(filled, keys[i]);
    if (!member(json, keys[i])) json_put(json, keys[i], value_of(text));
    mem_free(text);
  }
  ink_settings_free(filled);
  return json;
}

bool generation_open(Generation *g, const Bundle *b, const PairLayout *layout, const Settings *settings,
                     Error *err) {
  *g = (Generation){.settings = settings_copy(settings), .never = -1};
  g->sampling = settings_part(g->settings, &sampling_settings_table);
  const bool searches = layout && settings_knows(settings, "beam");
  g->search.sample = !searches;
  if (!generation_fill(g->settings, b, err) ||
      !(searches ? choose_search(g, b, err) : choose_sampling(g, b, err)) ||
      !read_rules(&g->rules, b->generation, &b->model->config, "generation_config.json", err))
    return false;
  settle_rules(g, b, layout);
  const bool ok = constraints_take(b->constraints, g->settings, &g->constraint, err);
  g->rules.constraint = constraint_of(g->constraint);
  return ok;
}

bool generation_fit(const Generation *g, PairLayout *layout, Error *err) {
  const int64_t most = g->rules.max_length;
  if (layout->separate || !most || most >= layout->time) return true;
  layout->time = layout->source_time = most;
  return most >= LAYOUT_LEAST_TIME ||
         fail_usage(err,
                    "the model limits prompt and text to %" PRId64
                    " tokens (max_length of its generation_config.json): give --max-tokens N",
                    most);
}

void generation_close(Generation *g) {
  rules_free(&g->rules);
  constraints_give_back(g->constraint);
  g->constraint = NULL;
  ink_settings_free(g->settings);
  g->settings = NULL;
}

/* ---- writing ---- */

/* The settings of beam search: all, or those given. */
static void add_search(json_t *json, const Settings *settings, bool all) {
  const SearchSettings *s = settings_part(settings, &search_settings_table);
  json_t *early = strcmp(s->early_stopping, "never") ? json_boolean(!strcmp(s->early_stopping, "true"))
                                                     : json_string("never");
  const struct {
    const char *setting, *key;
    json_t *value;
  } members[] = {{"beam", "num_beams", json_integer(s->beam)},
                 {"early_stopping", "early_stopping", early},
                 {"length_penalty", "length_penalty", json_real(s->length_penalty)},
                 {"no_repeat_ngram", "no_repeat_ngram_size", json_integer(s->no_repeat_ngram)},
                 {"min_tokens", "min_new_tokens", json_integer(s->min_tokens)}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    if (all || settings_given(settings, members[i].setting))
      json_share(json, members[i].key, members[i].value);
    json_decref(members[i].value);
  }
}

/* Sampling defaults for texts and replies, where the likeliest text is dull. */
static void add_sampling(json_t *json) {
  json_merge(json, json_build("{s:b, s:f, s:i, s:f}", "do_sample", 1, "temperature", 0.8, "top_k", 0, "top_p",
                              0.95));
}

static void add_tokens(json_t *json, const Config *c, const BundleUse *use) {
  if (c->arch->encodes) json_put(json, "decoder_start_token_id", json_integer(c->decoder_start));
  if (c->bos >= 0) json_put(json, "bos_token_id", json_integer(c->bos));
  if (!c->ends.count) return;
  json_put(json, "eos_token_id", config_tokens_json(&c->ends));
  json_put(json, "pad_token_id", json_integer(c->pad >= 0 ? c->pad : c->ends.ids[0]));
  if (task_has_pairs(use->task) && c->pad >= 0)
    json_put(json, "bad_words_ids", json_build("[[I]]", (json_int_t)c->pad));
}

json_t *generation_json(const Config *c, const BundleUse *use) {
  const json_t *base = use->base ? use->base->generation : NULL;
  json_t *json = base ? json_deep_copy(base) : json_object();
  json_object_del(json, "transformers_version");
  json_object_del(json, "_from_model_config");
  if (task_has_pairs(use->task)) add_search(json, use->settings, !member(base, "num_beams"));
  if (!member(base, "do_sample") && (!task_has_pairs(use->task) || use->task->chat)) {
    add_sampling(json);
    json_object_del(json, "num_beams"); /* transformers would sample from beams */
    json_object_del(json, "early_stopping");
  }
  add_tokens(json, c, use);
  return json;
}
