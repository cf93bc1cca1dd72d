/* json.h - jansson with Error: reads and writes whole files, and typed members whose errors give the
 * place. jansson limits the depth to 2048. Duplicate keys are errors. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "error.h"

json_t *json_read(const char *path, Error *); /* an object, from a regular file; free: json_decref */
/* `where` names the source in errors. Whole numbers beyond 64 bits become reals. */
json_t *json_parse(const char *text, size_t length, const char *where, Error *);
/* jansson's json_loadb, but with a limit of nesting that any thread's stack bears. */
json_t *json_load(const char *text, size_t length, size_t flags, json_error_t *problem);
/* What jansson says of it, in the current language. Free with mem_free. */
char *json_problem(const json_error_t *);
bool json_write(const char *path, const json_t *, Error *); /* indented, atomic */

/* Serializes, reals with all digits unless flags (those of json_dumps) say otherwise. The caller frees
 * with mem_free. */
char *json_text(const json_t *, size_t flags);

/* Building. jansson's own functions omit a value that is invalid (NaN, invalid UTF-8) or that they have no
 * memory for, and report it in a result that is easily ignored. These unwind when memory runs out and
 * CHECK that values are valid. They take ownership of values. */
json_t *json_build(const char *format, ...); /* as json_pack */
void json_put(json_t *object, const char *key, json_t *value);
void json_share(json_t *object, const char *key,
                const json_t *value); /* keeps a reference; NULL: does nothing */
void json_push(json_t *array, json_t *value);
void json_merge(json_t *object, json_t *other);     /* adds the members of other */
json_t *json_number(double);                        /* null if not finite */
bool json_is_utf8(const char *text, size_t length); /* as jansson requires of texts */

/* Member `key` of `object`, which must have that type; `fallback` if it is absent or null. A wrong type
 * fails with "where: key ...". */
bool json_get_int(const json_t *object, const char *key, int64_t fallback, int64_t *out, const char *where,
                  Error *);
bool json_get_real(const json_t *object, const char *key, double fallback, double *out, const char *where,
                   Error *);
bool json_get_bool(const json_t *object, const char *key, bool fallback, bool *out, const char *where,
                   Error *);
/* `fallback` if it is absent or has another type. */
const char *json_get_text(const json_t *object, const char *key, const char *fallback);

#endif
