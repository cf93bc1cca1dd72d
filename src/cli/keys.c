/* keys.c - see keys.h. A key sends ESC [ LETTER or ESC O LETTER, or ESC [ NUMBER ~, with modifiers ESC [ 1 ;
 * MODIFIERS LETTER and ESC [ NUMBER ; MODIFIERS ~
 * (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). */
#include "cli/keys.h"

#include <stdio.h>

/* ---- keys that do nothing ---- */

enum { LAST_NUMBER = 34, LAST_MODIFIERS = 16 };

static void ignore(EditLine *edit, const char *keys) {
  el_set(edit, EL_BIND, keys, "ed-ignore", NULL);
}

static void ignore_letters(EditLine *edit) {
  char keys[16];
  for (char letter = 'A'; letter <= 'Z'; letter++) {
    snprintf(keys, sizeof keys, "\\e[%c", letter);
    ignore(edit, keys);
    snprintf(keys, sizeof keys, "\\eO%c", letter);
    ignore(edit, keys);
    for (int modifiers = 2; modifiers <= LAST_MODIFIERS; modifiers++) {
      snprintf(keys, sizeof keys, "\\e[1;%d%c", modifiers, letter);
      ignore(edit, keys);
    }
  }
  for (char letter = 'A'; letter <= 'E'; letter++) { /* F1 to F5 of the Linux console */
    snprintf(keys, sizeof keys, "\\e[[%c", letter);
    ignore(edit, keys);
  }
}

static void ignore_numbers(EditLine *edit) {
  char keys[16];
  for (int number = 1; number <= LAST_NUMBER; number++) {
    snprintf(keys, sizeof keys, "\\e[%d~", number);
    ignore(edit, keys);
    for (int modifiers = 2; modifiers <= LAST_MODIFIERS; modifiers++) {
      snprintf(keys, sizeof keys, "\\e[%d;%d~", number, modifiers);
      ignore(edit, keys);
    }
  }
}

/* ---- keys that edit ---- */

static const struct {
  const char *keys, *command;
} editing[] = {{"\\t", "ed-insert"},
               {"\\e[A", "ed-prev-history"},
               {"\\eOA", "ed-prev-history"},
               {"\\e[B", "ed-next-history"},
               {"\\eOB", "ed-next-history"},
               {"\\e[C", "ed-next-char"},
               {"\\eOC", "ed-next-char"},
               {"\\e[D", "ed-prev-char"},
               {"\\eOD", "ed-prev-char"},
               {"\\e[H", "ed-move-to-beg"},
               {"\\eOH", "ed-move-to-beg"},
               {"\\e[1~", "ed-move-to-beg"},
               {"\\e[7~", "ed-move-to-beg"},
               {"\\e[F", "ed-move-to-end"},
               {"\\eOF", "ed-move-to-end"},
               {"\\e[4~", "ed-move-to-end"},
               {"\\e[8~", "ed-move-to-end"},
               {"\\e[3~", "ed-delete-next-char"},
               {"\\e[1;5D", "ed-prev-word"}, /* with Ctrl, with Alt */
               {"\\e[1;3D", "ed-prev-word"},
               {"\\e[1;5C", "em-next-word"},
               {"\\e[1;3C", "em-next-word"},
               {"\\e[3;5~", "em-delete-next-word"},
               {"\\e[3;3~", "em-delete-next-word"}};

void keys_bind(EditLine *edit) {
  ignore_letters(edit);
  ignore_numbers(edit);
  for (size_t i = 0; i < sizeof editing / sizeof *editing; i++)
    el_set(edit, EL_BIND, editing[i].keys, editing[i].command, NULL);
}
