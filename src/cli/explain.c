/* explain.c - inkstone explain: shows how a model continues a prompt. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/streams.h"

static bool read_prompt(const Call *call, Buffer *prompt, Error *err) {
  return !call->operand_count ||
         streams_prompt(call->operands[0], call->settings, call->values[OWN_QUIET], prompt, err);
}

/* The output must not replace the model, or anything that is no such page. */
static bool check_output(const Call *call, Error *err) {
  const char *path = call->values[OWN_OUTPUT], *json = call->values[OWN_JSON];
  if (!path)
    return json || !isatty(STDOUT_FILENO) ||
           fail_usage(err, "the page would be printed on the terminal: give -o FILE, or --json");
  const char *input = "-";
  const bool reads = call->operand_count && !strcmp(call->operands[0], input);
  return args_check_output(call, path, &input, reads, err) &&
         (json ? file_check_kind(path, "\"generator\":\"inkstone explain\"", _("JSON of explain"), err)
               : file_check_kind(path, "content=\"inkstone explain\"", _("page of explain"), err));
}

static bool put(const Call *call, const char *text, Error *err) {
  const char *path = call->values[OWN_OUTPUT];
  if (!path) return streams_put(text, strlen(text)), true; /* streams_close reports a failure */
  if (!file_replace(path, text, strlen(text), err)) return false;
  if (!call->values[OWN_QUIET] && !call->values[OWN_JSON])
    streams_say("%s explains the text: open it in a browser\n", path);
  return true;
}

static bool explain(const Call *call, ink_model *model, const Buffer *prompt, Error *err) {
  Progress progress;
  ink_written written = INK_WRITTEN_INIT;
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  char *text =
      ink_explain_text(model, prompt->data ? prompt->data : "", prompt->length,
                       call->values[OWN_JSON] ? "json" : "html", call->settings, &written, &how, err);
  progress_close(&progress);
  if (text && !call->values[OWN_QUIET]) streams_note_special(written.special_token);
  const bool ok = text && put(call, text, err);
  ink_free(text);
  return ok;
}

static bool run(Call *call, Error *err) {
  Buffer prompt = {0};
  streams_catch_signals();
  const ink_call how = streams_call();
  const bool ready = check_output(call, err) && read_prompt(call, &prompt, err);
  ink_model *model = ready ? args_model(call, &how, err) : NULL;
  const bool ok = model && explain(call, model, &prompt, err);
  ink_model_close(model);
  buffer_free(&prompt);
  return ok;
}

const Command command_explain = {
    .name = "explain",
    .operands = "-m MODEL [PROMPT | -]",
    .summary = N_("show how a model continues a prompt"),
    .description = N_(
        "Continues PROMPT as `inkstone write` does with the same flags, and shows how: an HTML page with the "
        "probability of each token, the likeliest others and what the model would have written after "
        "them, what each layer would predict, and the attention of each head. The page loads nothing "
        "from elsewhere. --tokens 0 explains PROMPT alone. A page holds up to 256 tokens, fewer of a "
        "model with many heads; what does not fit is reported. For models that translate, summarize or "
        "reply, see --explain of these commands.\nWith --json the same numbers: `tokens` with their "
        "`prediction` (probability, rank, alternatives, layers: the input of the first layer, then the "
        "output of each), `next` (the prediction of the token that would follow), `attention` "
        "[layer][head][query][key], where the token at `query` predicts the one after it."),
    .examples = {{"inkstone explain -m smollm2.gguf \"The moon\" -o page.html",
                  N_("make a page of a downloaded model")},
                 {"inkstone explain -m poems \"明月\" --greedy --tokens 40 -o page.html",
                  N_("of a trained model that always takes the likeliest token")},
                 {"inkstone explain -m poems --tokens 0 - < poem.txt > page.html",
                  N_("how predictable a given text is")},
                 {"inkstone explain -m poems \"The moon\" --json --branches 0 > numbers.json",
                  N_("the numbers, for another program")}},
    .flags = {{OWN_MODEL, "model", "MODEL", N_("model: a directory, or a file (GGUF, llama2.c)"), 'm', true},
              {OWN_OUTPUT, "output", "FILE", N_("file to write to, instead of standard output"), 'o', false},
              FLAG_JSON("print the numbers as a JSON object, instead of a page"),
              FLAG_ADAPTER,
              FLAG_TYPE,
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_MODEL_HELP},
    .settings = ink_settings_explain,
    .omit = "max-tokens|samples|stop",
    .most = 1,
    .reads_text = true,
    .run = run,
};
