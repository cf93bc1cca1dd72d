/* decoders.c - decoders: what a token adds to a text, as a function of its name and of whether it is the
 * first. */
#include <string.h>

#include "text/tokenizer_impl.h"

/* Replaces `length` bytes of a token's text, from `at` on. */
static void put(Buffer *token, size_t at, size_t length, const char *text) {
  const size_t n = strlen(text), behind = token->length - at - length;
  if (n > length) buffer_add(token, text, n - length); /* makes space */
  if (token->overfull) return;
  memmove(token->data + at + n, token->data + at + length, behind);
  if (n) memcpy(token->data + at, text, n);
  token->length = at + n + behind;
  token->data[token->length] = '\0';
}

/* ---- bytes ---- */

static bool read_alphabet(StepReader *r, const json_t *part, Step s) {
  (void)part;
  r->fused = true;
  return step_push(r, s);
}

static void decode_alphabet(const Step *s, bool first, Buffer *token) {
  Buffer bytes = {0};
  (void)s, (void)first;
  if (alphabet_read(token->data, token->length, &bytes)) {
    const Buffer name = *token;
    *token = bytes;
    bytes = name;
  }
  buffer_free(&bytes);
}
const StepKind decoder_ByteLevel = {.type = "ByteLevel",
                                    .members = "add_prefix_space|trim_offsets|use_regex|",
                                    .read = read_alphabet,
                                    .decode = decode_alphabet};

static void decode_byte(const Step *s, bool first, Buffer *token) {
  const int byte = byte_named(token->data, token->length);
  (void)s, (void)first;
  if (byte < 0) return;
  buffer_clear(token);
  buffer_add(token, &(char){(char)byte}, 1);
}

static bool read_bytes(StepReader *r, const json_t *part, Step s) {
  (void)part;
  return r->fused ? step_refuse(r, "ByteFallback in a joined text") : step_push(r, s);
}
const StepKind decoder_ByteFallback = {.type = "ByteFallback", .read = read_bytes, .decode = decode_byte};

/* ---- the whole text ---- */

static bool read_fuse(StepReader *r, const json_t *part, Step s) {
  (void)part, (void)s;
  return r->fused = true;
}
const StepKind decoder_Fuse = {.type = "Fuse", .read = read_fuse};

/* Without a decoder, tokens are joined by spaces. */
static void decode_apart(const Step *s, bool first, Buffer *token) {
  (void)s;
  if (!first) put(token, 0, 0, " ");
}
const StepKind decoder_none = {.type = "", .decode = decode_apart, .knows_first = true};

static bool read_strip(StepReader *r, const json_t *part, Step s) {
  int64_t start, stop;
  if (!step_text(r, part, "content", " ", &s.text, &s.length) ||
      !json_get_int(part, "start", 0, &start, r->path, r->err) ||
      !json_get_int(part, "stop", 0, &stop, r->path, r->err))
    return false;
  if (start < 0 || start > UINT16_MAX || stop < 0 || stop > UINT16_MAX || !s.length ||
      (r->fused && (stop || strcmp(s.text, " "))))
    return step_refuse(r, "Strip other than of spaces at the front of the whole text");
  if (r->fused) {
    r->t->strip = start;
    return true;
  }
  s.mode = (int)start;
  s.with_length = (size_t)stop;
  return step_push(r, s);
}

static void decode_strip(const Step *s, bool first, Buffer *token) {
  size_t front = 0, back = token->length;
  (void)first;
  for (int i = 0;
       i < s->mode && back - front >= s->length && !memcmp(token->data + front, s->text, s->length); i++)
    front += s->length;
  for (size_t i = 0; i < s->with_length && back - front >= s->length &&
                     !memcmp(token->data + back - s->length, s->text, s->length);
       i++)
    back -= s->length;
  put(token, back, token->length - back, "");
  put(token, 0, front, "");
}
const StepKind decoder_Strip = {
    .type = "Strip", .members = "content|start|stop|", .read = read_strip, .decode = decode_strip};

/* ---- words ---- */

static bool read_word_piece(StepReader *r, const json_t *part, Step s) {
  if (r->fused) return step_refuse(r, "WordPiece in a joined text");
  return step_text(r, part, "prefix", "##", &s.text, &s.length) &&
         step_bool(r, part, "cleanup", true, &s.flag) && step_push(r, s);
}

static void decode_word_piece(const Step *s, bool first, Buffer *token) {
  static const char *const shorter[][2] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  if (!first && token->length >= s->length && !memcmp(token->data, s->text, s->length))
    put(token, 0, s->length, "");
  else if (!first)
    put(token, 0, 0, " ");
  for (size_t i = 0; s->flag && i < sizeof shorter / sizeof *shorter; i++)
    token_replace(token, shorter[i][0], strlen(shorter[i][0]), shorter[i][1], strlen(shorter[i][1]));
}
const StepKind decoder_WordPiece = {.type = "WordPiece",
                                    .members = "prefix|cleanup|",
                                    .read = read_word_piece,
                                    .decode = decode_word_piece,
                                    .knows_first = true};

/* The space of a suffix stands before the next token, as the last token has none: so a token's text has a
 * space in front, which counts if the token before it has the suffix (tokenizer_next). */
static bool read_suffix(StepReader *r, const json_t *part, Step s) {
  if (r->fused || r->steps->count) return step_refuse(r, "BPEDecoder after others");
  return step_text(r, part, "suffix", "</w>", &s.text, &s.length) &&
         (s.length || step_refuse(r, "BPEDecoder without a suffix")) && step_push(r, s);
}

static void decode_suffix(const Step *s, bool first, Buffer *token) {
  (void)first;
  if (decoder_ends_word(s, token->data, token->length)) put(token, token->length - s->length, s->length, "");
  token_replace(token, s->text, s->length, " ", 1);
  put(token, 0, 0, " ");
}
const StepKind decoder_BPEDecoder = {
    .type = "BPEDecoder", .members = "suffix|", .read = read_suffix, .decode = decode_suffix};

bool decoder_ends_word(const Step *s, const char *name, size_t length) {
  return s->kind == &decoder_BPEDecoder && length >= s->length &&
         !memcmp(name + length - s->length, s->text, s->length);
}
