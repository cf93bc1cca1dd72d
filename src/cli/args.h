/* args.h - parses argv into a Call: --name value, --name=value, --switch, --no-switch, -n value, -nvalue;
 * "--" ends the flags. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/command.h"

/* Parses argv, which starts after the command's name, and moves the operands to its front. After --help,
 * nothing is checked. */
bool args_parse(Call *, int argc, char **argv, Error *);

/* Opens the model of -m, which keeps its weights as --type says, and its keys and values as --cache-type.
 * NULL on failure. */
ink_model *args_model(const Call *, const ink_call *, Error *);

/* Fails if the output `path` would overwrite what the call reads: one of `inputs` ("-": standard input), its
 * models, its recipe; or a file of any model. */
bool args_check_output(const Call *, const char *path, const char *const *inputs, size_t count, Error *);

/* The value of a known setting as text; unwinds (base/memory.h) if memory runs out. Free with ink_free. */
char *args_setting(const ink_settings *, const char *name);

#endif
