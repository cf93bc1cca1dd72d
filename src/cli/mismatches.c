#include "cli/mismatches.h"

#include <string.h>

#include "base/json.h"
#include "base/language.h"
#include "cli/streams.h"

static void say(const json_t *item) {
  const char *kind = language_text(json_get_text(item, "kind", "")),
             *source = json_get_text(item, "source", NULL), *output = json_get_text(item, "output", NULL),
             *wanted = json_get_text(item, "wanted", NULL);
  if (wanted)
    streams_say("the %s \"%s\" is not translated as \"%s\"\n", kind, source, wanted);
  else if (source && output)
    streams_say("the %s \"%s\" became \"%s\"\n", kind, source, output);
  else if (source)
    streams_say("the %s \"%s\" is missing\n", kind, source);
  else
    streams_say("the %s \"%s\" is not in the source\n", kind, output);
}

size_t mismatches_say(const LineInput *in, int64_t index, const char *check) {
  Error err = {0};
  json_t *all = json_parse(check, strlen(check), "check", &err);
  const size_t count = json_array_size(all);
  for (size_t i = 0; i < count; i++) {
    lines_print_location(in, index);
    say(json_array_get(all, i));
  }
  json_decref(all);
  return count;
}
