/* info.c - inkstone info: describes a model. */
#include <string.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/present.h"
#include "cli/streams.h"

static bool run(Call *call, Error *err) {
  const ink_call how = streams_call();
  ink_model *model = ink_model_open(call->operands[0], &how, err);
  char *text = model ? ink_model_describe(model, err) : NULL;
  const bool ok = text && present_text(text, call->values[OWN_JSON], err);
  ink_free(text);
  ink_model_close(model);
  return ok;
}

const Command command_info = {
    .name = "info",
    .operands = "MODEL",
    .summary = N_("describe a model"),
    .description = N_("Shows the architecture, sizes and number of parameters of the model in the directory "
                      "MODEL, and how it was trained."),
    .examples = {{"inkstone info poems", ""},
                 {"inkstone info poems --json | jq .parameters", N_("print one of the numbers")}},
    .flags = {FLAG_JSON("print a JSON object"), FLAG_HELP},
    .least = 1,
    .most = 1,
    .run = run,
};
