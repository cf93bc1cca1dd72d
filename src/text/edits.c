#include "text/edits.h"

#include <math.h>
#include <string.h>

enum { BEAM = 25, NEVER = INT32_MAX / 2 };
enum { KEEP, REPLACE, DELETE, INSERT }; /* steps in the table */

void edits_free(Edits *e) {
  vec_free(&e->aligned);
  vec_free(&e->hypothesis_wrong);
  vec_free(&e->reference_wrong);
  vec_free(&e->rows);
  vec_free(&e->costs);
  vec_free(&e->steps);
  vec_free(&e->above);
  vec_free(&e->below);
  vec_free(&e->shifted);
}

/* ---- the beam ---- */

/* Columns of a row: first <= j < end. */
typedef struct Band {
  size_t first, end;
} Band;

static Band band_of(const Edits *e, size_t row) {
  const int64_t columns = (int64_t)e->reference_count + 1, middle = (int64_t)floor((double)row * e->slope);
  if (!row) return (Band){0, (size_t)columns};
  const int64_t first = middle > e->beam ? middle - e->beam : 0;
  const int64_t end = middle + e->beam < columns && row < e->hypothesis_count ? middle + e->beam : columns;
  return (Band){(size_t)first, (size_t)end};
}

static void lay_out(Edits *e) {
  const double words = (double)e->hypothesis_count;
  e->slope = e->hypothesis_count ? (double)e->reference_count / words : 1;
  /* wide enough for adjacent rows to overlap */
  e->beam = BEAM < e->slope / 2 ? (int64_t)ceil(e->slope / 2 + BEAM) : BEAM;
  e->rows.count = 0;
  size_t cells = 0;
  for (size_t i = 0; i <= e->hypothesis_count; i++) {
    const Band band = band_of(e, i);
    vec_push(&e->rows, cells);
    cells += band.end - band.first;
  }
  vec_reserve(&e->costs, cells);
  vec_reserve(&e->steps, cells);
}

/* ---- the table ---- */

static int32_t cost_in(const int32_t *row, Band band, size_t column) {
  return column >= band.first && column < band.end ? row[column - band.first] : NEVER;
}

/* Computes a row from the one above, for this word of the hypothesis. On ties the order is: keep or replace,
 * delete, insert. */
static void fill_row(const Edits *e, size_t row, int32_t word, const int32_t *above, int32_t *now,
                     char *steps) {
  const Band upper = band_of(e, row - 1), band = band_of(e, row);
  for (size_t j = band.first; j < band.end; j++) {
    const bool same = j && e->reference[j - 1] == word;
    int32_t cost = j ? cost_in(above, upper, j - 1) + !same : NEVER;
    char step = same ? KEEP : REPLACE;
    const int32_t deleted = cost_in(above, upper, j) + 1;
    const int32_t inserted = j > band.first ? now[j - band.first - 1] + 1 : NEVER;
    if (deleted < cost) cost = deleted, step = DELETE;
    if (inserted < cost) cost = inserted, step = INSERT;
    now[j - band.first] = cost < NEVER ? cost : NEVER;
    if (steps) steps[j - band.first] = step;
  }
}

static void fill_table(Edits *e) {
  int32_t *costs = e->costs.data;
  for (size_t j = 0; j <= e->reference_count; j++) {
    costs[j] = (int32_t)j;
    e->steps.data[j] = INSERT;
  }
  for (size_t i = 1; i <= e->hypothesis_count; i++) {
    const size_t at = e->rows.data[i];
    fill_row(e, i, e->hypothesis[i - 1], costs + e->rows.data[i - 1], costs + at, e->steps.data + at);
  }
}

/* Traces the best path back from the end of the table. */
static void trace(Edits *e) {
  size_t i = e->hypothesis_count, j = e->reference_count;
  while (i || j) {
    const Band band = band_of(e, i);
    CHECK(j >= band.first && j < band.end);
    const char step = e->steps.data[e->rows.data[i] + j - band.first];
    if (step == INSERT || step == KEEP || step == REPLACE) {
      e->aligned.data[j - 1] = (int64_t)i - 1;
      e->reference_wrong.data[j - 1] = step != KEEP;
    }
    if (step != INSERT) e->hypothesis_wrong.data[i - 1] = step != KEEP;
    i -= step != INSERT;
    j -= step != DELETE;
  }
}

void edits_align(Edits *e) {
  lay_out(e);
  fill_table(e);
  const Band last = band_of(e, e->hypothesis_count);
  e->distance = e->costs.data[e->rows.data[e->hypothesis_count] + e->reference_count - last.first];
  vec_reserve(&e->aligned, e->reference_count);
  vec_reserve(&e->reference_wrong, e->reference_count);
  vec_reserve(&e->hypothesis_wrong, e->hypothesis_count);
  trace(e);
}

/* ---- shifts ---- */

/* The words from `first` on that a shift replaces by e->shifted. */
typedef struct Change {
  size_t first, count;
} Change;

static void add_words(Edits *e, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) vec_push(&e->shifted, e->hypothesis[i]);
}

static Change shift_words(Edits *e, size_t from, size_t length, size_t to) {
  const size_t block_end = from + length;
  e->shifted.count = 0;
  if (to < from) {
    add_words(e, from, block_end);
    add_words(e, to, from);
    return (Change){to, block_end - to};
  }
  const size_t wanted = to > block_end ? to : to + length;
  const size_t end = wanted < e->hypothesis_count ? wanted : e->hypothesis_count;
  add_words(e, block_end, end);
  add_words(e, from, block_end);
  return (Change){from, end - from};
}

/* Does the row equal that of the table with all costs increased by `higher`? */
static bool is_parallel(const int32_t *row, const int32_t *table_row, size_t width, int32_t higher) {
  for (size_t i = 0; i < width; i++)
    if (row[i] != (table_row[i] == NEVER ? NEVER : table_row[i] + higher)) return false;
  return true;
}

/* Rows before the change are those of the table. After it the words are the same again, so once a row is
 * parallel to the table's, all further rows are. */
int64_t edits_if_shifted(Edits *e, size_t from, size_t length, size_t to) {
  const Change change = shift_words(e, from, length, to);
  const int32_t *above = e->costs.data + e->rows.data[change.first];
  for (size_t i = change.first + 1; i <= e->hypothesis_count; i++) {
    const Band band = band_of(e, i);
    const size_t width = band.end - band.first, past = i - 1 - change.first;
    vec_reserve(&e->below, width);
    fill_row(e, i, past < change.count ? e->shifted.data[past] : e->hypothesis[i - 1], above, e->below.data,
             NULL);
    const int32_t *table_row = e->costs.data + e->rows.data[i];
    const int32_t higher = e->below.data[width - 1] - table_row[width - 1];
    if (past + 1 >= change.count && is_parallel(e->below.data, table_row, width, higher))
      return e->distance + higher;
    vec_reserve(&e->above, width);
    memcpy(e->above.data, e->below.data, width * sizeof *e->above.data);
    above = e->above.data;
  }
  const Band last = band_of(e, e->hypothesis_count);
  return above[e->reference_count - last.first];
}

void edits_shift(Edits *e, size_t from, size_t length, size_t to) {
  const Change change = shift_words(e, from, length, to);
  memcpy(e->hypothesis + change.first, e->shifted.data, change.count * sizeof *e->hypothesis);
}
