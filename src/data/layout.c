#include "data/layout.h"

#include <inttypes.h>

static const char pad[] = "<|pad|>", separator[] = "<|sep|>", turn_end[] = "<|end|>";
static const char *const speakers[ROLES] = {
    [ROLE_SYSTEM] = "<|system|>", [ROLE_USER] = "<|user|>", [ROLE_ASSISTANT] = "<|assistant|>"};

const char *const *layout_specials(const Task *task) {
  static const char *const none[] = {NULL}, *const pairs[] = {pad, separator, NULL},
                           *const chat[] = {pad, "<|system|>", "<|user|>", "<|assistant|>", turn_end, NULL};
  return !task_has_pairs(task) ? none : task->chat ? chat : pairs;
}

static bool find_token(const Tokenizer *t, const char *name, int32_t *id, Error *err) {
  *id = tokenizer_id(t, name);
  return *id >= 0 ||
         fail(err,
              "the tokenizer has no token \"%s\", which this task needs: learn one with the model "
              "(without --from and --tokenizer-from), or take that of a model of this task",
              name);
}

bool layout_find(PairLayout *l, const Task *task, const Tokenizer *t, bool encodes, int64_t context,
                 Error *err) {
  enum { LEAST = 16 }; /* source and target side by side, with what stands around them */
  if (context < LEAST)
    return fail_usage(err, "a context of %" PRId64 " tokens holds no pair: --context %d at least", context,
                      LEAST);
  *l = (PairLayout){.separate = encodes, .chat = task->chat, .time = context, .source_time = context};
  l->end = tokenizer_end(t);
  if (l->end < 0) return fail(err, "the tokenizer has no token that ends a text, such as <|endoftext|>");
  const Tokenizer *source = tokenizer_source(t);
  l->source_end = tokenizer_end(source);
  if (l->source_end < 0) return fail(err, "the tokenizer of sources has no token that ends a text");
  if (!find_token(t, pad, &l->pad, err) || !find_token(source, pad, &l->source_pad, err)) return false;
  l->start = l->pad; /* as Marian's models begin */
  if (!l->chat) return encodes || find_token(t, separator, &l->separator, err);
  for (int role = 0; role < ROLES; role++)
    if (!find_token(t, speakers[role], &l->turn[role], err)) return false;
  return find_token(t, turn_end, &l->turn_end, err);
}

int32_t layout_end(const PairLayout *l) {
  return l->chat && !l->separate ? l->turn_end : l->end;
}

/* ---- inputs ---- */

static bool add_turn(const PairLayout *l, const Tokenizer *t, const Turn *turn, Ids *ids, Error *err) {
  if (l->chat) vec_push(ids, l->turn[turn->role]);
  if (!tokenizer_encode(tokenizer_source(t), turn->text, turn->length, false, ids, err)) return false;
  if (l->chat) vec_push(ids, l->turn_end);
  return true;
}

/* From the newest back, as many as fit; the newest in any case. */
static bool add_turns(const PairLayout *l, const Tokenizer *t, const Turn *turns, size_t count, int64_t room,
                      Ids *ids, size_t *dropped, Error *err) {
  size_t first = count;
  Ids all = {0};
  bool ok = true;
  for (int64_t used = 0; first > 0 && ok; first--) {
    all.count = 0;
    ok = add_turn(l, t, &turns[first - 1], &all, err);
    used += (int64_t)all.count;
    if (used > room && first < count) break;
  }
  vec_free(&all);
  *dropped = first;
  for (size_t i = first; i < count && ok; i++) ok = add_turn(l, t, &turns[i], ids, err);
  return ok;
}

bool layout_input(const PairLayout *l, const Tokenizer *t, const Turn *turns, size_t count, Ids *source,
                  Ids *prompt, size_t *dropped, Error *err) {
  Ids *input = l->separate ? source : prompt;
  const int64_t room = l->separate ? l->source_time - 1 : l->time / 2;
  if (!add_turns(l, t, turns, count, room, input, dropped, err)) return false;
  if (l->separate) vec_push(source, l->source_end);
  vec_push(prompt, l->separate ? l->start : l->chat ? l->turn[ROLE_ASSISTANT] : l->separator);
  return true;
}

int64_t layout_room(const PairLayout *l, int64_t wanted) {
  const int64_t special = 3, half = l->time / 2;
  if (l->separate) return l->source_time - special;
  return l->time - special - (wanted < half ? wanted : half);
}
