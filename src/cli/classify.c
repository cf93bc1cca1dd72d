/* classify.c - inkstone classify: a label for each text or input line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/language.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/glyph.h"
#include "cli/lines.h"
#include "cli/streams.h"

typedef struct Job {
  const Call *call;
  ink_model *model;
  LineInput input;
  const char *const *texts; /* of the current library call */
  const size_t *lengths;
  Buffer line;    /* of output, of the text whose labels are being received */
  json_t *labels; /* with --json: the same */
} Job;

static void put(Job *job) {
  buffer_add(&job->line, "\n", 1);
  if (!streams_put(job->line.data, job->line.length)) job->input.stopped = true;
  buffer_clear(&job->line);
}

static void put_object(Job *job, int64_t input, const char *key, json_t *value) {
  json_t *json = json_build("{s:I, s:o, s:o}", "line", (json_int_t)(job->input.line + input + 1), "text",
                            glyph_json(job->texts[input], job->lengths[input]), key, value);
  char *text = json_text(json, JSON_COMPACT);
  buffer_adds(&job->line, text);
  mem_free(text);
  json_decref(json);
  put(job);
}

/* Writes what is held of a text; called when the next one begins, and at the end. */
static void finish(Job *job, int64_t input) {
  json_t *labels = job->labels;
  job->labels = NULL;
  if (labels)
    put_object(job, input, "labels", labels);
  else if (job->line.length)
    put(job);
}

/* A faulty line has a line of output, too. */
static void take_problem(Job *job, const ink_label *l) {
  lines_take_problem(&job->input, l->input, l->problem);
  if (job->call->values[OWN_JSON])
    put_object(job, l->input, "error", glyph_json(l->problem, strlen(l->problem)));
  else if (job->input.lines)
    put(job);
}

static bool take_label(void *user, const ink_label *l) {
  Job *job = user;
  if (!l->rank) finish(job, l->input - 1);
  if (l->problem) {
    take_problem(job, l);
  } else if (job->call->values[OWN_JSON]) {
    if (!job->labels) job->labels = json_array();
    json_push(job->labels, json_build("{s:o, s:f}", "label", glyph_json(l->label, strlen(l->label)),
                                      "probability", l->probability));
  } else {
    if (l->rank) buffer_add(&job->line, "\t", 1);
    buffer_addf(&job->line, "%s\t%.4f", l->label, l->probability);
  }
  return !job->input.stopped;
}

static bool classify(void *user, const char *const *texts, const size_t *lengths, int64_t count, Error *err) {
  Job *job = user;
  bool quiet = job->call->values[OWN_QUIET];
  /* What there is to say of the template is said with the first lines. */
  const ink_call how = job->input.line ? streams_call() : streams_noting_call(&quiet);
  job->texts = texts;
  job->lengths = lengths;
  const bool ok =
      ink_classify(job->model, texts, lengths, count, job->call->settings, take_label, job, &how, err);
  finish(job, count - 1);
  return ok;
}

/* With --json, all labels, unless their number is given. */
static bool show_all(Call *call, Error *err) {
  char *given = args_setting(call->settings, "n-best");
  const bool all = call->values[OWN_JSON] && given && !strcmp(given, "1");
  ink_free(given);
  return !all || ink_settings_set(call->settings, "n-best", "0", err);
}

static bool run(Call *call, Error *err) {
  Job job = {.call = call, .input = {.call = call}};
  streams_catch_signals();
  const ink_call how = streams_call();
  job.model = show_all(call, err) ? args_model(call, &how, err) : NULL;
  const bool ok = job.model && lines_read(&job.input, classify, &job, err);
  ink_model_close(job.model);
  buffer_free(&job.line);
  return ok && lines_done(&job.input, err);
}

const Command command_classify = {
    .name = "classify",
    .operands = "-m MODEL [TEXT | -]",
    .summary = N_("label a text, or lines"),
    .description =
        N_("Prints the likeliest label and its probability, separated by a tab; with --n-best, further ones "
           "behind it. A model that was trained to label (`inkstone train classify`) knows its labels; any "
           "other model of text chooses from those of --labels by which it finds the likeliest in a "
           "template. TEXT is one text. Standard input, and the file of -i, are read line by line: each "
           "input line gives one output line, in the same order. A line that cannot be labelled gives an "
           "empty line (with --json an object with \"error\"), its number is reported, and the exit status "
           "is 1."),
    .examples =
        {{"inkstone classify -m topics \"The striker scored twice.\"", N_("label one text")},
         {"inkstone classify -m topics -i lines.txt > labels.tsv", N_("label each line of a file")},
         {"inkstone classify -m topics --json \"The striker scored twice.\"",
          N_("print the probabilities of all labels")},
         {"inkstone classify -m smollm2.gguf --labels sports,politics,music -i lines.txt",
          N_("label by a model that was not trained to")},
         {"inkstone classify -m base --labels good,bad --template \"{text} All in all, it was {label}\" -",
          N_("the same by a template")}},
    .flags = {{OWN_MODEL, "model", "MODEL", N_("model: a directory, or a file (GGUF, llama2.c)"), 'm', true},
              {OWN_INPUT, "input", "FILE", N_("read the input from this file, line by line"), 'i', false},
              FLAG_JSON("print one JSON object per text, with all labels"),
              FLAG_ADAPTER,
              FLAG_TYPE,
              FLAG_CACHE,
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_MODEL_HELP},
    .settings = ink_settings_classify,
    .most = 1,
    .reads_text = true,
    .run = run,
};
