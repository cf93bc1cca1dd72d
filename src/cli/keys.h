/* keys.h - the keys of the line editor that libedit does not know. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <histedit.h>

/* Binds what the common terminals send for keys that edit, and to nothing what they send for others, which
 * libedit would take for text. Before el_source, so that ~/.editrc has the last word. */
void keys_bind(EditLine *);

#endif
