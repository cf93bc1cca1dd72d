/* Any source, output and glossary: no crash, and every span is a part of its text. */
#include <string.h>

#include "text/span_check.h"
#include "text/utf8.h"

/* The text up to the next NUL, repaired. */
static Buffer part_of(const uint8_t **data, size_t *size) {
  Buffer text = {0};
  const uint8_t *nul = memchr(*data, 0, *size);
  const size_t length = nul ? (size_t)(nul - *data) : *size, skipped = length + (nul != NULL);
  utf8_repair((const char *)*data, length, &text);
  *data += skipped;
  *size -= skipped;
  if (!text.data) buffer_adds(&text, "");
  return text;
}

static void check_part(const Buffer *text, const char *part, size_t length) {
  CHECK(!part || (part >= text->data && length <= text->length - (size_t)(part - text->data)));
}

static void compare(const Glossary *g, const Buffer *source, const Buffer *output, bool complete) {
  Error err = {0};
  SpanMismatches all = {0};
  size_t spans;
  SpanChecker *c = span_checker_open(g, &err);
  CHECK(c);
  if (span_check(c, source->data, source->length, output->data, output->length, complete, &all, &spans, &err))
    for (size_t i = 0; i < all.count; i++) {
      check_part(source, all.data[i].source, all.data[i].source_length);
      check_part(output, all.data[i].output, all.data[i].output_length);
    }
  vec_free(&all);
  span_checker_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Glossary g = {0};
  Buffer source = part_of(&data, &size), output = part_of(&data, &size), term = part_of(&data, &size),
         target = part_of(&data, &size);
  if (term.length && target.length)
    glossary_add(&g, (Term){term.data, target.data, term.length, target.length});
  compare(&g, &source, &output, true);
  compare(&g, &source, &output, false);
  glossary_free(&g);
  Buffer *all[] = {&source, &output, &term, &target};
  for (int i = 0; i < 4; i++) buffer_free(all[i]);
  return 0;
}
