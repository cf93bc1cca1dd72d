/* python.h - what other programs read and write of our formats, asked of Python where it has the packages. */
#ifndef TESTS_IO_PYTHON_H
#define TESTS_IO_PYTHON_H

#include <stdio.h>
#include <stdlib.h>

/* Runs a script with one argument. -1: no Python that can `import modules` was found in $INKSTONE_PYTHON, the
 * development environment or the path. */
static int python(const char *modules, const char *script, const char *argument) {
  static const char *const places[] = {"\"$INKSTONE_PYTHON\"", SHARED_DIR "/../dev/venv/bin/python",
                                       "python3"};
  char command[8192];
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(command, sizeof command, "%s -c 'import %s' 2>/dev/null", places[i], modules);
    if (system(command)) continue;
    snprintf(command, sizeof command, "%s - '%s' <<'END'\n%s\nEND\n", places[i], argument, script);
    return system(command);
  }
  return -1;
}

#define PYTHON(modules, script, argument)                  \
  do {                                                     \
    const int status_ = python(modules, script, argument); \
    if (status_ < 0) {                                     \
      print_message("SKIP: no Python with %s\n", modules); \
      skip();                                              \
    }                                                      \
    assert_int_equal(status_, 0);                          \
  } while (0)

#endif
