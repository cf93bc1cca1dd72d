/* json_scan.h - JSON read once, from front to back, without making a tree of it: for lists of a hundred
 * thousand tokens. What is read is checked as strictly as json_parse does (base/json.h), but for sizes of
 * numbers and for names that are there twice; a caller who is refused asks that one what is wrong, and where.
 */
#ifndef TEXT_JSON_SCAN_H
#define TEXT_JSON_SCAN_H

#include "base/buffer.h"

/* Begin with {.at, .end}. Once something is not as asked for, `wrong` stays and everything else is refused.
 */
typedef struct JsonScan {
  const char *at, *end;
  bool wrong;
  bool fresh;  /* nothing was read yet of the object or list entered last */
  Buffer text; /* the string read last; for the caller to free */
} JsonScan;

/* Into the object ('{') or list ('[') that must come next. */
bool json_scan_enter(JsonScan *, char open);
/* Whether there is one more element; else the object ('}') or list (']') is left. */
bool json_scan_more(JsonScan *, char close);
/* A string, into `text`; a member's name, likewise, with its colon. */
bool json_scan_string(JsonScan *);
bool json_scan_name(JsonScan *);
bool json_scan_integer(JsonScan *, int64_t *);
/* Passes over any value by its brackets and quotes alone: what lies between is not checked. Gives the number
 * of strings in it, names included. */
size_t json_scan_skip(JsonScan *);
/* What comes next, '\0' at the end; the white space before it is passed. */
char json_scan_next(JsonScan *);

#endif
