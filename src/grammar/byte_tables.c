#include "grammar/byte_tables.h"

#include <string.h>

void byte_tables_free(ByteTables *t) {
  vec_free(&t->tables);
  vec_free(&t->sets);
  map_free(t->by_ranges);
}

/* Tables of one set. */
typedef struct Building {
  ByteTables *all;
  const CodeRange *ranges;
  size_t count;
  int32_t first;
  Map *by_content;
  uint16_t full[4]; /* the table of any n further bytes; 0: not made yet */
} Building;

/* How much of the codes from `low` to `high` the set has. */
typedef enum Share { NONE, SOME, ALL } Share;

static Share share_of(const Building *b, uint32_t low, uint32_t high) {
  size_t begin = 0, end = b->count;
  while (begin < end) { /* the first range that does not end before them */
    const size_t middle = (begin + end) / 2;
    if (b->ranges[middle].last < low)
      begin = middle + 1;
    else
      end = middle;
  }
  if (begin == b->count || b->ranges[begin].first > high) return NONE;
  return b->ranges[begin].first <= low && b->ranges[begin].last >= high ? ALL : SOME;
}

static uint16_t put_table(Building *b, const ByteTable *table) {
  const int64_t fresh = (int64_t)b->all->tables.count - b->first + BYTE_TABLE;
  const int64_t number = *map_slot(b->by_content, table, sizeof *table, fresh);
  if (number == fresh) vec_push(&b->all->tables, *table);
  return (uint16_t)number;
}

static bool is_full(const Building *b) {
  return b->all->tables.count >= BYTE_TABLES_MOST;
}

/* What reads `more` further bytes of the codes whose bits before them are `bits`. */
static uint16_t table_of(Building *b, uint32_t bits, int more) {
  const uint32_t low = bits << 6 * more, high = low | ((1U << 6 * more) - 1);
  const Share share = share_of(b, low, high);
  ByteTable table = {{0}};
  if (share == NONE || is_full(b)) return BYTE_NONE;
  if (!more) return BYTE_DONE;
  if (share == ALL && b->full[more]) return b->full[more];
  for (uint32_t i = 0; i < 64; i++) table.next[0x80 | i] = table_of(b, bits << 6 | i, more - 1);
  const uint16_t number = put_table(b, &table);
  if (share == ALL) b->full[more] = number;
  return number;
}

/* Bytes with which the codes of 1 to 4 bytes begin. */
static const struct {
  uint8_t first, last, bits;
  int more;
  uint32_t least; /* code: shorter forms are not valid */
} leads[] = {{0x00, 0x7F, 0x7F, 0, 0},
             {0xC2, 0xDF, 0x1F, 1, 0x80},
             {0xE0, 0xEF, 0x0F, 2, 0x800},
             {0xF0, 0xF4, 0x07, 3, 0x10000}};

static void fill_first(Building *b, ByteTable *table) {
  const CodeRange *all = b->ranges;
  const size_t count = b->count;
  CodeSet part = {0};
  for (int i = 0; i < 4; i++) {
    const CodeRange own = {leads[i].least, i < 3 ? leads[i + 1].least - 1 : CODE_LAST};
    code_set_add_all(&part, all, count);
    code_set_meet(&part, &own, 1);
    b->ranges = part.data;
    b->count = part.count;
    memset(b->full, 0, sizeof b->full);
    for (int byte = leads[i].first; byte <= leads[i].last && part.count; byte++)
      table->next[byte] = table_of(b, (uint32_t)(byte & leads[i].bits), leads[i].more);
    part.count = 0;
  }
  vec_free(&part);
}

int32_t byte_tables_set(ByteTables *t, const CodeRange *ranges, size_t count) {
  if (!t->by_ranges) t->by_ranges = map_new();
  const int32_t fresh = (int32_t)t->sets.count;
  const int64_t known = *map_slot(t->by_ranges, ranges, count * sizeof *ranges, fresh);
  if (known != fresh) return (int32_t)known;
  Building b = {.all = t, .ranges = ranges, .count = count, .first = (int32_t)t->tables.count};
  b.by_content = map_new();
  ByteTable table = {{0}};
  vec_push(&t->tables, table); /* its place: the first */
  fill_first(&b, &table);
  t->tables.data[b.first] = table;
  map_free(b.by_content);
  vec_push(&t->sets, ((ByteSet){b.first, (int32_t)t->tables.count - b.first}));
  return is_full(&b) ? -1 : fresh;
}
