/* eval.c - inkstone eval: measures how well a model predicts text. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/language.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

/* Adds the scores of the written texts: each metric under its name, followed by its signature. */
static void add_written(json_t *json, const char *written, Error *err) {
  json_t *all = json_parse(written, strlen(written), "metrics", err);
  const json_t *metrics = json_object_get(all, "metrics");
  for (size_t i = 0; i < json_array_size(metrics); i++) {
    const json_t *m = json_array_get(metrics, i);
    const char *name = json_get_text(m, "name", "");
    char signature[64];
    snprintf(signature, sizeof signature, "%s signature", name);
    json_share(json, name, json_object_get(m, "score"));
    json_share(json, signature, json_object_get(m, "signature"));
  }
  const json_t *checked = json_object_get(all, "checked");
  if (checked) {
    json_share(json, "checked_texts", json_object_get(checked, "examples"));
    json_share(json, "kept_share", json_object_get(checked, "kept"));
    json_share(json, "kept_share_of_references", json_object_get(checked, "kept_in_references"));
  }
  json_share(json, "coverage", json_object_get(all, "coverage"));
  json_share(json, "distinct_1", json_object_get(all, "distinct_1"));
  json_share(json, "distinct_2", json_object_get(all, "distinct_2"));
  json_decref(all);
}

/* "91.30 (μ = 91.28 ± 1.02)" */
static json_t *with_interval(const json_t *metric) {
  char text[80];
  snprintf(text, sizeof text, "%.2f (μ = %.2f ± %.2f)", json_number_value(json_object_get(metric, "score")),
           json_number_value(json_object_get(metric, "confidence_mean")),
           json_number_value(json_object_get(metric, "confidence_var")));
  return json_string(text);
}

/* Lists of precision, recall and F1 with two digits, for people, with the label's name first. */
static json_t *rounded(const json_t *labels) {
  static const char *const keys[] = {"precision", "recall", "f1"};
  json_t *list = json_array();
  for (size_t i = 0; i < json_array_size(labels); i++) {
    const json_t *of = json_array_get(labels, i);
    json_t *row = json_build("{s:s}", "name", json_get_text(of, "label", ""));
    for (int k = 0; k < 3; k++) {
      char text[32];
      snprintf(text, sizeof text, "%.2f", json_number_value(json_object_get(of, keys[k])));
      json_put(row, keys[k], json_string(text));
    }
    json_share(row, "texts", json_object_get(of, "texts"));
    json_push(list, row);
  }
  return list;
}

/* The confusion matrix as a table: a row for each right label, whose columns are the chosen ones. */
static json_t *confusion_table(const json_t *all) {
  enum { MOST_SHOWN = 12 };
  const json_t *labels = json_object_get(all, "labels"), *matrix = json_object_get(all, "confusion");
  const size_t count = json_array_size(matrix);
  if (!count || count > MOST_SHOWN) return NULL;
  json_t *table = json_array();
  for (size_t i = 0; i < count; i++) {
    json_t *row =
        json_build("{s:s}", "right \\ chosen", json_get_text(json_array_get(labels, i), "label", ""));
    for (size_t k = 0; k < count; k++)
      json_share(row, json_get_text(json_array_get(labels, k), "label", ""),
                 json_array_get(json_array_get(matrix, i), k));
    json_push(table, row);
  }
  return table;
}

/* What is known of a classifier: with --json all of it, else what fits on a screen. */
static json_t *classifier_json(const ink_scores *s, bool as_json, Error *err) {
  json_t *all = json_parse(s->written, strlen(s->written), "metrics", err);
  json_t *json = json_build("{s:I, s:o}", "documents", (json_int_t)s->documents, "loss",
                            json_number(s->nats / (double)s->tokens));
  const json_t *metrics = json_object_get(all, "metrics"), *labels = json_object_get(all, "labels");
  if (s->tokens < s->documents) json_put(json, "labelled", json_integer(s->tokens));
  for (size_t i = 0; i < json_array_size(metrics); i++) {
    const json_t *m = json_array_get(metrics, i);
    if (as_json)
      json_share(json, json_get_text(m, "name", ""), m);
    else
      json_put(json, json_get_text(m, "name", ""), with_interval(m));
  }
  json_t *table = as_json ? NULL : confusion_table(all);
  if (as_json)
    json_share(json, "labels", labels), json_share(json, "confusion", json_object_get(all, "confusion"));
  else
    json_put(json, "labels", rounded(labels));
  if (table) json_put(json, "confusion", table);
  json_decref(all);
  return json;
}

static json_t *scores_json(const ink_scores *s) {
  return json_build("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "documents", (json_int_t)s->documents,
                    "bytes", (json_int_t)s->bytes, "characters", (json_int_t)s->characters, "tokens",
                    (json_int_t)s->tokens, "nats", json_number(s->nats), "perplexity",
                    json_number(s->perplexity), "bits_per_byte", json_number(s->bits_per_byte),
                    "bits_per_character", json_number(s->bits_per_character));
}

static bool score(ink_model *model, const Call *call, Error *err) {
  Progress progress;
  ink_scores scores = INK_SCORES_INIT;
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  const bool ok = ink_eval(model, (const char *const *)call->operands, call->operand_count, call->settings,
                           &scores, &how, err);
  progress_close(&progress);
  if (!ok) return false;
  const bool as_json = call->values[OWN_JSON],
             labels = scores.written && strstr(scores.written, "\"labels\"");
  json_t *json = labels ? classifier_json(&scores, as_json, err) : scores_json(&scores);
  if (scores.written && !labels) add_written(json, scores.written, err);
  ink_free(scores.written);
  present(json, call->values[OWN_JSON]);
  json_decref(json);
  return true;
}

static json_t *comparison_json(const ink_comparison *c) {
  return json_build(
      "{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "documents", (json_int_t)c->documents,
      "bytes", (json_int_t)c->bytes, "characters", (json_int_t)c->characters, "tokens", (json_int_t)c->tokens,
      "perplexity", json_number(c->perplexity), "reference_perplexity", json_number(c->reference_perplexity),
      "perplexity_ratio", json_number(c->perplexity / c->reference_perplexity), "divergence_mean",
      json_number(c->divergence_mean), "divergence_median", json_number(c->divergence_median),
      "divergence_99", json_number(c->divergence_99), "divergence_max", json_number(c->divergence_max),
      "same_first_choice_share", json_number(c->agreement));
}

static bool compare(ink_model *model, const ink_model *reference, const Call *call, Error *err) {
  Progress progress;
  ink_comparison comparison = INK_COMPARISON_INIT;
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  const bool ok = ink_eval_against(model, reference, (const char *const *)call->operands, call->operand_count,
                                   call->settings, &comparison, &how, err);
  progress_close(&progress);
  if (!ok) return false;
  json_t *json = comparison_json(&comparison);
  present(json, call->values[OWN_JSON]);
  json_decref(json);
  return true;
}

static bool compare_with(ink_model *model, const char *path, const Call *call, Error *err) {
  const ink_call how = streams_call();
  ink_model *reference = ink_model_open(path, &how, err);
  const bool ok = reference && compare(model, reference, call, err);
  ink_model_close(reference);
  return ok;
}

/* Before the model is read. */
static bool check_output(const Call *call, const char *setting, Error *err) {
  char *path = ink_settings_get(call->settings, setting);
  const bool ok = !*path || args_check_output(call, path, NULL, 0, err);
  ink_free(path);
  return ok;
}

static bool run(Call *call, Error *err) {
  const ink_call how = streams_call();
  const char *against = call->values[OWN_AGAINST];
  if (!check_output(call, "outputs", err) || !check_output(call, "plot", err)) return false;
  ink_model *model = args_model(call, &how, err);
  const bool ok = model && (against ? compare_with(model, against, call, err) : score(model, call, err));
  ink_model_close(model);
  return ok;
}

const Command command_eval = {
    .name = "eval",
    .operands = "-m MODEL FILE...",
    .summary = N_("measure how well a model predicts text"),
    .description = N_(
        "Prints the perplexity per token (the exponential of the mean negative log-probability) and the bits "
        "per byte and per character of the text. Compare models by bits per byte or character: these do not "
        "depend on the tokenizer. Do not evaluate on training text: the scores would be too good.\nFor a "
        "model that translates, summarizes or replies, FILE contains pairs or conversations as for `inkstone "
        "train`. The perplexity is that of the targets and replies. The texts the model writes are compared "
        "with them by --metric, and their variety is measured (distinct words and word pairs).\nA model of "
        "another program that has a chat template is evaluated on conversations if all files are such, or "
        "instructions or pairs, as JSON or as a table with a header, or if a setting of them such as "
        "--format "
        "is given; else, and with --documents, on running text.\nWith "
        "--against, "
        "the predictions of MODEL are compared with those of a reference that has the same tokenizer: "
        "perplexities, the KL divergence from the reference's distribution of each next token (in nats: "
        "mean, "
        "median, 99th percentile, maximum), and the share of tokens for which both have the same first "
        "choice. "
        "This is what a quantization costs."),
    .examples = {{"inkstone eval -m poems test.txt", N_("score a file the model has not seen")},
                 {"inkstone eval -m en-de test.en test.de --beam 5 --outputs test.out",
                  N_("compute BLEU and chrF of translations")},
                 {"inkstone eval -m poems-q4_0.gguf --against poems test.txt --plot cost.svg",
                  N_("measure what a quantization costs")},
                 {"inkstone eval -m poems test.txt --json | jq .bits_per_character",
                  N_("print one of the numbers")}},
    .flags = {{OWN_MODEL, "model", "MODEL", N_("model: a directory, or a file (GGUF, llama2.c)"), 'm', true},
              {OWN_AGAINST, "against", "REFERENCE",
               N_("compare the model's predictions with those of this model"), 0, false},
              FLAG_JSON("print the scores as a JSON object"),
              FLAG_ADAPTER,
              FLAG_TYPE,
              FLAG_CACHE,
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_MODEL_HELP},
    .settings = ink_settings_eval,
    .omit = ONLY_WRITE "|n-best",
    .least = 1,
    .most = -1,
    .run = run,
};
