/* metric_words.c - sacrebleu's tokenizers for BLEU (13a, zh, intl, char, none) and for TER.
 *
 * Each is a list of substitutions; a substitution is one pass over the line that inserts spaces around a
 * character, or between two. They are equivalent to the regular expressions of the original. */
#include <string.h>

#include "text/metric.h"
#include "text/utf8.h"

/* ---- lines and words ---- */

static void swap(Metric *m) {
  const Codes codes = m->codes;
  m->codes = m->other;
  m->other = codes;
}

void metric_line(Metric *m, Segment line, bool lowercase) {
  codes_decode(&m->codes, line.text, line.length);
  codes_trim_end(&m->codes);
  if (!lowercase) return;
  codes_lower(&m->codes, &m->other);
  swap(m);
}

void metric_word(Metric *m, const char *word, size_t length, Tokens *tokens) {
  const int64_t next = (int64_t)map_count(m->words);
  if (next == INT32_MAX) mem_exhausted(length);
  vec_push(tokens, (int32_t)*map_slot(m->words, word, length, next));
}

void metric_words(Metric *m, Tokens *tokens) {
  buffer_clear(&m->word);
  for (size_t i = 0; i <= m->codes.count; i++) {
    const bool ends = i == m->codes.count || code_is_space(m->codes.data[i]);
    char bytes[4];
    if (!ends) {
      buffer_add(&m->word, bytes, utf8_encode(m->codes.data[i], bytes));
    } else if (m->word.length) {
      metric_word(m, m->word.data, m->word.length, tokens);
      buffer_clear(&m->word);
    }
  }
}

/* ---- substitutions ---- */

typedef bool Class(uint32_t code);

/* Inserts spaces before, between or after a character of `first` and one of `second` (NULL: `first` only). */
typedef struct Rule {
  Class *first, *second;
  bool before, between, after;
} Rule;

static void apply(Metric *m, const Rule *rule) {
  const Codes *from = &m->codes;
  Codes *to = &m->other;
  to->count = 0;
  for (size_t i = 0; i < from->count; i++) {
    const uint32_t c = from->data[i], next = i + 1 < from->count ? from->data[i + 1] : 0;
    const bool one = rule->first(c) && !rule->second;
    const bool two = rule->second && i + 1 < from->count && rule->first(c) && rule->second(next);
    if ((one || two) && rule->before) vec_push(to, ' ');
    vec_push(to, c);
    if (two && rule->between) vec_push(to, ' ');
    if (two) vec_push(to, next);
    if ((one || two) && rule->after) vec_push(to, ' ');
    i += two; /* matches do not overlap */
  }
  swap(m);
}

static void apply_all(Metric *m, const Rule *rules, size_t count) {
  for (size_t i = 0; i < count; i++) apply(m, &rules[i]);
}
#define APPLY(m, rules) apply_all((m), (rules), sizeof(rules) / sizeof *(rules))

static bool matches_at(const Codes *codes, size_t at, const char *text, size_t length) {
  if (length > codes->count - at) return false;
  for (size_t i = 0; i < length; i++)
    if (codes->data[at + i] != (unsigned char)text[i]) return false;
  return true;
}

static void replace(Metric *m, const char *text, const char *by) {
  const size_t length = strlen(text);
  m->other.count = 0;
  for (size_t i = 0; i < m->codes.count;) {
    if (!matches_at(&m->codes, i, text, length)) {
      vec_push(&m->other, m->codes.data[i++]);
      continue;
    }
    for (const char *p = by; *p; p++) vec_push(&m->other, (unsigned char)*p);
    i += length;
  }
  swap(m);
}

static void unescape(Metric *m) { /* in this order: "&amp;lt;" becomes "<" */
  if (!m->codes.count) return;
  replace(m, "&quot;", "\"");
  replace(m, "&amp;", "&");
  replace(m, "&lt;", "<");
  replace(m, "&gt;", ">");
}

static void pad(Metric *m) {
  m->other.count = 0;
  vec_push(&m->other, ' ');
  for (size_t i = 0; i < m->codes.count; i++) vec_push(&m->other, m->codes.data[i]);
  vec_push(&m->other, ' ');
  swap(m);
}

/* ---- classes ---- */

static bool is_digit(uint32_t c) {
  return c >= '0' && c <= '9';
}

static bool is_no_digit(uint32_t c) {
  return !is_digit(c);
}

static bool is_period_or_comma(uint32_t c) {
  return c == '.' || c == ',';
}

static bool is_dash(uint32_t c) {
  return c == '-';
}

/* mteval's [\{-\~\[-\` -\&\(-\+\:-\@\/]: ASCII punctuation except ' - . and , */
static bool is_mark(uint32_t c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

static bool is_no_number(uint32_t c) {
  return !code_is_number(c);
}

static bool is_any(uint32_t c) {
  return true;
}

/* sacrebleu's ranges, including a bug: two of them are meant for the planes beyond U+FFFF but written
 * '\u20000' and '\u2f800', which Python reads as U+2000 and U+2F80 with a "0" after them, so that they match
 * 2001 to 2A6D and 2F81 to 2FA1. Published scores depend on it. */
static bool is_chinese(uint32_t c) {
  static const CodeRange ranges[] = {{0x2001, 0x2a6d}, {0x2e80, 0x2eff}, {0x2f00, 0x2fdf}, {0x2ff0, 0x303f},
                                     {0x3100, 0x312f}, {0x31a0, 0x31bf}, {0x31c0, 0x31ef}, {0x3200, 0x33ff},
                                     {0x3400, 0x4db5}, {0x4e00, 0x9fbb}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
                                     {0xfa70, 0xfad9}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f}, {0xff00, 0xffef}};
  return CODE_IN(c, ranges);
}

/* Tercom's ranges as in sacrebleu; the third range of is_asian was probably meant to end at 32FF. */
static bool is_asian_mark(uint32_t c) {
  static const CodeRange ranges[] = {{0x3001, 0x3002}, {0x3008, 0x3011}, {0x3014, 0x301f}, {0x30fb, 0x30fb},
                                     {0xff01, 0xff02}, {0xff08, 0xff09}, {0xff0c, 0xff0c}, {0xff0e, 0xff0e},
                                     {0xff1a, 0xff1b}, {0xff1f, 0xff1f}, {0xff61, 0xff65}};
  return CODE_IN(c, ranges);
}

static bool is_asian(uint32_t c) {
  static const CodeRange ranges[] = {{0x2e80, 0x2eff}, {0x31c0, 0x31ef}, {0x3200, 0x3f22}, {0x3400, 0x4dbf},
                                     {0x4e00, 0x9fff}, {0xf900, 0xfaff}, {0xfe30, 0xfe4f}};
  return CODE_IN(c, ranges) || is_asian_mark(c);
}

static bool is_western_mark(uint32_t c) {
  return c < 0x80 && c && strchr(".,?:;!\"()", (int)c);
}

/* ---- the tokenizers ---- */

static const Rule marks[] = {{is_mark, NULL, true, false, true}};
static const Rule periods[] = {{is_no_digit, is_period_or_comma, false, true, true},
                               {is_period_or_comma, is_no_digit, true, true, false},
                               {is_digit, is_dash, false, true, true}};

static void tokenize_13a(Metric *m) { /* mteval-v13a */
  replace(m, "<skipped>", "");
  unescape(m);
  pad(m);
  APPLY(m, marks);
  APPLY(m, periods);
}

static void tokenize_zh(Metric *m) {
  static const Rule chinese[] = {{is_chinese, NULL, true, false, true}};
  codes_trim_start(&m->codes);
  APPLY(m, chinese);
  APPLY(m, marks);
  APPLY(m, periods);
}

static void tokenize_intl(Metric *m) { /* mteval-v14 */
  static const Rule rules[] = {{is_no_number, code_is_punctuation, false, true, true},
                               {code_is_punctuation, is_no_number, true, true, false},
                               {code_is_symbol, NULL, true, false, true}};
  APPLY(m, rules);
}

static void tokenize_char(Metric *m) {
  static const Rule rules[] = {{is_any, NULL, true, false, true}};
  APPLY(m, rules);
}

static void tokenize_none(Metric *m) {}

void tokenize_line(Metric *m, const char *name) {
  static const struct {
    const char *name;
    void (*tokenize)(Metric *);
  } all[] = {{"13a", tokenize_13a},
             {"zh", tokenize_zh},
             {"intl", tokenize_intl},
             {"char", tokenize_char},
             {"none", tokenize_none}};
  size_t i = 0;
  while (strcmp(all[i].name, name)) CHECK(++i < sizeof all / sizeof *all);
  all[i].tokenize(m);
}

static void drop(Metric *m, Class *dropped) {
  size_t kept = 0;
  for (size_t i = 0; i < m->codes.count; i++)
    if (!dropped(m->codes.data[i])) m->codes.data[kept++] = m->codes.data[i];
  m->codes.count = kept;
}

/* ' '.join(line.split()) */
static void squeeze(Metric *m) {
  m->other.count = 0;
  for (size_t i = 0; i < m->codes.count; i++) {
    if (code_is_space(m->codes.data[i])) continue;
    if (i && m->other.count && code_is_space(m->codes.data[i - 1])) vec_push(&m->other, ' ');
    vec_push(&m->other, m->codes.data[i]);
  }
  swap(m);
}

/* The original also has rules for kana, which never match: they are anchored to the start of the line, where
 * there is a space by then. */
void tokenize_ter(Metric *m) {
  static const Rule asian[] = {{is_asian, NULL, true, false, true}};
  const MetricSettings *s = m->settings;
  if (s->ter_normalized) {
    unescape(m);
    pad(m);
    APPLY(m, marks);
    replace(m, "'s ", " 's ");
    APPLY(m, periods);
    if (s->ter_asian_support) APPLY(m, asian);
  }
  if (s->ter_no_punct) {
    drop(m, is_western_mark);
    if (s->ter_asian_support) drop(m, is_asian_mark);
  }
  squeeze(m);
}
