/* Any bytes as a template: refused with a sentence, or a text; the parts inside of {% generation %} are parts
 * of it. */
#include "text/jinja.h"

static const char variables[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"assistant\",\"content\":\"\\u4f60 "
    "<b> 1\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"tools\":[{\"a\":{\"b\":[1,2.5,"
    "true,null]}}],"
    "\"documents\":null,\"add_generation_prompt\":true,\"bos_token\":\"<s>\",\"s\":\"a "
    "b\",\"n\":7,\"l\":[3,1,2],"
    "\"d\":{\"a\":1,\"b\":\"x\"}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Error err = {0};
  Buffer out = {0};
  JinjaSpans spans = {0};
  json_t *values = json_parse(variables, sizeof variables - 1, "variables", NULL);
  Jinja *t = jinja_parse((const char *)data, size, &err);
  const bool ok = t && jinja_render(t, values, &out, &spans, &err);
  CHECK(ok == !err.code && ok == !*err.text);
  for (size_t i = 0; ok && i < spans.count; i++)
    CHECK(spans.data[i].begin <= spans.data[i].end && spans.data[i].end <= out.length);
  jinja_free(t);
  json_decref(values);
  vec_free(&spans);
  buffer_free(&out);
  return 0;
}
