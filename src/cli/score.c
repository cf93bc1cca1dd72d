/* score.c - inkstone score: compares texts with references. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

static double real(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

/* "41.03 (μ = 41.01 ± 0.92)", the format of sacrebleu. */
static void put_score(const json_t *score, int digits) {
  printf("%.*f", digits, real(score, "score"));
  if (json_object_get(score, "confidence_mean"))
    printf(" (μ = %.*f ± %.*f)", digits, real(score, "confidence_mean"), digits,
           real(score, "confidence_var"));
}

static void put_line(const json_t *metric, int digits) {
  const char *details = json_get_text(metric, "verbose_score", "");
  printf("%s|%s = ", json_get_text(metric, "name", ""), json_get_text(metric, "signature", ""));
  put_score(metric, digits);
  printf("%s%s\n", *details ? " " : "", details);
}

/* One line for the baseline system, then one for each system compared with it. */
static void put_paired(const json_t *metric, int digits) {
  const json_t *paired = json_object_get(metric, "paired"), *other;
  size_t i;
  printf("%s|%s\n  %s: ", json_get_text(metric, "name", ""), json_get_text(metric, "signature", ""),
         json_get_text(metric, "system", ""));
  put_score(metric, digits);
  json_array_foreach(paired, i, other) {
    const double p = real(other, "p_value");
    printf("\n  %s: ", json_get_text(other, "system", ""));
    put_score(other, digits);
    printf(" (p = %.4f)%s", p, p > 0.05 ? "" : "*");
  }
  putchar('\n');
}

/* One row for each line of text, one column for each metric. */
static void put_sentences(const json_t *metrics, int digits) {
  const size_t lines = json_array_size(json_object_get(json_array_get(metrics, 0), "sentences"));
  for (size_t line = 0; line < lines; line++) {
    const json_t *metric;
    size_t i;
    json_array_foreach(metrics, i, metric) {
      const json_t *score = json_array_get(json_object_get(metric, "sentences"), line);
      printf("%s%.*f", i ? "\t" : "", digits, json_number_value(score));
    }
    putchar('\n');
  }
}

static void put_text(const json_t *metrics, int digits) {
  const json_t *metric;
  size_t i;
  if (json_object_get(json_array_get(metrics, 0), "sentences")) {
    put_sentences(metrics, digits);
    return;
  }
  json_array_foreach(metrics, i, metric) {
    if (json_object_get(metric, "paired"))
      put_paired(metric, digits);
    else
      put_line(metric, digits);
  }
}

static bool put_result(const Call *call, const char *text, Error *err) {
  char *digits = args_setting(call->settings, "digits");
  json_t *metrics = json_parse(text, strlen(text), "result", err);
  const bool ok = metrics;
  if (ok && call->values[OWN_JSON])
    present(metrics, true);
  else if (ok)
    put_text(metrics, atoi(digits));
  ink_free(digits);
  json_decref(metrics);
  return ok;
}

static bool run(Call *call, Error *err) {
  Progress progress;
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  char *text = ink_score(call->operands[0], (const char *const *)call->operands + 1, call->operand_count - 1,
                         call->settings, &how, err);
  progress_close(&progress);
  const bool ok = text && put_result(call, text, err);
  ink_free(text);
  return ok;
}

const Command command_score = {
    .name = "score",
    .operands = "HYP REF...",
    .summary = N_("score translations and summaries against references"),
    .description =
        N_("Compares the lines of HYP, the output of a system, with the same lines of one or more "
           "references. BLEU, chrF and TER equal those of sacrebleu, and ROUGE that of rouge-score, to the "
           "last digit; each has a signature that records how it was computed. Higher is better, except for "
           "TER. Files may be compressed; - is standard input."),
    .examples = {{"inkstone score out.de test.de", N_("compute BLEU and chrF")},
                 {"inkstone score out.zh ref1.zh ref2.zh --tokenize zh --confidence",
                  N_("score Chinese with two references, with confidence intervals")},
                 {"inkstone score summaries.txt reference.txt --metric rouge --stem", ""},
                 {"inkstone score base.de test.de --paired better.de --metric bleu,ter",
                  N_("test whether better.de is significantly better")},
                 {"inkstone score out.de test.de --metric chrf --sentences", N_("find the bad lines")}},
    .flags = {FLAG_JSON("print the scores as a JSON array, with all digits"), FLAG_CONFIG, FLAG_QUIET,
              FLAG_HELP},
    .settings = ink_settings_score,
    .least = 2,
    .most = -1,
    .run = run,
};
