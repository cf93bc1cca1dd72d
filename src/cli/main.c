/* main.c - finds the command, runs it and reports its error. The only file that ends the process. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/args.h"
#include "cli/glyph.h"
#include "cli/streams.h"

static bool is_any(const char *text, const char *a, const char *b) {
  return !strcmp(text, a) || !strcmp(text, b);
}

/* The first `words` of argv are the command's name. */
static bool run_command(const Command *command, int words, int argc, char **argv, Error *err) {
  Call call = {.command = command, .settings = command->settings ? command->settings() : NULL};
  bool ok = args_parse(&call, argc - words, argv + words, err);
  if (ok && call.values[OWN_HELP])
    ok = help_command(command, call.values[OWN_MODEL], err);
  else if (ok)
    ok = command->run(&call, err);
  ink_settings_free(call.settings);
  return ok;
}

static bool run_group(const char *group, const char *word, Error *err) {
  char name[64];
  if (word && !is_any(word, "--help", "-h")) {
    snprintf(name, sizeof name, "%s %s", group, word);
    return command_unknown(name, err);
  }
  help_group(group);
  return true;
}

static bool run(int argc, char **argv, const Command **command, Error *err) {
  int words;
  if (argc == 0 || is_any(argv[0], "--help", "-h"))
    help_overview();
  else if (is_any(argv[0], "--version", "-V"))
    printf("inkstone %s\n", ink_version());
  else if ((*command = command_find(argc, argv, &words)))
    return run_command(*command, words, argc, argv, err);
  else if (command_is_group(argv[0]))
    return run_group(argv[0], argc > 1 ? argv[1] : NULL, err);
  else
    return command_unknown(argv[0], err);
  return true;
}

static bool guarded_run(int argc, char **argv, const Command **command, Error *err) {
  MEM_GUARD(err, return false);
  const bool ok = run(argc, argv, command, err);
  MEM_GUARD_END();
  return ok;
}

static void report(const Command *command, const Error *err) {
  fflush(stdout);
  streams_say("inkstone: %s\n", err->text);
  if (err->code == INK_USAGE)
    streams_say("see inkstone %s%s--help\n", command ? command->name : "", command ? " " : "");
}

int main(int argc, char **argv) {
  Error err = {0};
  const Command *command = NULL;
  streams_open();
  glyph_set_locale();
  const bool ok = ink_set_language(NULL, &err) && ink_instruction_set(&err) &&
                  guarded_run(argc - 1, argv + 1, &command, &err);
  if (!ok) report(command, &err);
  return streams_close(ok ? INK_OK : err.code == INK_USAGE ? INK_USAGE : INK_FAILED);
}
