/* bench.c - inkstone bench: how fast this machine is. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

extern char **environ;

/* The comparisons belong to the sources, as the peers are Python: nothing of them is in the program. */
static const char peers[] = "bench/peers/all.py";

/* On as many threads as ours, if that was said. */
static bool run_peers(const char *threads, Error *err) {
  const char *python = getenv("PYTHON") ? getenv("PYTHON") : "python3";
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) return fail(err, "--peers: /proc/self/exe: %s", strerror(errno));
  self[length] = '\0';
  const char *words[] = {python, peers, self, strcmp(threads, "0") ? "--threads" : NULL, threads, NULL};
  pid_t child;
  fflush(stdout); /* ours comes first */
  int status;
  const int failed = posix_spawnp(&child, python, NULL, NULL, (char *const *)(uintptr_t)words, environ);
  if (failed)
    return fail(err, "--peers: %s: %s: install Python, or name another in PYTHON", python, strerror(failed));
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail(err, "--peers: %s: %s", python, strerror(errno));
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || fail(err, "--peers: %s did not end well", peers);
}

static bool run(Call *call, Error *err) {
  Progress progress;
  if (call->values[OWN_PEERS] && call->values[OWN_JSON])
    return fail_usage(err, "--peers writes for people: leave out --json");
  if (call->values[OWN_PEERS] && access(peers, R_OK))
    return fail(err, "--peers: there is no %s here: run it from the root of Inkstone's sources", peers);
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  char *text = ink_bench(call->operands[0], call->settings, &how, err);
  progress_close(&progress);
  bool ok = text && present_text(text, call->values[OWN_JSON], err);
  ink_free(text);
  if (!ok || !call->values[OWN_PEERS]) return ok;
  char *threads = args_setting(call->settings, "threads");
  ok = run_peers(threads, err);
  ink_free(threads);
  return ok;
}

const Command command_bench = {
    .name = "bench",
    .operands = "train|generate|ops|machine|all",
    .words = "train|generate|ops|machine|all",
    .word = "measurement",
    .summary = "measure how fast this machine trains and writes",
    .description =
        "train: tokens per second in training a model of the given shape, and the share of the machine's "
        "peak that this "
        "is; memory that it takes. generate: reading a prompt, and writing. ops: each operator, forward and "
        "backward. machine: the "
        "peak of "
        "arithmetic and of memory that the others are measured by. all: machine, and training and writing in "
        "shapes that "
        "peers are known in, each with its share of the peak; with --peers those are measured beside, in "
        "turns.",
    .examples = {{"inkstone bench machine", "what this machine can do"},
                 {"inkstone bench train --size base --threads 2",
                  "training a model of 30 million parameters"},
                 {"inkstone bench all --peers", "the whole table, and peers beside it"},
                 {"inkstone bench ops --operator attention --json", "one operator, for another program"}},
    .flags = {FLAG_JSON("as a JSON object"),
              {OWN_PEERS, "peers", NULL,
               "then measure what other programs do, by bench/peers/all.py; PYTHON names the interpreter "
               "that has them",
               0, false},
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_HELP},
    .settings = ink_settings_bench,
    .least = 1,
    .most = 1,
    .run = run,
};
