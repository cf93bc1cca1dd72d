/* Any bytes as a list of pairs, read by json_scan.h and by jansson: both refuse them, or both read the same.
 */
#include <string.h>

#include "base/json.h"
#include "text/json_scan.h"

/* [["text", 1], ...], with anything in the place of a pair that is no list. */
static bool same_pair(JsonScan *s, const json_t *known) {
  int64_t value;
  if (json_scan_next(s) != '[') {
    json_scan_skip(s);
    return !known || !json_is_array(known);
  }
  json_scan_enter(s, '[');
  if (!json_scan_more(s, ']') || !json_scan_string(s)) return true;
  const json_t *text = json_array_get(known, 0);
  const bool same = !known || (s->text.length == json_string_length(text) &&
                               !memcmp(s->text.data, json_string_value(text), s->text.length));
  if (!json_scan_more(s, ']') || !json_scan_integer(s, &value)) return same;
  if (json_scan_more(s, ']')) s->wrong = true;
  return same && (!known || value == json_integer_value(json_array_get(known, 1)));
}

/* Whether a tree is what the scan above reads to the end. */
static bool is_readable(const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *pair = json_array_get(list, i);
    if (json_is_array(pair) && (json_array_size(pair) != 2 || !json_is_string(json_array_get(pair, 0)) ||
                                !json_is_integer(json_array_get(pair, 1))))
      return false;
  }
  return json_is_array(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  if (memchr(data, '\0', size)) return 0; /* jansson overlooks one behind a number */
  json_t *known = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  JsonScan s = {.at = text, .end = text + size};
  bool lists_only = true;
  json_scan_enter(&s, '[');
  for (size_t i = 0; json_scan_more(&s, ']') && !s.wrong; i++) {
    lists_only &= json_scan_next(&s) == '[';
    CHECK(same_pair(&s, json_array_get(known, i)));
  }
  const bool read = !json_scan_next(&s) && s.at == s.end && !s.wrong;
  CHECK(!is_readable(known) || read);
  CHECK(!read || !lists_only || known); /* what is passed over is not checked */
  buffer_free(&s.text);
  json_decref(known);
  return 0;
}
