/* train.c - inkstone train: trains a model on text files. */
#include <signal.h>
#include <string.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/streams.h"

/* A task has the name of the command that uses its models. Only samples of running text give a prompt to
 * suggest: those of pairs begin with a held-out example. */
static void suggest(Progress *p, const char *task, const char *model) {
  const char *prompt = strcmp(task, "write") ? p->beginning : "";
  char *const words[] = {(char *)(uintptr_t)task};
  int count;
  if (!command_find(1, words, &count)) { /* it changed a model, which is used as before */
    progress_say(p, "\n%s is ready. Try:\n  inkstone info %s", model, model);
    return;
  }
  progress_say(p, "\n%s is ready. Try:\n  inkstone %s -m %s%s%s%s\n  inkstone info %s", model, task, model,
               *prompt ? " \"" : "", prompt, *prompt ? "\"" : "", model);
}

static bool run(Call *call, Error *err) {
  const char *model = call->values[OWN_OUTPUT];
  Progress progress;
  signal(SIGPIPE, SIG_IGN); /* the run continues when the reader of its messages exits */
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
    .words = "write|translate|summarize|reply|classify|prefer",
    .word = N_("task"),
    .summary = N_("train a model on text, pairs of texts, conversations or labelled texts"),
    .description = N_(
        "Trains a tokenizer and a neural network on text files (UTF-8) and saves both to the directory "
        "MODEL, in the Hugging Face layout. TASK is what the model learns, and the name of the command "
        "that then uses it.\nwrite learns from running text. translate and summarize learn from pairs: "
        "lines of source TAB target, two files aligned line by line, a table (CSV, or TSV with names in "
        "its first row), JSON, or a translation memory (TMX). reply learns from conversations: JSON in "
        "the format of OpenAI, ShareGPT or Alpaca, a table of questions and answers, or one turn per line "
        "with blank lines between conversations. classify learns from labelled texts: a table with the "
        "columns text and label (without names in its first row, the one with fewer different values is the "
        "label), JSON, or lines __label__NAME text. prefer tunes a model that writes already (--from) to "
        "preferences: JSON or a table with prompt, chosen and rejected (DPO), or prompt, completion and "
        "label "
        "(KTO).\nAny --arch can learn any task, except that those with "
        "an encoder (marian, bart, mbart, t5, seq2seq and others) need pairs. A share of the text is held "
        "out to evaluate the model. With --budget, Inkstone measures this machine and chooses a model and "
        "a run that finish within that time; otherwise --size and the flags below define them.\nAn "
        "interrupted run (Ctrl-C, power failure) continues with --resume and gives the same result as an "
        "uninterrupted one; FILE may then be omitted. MODEL also receives the log (log.jsonl and "
        "TensorBoard event files) and, at the end, report.html with the curves."),
    .examples = {{"inkstone train write poems.txt -o poems --budget 10m",
                  N_("train the best model possible in ten minutes")},
                 {"inkstone train write books/*.txt -o books --size small --context 256 --epochs 3",
                  N_("train a larger model with explicit settings")},
                 {"inkstone train translate pairs.tsv -o en-de --arch marian --best-by bleu --beam 5",
                  N_("train a translation model, keep the one with the best BLEU")},
                 {"inkstone train write -o books --resume", N_("continue an interrupted run")},
                 {"inkstone train write letters.txt -o letters --from books --lr 1e-4 --epochs 2",
                  N_("fine-tune a model on another style")},
                 {"inkstone train prefer pairs.jsonl -o polite --from model --adapter lora",
                  N_("tune a model to what is preferred, by an adapter beside it")},
                 {"inkstone train write books/*.txt -o tiny --teacher books --layers 2 --width 128",
                  N_("train a smaller model that also learns from a larger one")},
                 {"inkstone train write poems.txt -o poems --config recipe.yaml --dry-run",
                  N_("report what a recipe would do and what it needs")}},
    .omit = "n-best",
    .flags = {{OWN_OUTPUT, "output", "MODEL", N_("directory to save the model to"), 'o', true},
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_HELP},
    .settings = ink_settings_train,
    .least = 1,
    .most = -1,
    .run = run,
};
