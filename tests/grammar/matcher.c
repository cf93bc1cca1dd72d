/* matcher - for test_peers.py: reads lines {"form", "text", "candidates", "samples"}, and prints for each
 * {"error"} or {"matches": [true, ...], "samples": ["...", ...]}: which candidates match, and random texts
 * that do. */
#include <stdio.h>

#include "base/json.h"
#include "base/random.h"
#include "reading.h"

enum { LONGEST = 3000 };

/* A random text; false: it did not end in time. The longer it is, the rather it ends. */
static bool sample(const Reading *r, uint64_t number, Buffer *out) {
  int32_t state = STATE_START;
  uint64_t draws = 0;
  buffer_clear(out);
  while (out->length < LONGEST) {
    unsigned char bytes[256];
    int32_t next[256];
    int count = 0;
    int64_t steps = 0;
    for (int byte = 0; byte < 256; byte++) {
      next[count] = automaton_step(r->automaton, state, (unsigned char)byte, &steps);
      if (next[count] < STATE_START) continue;
      bytes[count++] = (unsigned char)byte;
    }
    const double ends = out->length < 20 ? 0.1 : 0.5;
    if (automaton_accepts(r->automaton, state) && (!count || random_unit(number, 1, draws++) < ends))
      return true;
    if (!count) return false;
    /* characters that end something are as likely as all others together */
    int at = (int)(random_unit(number, 1, draws++) * count);
    for (int i = 0; i < count && random_unit(number, 2, draws++) < 0.2; i++)
      if (memchr("\"}],", bytes[i], 4)) at = i;
    buffer_add(out, &bytes[at], 1);
    state = next[at];
  }
  return false;
}

static json_t *samples_of(const Reading *r, int64_t count) {
  json_t *list = json_array();
  Buffer text = {0};
  for (int64_t i = 0; i < count; i++)
    if (sample(r, (uint64_t)i, &text)) {
      CHECK(reading_matches(r, text.data ? text.data : "", text.length));
      json_t *item = json_stringn(text.data ? text.data : "", text.length);
      CHECK(item); /* valid UTF-8 */
      json_push(list, item);
    }
  buffer_free(&text);
  return list;
}

static void answer(const json_t *question) {
  const json_t *text = json_object_get(question, "text"),
               *candidates = json_object_get(question, "candidates");
  Reading r = reading_open(json_string_value(json_object_get(question, "form")), json_string_value(text),
                           json_string_length(text));
  json_t *json = json_object(), *matches = json_array();
  for (size_t i = 0; i < json_array_size(candidates) && r.automaton; i++) {
    const json_t *c = json_array_get(candidates, i);
    json_push(matches, json_boolean(reading_matches(&r, json_string_value(c), json_string_length(c))));
  }
  json_put(json, "matches", matches);
  if (!r.automaton)
    json_put(json, "error", json_string(r.error.text));
  else
    json_put(json, "samples", samples_of(&r, json_integer_value(json_object_get(question, "samples"))));
  char *line = json_text(json, JSON_COMPACT);
  printf("%s\n", line);
  mem_free(line);
  json_decref(json);
  reading_close(&r);
}

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  for (ssize_t length; (length = getline(&line, &capacity, stdin)) > 0;) {
    Error err = {0};
    json_t *question = json_parse(line, (size_t)length, "stdin", &err);
    CHECK(question);
    answer(question);
    json_decref(question);
    fflush(stdout);
  }
  mem_free_foreign(line);
  return 0;
}
