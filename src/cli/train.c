/* train.c - inkstone train: from text to a model directory. */
#include <signal.h>
#include <string.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/streams.h"

/* A task is the command that uses its model. A sample begins with what was held out, where there are pairs;
 * else with what the model made up, which is no prompt to propose. */
static void suggest(Progress *p, const char *task, const char *model) {
  const char *prompt = strcmp(task, "write") ? p->beginning : "";
  progress_say(p, "\n%s is ready. Try:\n  inkstone %s -m %s%s%s%s\n  inkstone info %s", model, task, model,
               *prompt ? " \"" : "", prompt, *prompt ? "\"" : "", model);
}

static bool run(Call *call, Error *err) {
  const char *model = call->values[OWN_OUTPUT];
  Progress progress;
  signal(SIGPIPE, SIG_IGN); /* who reads the news may leave; the run goes on */
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  const bool ok = ink_train(call->operands[0], (const char *const *)call->operands + 1,
                            call->operand_count - 1, model, call->settings, &how, err);
  progress_close(&progress);
  char *dry = args_setting(call->settings, "dry-run");
  if (ok && dry[0] != 't') suggest(&progress, call->operands[0], model);
  ink_free(dry);
  return ok;
}

const Command command_train = {
    .name = "train",
    .operands = "TASK FILE... -o MODEL",
    .words = "write|translate|summarize|reply",
    .word = "task",
    .summary = "learn from text, pairs of texts or conversations: makes a model",
    .description =
        "Learns a tokenizer and a neural network from text files (UTF-8) and leaves both in the directory "
        "MODEL, in the layout of Hugging Face. TASK says what is learnt, and the command that then uses it: "
        "write, from running text; translate and summarize, from pairs: lines of source TAB target, two "
        "files "
        "line by line, a table (CSV, TSV with a first row of names), JSON, or a translation memory (TMX); "
        "reply, "
        "from conversations: JSON as OpenAI, ShareGPT and Alpaca have it, a table of questions and answers, "
        "or "
        "one turn a line and blank lines between. Any --arch learns any task, but those with an encoder "
        "(marian, bart, "
        "mbart, seq2seq) need pairs. A share is held out to measure the model by. With --budget, Inkstone "
        "measures "
        "this "
        "machine and chooses the model and the run so that they end in that time; else --size or the flags "
        "below say what to train.\n"
        "A run that was interrupted, by Ctrl-C or by a power cut, goes on with --resume exactly as if "
        "nothing had "
        "happened; FILE may be left out then. In MODEL there are also the log (log.jsonl, TensorBoard event "
        "files) "
        "and, at the end, report.html with the curves.",
    .examples = {{"inkstone train write poems.txt -o poems --budget 10m",
                  "the best model ten minutes can give"},
                 {"inkstone train write books/*.txt -o books --size small --context 256 --epochs 3",
                  "a larger model, the run as you say"},
                 {"inkstone train translate pairs.tsv -o en-de --arch marian --best-by bleu --beam 5",
                  "translation, the model kept that translates best"},
                 {"inkstone train write -o books --resume", "go on where it was interrupted"},
                 {"inkstone train write letters.txt -o letters --from books --lr 1e-4 --epochs 2",
                  "teach a finished model another style"},
                 {"inkstone train write poems.txt -o poems --config recipe.yaml --dry-run",
                  "say what a recipe would do and what it needs"}},
    .flags = {{OWN_OUTPUT, "output", "MODEL", "directory the model is written to", 'o', true},
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_HELP},
    .settings = ink_settings_train,
    .least = 1,
    .most = -1,
    .run = run,
};
