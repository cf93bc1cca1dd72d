/* json_scan.h - a streaming JSON reader that builds no tree, for vocabularies of hundreds of thousands of
 * tokens. It is as strict as json_parse (base/json.h), except for number sizes and duplicate names; after a
 * failure the caller uses json_parse for the error message. */
#ifndef TEXT_JSON_SCAN_H
#define TEXT_JSON_SCAN_H

#include "base/buffer.h"

/* Initialize with {.at, .end}. After the first mismatch `wrong` is set and all further calls fail. */
typedef struct JsonScan {
  const char *at, *end;
  bool wrong;
  bool fresh;  /* just entered an object or list */
  Buffer text; /* the string read last; the caller frees it */
} JsonScan;

/* Enters the object ('{') or list ('['), which must come next. */
bool json_scan_enter(JsonScan *, char open);
/* Is there another element? If not, leaves the object ('}') or list (']'). */
bool json_scan_more(JsonScan *, char close);
/* Read a string, or a member's name and colon, into `text`. */
bool json_scan_string(JsonScan *);
bool json_scan_name(JsonScan *);
bool json_scan_integer(JsonScan *, int64_t *);
bool json_scan_real(JsonScan *, double *);
/* Skips any value by its brackets and quotes, without checking its content. Returns the number of strings in
 * it, including names. */
size_t json_scan_skip(JsonScan *);
/* Skips white space; returns the next character, '\0' at the end. */
char json_scan_next(JsonScan *);

#endif
