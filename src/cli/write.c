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

typedef struct Page {
  Text *texts;
  int count;
  Buffer prompt;
  bool json, show_prompt;
  bool begun, broken; /* text is on stdout; writing to stdout failed */
  char last;          /* byte written to stdout */
} Page;

static void put(Page *page, const char *text, size_t length) {
  if (!length) return;
  page->last = text[length - 1];
  if (!streams_put(text, length)) page->broken = true;
}

static void begin_text(Page *page) {
  page->begun = true;
  if (page->show_prompt) put(page, page->prompt.data, page->prompt.length);
}

static void end_text(Page *page) {
  if (page->last != '\n') put(page, "\n", 1);
}

/* The first text is printed while it is written; the others, written in parallel, follow it. */
static bool take_token(void *user, const ink_token *token) {
  Page *page = user;
  Text *text = &page->texts[token->sample];
  if (page->json && token->id >= 0)
    json_push(text->tokens, json_build("{s:i, s:f, s:o}", "id", (int)token->id, "logprob", token->logprob,
                                       "text", glyph_json(token->text, token->length)));
  /* valid UTF-8: the last character may be incomplete, and some models write invalid bytes */
  glyph_repair(&text->text, token->text, token->length);
  if (!page->json && token->sample == 0) {
    if (!page->begun) begin_text(page);
    put(page, text->text.data, text->text.length);
    buffer_clear(&text->text);
  }
  return !page->broken;
}

static void put_rest(Page *page) {
  if (!page->begun) begin_text(page); /* no token was written */
  end_text(page);
  for (int i = 1; i < page->count; i++) {
    put(page, "---\n", 4);
    begin_text(page);
    put(page, page->texts[i].text.data, page->texts[i].text.length);
    end_text(page);
  }
}

static void put_json(Page *page, const ink_written *w) {
  for (int i = 0; i < page->count; i++) {
    Text *text = &page->texts[i];
    json_t *json = json_build("{s:i, s:o, s:o, s:O, s:I, s:I, s:I}", "sample", i, "prompt",
                              glyph_json(page->prompt.data, page->prompt.length), "text",
                              glyph_json(text->text.data, text->text.length), "tokens", text->tokens,
                              "prompt_tokens", (json_int_t)w->prompt_tokens, "dropped_prompt_tokens",
                              (json_int_t)w->dropped_prompt_tokens, "shifts", (json_int_t)w->shifts);
    char *line = json_text(json, JSON_COMPACT);
    put(page, line, strlen(line));
    put(page, "\n", 1);
    mem_free(line);
    json_decref(json);
  }
}

/* Warnings and notes about what the text itself does not show. */
static void tell(const ink_written *w, bool quiet) {
  if (w->dropped_prompt_tokens)
    streams_say("warning: the prompt is longer than the model's context: the first %" PRId64
                " of its %" PRId64 " tokens were left out (a smaller --max-tokens keeps more of it)\n",
                w->dropped_prompt_tokens, w->prompt_tokens);
  if (w->special_token && !quiet)
    streams_say(
        "note: the prompt contains the special token %s: it was read as plain letters (give --special-tokens "
        "to "
        "read it as the token)\n",
        w->special_token);
  if (w->shifts && !quiet)
    streams_say("note: the model's context was full %" PRId64 " time%s; earlier text was dropped from it\n",
                w->shifts, w->shifts == 1 ? "" : "s");
  if (!quiet && isatty(STDERR_FILENO) && w->new_seconds > 0) {
    char tokens[FIGURE_SIZE], time[FIGURE_SIZE];
    streams_say("(%s in %s, %.0f tokens/s)\n", figure_of(tokens, w->new_tokens, "token"),
                figure_time(time, w->new_seconds), (double)w->new_tokens / w->new_seconds);
  }
}

static void open_page(Page *page, const Call *call) {
  char *samples = args_setting(call->settings, "samples");
  if (sscanf(samples, "%d", &page->count) != 1) page->count = 1;
  ink_free(samples);
  page->json = call->values[OWN_JSON];
  page->show_prompt = !call->values[OWN_CONTINUATION];
  page->texts = mem_alloc_zeroed((size_t)page->count, sizeof *page->texts);
  for (int i = 0; page->json && i < page->count; i++) page->texts[i].tokens = json_array();
}

static void close_page(Page *page) {
  for (int i = 0; i < page->count; i++) {
    buffer_free(&page->texts[i].text);
    json_decref(page->texts[i].tokens);
  }
  mem_free(page->texts);
  buffer_free(&page->prompt);
}

static bool write_page(Page *page, ink_model *model, const Call *call, Error *err) {
  ink_written written = INK_WRITTEN_INIT;
  streams_catch_signals();
  const ink_call how = streams_call();
  const bool ok = ink_write(model, page->prompt.data ? page->prompt.data : "", page->prompt.length,
                            call->settings, take_token, page, &written, &how, err);
  if (!ok && err->code != INK_INTERRUPTED) return false; /* the text written before an interrupt is shown */
  if (page->json)
    put_json(page, &written);
  else
    put_rest(page);
  tell(&written, call->values[OWN_QUIET]);
  return ok;
}

static bool read_prompt(const Call *call, Buffer *prompt, Error *err) {
  if (!call->operand_count) return true; /* start a new text */
  const char *operand = call->operands[0];
  if (!streams_text(operand, call->settings, call->values[OWN_QUIET], prompt, err)) return false;
  if (!strcmp(operand, "-") && prompt->length && prompt->data[prompt->length - 1] == '\n') prompt->length--;
  return true;
}

static bool run(Call *call, Error *err) {
  Page page = {0};
  open_page(&page, call);
  const ink_call how = streams_call();
  bool ok = read_prompt(call, &page.prompt, err);
  ink_model *model = ok ? ink_model_open(call->values[OWN_MODEL], &how, err) : NULL;
  ok = model && write_page(&page, model, call, err);
  ink_model_close(model);
  close_page(&page);
  return ok;
}

const Command command_write = {
    .name = "write",
    .operands = "-m MODEL [PROMPT | -]",
    .summary = "continue a prompt",
    .description =
        "Continues PROMPT, or starts a new text if there is none. \"-\" reads the prompt from standard "
        "input, without its last line end. The text is printed to standard output while it is written. "
        "Several texts (-n) are separated by lines of \"---\". With --json each text is one line: a JSON "
        "object with the prompt, the text and its tokens, each with its natural log-probability.",
    .examples = {{"inkstone write -m poems \"The moon\"", "write one text"},
                 {"inkstone write -m poems \"The moon\" -n 3 --temperature 1.1 --seed 7",
                  "write three more varied texts"},
                 {"inkstone write -m letters --stop \"Yours\" - < letter.txt",
                  "continue a file, stop at a word"},
                 {"inkstone write -m poems \"The moon\" --greedy --json", "write JSON for another program"}},
    .flags = {{OWN_MODEL, "model", "MODEL", "model directory", 'm', true},
              {OWN_NONE, "samples", NULL, NULL, 'n', false},
              {OWN_CONTINUATION, "continuation", NULL, "print only the continuation, without the prompt", 0,
               false},
              FLAG_JSON("print one JSON object per text"),
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_MODEL_HELP},
    .settings = ink_settings_write,
    .least = 0,
    .most = 1,
    .run = run,
};
