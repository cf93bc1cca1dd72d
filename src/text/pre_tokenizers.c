/* pre_tokenizers.c - pre-tokenizers that prepare words for SentencePiece's models (Metaspace) and for
 * byte-level ones (ByteLevel). */
#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

/* ---- Metaspace ---- */

/* BEFORE_ADDED: first in a text, even if that begins with a mark or an added token (io/vocabulary.c). */
typedef enum Scheme { ALWAYS, NEVER, FIRST, BEFORE_ADDED } Scheme;

static bool read_scheme(StepReader *r, const json_t *part, Step *s) {
  static const char *const schemes[] = {"always", "never", "first", NULL};
  bool space /* of older files */, before_added;
  if (!step_choice(r, part, "prepend_scheme", ALWAYS, schemes, &s->mode) ||
      !step_bool(r, part, "add_prefix_space", true, &space) ||
      !step_bool(r, part, "before_added", false, &before_added))
    return false;
  if (!space && s->mode == FIRST) return step_refuse(r, "Metaspace with contradicting prefix options");
  if (!space) s->mode = NEVER;
  if (!before_added) return true;
  if (s->mode != FIRST || r->t->cutters.count)
    return step_refuse(r, "Metaspace with \"before_added\" that is not \"first\", or follows other steps");
  s->mode = BEFORE_ADDED;
  r->t->marks_texts = true;
  return true;
}

static bool read_metaspace(StepReader *r, const json_t *part, Step s) {
  return step_text(r, part, "replacement", NULL, &s.text, &s.length) && read_scheme(r, part, &s) &&
         (utf8_character(s.text, s.length) == s.length ||
          step_refuse(r, "Metaspace of several characters")) &&
         step_bool(r, part, "split", true, &s.flag) && step_push(r, s);
}

/* A word begins at each mark. */
static void cut_at_marks(const Step *s, Cutter *c, const char *text, size_t length) {
  while (length) {
    const char *mark = memmem(text + 1, length - 1, s->text, s->length);
    const size_t n = mark ? (size_t)(mark - text) : length;
    cut_by(s + 1, c, text, n);
    text += n;
    length -= n;
  }
}

static void cut_metaspace(const Step *s, Cutter *c, const char *text, size_t length) {
  Buffer marked = {0};
  const bool may = s->mode == ALWAYS || (s->mode != NEVER && c->at_start),
             begins =
                 length && (text[0] == ' ' || (length >= s->length && !memcmp(text, s->text, s->length)));
  if (may && !c->continues && (!begins || s->mode == BEFORE_ADDED)) buffer_add(&marked, s->text, s->length);
  c->at_start = false;
  for (size_t at = 0; at < length;) {
    const char *space = memchr(text + at, ' ', length - at);
    const size_t n = space ? (size_t)(space - text) - at : length - at;
    buffer_add(&marked, text + at, n);
    if (space) buffer_add(&marked, s->text, s->length);
    at += n + 1;
  }
  if (cut_takes(c, marked.length))
    s->flag ? cut_at_marks(s, c, marked.data, marked.length) : cut_by(s + 1, c, marked.data, marked.length);
  buffer_free(&marked);
}

#define METASPACE "replacement|prepend_scheme|add_prefix_space|split|str_rep|"
const StepKind pre_tokenizer_Metaspace = {
    .type = "Metaspace", .members = METASPACE "before_added|", .read = read_metaspace, .cut = cut_metaspace};

/* The first token loses all its marks. */
static void decode_metaspace(const Step *s, bool first, Buffer *token) {
  Buffer out = {0};
  for (size_t at = 0; at < token->length;) {
    const bool mark = token->length - at >= s->length && !memcmp(token->data + at, s->text, s->length);
    buffer_add(&out, mark ? " " : token->data + at, mark ? !first || s->mode == NEVER : 1);
    at += mark ? s->length : 1;
  }
  buffer_free(token);
  *token = out;
}

static bool read_metaspace_decoder(StepReader *r, const json_t *part, Step s) {
  return r->fused ? step_refuse(r, "Metaspace in a joined text") : read_metaspace(r, part, s);
}
const StepKind decoder_Metaspace = {.type = "Metaspace",
                                    .members = METASPACE,
                                    .read = read_metaspace_decoder,
                                    .decode = decode_metaspace,
                                    .knows_first = true};

/* ---- ByteLevel ---- */

static void cut_spaced(const Step *s, Cutter *c, const char *text, size_t length) {
  text[0] == ' ' || c->continues ? cut_by(s + 1, c, text, length) : cut_prefixed(s + 1, c, " ", text, length);
}
static const StepKind space_first = {.type = "ByteLevel", .cut = cut_spaced};

static void cut_spelled(const Step *s, Cutter *c, const char *text, size_t length) {
  Buffer spelled = {0};
  alphabet_spell(text, length, &spelled);
  if (cut_takes(c, spelled.length)) cut_by(s + 1, c, spelled.data, spelled.length);
  buffer_free(&spelled);
}

static bool read_byte_level(StepReader *r, const json_t *part, Step s) {
  bool regex, space;
  if (!step_bool(r, part, "use_regex", true, &regex) || !step_bool(r, part, "add_prefix_space", true, &space))
    return false;
  if (space) step_push(r, (Step){.kind = &space_first});
  return (!regex || push_split(r, words_gpt2)) && step_push(r, s);
}
const StepKind pre_tokenizer_ByteLevel = {.type = "ByteLevel",
                                          .members = "add_prefix_space|trim_offsets|use_regex|",
                                          .read = read_byte_level,
                                          .cut = cut_spelled};
