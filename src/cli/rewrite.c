/* rewrite.c - inkstone translate, summarize, reply: one output per text or input line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/figure.h"
#include "base/file.h"
#include "base/json.h"
#include "base/language.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/glyph.h"
#include "cli/lines.h"
#include "cli/mismatches.h"
#include "cli/streams.h"

typedef struct Job {
  const Call *call;
  ink_model *model;
  const char *task;
  ink_rewritten done;
  const char *const *texts; /* inputs of the current library call */
  const size_t *lengths;
  LineInput input;
  int64_t cut;
  int64_t mismatched; /* texts whose best output --check objects to */
} Job;

static void put(Job *job, const char *text, size_t length) {
  if (!streams_put(text, length)) job->input.stopped = true;
}

/* Replaces line ends inside an output by spaces, to keep one output line per input line. */
static void put_line(Job *job, const char *text, size_t length) {
  Buffer line = {0};
  buffer_add(&line, text, length);
  for (size_t i = 0; job->input.lines && i < line.length; i++)
    if (line.data[i] == '\n' || line.data[i] == '\r') line.data[i] = ' ';
  buffer_add(&line, "\n", 1);
  put(job, line.data, line.length);
  buffer_free(&line);
}

/* Takes ownership of the object. */
static void put_object(Job *job, json_t *json) {
  char *text = json_text(json, JSON_COMPACT);
  put_line(job, text, strlen(text));
  mem_free(text);
  json_decref(json);
}

static void put_json(Job *job, const ink_output *o) {
  json_t *json = json_build("{s:I, s:o, s:i, s:o, s:f, s:f, s:f, s:b}", "line",
                            (json_int_t)(job->input.line + o->input + 1), "source",
                            glyph_json(job->texts[o->input], job->lengths[o->input]), "rank", o->rank, "text",
                            glyph_json(o->text, o->length), "logprob", o->logprob, "score", o->score,
                            "confidence", o->confidence, "unended", o->unended);
  if (o->unsure) json_put(json, "unsure", json_true());
  if (o->check) json_put(json, "check", json_loads(o->check, 0, NULL));
  put_object(job, json);
}

/* ---- faulty lines ---- */

static void warn_cut(Job *job, const ink_output *o) {
  if (++job->cut > MOST_REPORTED) return;
  streams_say("warning: ");
  lines_print_location(&job->input, o->input);
  streams_say("the text is longer than the model reads: its beginning was left out\n");
}

/* A failed input still gets an output line, so that output lines match input lines. */
static void take_problem(Job *job, const ink_output *o) {
  lines_take_problem(&job->input, o->input, o->problem);
  if (!job->call->values[OWN_JSON]) {
    if (job->input.lines) put(job, "\n", 1);
    return;
  }
  json_t *json = json_build("{s:I, s:o, s:o}", "line", (json_int_t)(job->input.line + o->input + 1), "source",
                            glyph_json(job->texts[o->input], job->lengths[o->input]), "error",
                            glyph_json(o->problem, strlen(o->problem)));
  put_object(job, json);
}

static bool take_output(void *user, const ink_output *o) {
  Job *job = user;
  if (o->cut && !o->rank) warn_cut(job, o);
  if (o->check && !o->rank) job->mismatched += mismatches_say(&job->input, o->input, o->check) > 0;
  if (o->problem)
    take_problem(job, o);
  else if (job->call->values[OWN_JSON])
    put_json(job, o);
  else
    put_line(job, o->text, o->length);
  return !job->input.stopped;
}

enum { EXPLAINED = 50 }; /* texts on the page of --explain at most */

static bool explain(Job *job, const char *const *texts, const size_t *lengths, int64_t count, Error *err) {
  const int64_t shown = count < EXPLAINED ? count : EXPLAINED;
  const char *path = job->call->values[OWN_EXPLAIN];
  if (job->input.line) return true; /* the page of the first texts is written */
  const ink_call how = streams_call();
  char *page = ink_explain(job->model, job->task, texts, lengths, shown, job->call->settings, &how, err);
  const bool ok = page && file_replace(path, page, strlen(page), err);
  ink_free(page);
  if (ok && !job->call->values[OWN_QUIET])
    streams_say("%s explains the output for %" PRId64 " text%s: open it in a browser\n", path, shown,
                shown == 1 ? "" : "s");
  if (ok && shown < count && !job->call->values[OWN_QUIET])
    streams_say("note: %s leaves out the lines after these\n", path);
  return ok;
}

static bool rewrite(void *user, const char *const *texts, const size_t *lengths, int64_t count, Error *err) {
  Job *job = user;
  job->texts = texts;
  job->lengths = lengths;
  if (job->call->values[OWN_EXPLAIN]) return explain(job, texts, lengths, count, err);
  const ink_call how = streams_call();
  const bool ok = ink_rewrite(job->model, job->task, texts, lengths, count, job->call->settings, take_output,
                              job, &job->done, &how, err);
  return ok;
}

/* Warnings and notes about what the output does not show. */
static void print_notes(const Job *job) {
  const ink_rewritten *d = &job->done;
  const bool quiet = job->call->values[OWN_QUIET];
  if (d->split_texts && !quiet)
    streams_say("note: %" PRId64
                " text%s longer than the model reads: split at sentence ends, the outputs joined\n",
                d->split_texts, d->split_texts == 1 ? " was" : "s were");
  if (d->cut_sentences)
    streams_say("warning: %" PRId64 " sentence%s longer than the model reads: split\n", d->cut_sentences,
                d->cut_sentences == 1 ? " was" : "s were");
  if (d->dropped_turns) /* a text is one turn */
    streams_say("warning: with the text, --system is longer than the model reads: left out for %" PRId64
                " text%s\n",
                d->dropped_turns, d->dropped_turns == 1 ? "" : "s");
  if (d->unended_outputs && !quiet)
    streams_say("note: %" PRId64
                " output%s the maximum length before the end: see --max-tokens; the model may have fewer "
                "positions\n",
                d->unended_outputs, d->unended_outputs == 1 ? " reached" : "s reached");
  if (d->spelled_specials && !quiet)
    streams_say("note: %" PRId64 " text%s special tokens such as %s: they were read as plain letters\n",
                d->spelled_specials, d->spelled_specials == 1 ? " contains" : "s contain", d->special_token);
  if (d->unknown_inputs)
    streams_say("warning: %" PRId64
                " text%s hardly any token the model knows: check the language of the input\n",
                d->unknown_inputs, d->unknown_inputs == 1 ? " contains" : "s contain");
  if (!quiet && isatty(STDERR_FILENO) && d->seconds > 0) {
    char texts[FIGURE_SIZE], time[FIGURE_SIZE];
    streams_say("(%s in %s, %.1f texts/s)\n", figure_of(texts, job->input.line, "text"),
                figure_time(time, d->seconds), (double)job->input.line / d->seconds);
  }
}

/* What --check found makes the command fail, after all lines are printed. */
static bool check_done(const Job *job, Error *err) {
  char texts[FIGURE_SIZE];
  return !job->mismatched ||
         fail(err, "%" PRId64 " of %s: the output lacks, changes or invents what --check compares",
              job->mismatched, figure_of(texts, job->input.line, N_("text")));
}

/* The page of --explain must not replace the input, the model, or anything that is no such page. */
static bool check_page(const Call *call, Error *err) {
  const char *page = call->values[OWN_EXPLAIN], *input = call->values[OWN_INPUT];
  if (!input) input = "-";
  return !page || (args_check_output(call, page, &input, 1, err) &&
                   file_check_kind(page, "content=\"inkstone --explain\"", _("page of --explain"), err));
}

static bool run(Call *call, Error *err) {
  Job job = {.call = call, .input = {.call = call}, .task = call->command->name, .done = INK_REWRITTEN_INIT};
  streams_catch_signals();
  const ink_call how = streams_call();
  job.model = check_page(call, err) ? args_model(call, &how, err) : NULL;
  const bool ok = job.model && lines_read(&job.input, rewrite, &job, err);
  print_notes(&job);
  ink_model_close(job.model);
  return ok && lines_done(&job.input, err) && check_done(&job, err);
}

#define FLAGS                                                                                              \
  {                                                                                                        \
    {OWN_MODEL, "model", "MODEL", N_("model: a directory, or a file (GGUF, llama2.c)"), 'm', true},        \
        {OWN_INPUT, "input", "FILE", N_("read the input from this file, line by line"), 'i', false},       \
        {OWN_EXPLAIN,                                                                                      \
         "explain",                                                                                        \
         "FILE",                                                                                           \
         N_("instead of printing the texts, write an HTML page of the attention and the alternatives for " \
            "each "                                                                                        \
            "token"),                                                                                      \
         0,                                                                                                \
         false},                                                                                           \
        FLAG_JSON("print one JSON object per output"), FLAG_ADAPTER, FLAG_TYPE, FLAG_CACHE, FLAG_CONFIG,   \
        FLAG_QUIET, FLAG_MODEL_HELP                                                                        \
  }
#define COMMON                                                                                               \
  "TEXT is one text. Standard input, and the file of -i, are read line by line: each input line gives one "  \
  "output line, in the same order; empty lines stay empty. A line that cannot be processed gives an empty "  \
  "line (with --json an object with \"error\"), its number is reported, and the exit status is 1, as it is " \
  "if "                                                                                                      \
  "--check finds anything. "
#define CUT                                                                                                \
  "A text longer than the model reads is split at the ends of sentences and the outputs are joined; this " \
  "is reported."

const Command command_translate = {
    .name = "translate",
    .operands = "-m MODEL [TEXT | -]",
    .summary = N_("translate a text, or lines"),
    .description = N_(COMMON CUT),
    .examples = {{"inkstone translate -m en-de \"A man is riding a horse.\"", N_("translate one sentence")},
                 {"inkstone translate -m en-de --beam 1 -i lines.txt > translated.txt",
                  N_("translate a file with greedy search, which is fast")},
                 {"inkstone translate -m en-de --n-best 3 --json \"Hello\"",
                  N_("print three translations with their scores")},
                 {"inkstone translate -m en-de --check --terms terms.tsv -i manual.txt > out.txt",
                  N_("report each line that changes a number, a placeholder or a term")}},
    .flags = FLAGS,
    .settings = ink_settings_rewrite,
    .omit = ONLY_WRITE "|system",
    .most = 1,
    .reads_text = true,
    .run = run,
};

const Command command_summarize = {
    .name = "summarize",
    .operands = "-m MODEL [TEXT | -]",
    .summary = N_("summarize a text, or lines"),
    .description = N_(COMMON CUT),
    .examples = {{"inkstone summarize -m news \"$(cat article.txt)\"", N_("summarize a file as one text")},
                 {"inkstone summarize -m synopsis -i descriptions.txt", N_("summarize each line of a file")}},
    .flags = FLAGS,
    .settings = ink_settings_rewrite,
    .omit = ONLY_WRITE "|system",
    .most = 1,
    .reads_text = true,
    .run = run,
};

const Command command_reply = {
    .name = "reply",
    .operands = "-m MODEL [TEXT | -]",
    .summary = N_("reply to a text, or lines"),
    .description =
        N_(COMMON "Of a text longer than the model reads, only the last sentences that fit are read; this is "
                  "reported. For a conversation of several turns use inkstone chat."),
    .examples =
        {{"inkstone reply -m assistant \"How are you?\"", N_("print one reply")},
         {"inkstone reply -m support --unsure \"A colleague will answer you.\" --confidence 0.4 -i mail.txt",
          N_("leave out replies that the model is not sure of")},
         {"inkstone reply -m smollm2.gguf --system \"Answer in one word.\" -i questions.txt",
          N_("a downloaded model replies to each line")}},
    .flags = FLAGS,
    .settings = ink_settings_rewrite,
    .omit = ONLY_WRITE "|from-lang|to-lang",
    .most = 1,
    .reads_text = true,
    .run = run,
};
