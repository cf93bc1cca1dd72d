/* json.h - jansson with our errors: whole files in and out, typed members with the place in messages.
 * Depth is limited by jansson (2048), sizes by the file. Duplicate keys are refused. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "error.h"

json_t *json_read(const char *path, Error *); /* an object, of a regular file; caller: json_decref */
/* `where` names the source in errors. Whole numbers beyond 64 bits are reals. */
json_t *json_parse(const char *text, size_t length, const char *where, Error *);
bool json_write(const char *path, const json_t *, Error *); /* indented, atomic */

/* As text, reals with all their digits unless flags (as of json_dumps) say otherwise. The caller frees with
 * mem_free. */
char *json_text(const json_t *, size_t flags);

/* Building. jansson's own functions leave out what they cannot hold (no number, invalid UTF-8) or have no
 * memory for, and say so in a result that is easily overlooked. These build what they were told, whole: where
 * memory runs out they unwind, and a value that cannot be is the program's mistake. Values are taken over. */
json_t *json_build(const char *format, ...); /* as json_pack */
void json_put(json_t *object, const char *key, json_t *value);
void json_share(json_t *object, const char *key,
                const json_t *value); /* of another object, too; NULL: nothing */
void json_push(json_t *array, json_t *value);
void json_merge(json_t *object, json_t *other); /* the members of other */
json_t *json_number(double);                    /* null where it is none that JSON knows */

/* Member `key` of `object`, which must be of that type; an absent member gives `otherwise`.
 * A wrong type fails with "where: key ...". */
bool json_get_int(const json_t *object, const char *key, int64_t otherwise, int64_t *out, const char *where,
                  Error *);
bool json_get_real(const json_t *object, const char *key, double otherwise, double *out, const char *where,
                   Error *);
bool json_get_bool(const json_t *object, const char *key, bool otherwise, bool *out, const char *where,
                   Error *);
/* A wrong type gives `otherwise`. */
const char *json_get_text(const json_t *object, const char *key, const char *otherwise);

#endif
