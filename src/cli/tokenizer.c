/* tokenizer.c - inkstone tokenizer train, encode, decode. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unused.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/glyph.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

/* ---- train ---- */

static bool run_train(Call *call, Error *err) {
  const char *path = call->values[OWN_OUTPUT];
  Progress progress;
  if (!strcmp(path, "-")) return fail_usage(err, "-o -: a tokenizer is not printed: give the name of a file");
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  const bool ok = args_check_output(call, path, NULL, 0, err) &&
                  ink_tokenizer_train((const char *const *)call->operands, call->operand_count, path,
                                      call->settings, &how, err);
  progress_close(&progress);
  if (ok)
    progress_say(&progress, "%s is ready. Try:\n  inkstone tokenizer encode -m %s \"some text\"", path, path);
  return ok;
}

const Command command_tokenizer_train = {
    .name = "tokenizer train",
    .operands = "FILE... -o TOKENIZER",
    .summary = N_("learn a tokenizer from text"),
    .description = N_("Learns how to split text into tokens and writes a tokenizer.json that the tokenizers "
                      "library of Hugging Face can load, too. `inkstone train` does this by itself; a "
                      "separate tokenizer can be shared by several models with --tokenizer-from."),
    .examples = {{"inkstone tokenizer train books/*.txt -o tokenizer.json --tokenizer bpe --vocab 8k",
                  N_("byte-level BPE with 8,000 tokens")},
                 {"inkstone tokenizer train poems.txt -o tokenizer.json --tokenizer char",
                  N_("one token per character")}},
    .flags = {{OWN_OUTPUT, "output", "TOKENIZER", N_("file to write the tokenizer to"), 'o', true},
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_HELP},
    .settings = ink_settings_tokenizer,
    .omit = "seed",
    .least = 1,
    .most = -1,
    .run = run_train,
};

/* ---- encode ---- */

/* The text of a token, or its bytes if these are not valid UTF-8. */
static json_t *piece_json(int32_t id, const char *text, size_t length) {
  if (glyph_valid(text, length))
    return json_build("{s:i, s:o}", "id", (int)id, "text", glyph_json(text, length));
  json_t *bytes = json_array();
  for (size_t i = 0; i < length; i++) json_push(bytes, json_integer((unsigned char)text[i]));
  return json_build("{s:i, s:o}", "id", (int)id, "bytes", bytes);
}

static bool put_pieces(ink_tokenizer *t, const int32_t *ids, size_t count, Error *err) {
  json_t *pieces = json_array();
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) {
    char *text;
    size_t length;
    ok = ink_tokenizer_decode(t, ids + i, 1, true, &text, &length, err);
    if (ok) json_push(pieces, piece_json(ids[i], text, length));
    if (ok) ink_free(text);
  }
  if (ok) {
    char *line = json_text(pieces, JSON_COMPACT);
    puts(line);
    mem_free(line);
  }
  json_decref(pieces);
  return ok;
}

static void put_ids(const int32_t *ids, size_t count) {
  for (size_t i = 0; i < count; i++) printf("%s%" PRId32, i ? " " : "", ids[i]);
  putchar('\n');
}

/* Bytes are in no encoding, and none are invalid. */
static bool check_bytes(const Call *call, Error *err) {
  static const char *const of_text[] = {"encoding", "invalid"};
  for (size_t i = 0; i < sizeof of_text / sizeof *of_text && call->values[OWN_BYTES]; i++)
    if (!unused_setting(call->settings, of_text[i], N_("with --bytes"), &(News){0}, err)) return false;
  return true;
}

static bool encode(ink_tokenizer *t, const Call *call, Error *err) {
  Buffer text = {0};
  int32_t *ids = NULL;
  size_t count = 0;
  const char *operand = call->operand_count ? call->operands[0] : NULL;
  bool ok = (call->values[OWN_BYTES] ? streams_bytes(operand, &text, err)
                                     : streams_text(operand, call->settings, false, &text, err)) &&
            ink_tokenizer_encode(t, text.data ? text.data : "", text.length, !call->values[OWN_LETTERS], &ids,
                                 &count, err);
  if (ok && call->values[OWN_JSON])
    ok = put_pieces(t, ids, count, err);
  else if (ok)
    put_ids(ids, count);
  ink_free((char *)ids);
  buffer_free(&text);
  return ok;
}

static bool with_tokenizer(Call *call, bool (*work)(ink_tokenizer *, const Call *, Error *), Error *err) {
  ink_tokenizer *t = ink_tokenizer_open(call->values[OWN_MODEL], err);
  if (t && ink_tokenizer_remark(t)) streams_say("note: %s\n", ink_tokenizer_remark(t));
  const bool ok = t && work(t, call, err);
  ink_tokenizer_close(t);
  return ok;
}

static bool run_encode(Call *call, Error *err) {
  return check_bytes(call, err) && with_tokenizer(call, encode, err);
}

#define FLAG_TOKENIZER                                                                                    \
  {                                                                                                       \
    OWN_MODEL, "model", "PATH", N_("tokenizer.json, a directory that contains one, or a GGUF file"), 'm', \
        true                                                                                              \
  }

const Command command_tokenizer_encode = {
    .name = "tokenizer encode",
    .operands = "-m PATH [TEXT | -]",
    .summary = N_("split text into tokens"),
    .description = N_("Prints the ids of the tokens of TEXT, or of standard input including its last line "
                      "end. With --json, prints the id and the text of each token, or its bytes if it ends "
                      "in the middle of a character."),
    .examples = {{"inkstone tokenizer encode -m poems \"The moon\"", N_("print ids, separated by spaces")},
                 {"inkstone tokenizer encode -m poems --json < poem.txt", N_("print the pieces")}},
    .flags =
        {FLAG_TOKENIZER,
         {OWN_LETTERS, "no-special-tokens", NULL,
          N_("read special tokens spelled in the text, such as <|endoftext|>, as letters, as in prompts"), 0,
          false},
         {OWN_BYTES, "bytes", NULL, N_("encode the input bytes without checking that they are valid text"), 0,
          false},
         FLAG_JSON("print a JSON array of objects, one per token"),
         FLAG_HELP},
    .least = 0,
    .most = 1,
    .settings = ink_settings_text,
    .reads_text = true,
    .run = run_encode,
};

/* ---- decode ---- */

typedef VEC(int32_t) IdList;

static bool parse_ids(const char *text, IdList *ids, Error *err) {
  static const char between[] = " ,\t\r\n[]";
  for (text += strspn(text, between); *text; text += strspn(text, between)) {
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (end == text || (*end && !strchr(between, *end)))
      return fail_usage(err, "\"%.*s\" is not a token id: give whole numbers", (int)strcspn(text, between),
                        text);
    if (errno || value < 0 || value > INT32_MAX)
      return fail_usage(err, "token id %.*s is out of range", (int)strcspn(text, between), text);
    vec_push(ids, (int32_t)value);
    text = end;
  }
  return true;
}

static bool read_ids(const Call *call, IdList *ids, Error *err) {
  Buffer text = {0};
  bool ok = true;
  if (call->operand_count < 2) {
    ink_settings *plain = ink_settings_text(); /* digits are read in any encoding that shows itself */
    ok = plain && streams_text(call->operand_count ? call->operands[0] : NULL, plain, false, &text, err);
    ink_settings_free(plain);
    if (ok) ok = parse_ids(text.data ? text.data : "", ids, err);
  }
  for (int i = 0; ok && call->operand_count > 1 && i < call->operand_count; i++)
    ok = parse_ids(call->operands[i], ids, err);
  buffer_free(&text);
  return ok;
}

static bool decode(ink_tokenizer *t, const Call *call, Error *err) {
  IdList ids = {0};
  char *text = NULL;
  size_t length = 0;
  const bool ok =
      read_ids(call, &ids, err) &&
      ink_tokenizer_decode(t, ids.data, ids.count, !call->values[OWN_LETTERS], &text, &length, err);
  if (ok) {
    streams_put(text, length); /* exactly these bytes; on a terminal, the shell prompt starts on a new line */
    if (isatty(STDOUT_FILENO) && length && text[length - 1] != '\n') putchar('\n');
  }
  ink_free(text);
  vec_free(&ids);
  return ok;
}

static bool run_decode(Call *call, Error *err) {
  return with_tokenizer(call, decode, err);
}

const Command command_tokenizer_decode = {
    .name = "tokenizer decode",
    .operands = "-m PATH [ID... | -]",
    .summary = N_("join tokens into text"),
    .description =
        N_("Prints the text of the tokens with the given ids: operands, or standard input, separated by "
           "spaces or commas. The output is exactly the bytes of the tokens, without a line end added."),
    .examples =
        {{"inkstone tokenizer decode -m poems 17 4 250", ""},
         {"inkstone tokenizer encode -m poems --bytes - < a | inkstone tokenizer decode -m poems - | cmp - a",
          N_("check that no byte is lost")}},
    .flags = {FLAG_TOKENIZER,
              {OWN_LETTERS, "no-special-tokens", NULL, N_("leave out special tokens, such as <|endoftext|>"),
               0, false},
              FLAG_HELP},
    .least = 0,
    .most = -1,
    .reads_text = true,
    .run = run_decode,
};
