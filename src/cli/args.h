/* args.h - from argv to a Call: --name value, --name=value, --switch, --no-switch, -n value, -nvalue; "--"
 * ends flags. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/command.h"

/* Reads argv, which starts after the command's name; operands are moved to its front. With --help among the
 * flags, nothing is checked any further. */
bool args_parse(Call *, int argc, char **argv, Error *);

/* The value of a setting that there is, as text; unwinds (base/memory.h) where there is no memory for it.
 * Free with ink_free. */
char *args_setting(const ink_settings *, const char *name);

#endif
