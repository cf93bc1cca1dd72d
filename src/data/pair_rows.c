#include "data/pair_rows.h"

#include "data/layout.h"
#include "text/utf8.h"

typedef struct RowBuilder {
  const PairTokens *data;
  const PairLayout *layout;
  const Example *example;
  const PairItem *item;
  PairRow *row;
} RowBuilder;

typedef struct Span {
  const int32_t *ids;
  int64_t count;
} Span;

static Span turn_ids(const PairTokens *data, const Example *e, size_t turn) {
  const int64_t *starts = data->ids.starts + e->first + turn;
  return (Span){data->ids.tokens + starts[0], starts[1] - starts[0]};
}

static Role role_of(const RowBuilder *l, size_t turn) {
  if (l->example->roles) return (Role)l->data->pairs->roles[l->example->first + turn];
  return turn % 2 == l->item->parity ? ROLE_ASSISTANT : ROLE_USER;
}

/* The tokens before a turn. */
static const TokenRun *opening(const RowBuilder *l, size_t turn) {
  const Role role = role_of(l, turn);
  return &l->layout->turn[role == ROLE_GIVEN ? ROLE_ASSISTANT : role];
}

static bool is_reply(const RowBuilder *l, size_t turn) {
  return turn > 0 && role_of(l, turn) == ROLE_ASSISTANT;
}

static int64_t turn_length(const RowBuilder *l, size_t turn) {
  return turn_ids(l->data, l->example, turn).count + opening(l, turn)->count + l->layout->turn_end.count;
}

/* ---- the target row ---- */

static int64_t tokens_left(const RowBuilder *l) {
  return l->layout->time + 1 - (int64_t)l->row->ids.count;
}

static void put(RowBuilder *l, int32_t id, bool scored) {
  PairRow *row = l->row;
  if (tokens_left(l) <= 0) {
    row->cut = true;
    return;
  }
  vec_push(&row->ids, id);
  vec_push(&row->scored, scored);
  row->targets += scored;
}

static void put_run(RowBuilder *l, const TokenRun *run, bool first_scored) {
  for (int32_t i = 0; i < run->count; i++) put(l, run->ids[i], first_scored && i == 0);
}

static void put_ids(RowBuilder *l, Span span, bool scored) {
  for (int64_t i = 0; i < span.count; i++) put(l, span.ids[i], scored);
}

/* Adds a turn's text as targets; of a truncated one, counts a proportional share of its characters. */
static void put_target(RowBuilder *l, size_t turn) {
  const Span span = turn_ids(l->data, l->example, turn);
  const Document *text = example_turn(l->data->pairs, l->example, turn);
  const int64_t left = tokens_left(l);
  const double share = span.count > left ? (double)(left > 0 ? left : 0) / (double)span.count : 1;
  put_ids(l, span, true);
  l->row->bytes += share * (double)text->length;
  l->row->characters += share * (double)utf8_count(text->text, text->length);
}

/* ---- layouts ---- */

static void add_source(PairRow *row, Span span) {
  for (int64_t i = 0; i < span.count; i++) vec_push(&row->source, span.ids[i]);
}

static void add_run(PairRow *row, const TokenRun *run) {
  add_source(row, (Span){run->ids, run->count});
}

static void lay_pair_source(RowBuilder *l) {
  Span span = turn_ids(l->data, l->example, 0);
  const int64_t left = layout_source_capacity(l->layout);
  l->row->cut |= span.count > left;
  if (span.count > left) span.count = left;
  add_source(l->row, span);
}

static void lay_turns_source(RowBuilder *l) {
  Ids *source = &l->row->source;
  for (size_t i = 0; i < l->item->scored; i++) {
    add_run(l->row, opening(l, i));
    add_source(l->row, turn_ids(l->data, l->example, i));
    add_run(l->row, &l->layout->turn_end);
  }
  const size_t before = (size_t)l->layout->source_before.count;
  const int64_t over = (int64_t)(source->count - before) - layout_source_capacity(l->layout);
  if (over <= 0) return;
  l->row->cut = true;
  source->count -= (size_t)over;
  for (size_t i = before; i < source->count; i++) source->data[i] = source->data[i + (size_t)over];
}

static void lay_separate(RowBuilder *l) {
  add_run(l->row, &l->layout->source_before);
  if (l->layout->chat)
    lay_turns_source(l);
  else
    lay_pair_source(l);
  add_run(l->row, &l->layout->source_behind);
  put(l, l->layout->start, false);
  put_run(l, &l->layout->target_before, false);
  put_target(l, l->item->scored);
  put(l, l->layout->end, true);
}

/* Source, separator, target and END share time + 1 positions. */
static void lay_joint_pair(RowBuilder *l) {
  Span source = turn_ids(l->data, l->example, 0);
  const int64_t time = l->layout->time, target = turn_ids(l->data, l->example, 1).count + 1;
  if (source.count + target > time) {
    const int64_t rest = time - source.count, reserved = rest > time / 2 ? rest : time / 2;
    const int64_t left = time - (target < reserved ? target : reserved);
    l->row->cut = true;
    if (source.count > left) source.count = left;
  }
  if (l->layout->separator < 0 && l->layout->begin >= 0) put(l, l->layout->begin, false);
  put_ids(l, source, false);
  if (l->layout->separator >= 0) put(l, l->layout->separator, false);
  put_target(l, 1);
  put(l, l->layout->end, true);
}

/* transformers reads the scores at the last token that is no padding. Texts without a token have no target.
 */
static void lay_label(RowBuilder *l) {
  PairRow *row = l->row;
  Span text = turn_ids(l->data, l->example, 0);
  const int64_t left = layout_source_capacity(l->layout);
  row->cut |= text.count > left;
  if (text.count > left) text.count = left;
  put_run(l, &l->layout->source_before, false);
  put_ids(l, text, false);
  put_run(l, &l->layout->source_behind, false);
  while (row->ids.count && row->ids.data[row->ids.count - 1] == l->layout->pad)
    row->ids.count--, row->scored.count--;
  if (row->ids.count) put(l, l->data->labels[l->item->example], true);
}

/* Of the turn before a reply, if it is left out for its length: how many of its tokens have room beside the
 * reply, or in half the context. */
static int64_t question_room(const RowBuilder *l, size_t reply) {
  const int64_t time = l->layout->time + 1, around = l->layout->begin >= 0, answer = turn_length(l, reply),
                reserved = answer < time / 2 ? answer : time / 2,
                marks = opening(l, reply - 1)->count + l->layout->turn_end.count,
                room = time - around - reserved - marks, all = turn_ids(l->data, l->example, reply - 1).count;
  return room < 0 ? 0 : room < all ? room : all;
}

/* Whether a sequence begins with a reply to be scored, as the turn before it does not fit. */
static bool lacks_question(const RowBuilder *l) {
  const PairItem *item = l->item;
  return item->first > 0 && item->first == item->scored && is_reply(l, item->first);
}

static void put_question(RowBuilder *l, size_t reply) {
  Span question = turn_ids(l->data, l->example, reply - 1);
  question.count = question_room(l, reply);
  put_run(l, opening(l, reply - 1), false);
  put_ids(l, question, false);
  put_run(l, &l->layout->turn_end, false);
  l->row->cut = true;
}

static void lay_joint_chat(RowBuilder *l) {
  if (l->layout->begin >= 0) put(l, l->layout->begin, false);
  if (lacks_question(l)) put_question(l, l->item->first);
  for (size_t i = l->item->first; i < l->item->stop; i++) {
    const bool scored = i >= l->item->scored && is_reply(l, i);
    put_run(l, opening(l, i), false);
    if (scored)
      put_target(l, i);
    else
      put_ids(l, turn_ids(l->data, l->example, i), false);
    put_run(l, &l->layout->turn_end, scored);
  }
}

void pair_row(PairRow *row, const PairTokens *data, const PairLayout *layout, const PairItem *item) {
  RowBuilder l = {data, layout, &data->pairs->examples[item->example], item, row};
  row->source.count = row->ids.count = row->scored.count = 0;
  row->targets = 0;
  row->bytes = row->characters = 0;
  row->cut = row->shortened = false;
  if (layout->separate)
    lay_separate(&l);
  else if (layout->labels)
    lay_label(&l);
  else if (layout->chat)
    lay_joint_chat(&l);
  else
    lay_joint_pair(&l);
}

void pair_row_free(PairRow *row) {
  vec_free(&row->source);
  vec_free(&row->ids);
  vec_free(&row->scored);
}

/* ---- the items of an example ---- */

/* Begins another sequence for `turn`, repeating as many earlier turns as fit into half the context, or a part
 * of the one that a reply answers. Returns their length. */
static int64_t begin_before(const RowBuilder *l, PairItem *item, uint32_t turn) {
  int64_t length = l->layout->begin >= 0;
  item->first = turn;
  while (item->first > 0 && length + turn_length(l, item->first - 1) <= l->layout->time / 2)
    length += turn_length(l, --item->first);
  if (lacks_question(l))
    length += question_room(l, turn) + opening(l, turn - 1)->count + l->layout->turn_end.count;
  return length;
}

/* Splits a joint conversation into items that fit, each with its own replies. */
static void add_pieces(PairItems *items, const RowBuilder *l, PairItem *item) {
  int64_t length = l->layout->begin >= 0;
  bool replies = false;
  for (uint32_t i = 0; i < l->example->turns; i++) {
    if (length + turn_length(l, i) > l->layout->time + 1) {
      if (replies) vec_push(items, *item);
      replies = false;
      item->scored = i;
      length = begin_before(l, item, i);
    }
    length += turn_length(l, i);
    if (!is_reply(l, i)) continue;
    replies = true;
    item->stop = i + 1;
  }
  if (replies) vec_push(items, *item);
}

static void add_replies(PairItems *items, const RowBuilder *l, PairItem *item) {
  for (uint32_t i = 1; i < l->example->turns; i++) {
    if (!is_reply(l, i)) continue;
    item->scored = i;
    item->stop = i + 1;
    vec_push(items, *item);
  }
}

void pair_items(PairItems *items, const PairTokens *data, const PairLayout *layout, uint32_t example) {
  const Example *e = &data->pairs->examples[example];
  CHECK(layout->chat || example_is_pair(e));
  for (uint32_t parity = 0; parity < (e->roles ? 1 : 2); parity++) {
    PairItem item = {.example = example, .parity = parity};
    const RowBuilder l = {.data = data, .layout = layout, .example = e, .item = &item};
    if (layout->separate || !layout->chat)
      add_replies(items, &l, &item);
    else
      add_pieces(items, &l, &item);
  }
}
