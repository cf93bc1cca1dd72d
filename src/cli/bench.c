/* bench.c - inkstone bench: measures the speed of this machine. */
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

/* The peers are Python programs, so their script is part of the source tree, not of this program. */
static const char peers[] = "bench/peers/all.py";

/* Runs the peers, on the number of threads given with --threads, if any. */
static bool run_peers(const char *threads, Error *err) {
  const char *python = getenv("PYTHON") ? getenv("PYTHON") : "python3";
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) return fail(err, "--peers: /proc/self/exe: %s", language_errno(errno));
  self[length] = '\0';
  const char *words[] = {python, peers, self, strcmp(threads, "0") ? "--threads" : NULL, threads, NULL};
  pid_t child;
  fflush(stdout); /* print our results first */
  int status;
  const int failed = posix_spawnp(&child, python, NULL, NULL, (char *const *)(uintptr_t)words, environ);
  if (failed)
    return fail(err, "--peers: %s: %s: install Python, or set PYTHON to an interpreter", python,
                language_errno(failed));
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail(err, "--peers: %s: %s", python, language_errno(errno));
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || fail(err, "--peers: %s failed", peers);
}

static bool run(Call *call, Error *err) {
  Progress progress;
  if (call->values[OWN_PEERS] && call->values[OWN_JSON])
    return fail_usage(err, "--peers has no JSON output: leave out --json");
  if (call->values[OWN_PEERS] && access(peers, R_OK))
    return fail(err, "--peers: %s not found: run this command in the root of Inkstone's source tree", peers);
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
    .word = N_("measurement"),
    .summary = N_("measure how fast this machine trains and writes"),
    .description =
        N_("train: tokens per second when training a model of the given shape, its share of the machine's "
           "peak, and the memory it takes.\ngenerate: speed of reading a prompt and of writing.\nops: each "
           "operator, forward and backward.\nmachine: peak arithmetic throughput and memory bandwidth, the "
           "reference of the other measurements.\nall: machine, then training and writing in the shapes of "
           "well-known models, each with its share of the peak; with --peers other programs are measured "
           "alternately in the same shapes."),
    .examples = {{"inkstone bench machine", N_("measure the peak of this machine")},
                 {"inkstone bench train --size base --threads 2",
                  N_("measure training of a model with 30 million parameters")},
                 {"inkstone bench all --peers", N_("measure everything, and compare with peers")},
                 {"inkstone bench ops --operator attention --json", N_("measure one operator, print JSON")}},
    .flags =
        {FLAG_JSON("print a JSON object"),
         {OWN_PEERS, "peers", NULL,
          N_("also measure other programs with bench/peers/all.py; PYTHON is the interpreter that has them "
             "installed"),
          0, false},
         FLAG_CONFIG,
         FLAG_QUIET,
         FLAG_HELP},
    .settings = ink_settings_bench,
    .least = 1,
    .most = 1,
    .run = run,
};
