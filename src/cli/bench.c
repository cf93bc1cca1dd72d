/* bench.c - inkstone bench: how fast this machine is. */
#include "cli/command.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

static bool run(Call *call, Error *err) {
  Progress progress;
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  char *text = ink_bench(call->operands[0], call->settings, progress_listen, &progress, err);
  progress_close(&progress);
  const bool ok = text && present_text(text, call->values[OWN_JSON], err);
  ink_free(text);
  return ok;
}

const Command command_bench = {
    .name = "bench",
    .operands = "train|generate|ops|machine",
    .words = "train|generate|ops|machine",
    .word = "measurement",
    .summary = "measure how fast this machine trains and writes",
    .description =
        "train: tokens per second in training a model of the given shape, and the share of the machine's "
        "peak that this "
        "is. generate: reading a prompt, and writing. ops: each operator, forward and backward. machine: the "
        "peak of "
        "arithmetic and of memory that the others are measured by.",
    .examples = {{"inkstone bench machine", "what this machine can do"},
                 {"inkstone bench train --size base --threads 2",
                  "training a model of 30 million parameters"},
                 {"inkstone bench ops --operator attention --json", "one operator, for another program"}},
    .flags = {FLAG_JSON("as a JSON object"), FLAG_CONFIG, FLAG_QUIET, FLAG_HELP},
    .settings = ink_settings_bench,
    .least = 1,
    .most = 1,
    .run = run,
};
