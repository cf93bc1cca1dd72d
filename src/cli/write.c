/* write.c - inkstone write: continues a prompt. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/figure.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/glyph.h"
#include "cli/streams.h"

/* One of the texts (samples) being written. */
typedef struct Text {
  Buffer text;
  json_t *tokens; /* with --json */
} Text;

typedef struct Output {
  Text *texts;
  int count;
  Buffer prompt;
  bool json, show_prompt;
  bool begun, broken; /* text is on stdout; writing to stdout failed */
  char last;          /* byte written to stdout */
} Output;

static void put(Output *out, const char *text, size_t length) {
  if (!length) return;
  out->last = text[length - 1];
  if (!streams_put(text, length)) out->broken = true;
}

static void begin_text(Output *out) {
  out->begun = true;
  if (out->show_prompt) put(out, out->prompt.data, out->prompt.length);
}

static void end_text(Output *out) {
  if (out->last != '\n') put(out, "\n", 1);
}

static json_t *token_json(const ink_token *token) {
  json_t *json = json_build("{s:i, s:f, s:o}", "id", (int)token->id, "logprob", token->logprob, "text",
                            glyph_json(token->text, token->length));
  json_t *others = token->alternative_count ? json_array() : NULL;
  for (int i = 0; i < token->alternative_count; i++)
    json_push(others, json_build("{s:i, s:f}", "id", (int)token->alternatives[i].id, "logprob",
                                 token->alternatives[i].logprob));
  if (others) json_put(json, "alternatives", others);
  return json;
}

/* The first text is printed while it is written; the others, written in parallel, follow it. */
static bool take_token(void *user, const ink_token *token) {
  Output *out = user;
  Text *text = &out->texts[token->sample];
  if (out->json && token->id >= 0) json_push(text->tokens, token_json(token));
  /* valid UTF-8: the last character may be incomplete, and some models write invalid bytes */
  glyph_repair(&text->text, token->text, token->length);
  if (!out->json && token->sample == 0) {
    if (!out->begun) begin_text(out);
    put(out, text->text.data, text->text.length);
    buffer_clear(&text->text);
  }
  return !out->broken;
}

static void put_rest(Output *out) {
  if (!out->begun) begin_text(out); /* no token was written */
  end_text(out);
  for (int i = 1; i < out->count; i++) {
    put(out, "---\n", 4);
    begin_text(out);
    put(out, out->texts[i].text.data, out->texts[i].text.length);
    end_text(out);
  }
}

static void put_json(Output *out, const ink_written *w) {
  for (int i = 0; i < out->count; i++) {
    Text *text = &out->texts[i];
    json_t *json = json_build("{s:i, s:o, s:o, s:O, s:I, s:I, s:I}", "sample", i, "prompt",
                              glyph_json(out->prompt.data, out->prompt.length), "text",
                              glyph_json(text->text.data, text->text.length), "tokens", text->tokens,
                              "prompt_tokens", (json_int_t)w->prompt_tokens, "dropped_prompt_tokens",
                              (json_int_t)w->dropped_prompt_tokens, "shifts", (json_int_t)w->shifts);
    char *line = json_text(json, JSON_COMPACT);
    put(out, line, strlen(line));
    put(out, "\n", 1);
    mem_free(line);
    json_decref(json);
  }
}

/* Warnings and notes about what the text itself does not show. */
static void print_notes(const ink_written *w, bool quiet) {
  if (w->dropped_prompt_tokens)
    streams_say("warning: the prompt is longer than the model's context: the first %" PRId64
                " of its %" PRId64 " tokens were left out (a smaller --max-tokens keeps more of it)\n",
                w->dropped_prompt_tokens, w->prompt_tokens);
  if (!quiet) streams_note_special(w->special_token);
  if (w->shifts && !quiet)
    streams_say("note: the model's context was full %" PRId64 " time%s; earlier text was dropped from it\n",
                w->shifts, w->shifts == 1 ? "" : "s");
  if (w->stuck)
    streams_say("warning: in %" PRId64
                " text%s no token of the model could go on with what was asked for: the end is missing\n",
                w->stuck, w->stuck == 1 ? "" : "s");
  if (w->unmatched > w->stuck)
    streams_say("warning: %" PRId64
                " text%s not yet what was asked for: raise --max-tokens, or leave out --stop\n",
                w->unmatched - w->stuck, w->unmatched - w->stuck == 1 ? " is" : "s are");
  if (!quiet && isatty(STDERR_FILENO) && w->new_seconds > 0) {
    char tokens[FIGURE_SIZE], time[FIGURE_SIZE];
    streams_say("(%s in %s, %.0f tokens/s)\n", figure_of(tokens, w->new_tokens, "token"),
                figure_time(time, w->new_seconds), (double)w->new_tokens / w->new_seconds);
  }
}

static void open_output(Output *out, const Call *call) {
  char *samples = args_setting(call->settings, "samples");
  if (sscanf(samples, "%d", &out->count) != 1) out->count = 1;
  ink_free(samples);
  out->json = call->values[OWN_JSON];
  out->show_prompt = !call->values[OWN_CONTINUATION];
  out->texts = mem_alloc_zeroed((size_t)out->count, sizeof *out->texts);
  for (int i = 0; out->json && i < out->count; i++) out->texts[i].tokens = json_array();
}

static void close_output(Output *out) {
  for (int i = 0; i < out->count; i++) {
    buffer_free(&out->texts[i].text);
    json_decref(out->texts[i].tokens);
  }
  mem_free(out->texts);
  buffer_free(&out->prompt);
}

static bool write_output(Output *out, ink_model *model, const Call *call, Error *err) {
  ink_written written = INK_WRITTEN_INIT;
  streams_catch_signals();
  const ink_call how = streams_call();
  const bool ok = ink_write(model, out->prompt.data ? out->prompt.data : "", out->prompt.length,
                            call->settings, take_token, out, &written, &how, err);
  if (!ok && err->code != INK_INTERRUPTED) return false; /* the text written before an interrupt is shown */
  if (out->json)
    put_json(out, &written);
  else
    put_rest(out);
  print_notes(&written, call->values[OWN_QUIET]);
  return ok;
}

static bool read_prompt(const Call *call, Buffer *prompt, Error *err) {
  return !call->operand_count || /* start a new text */
         streams_prompt(call->operands[0], call->settings, call->values[OWN_QUIET], prompt, err);
}

static bool check_alternatives(const Call *call, Error *err) {
  int64_t count = 0;
  return !ink_settings_get_int(call->settings, "alternatives", &count, err) || !count ||
         call->values[OWN_JSON] ||
         fail_usage(err, "--alternatives has no effect without --json: add it, or leave the other out");
}

static bool run(Call *call, Error *err) {
  if (!check_alternatives(call, err)) return false;
  Output out = {0};
  open_output(&out, call);
  const ink_call how = streams_call();
  bool ok = read_prompt(call, &out.prompt, err);
  ink_model *model = ok ? args_model(call, &how, err) : NULL;
  ok = model && write_output(&out, model, call, err);
  ink_model_close(model);
  close_output(&out);
  return ok;
}

const Command command_write = {
    .name = "write",
    .operands = "-m MODEL [PROMPT | -]",
    .summary = N_("continue a prompt"),
    .description =
        N_("Continues PROMPT, or starts a new text if there is none. \"-\" reads the prompt from standard "
           "input, without its last line end. The text is printed to standard output while it is written. "
           "Several texts (-n) are separated by lines of \"---\". With --json each text is one line: a JSON "
           "object with the prompt, the text and its tokens, each with its natural log-probability."),
    .examples = {{"inkstone write -m poems \"The moon\"", N_("write one text")},
                 {"inkstone write -m poems \"The moon\" -n 3 --temperature 1.1 --seed 7",
                  N_("write three more varied texts")},
                 {"inkstone write -m letters --stop \"Yours\" - < letter.txt",
                  N_("continue a file, stop at a word")},
                 {"inkstone write -m poems \"The moon\" --greedy --json",
                  N_("write JSON for another program")},
                 {"inkstone write -m poems \"Born on \" --regex '[12][0-9]{3}-[01][0-9]-[0-3][0-9]'",
                  N_("write a date")}},
    .flags = {{OWN_MODEL, "model", "MODEL", N_("model: a directory, or a file (GGUF, llama2.c)"), 'm', true},
              {OWN_NONE, "samples", NULL, NULL, 'n', false},
              {OWN_CONTINUATION, "continuation", NULL, N_("print only the continuation, without the prompt"),
               0, false},
              FLAG_JSON("print one JSON object per text"),
              FLAG_ADAPTER,
              FLAG_TYPE,
              FLAG_CACHE,
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_MODEL_HELP},
    .settings = ink_settings_write,
    .least = 0,
    .most = 1,
    .reads_text = true,
    .run = run,
};
