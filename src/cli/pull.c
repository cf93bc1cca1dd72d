/* pull.c - inkstone pull: downloads a model. */
#include <string.h>

#include "cli/command.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

static char *pull(const Call *call, Error *err) {
  Progress progress;
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  char *text = ink_pull(call->operands[0], call->settings, &how, err);
  progress_close(&progress);
  return text;
}

static bool run(Call *call, Error *err) {
  const bool list = call->values[OWN_LIST];
  if (list == (call->operand_count > 0))
    return fail_usage(err, list ? _("--list takes no model") : _("which model? Give ORG/NAME, or --list"));
  char *text = list ? ink_pulled(err) : pull(call, err);
  if (text && !strcmp(text, "[]")) streams_say("no models were downloaded yet\n");
  const bool ok = text && present_text(text, call->values[OWN_JSON], err);
  ink_free(text);
  return ok;
}

const Command command_pull = {
    .name = "pull",
    .operands = "ORG/NAME[@REV][:FILE] | --list",
    .summary = N_("download a model from Hugging Face"),
    .description = N_(
        "Downloads a model into the cache, $XDG_CACHE_HOME/inkstone/models or ~/.cache/inkstone/models, and "
        "checks its sums. Its name is then a model wherever one is taken: inkstone chat -m ORG/NAME. No "
        "other "
        "command uses the network.\nOf a repository with config.json, configuration, tokenizer and weights "
        "are "
        "downloaded (model.safetensors or its shards, else pytorch_model.bin); of one with GGUF files, the "
        "only "
        "one, else that of type Q4_K_M. FILE names another, or is a type of weights, such as Q8_0.\nAn "
        "interrupted "
        "download is continued by the same command. A model that is there is checked, and replaced if the "
        "repository has a newer one. To remove a model, remove its directory, which --list shows. The cache "
        "of "
        "huggingface_hub (HF_HUB_CACHE, HF_HOME) is searched for names, too, but not changed.\nHF_ENDPOINT "
        "is "
        "the address of a mirror; HF_TOKEN, a token for private and gated models, is sent to that address "
        "only; "
        "HF_HUB_OFFLINE=1 is --offline. https_proxy and no_proxy are those of curl."),
    .examples = {{"inkstone pull HuggingFaceTB/SmolLM2-135M-Instruct", N_("download a model")},
                 {"inkstone chat -m HuggingFaceTB/SmolLM2-135M-Instruct", N_("talk to it")},
                 {"inkstone pull bartowski/SmolLM2-135M-Instruct-GGUF:Q8_0", N_("one GGUF file of several")},
                 {"HF_ENDPOINT=https://hf-mirror.com inkstone pull Qwen/Qwen3-0.6B",
                  N_("download from a mirror")},
                 {"inkstone pull --list", N_("show the models in the cache")}},
    .flags = {{OWN_LIST, "list", NULL, N_("list the models in the cache"), 0, false},
              FLAG_JSON("print the result as JSON"),
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_HELP},
    .settings = ink_settings_pull,
    .least = 0,
    .most = 1,
    .run = run,
};
