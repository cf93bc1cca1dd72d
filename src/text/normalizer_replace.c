/* normalizer_replace.c - normalizers that put strings into the text. */
#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

static bool read_prepend(StepReader *r, const json_t *part, Step s) {
  return step_text(r, part, "prepend", NULL, &s.text, &s.length) && step_push(r, s);
}

static bool prepend(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)err;
  if (length) buffer_add(out, s->text, s->length);
  buffer_add(out, text, length);
  return true;
}
const StepKind normalizer_Prepend = {
    .type = "Prepend", .members = "prepend|", .read = read_prepend, .normalize = prepend};

static bool read_replace(StepReader *r, const json_t *part, Step s) {
  return step_pattern(r, part, &s) && step_text(r, part, "content", NULL, &s.with, &s.with_length) &&
         step_push(r, s);
}

static void replace_string(const Step *s, const char *text, size_t length, Buffer *out) {
  for (const char *found; !out->overfull && (found = memmem(text, length, s->text, s->length));) {
    const size_t n = (size_t)(found - text);
    buffer_add(out, text, n);
    buffer_add(out, s->with, s->with_length);
    text += n + s->length;
    length -= n + s->length;
  }
  buffer_add(out, text, length);
}

/* Invalid UTF-8 stays as it is. */
static bool replace_matches(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  Words words;
  words_open(&words, s->pattern);
  for (size_t at = 0, n; at < length && !out->overfull; at += n + 1) {
    size_t done = 0, begin, end;
    n = utf8_valid_prefix(text + at, length - at);
    words_over(&words, text + at, n);
    for (; !out->overfull && words_next_match(&words, &begin, &end); done = end) {
      buffer_add(out, text + at + done, begin - done);
      buffer_add(out, s->with, s->with_length);
    }
    buffer_add(out, text + at + done, n - done);
    if (at + n < length) buffer_add(out, text + at + n, 1);
  }
  words_close(&words);
  return words_ok(&words, err);
}

static bool replace(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  if (s->pattern) return replace_matches(s, text, length, out, err);
  replace_string(s, text, length, out);
  return true;
}
const StepKind normalizer_Replace = {
    .type = "Replace", .members = "pattern|content|", .read = read_replace, .normalize = replace};

void token_replace(Buffer *token, const char *from, size_t length, const char *with, size_t with_length) {
  const Step s = {.text = from, .length = length, .with = with, .with_length = with_length};
  Buffer out = {.most = token->most};
  if (!token->length || !memchr(token->data, *from, token->length)) return; /* memmem takes long to begin */
  if (!memmem(token->data, token->length, from, length)) return;
  replace_string(&s, token->data, token->length, &out);
  buffer_free(token);
  *token = out;
}

static void replace_in_token(const Step *s, bool first, Buffer *token) {
  Buffer out = {.most = token->most};
  (void)first;
  if (!s->pattern) {
    token_replace(token, s->text, s->length, s->with, s->with_length);
    return;
  }
  if (!replace_matches(s, token->data, token->length, &out, NULL) && !out.overfull)
    buffer_add(&out, token->data, token->length);
  buffer_free(token);
  *token = out;
}

static bool read_decoder(StepReader *r, const json_t *part, Step s) {
  if (!step_pattern(r, part, &s) || !step_text(r, part, "content", NULL, &s.with, &s.with_length))
    return false;
  const bool single = !s.pattern && s.length && utf8_character(s.text, s.length) == s.length;
  if (r->fused && !single) return step_refuse(r, "Replace, other than of one character, in a joined text,");
  return step_push(r, s);
}
const StepKind decoder_Replace = {
    .type = "Replace", .members = "pattern|content|", .read = read_decoder, .decode = replace_in_token};

static bool spell(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)s, (void)err;
  alphabet_spell(text, length, out);
  return true;
}
const StepKind normalizer_ByteLevel = {.type = "ByteLevel", .normalize = spell};
