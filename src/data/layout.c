#include "data/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "data/chat_template.h"
#include "text/masks.h"

static const char pad[] = "<|pad|>", separator[] = "<|sep|>";

static const char *const *special_names(const Task *task) {
  static const char *const none[] = {NULL}, *const labels[] = {pad, NULL},
                           *const pairs[] = {pad, separator, NULL},
                           *const chat[] = {pad, "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", NULL};
  if (task_has_labels(task)) return labels;
  return !task_has_pairs(task) ? none : task->chat ? chat : pairs;
}

void layout_tokens(const Task *task, bool masked, NewToken out[LAYOUT_TOKENS]) {
  int count = 0;
  for (const char *const *name = special_names(task); *name; name++) out[count++] = (NewToken){*name, true};
  for (int i = 0; i < MASKS && masked; i++) out[count++] = (NewToken){mask_name(i), false};
  out[count] = (NewToken){NULL, false};
}

static bool find_token(const Tokenizer *t, const char *name, int32_t *id, Error *err) {
  *id = tokenizer_id(t, name);
  return *id >= 0 ||
         fail(err,
              "the tokenizer has no token \"%s\", which this task needs: train a new tokenizer (without "
              "--from and --tokenizer-from), or use that of a model for this task",
              name);
}

/* <|pad|>, or the tokenizer's own padding token, or the end token: padding is never read. */
static int32_t find_pad(const Tokenizer *t) {
  const int32_t ours = tokenizer_id(t, pad);
  if (ours >= 0) return ours;
  return tokenizer_pad(t) >= 0 ? tokenizer_pad(t) : tokenizer_end(t);
}

/* ---- turns ---- */

/* A turn is `before` ROLE `after` TEXT `end`, if the tokenizer has the tokens `needs`. */
typedef struct ChatFormat {
  const char *name;
  const char *needs[4];
  const char *before, *after;
  const char *end; /* NULL: the end token and a line feed */
} ChatFormat;

static const ChatFormat formats[] = {
    {NULL, {"<|system|>", "<|user|>", "<|assistant|>", "<|end|>"}, "<|", "|>", "<|end|>"},
    {N_("in ChatML"), {"<|im_start|>", "<|im_end|>"}, "<|im_start|>", "\n", "<|im_end|>\n"},
    {N_("in the Llama 3 format"),
     {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
     "<|start_header_id|>",
     "<|end_header_id|>\n\n",
     "<|eot_id|>"},
    {N_("with <|user|> and <|assistant|> spelled out, because the tokenizer has no role tokens"),
     {NULL},
     "<|",
     "|>\n",
     NULL}};

static bool has_tokens(const Tokenizer *t, const ChatFormat *f) {
  for (size_t i = 0; i < sizeof f->needs / sizeof *f->needs && f->needs[i]; i++)
    if (tokenizer_id(t, f->needs[i]) < 0) return false;
  return true;
}

static const ChatFormat *format_of(const Tokenizer *t) {
  const ChatFormat *f = formats;
  while (!has_tokens(t, f)) f++; /* the last one needs no token */
  return f;
}

const char *layout_turns(const Tokenizer *t) {
  const char *name = format_of(t)->name;
  return name ? language_text(name) : NULL;
}

static bool read_run(TokenRun *run, const Tokenizer *t, const char *text, Error *err) {
  Ids ids = {0};
  const bool ok = tokenizer_encode(t, text, strlen(text), true, &ids, err) &&
                  ((size_t)run->count + ids.count <= MOST_RUN ||
                   fail(err, "\"%s\" is more than %d tokens in this tokenizer", text, MOST_RUN));
  for (size_t i = 0; ok && i < ids.count; i++) run->ids[run->count++] = ids.data[i];
  vec_free(&ids);
  return ok;
}

static bool find_opening(PairLayout *l, Role role, const ChatFormat *f, const Tokenizer *t, Error *err) {
  static const char *const roles[SPEAKERS] = {
      [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
  char opening[128];
  snprintf(opening, sizeof opening, "%s%s%s", f->before, roles[role], f->after);
  return read_run(&l->turn[role], t, opening, err);
}

static bool find_turns(PairLayout *l, const Tokenizer *t, Error *err) {
  const ChatFormat *f = format_of(t);
  for (int role = 0; role < SPEAKERS; role++)
    if (!find_opening(l, (Role)role, f, t, err)) return false;
  if (f->end) return read_run(&l->turn_end, t, f->end, err);
  l->turn_end = token_run_of(l->end);
  return read_run(&l->turn_end, t, "\n", err);
}

/* A Jinja string literal. */
static void add_quoted(Buffer *out, const char *text) {
  buffer_adds(out, "'");
  for (; *text; text++)
    if (*text == '\n')
      buffer_adds(out, "\\n");
    else
      buffer_add(out, text, 1);
  buffer_adds(out, "'");
}

char *layout_template(const Tokenizer *t) {
  const ChatFormat *f = format_of(t);
  Buffer b = {0};
  if (tokenizer_begin(t) >= 0) buffer_adds(&b, "{{ bos_token }}");
  buffer_adds(&b, "{% for message in messages %}{{ ");
  add_quoted(&b, f->before);
  buffer_adds(&b, " + message['role'] + ");
  add_quoted(&b, f->after);
  buffer_adds(&b, " + message['content'] + ");
  if (f->end)
    add_quoted(&b, f->end);
  else
    buffer_adds(&b, "eos_token + '\\n'");
  buffer_adds(&b, " }}{% endfor %}{% if add_generation_prompt %}{{ ");
  add_quoted(&b, f->before);
  buffer_adds(&b, " + 'assistant' + ");
  add_quoted(&b, f->after);
  buffer_adds(&b, " }}{% endif %}");
  return buffer_take(&b);
}

/* ---- layouts ---- */

void layout_frame_source(PairLayout *l, const Tokenizer *source, int64_t end) {
  const Ids *after = tokenizer_behind(source);
  l->source_before = token_run_of(tokenizer_begin(source));
  l->source_behind = token_run_of(l->source_before.count || after->count ? -1 : end);
  for (size_t i = 0; i < after->count; i++) l->source_behind.ids[l->source_behind.count++] = after->data[i];
}

static bool is_long_enough(int64_t context, const char *where, Error *err) {
  return context >= LAYOUT_LEAST_TIME ||
         fail_value(err, where, "give --context 16 or more",
                    "a context of %" PRId64 " tokens is too short for a pair", context);
}

bool layout_find(PairLayout *l, const Task *task, const Tokenizer *t, bool encodes, int64_t context,
                 const char *where, Error *err) {
  const Tokenizer *source = tokenizer_source(t);
  if (!is_long_enough(context, where, err)) return false;
  *l = (PairLayout){.separate = encodes, .chat = task->chat, .time = context, .source_time = context};
  l->end = tokenizer_end(t);
  /* A begin token that is the end token separates documents; pairs are not documents. */
  l->begin = encodes || tokenizer_begin(t) == tokenizer_end(t) ? -1 : tokenizer_begin(t);
  if (l->end < 0) return fail(err, "the tokenizer has no end token, such as <|endoftext|>: use another one");
  if (tokenizer_end(source) < 0)
    return fail(err, "the tokenizer of sources has no end token, such as <|endoftext|>: use another one");
  layout_frame_source(l, source, tokenizer_end(source));
  l->pad = l->start = find_pad(t); /* as Marian's models begin */
  l->source_pad = find_pad(source);
  if (!l->chat) return encodes || find_token(t, separator, &l->separator, err);
  return find_turns(l, t, err);
}

bool layout_of_labels(PairLayout *l, const Tokenizer *t, int64_t context, Error *err) {
  *l = (PairLayout){.labels = true,
                    .start = -1,
                    .separator = -1,
                    .end = tokenizer_end(t),
                    .begin = -1,
                    .pad = find_pad(t),
                    .time = context,
                    .source_time = context};
  layout_frame_source(l, t, -1);
  return l->pad >= 0 ||
         fail(err,
              "the tokenizer has neither a padding nor an end token, such as <|endoftext|>: use another one");
}

bool layout_by_template(PairLayout *l, const ChatTemplate *template, const Tokenizer *t, int64_t context,
                        Error *err) {
  const int32_t end = chat_template_end(template);
  if (!is_long_enough(context, NULL, err)) return false;
  *l = (PairLayout){.chat = true,
                    .begin = -1,
                    .start = -1,
                    .separator = -1,
                    .end = end >= 0 ? end : tokenizer_end(t),
                    .pad = find_pad(t),
                    .time = context,
                    .source_time = context,
                    .template = template};
  return l->end >= 0 || fail(err,
                             "neither the model's chat template nor its tokenizer has an end token: its "
                             "replies would not end");
}

bool layout_plain(PairLayout *l, const Tokenizer *t, int64_t begin, int64_t context, Error *err) {
  if (!is_long_enough(context, NULL, err)) return false;
  *l = (PairLayout){.start = -1,
                    .separator = -1,
                    .begin = (int32_t)begin,
                    .end = tokenizer_end(t),
                    .pad = find_pad(t),
                    .time = context,
                    .source_time = context};
  return l->end >= 0 ||
         fail(err, "the tokenizer has no end token, such as <|endoftext|>, with which a text could end");
}

void layout_keep(PairLayout *l, int64_t start, int64_t padding) {
  if (l->separate && start >= 0) l->start = (int32_t)start;
  if (padding >= 0) l->pad = (int32_t)padding;
}

static bool same_run(const TokenRun *a, const TokenRun *b) {
  return a->count == b->count && !memcmp(a->ids, b->ids, (size_t)a->count * sizeof *a->ids);
}

bool layout_same(const PairLayout *a, const PairLayout *b) {
  if (a->separate != b->separate || a->chat != b->chat || !a->template != !b->template) return false;
  if (a->template) return chat_template_same(a->template, b->template);
  for (int i = 0; a->chat && i < SPEAKERS; i++)
    if (!same_run(&a->turn[i], &b->turn[i])) return false;
  if (a->chat && !same_run(&a->turn_end, &b->turn_end)) return false;
  if (!a->separate)
    return a->begin == b->begin && (a->chat || (a->separator == b->separator && a->end == b->end));
  return a->start == b->start && a->end == b->end && same_run(&a->source_before, &b->source_before) &&
         same_run(&a->source_behind, &b->source_behind) && same_run(&a->target_before, &b->target_before);
}

int32_t layout_end(const PairLayout *l) {
  return l->chat && !l->separate && !l->template ? l->turn_end.ids[0] : l->end;
}

int32_t layout_never(const PairLayout *l) {
  return l->pad == layout_end(l) ? -1 : l->pad;
}

int64_t layout_source_capacity(const PairLayout *l) {
  return l->source_time - l->source_before.count - l->source_behind.count;
}

/* ---- inputs ---- */

Turn turn_of(const Pairs *p, const Example *e, size_t turn, Role role) {
  const Document *text = example_turn(p, e, turn);
  return (Turn){role, text->text, text->length, turn_members(p, e->first + turn)};
}

static void add_run(Ids *ids, const TokenRun *run) {
  for (int32_t i = 0; i < run->count; i++) vec_push(ids, run->ids[i]);
}

static bool add_turn(const PairLayout *l, const Tokenizer *t, const Turn *turn, Ids *ids, Error *err) {
  if (l->chat) add_run(ids, &l->turn[turn->role == ROLE_GIVEN ? ROLE_ASSISTANT : turn->role]);
  if (!tokenizer_encode(tokenizer_source(t), turn->text, turn->length, false, ids, err)) return false;
  if (l->chat) add_run(ids, &l->turn_end);
  return true;
}

/* *length: the tokens of a turn, by way of `ids`. */
static bool count_turn(const PairLayout *l, const Tokenizer *t, const Turn *turn, Ids *ids, int64_t *length,
                       Error *err) {
  ids->count = 0;
  const bool ok = add_turn(l, t, turn, ids, err);
  *length = (int64_t)ids->count;
  return ok;
}

/* Which turns fit: the last one; *system, the first one, if it is an instruction; and from *first on, the
 * newest of the others. */
static bool choose_turns(const PairLayout *l, const Tokenizer *t, const Turn *turns, size_t count,
                         int64_t most, size_t *first, bool *system, Error *err) {
  Ids ids = {0};
  int64_t used, length = 0;
  const bool instructed = count > 1 && turns[0].role == ROLE_SYSTEM;
  bool ok = count_turn(l, t, &turns[count - 1], &ids, &used, err) &&
            (!instructed || count_turn(l, t, &turns[0], &ids, &length, err));
  *system = instructed && used + length <= most;
  *first = count - 1;
  used += length;
  while (ok && *first > (size_t)instructed && used <= most) {
    ok = count_turn(l, t, &turns[*first - 1], &ids, &length, err);
    used += length;
    *first -= used <= most;
  }
  vec_free(&ids);
  return ok;
}

static bool add_turns(const PairLayout *l, const Tokenizer *t, const Turn *turns, size_t count, int64_t most,
                      Ids *ids, size_t *dropped, Error *err) {
  bool system;
  size_t first;
  if (!choose_turns(l, t, turns, count, most, &first, &system, err)) return false;
  *dropped = first - system;
  bool ok = !system || add_turn(l, t, &turns[0], ids, err);
  for (size_t i = first; i < count && ok; i++) ok = add_turn(l, t, &turns[i], ids, err);
  return ok;
}

bool layout_input(const PairLayout *l, const Tokenizer *t, const Turn *turns, size_t count, Ids *source,
                  Ids *prompt, size_t *dropped, Error *err) {
  if (l->template) return chat_template_fit(l->template, turns, count, l->time / 2, prompt, dropped, err);
  Ids *input = l->separate ? source : prompt;
  const int64_t most = l->separate ? layout_source_capacity(l) : l->time / 2;
  if (l->separate)
    add_run(source, &l->source_before);
  else if (l->chat && l->begin >= 0)
    vec_push(prompt, l->begin);
  if (!add_turns(l, t, turns, count, most, input, dropped, err)) return false;
  if (l->separate) add_run(source, &l->source_behind);
  if (!l->separate && l->chat)
    add_run(prompt, &l->turn[ROLE_ASSISTANT]);
  else
    vec_push(prompt, l->separate ? l->start : l->separator);
  return true;
}

int64_t layout_capacity(const PairLayout *l, int64_t wanted) {
  const int64_t half = l->time / 2, left = l->time - (wanted < half ? wanted : half);
  const int64_t turn = l->chat ? l->turn[ROLE_USER].count + l->turn_end.count : 2;
  if (l->separate) return layout_source_capacity(l) - turn;
  if (l->template) return left - chat_template_frame(l->template);
  return left - turn - (l->chat ? l->turn[ROLE_ASSISTANT].count + (l->begin >= 0) : 1);
}
