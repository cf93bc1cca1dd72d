#include "data/template_rows.h"

#include <string.h>

#include "base/figure.h"
#include "base/language.h"
#include "base/threads.h"
#include "data/chat_template.h"
#include "text/utf8.h"

/* Examples are divided among threads in blocks; each is laid out separately, then joined. */
enum { BLOCK = 64 };

typedef struct Block {
  Ids ids;
  VEC(TemplateRow) rows; /* starts are relative to the block's ids */
  int64_t unprompted;    /* replies that do not follow the prompt */
  Error err;
} Block;

typedef struct Work {
  const Pairs *pairs;
  const PairLayout *layout;
  Block *blocks;
  size_t first; /* block of the first one in `blocks` */
} Work;

/* A conversation as the template sees it. */
typedef struct Talk {
  const PairLayout *layout;
  uint32_t example;
  uint32_t skipped; /* turns of the example before the first one */
  Turn *turns;
  size_t count;
  Block *block;
  Ids ids;        /* of the latest reply's conversation */
  bool shortened; /* without its oldest turns */
  VEC(ReplySpan) spans;
  double bytes, characters;
} Talk;

static bool is_reply(const Talk *talk, size_t turn) {
  return turn > (talk->turns[0].role == ROLE_VARIABLES) && talk->turns[turn].role == ROLE_ASSISTANT;
}

static void count_text(Talk *talk, size_t turn) {
  const Turn *t = &talk->turns[turn];
  talk->bytes += (double)t->length;
  talk->characters += (double)utf8_count(t->text, t->length);
}

/* Adds the ids as a row, of which the replies in `spans` are scored. */
static void add_row(Talk *talk, size_t turns) {
  const size_t most = (size_t)talk->layout->time + 1;
  const ReplySpan *last = &talk->spans.data[talk->spans.count - 1];
  for (size_t k = 0; k < talk->spans.count; k++) talk->block->unprompted += !talk->spans.data[k].prompted;
  if (!last->ended) {
    talk->ids.count = last->stop;
    vec_push(&talk->ids, talk->layout->end);
    talk->spans.data[talk->spans.count - 1].stop++;
  }
  Block *b = talk->block;
  const size_t start = b->ids.count, count = talk->ids.count < most ? talk->ids.count : most;
  size_t wanted = 0, kept = 0;
  for (size_t i = 0; i < count; i++) vec_push(&b->ids, talk->ids.data[i]);
  for (size_t k = 0; k < talk->spans.count; k++)
    for (size_t i = talk->spans.data[k].first; i < talk->spans.data[k].stop; i++, wanted++)
      if (i < count) b->ids.data[start + i] = ~b->ids.data[start + i], kept++;
  const double share = wanted ? (double)kept / (double)wanted : 0;
  vec_push(&b->rows, ((TemplateRow){.start = (int64_t)start,
                                    .count = (int64_t)count,
                                    .example = talk->example,
                                    .turns = talk->skipped + (uint32_t)turns,
                                    .bytes = share * talk->bytes,
                                    .characters = share * talk->characters,
                                    .cut = count < talk->ids.count,
                                    .shortened = talk->shortened}));
}

static void begin_row(Talk *talk) {
  talk->spans.count = 0;
  talk->bytes = talk->characters = 0;
}

/* A sequence of the turns before a reply that fit, and the reply. */
static bool add_single(Talk *talk, size_t reply, Error *err) {
  Turn *some = mem_alloc((reply + 1) * sizeof *some);
  size_t count = reply + 1;
  ReplySpan span;
  bool ok = true;
  memcpy(some, talk->turns, count * sizeof *some);
  do ok = chat_template_reply(talk->layout->template, some, count, &talk->ids, &span, err);
  while (ok && (int64_t)talk->ids.count + !span.ended > talk->layout->time + 1 &&
         chat_template_shorten(some, &count, 2));
  talk->shortened = count <= reply;
  mem_free(some);
  if (!ok) return false;
  begin_row(talk);
  vec_push(&talk->spans, span);
  count_text(talk, reply);
  add_row(talk, reply + 1);
  return true;
}

/* Collects the spans of all replies in the ids of the last one's conversation; *alike: that is possible. */
static bool collect(Talk *talk, size_t replies, bool *alike, Error *err) {
  Ids before = {0};
  bool ok = true;
  begin_row(talk);
  *alike = true;
  for (size_t i = 0; i < replies && ok && *alike; i++) {
    ReplySpan span;
    if (!is_reply(talk, i)) continue;
    *alike = !talk->spans.count || talk->spans.data[talk->spans.count - 1].ended;
    ok = chat_template_reply(talk->layout->template, talk->turns, i + 1, &talk->ids, &span, err);
    *alike = *alike && ids_begin_with(&talk->ids, &before);
    vec_push(&talk->spans, span);
    count_text(talk, i);
    if (i + 1 == replies) break;
    const Ids latest = talk->ids;
    talk->ids = before;
    before = latest;
  }
  vec_free(&before);
  const bool ended = talk->spans.count && talk->spans.data[talk->spans.count - 1].ended;
  *alike = *alike && (int64_t)talk->ids.count + !ended <= talk->layout->time + 1;
  return ok;
}

static bool add_talk(Talk *talk, Error *err) {
  size_t replies = talk->count; /* turns behind the last reply teach nothing */
  bool alike;
  while (replies > 0 && !is_reply(talk, replies - 1)) replies--;
  if (!replies) return true;
  if (!collect(talk, replies, &alike, err)) return false;
  if (alike) {
    add_row(talk, replies);
    return true;
  }
  for (size_t i = 0; i < replies; i++)
    if (is_reply(talk, i) && !add_single(talk, i, err)) return false;
  return true;
}

/* `parity`: of the replies' indices, if the speakers are unknown. */
static bool add_version(const Work *w, Block *b, uint32_t example, uint32_t parity, Error *err) {
  const Example *e = &w->pairs->examples[example];
  const uint32_t skipped = !e->roles && !parity;
  Talk talk = {.layout = w->layout, .example = example, .skipped = skipped, .block = b};
  char where[PATH_CAPACITY];
  talk.turns = mem_alloc_zeroed(e->turns + 1, sizeof *talk.turns);
  for (uint32_t i = skipped; i < e->turns; i++) {
    const Role role = e->roles          ? (Role)w->pairs->roles[e->first + i]
                      : i % 2 == parity ? ROLE_ASSISTANT
                                        : ROLE_USER;
    talk.turns[talk.count++] = turn_of(w->pairs, e, i, role);
  }
  const bool ok = add_talk(&talk, err) || fail_prefix(err, "%s", example_location(w->pairs, e, where));
  mem_free(talk.turns);
  vec_free(&talk.ids);
  vec_free(&talk.spans);
  return ok;
}

static void fill_block(const Work *w, size_t index, Block *b) {
  MEM_GUARD(&b->err, return );
  const size_t begin = index * BLOCK,
               stop = begin + BLOCK < w->pairs->count ? begin + BLOCK : w->pairs->count;
  bool ok = true;
  for (size_t i = begin; i < stop && ok; i++)
    for (uint32_t parity = 0; parity < (w->pairs->examples[i].roles ? 1 : 2) && ok; parity++)
      ok = add_version(w, b, (uint32_t)i, parity, &b->err);
  MEM_GUARD_END();
}

static void fill_blocks(void *arg, int64_t begin, int64_t end) {
  const Work *w = arg;
  for (int64_t i = begin; i < end; i++) fill_block(w, w->first + (size_t)i, &w->blocks[i]);
}

static bool take_block(TemplateRows *to, Block *b, int64_t *unprompted, Error *err) {
  const int64_t before = (int64_t)(to->store.length / sizeof(int32_t));
  const bool ok = !b->err.code ? spool_add(&to->store, b->ids.data, b->ids.count * sizeof *b->ids.data, err)
                               : fail_from(err, &b->err);
  for (size_t i = 0; i < b->rows.count && ok; i++) {
    b->rows.data[i].start += before;
    vec_push(&to->rows, b->rows.data[i]);
  }
  *unprompted += b->unprompted;
  vec_free(&b->ids);
  vec_free(&b->rows);
  *b = (Block){0};
  return ok;
}

bool template_rows(TemplateRows *to, const Pairs *pairs, const PairLayout *layout, const News *news,
                   Error *err) {
  const int64_t all = (int64_t)((pairs->count + BLOCK - 1) / BLOCK), together = 4 * threads_count();
  Work w = {.pairs = pairs, .layout = layout};
  int64_t unprompted = 0;
  char n[FIGURE_SIZE];
  bool ok = true;
  *to = (TemplateRows){0};
  w.blocks = mem_alloc_zeroed((size_t)together, sizeof *w.blocks);
  for (int64_t i = 0; i < all && ok; i += together) {
    const int64_t count = i + together < all ? together : all - i;
    w.first = (size_t)i;
    parallel_for(count, fill_blocks, &w);
    for (int64_t k = 0; k < count; k++) ok = take_block(to, &w.blocks[k], &unprompted, ok ? err : NULL) && ok;
    news_progress(news, "laying out", i + count, all, "piece");
  }
  mem_free(w.blocks);
  spool_finish(&to->store);
  if (ok && unprompted)
    news_warning(news,
                 "%s: the model's chat template begins them in another way than the prompt for them ends (it "
                 "leaves out reasoning): they are learnt as it writes them",
                 figure_of(n, unprompted, N_("answer")));
  if (!ok) template_rows_free(to);
  return ok;
}

void template_rows_free(TemplateRows *r) {
  spool_free(&r->store);
  vec_free(&r->rows);
  *r = (TemplateRows){0};
}

void template_row(PairRow *row, const TemplateRows *rows, size_t index) {
  const TemplateRow *r = &rows->rows.data[index];
  const int32_t *ids = (const int32_t *)(const void *)rows->store.data + r->start;
  row->source.count = row->ids.count = row->scored.count = 0;
  row->targets = 0;
  row->bytes = r->bytes;
  row->characters = r->characters;
  row->cut = r->cut;
  row->shortened = r->shortened;
  for (int64_t i = 0; i < r->count; i++) {
    const bool scored = ids[i] < 0;
    vec_push(&row->ids, scored ? ~ids[i] : ids[i]);
    vec_push(&row->scored, scored);
    row->targets += scored;
  }
}
