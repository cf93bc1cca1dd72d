#include "run/explain.h"

#include <math.h>
#include <string.h>

#include "base/language.h"
#include "run/choices.h"
#include "run/look.h"
#include "text/html.h"
#include "text/utf8.h"

/* One input with its output. */
typedef struct Explanation {
  const RewriteRequest *request;
  const Input *input;
  const Ids *ids; /* the output */
  Look look;
} Explanation;

/* ---- words ---- */

/* Tokens first .. stop-1. */
typedef struct Word {
  size_t first, stop;
  Buffer text;
} Word;
typedef VEC(Word) Words;

/* From U+2000 on, words are separated by characters, not spaces. */
static bool is_ideographic(char lead) {
  return (unsigned char)lead >= 0xe2;
}

/* Whether the text ends with a complete ideographic character; one may consist of several tokens. */
static bool ends_ideographic(const Buffer *text) {
  size_t last = text->length;
  if (!last || utf8_whole_prefix(text->data, last) < last) return false;
  while (last > 0 && ((unsigned char)text->data[last - 1] & 0xc0) == 0x80) last--;
  return last > 0 && is_ideographic(text->data[last - 1]);
}

/* A word starts at a token that begins with a space, and at each token of a script without spaces. */
static void cut_words(const Tokenizer *t, const int32_t *ids, size_t count, Words *words) {
  bool apart = true;
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const char *piece = tokenizer_piece(t, ids[i], &length);
    const bool special = tokenizer_is_special(t, ids[i]);
    if (apart || special || (length && (*piece == ' ' || is_ideographic(*piece))))
      vec_push(words, ((Word){.first = i}));
    Word *w = &words->data[words->count - 1];
    w->stop = i + 1;
    buffer_add(&w->text, piece, special ? 0 : length);
    apart = special || ends_ideographic(&w->text);
  }
}

static void free_words(Words *words) {
  for (size_t i = 0; i < words->count; i++) buffer_free(&words->data[i].text);
  vec_free(words);
}

/* Without the spaces in front; a text of nothing else is one visible space. */
static void add_text(Buffer *html, const char *text, size_t length) {
  const bool any = length > 0;
  while (length && *text == ' ') text++, length--;
  html_text(html, text, length);
  if (any && !length) buffer_adds(html, "␣");
}

static void add_word(Buffer *html, const Word *w) {
  if (w->text.length)
    add_text(html, w->text.data, w->text.length);
  else
    buffer_adds(html, "■"); /* a special token */
}

/* ---- attention ---- */

/* Attention of an output word to a source word: the sum over source tokens, averaged over output tokens. */
static double weight_of(const Explanation *e, const Word *row, const Word *column) {
  const AttentionSum *a = &e->look.attention;
  const int64_t before = e->input->length - 1; /* the row that predicts token 0 */
  double sum = 0;
  for (size_t t = row->first; t < row->stop; t++)
    for (size_t s = column->first; s < column->stop; s++)
      sum += (double)a->weights[(before + (int64_t)t) * a->keys + (int64_t)s];
  return sum / (double)a->heads / (double)(row->stop - row->first);
}

static void add_row(const Explanation *e, const Word *row, const Words *columns, Buffer *html) {
  buffer_adds(html, "<tr><th>");
  add_word(html, row);
  buffer_adds(html, "</th>");
  for (size_t i = 0; i < columns->count; i++) {
    const double weight = weight_of(e, row, &columns->data[i]);
    html_addf(html, "<td style=\"--w:%.3f\" title=\"%.1f %%\"></td>", weight, 100 * weight);
  }
  buffer_adds(html, "</tr>\n");
}

static void add_attention(const Explanation *e, const Words *rows, const Words *columns, Buffer *html) {
  if (!e->look.attention.weights) return;
  buffer_adds(html, "<div class=wide><table class=look><tr><td class=none></td>");
  for (size_t i = 0; i < columns->count; i++) {
    buffer_adds(html, "<th class=up><span>");
    add_word(html, &columns->data[i]);
    buffer_adds(html, "</span></th>");
  }
  buffer_adds(html, "</tr>\n");
  for (size_t i = 0; i < rows->count; i++) add_row(e, &rows->data[i], columns, html);
  buffer_adds(html, "</table></div>\n");
}

/* ---- alternatives ---- */

enum { SHOWN = 5 };

static void add_token(const Explanation *e, int32_t id, Buffer *html) {
  size_t length;
  const char *piece = tokenizer_piece(e->request->tokenizer, id, &length);
  if (id == layout_end(e->request->layout))
    buffer_adds(html, _("(end)"));
  else
    add_text(html, piece ? piece : "", piece ? length : 0);
}

/* More digits for smaller values. */
static void add_share(Buffer *html, double p) {
  if (p < 1e-4)
    buffer_adds(html, "&lt; 0.01 %");
  else
    html_addf(html, p < 1e-3 ? "%.2f %%" : p < 0.1 ? "%.1f %%" : "%.0f %%", 100 * p);
}

static void add_choice(const Explanation *e, Choice c, bool taken, Buffer *html) {
  html_addf(html, "<li%s style=\"--p:%.3f\"><span>", taken ? " class=taken" : "", c.probability);
  add_token(e, c.id, html);
  buffer_adds(html, "</span> <i>");
  add_share(html, c.probability);
  buffer_adds(html, "</i></li>");
}

static void add_step(const Explanation *e, int64_t step, Buffer *html) {
  const int64_t vocabulary = e->request->model->config.vocabulary;
  const float *x = e->look.logits + step * vocabulary;
  const int32_t taken = step < (int64_t)e->ids->count ? e->ids->data[step] : layout_end(e->request->layout);
  Choice best[SHOWN];
  bool shown = false;
  const int64_t count = choices_find(x, vocabulary, best, SHOWN);
  buffer_adds(html, "<ul>");
  for (int64_t i = 0; i < count; i++) {
    add_choice(e, best[i], best[i].id == taken, html);
    shown |= best[i].id == taken;
  }
  if (!shown)
    add_choice(e, (Choice){taken, exp((double)x[taken] - choices_log_sum(x, vocabulary))}, true, html);
  buffer_adds(html, "</ul>\n");
}

/* ---- sections ---- */

static void add_section(const Explanation *e, Buffer *html) {
  const Tokenizer *t = e->request->tokenizer;
  const bool encodes = e->look.source;
  const int32_t *from = encodes ? e->input->source : e->input->prompt;
  const int64_t length = encodes ? e->input->source_length : e->input->length;
  Words rows = {0}, columns = {0};
  cut_words(t, e->ids->data, e->ids->count, &rows);
  cut_words(tokenizer_source(t), from, (size_t)length, &columns);
  buffer_adds(html, "<section><p>");
  for (size_t i = 0; i < columns.count; i++)
    html_text(html, columns.data[i].text.data, columns.data[i].text.length);
  buffer_adds(html, "</p><p class=out>");
  for (size_t i = 0; i < rows.count; i++) html_text(html, rows.data[i].text.data, rows.data[i].text.length);
  buffer_adds(html, "</p>\n");
  add_attention(e, &rows, &columns, html);
  buffer_adds(html, "<div class=steps>");
  for (int64_t i = 0; i < e->look.length; i++) add_step(e, i, html);
  buffer_adds(html, "</div></section>\n");
  free_words(&rows);
  free_words(&columns);
}

typedef struct Sections {
  Buffer *html;
  bool not_finite; /* some logits were not finite */
} Sections;

static void take_part(void *user, const RewriteRequest *r, const Input *input, const Ids *ids) {
  Sections *s = user;
  Explanation e = {.request = r, .input = input, .ids = ids};
  look_at(&e.look, r->model, input, ids);
  if (e.look.finite)
    add_section(&e, s->html);
  else
    s->not_finite = true;
  look_free(&e.look);
}

static bool nothing(void *user, const ink_output *output) {
  (void)user;
  (void)output;
  return true;
}

bool explain_run(const RewriteRequest *request, const RewriteInput *inputs, int64_t count, Buffer *html,
                 Error *err) {
  RewriteRequest r = *request;
  ink_rewritten done = {0};
  Sections sections = {.html = html};
  r.listener = nothing;
  r.on_part = take_part;
  r.part_user = &sections;
  return rewriter_run(&r, inputs, count, &done, err) && (!sections.not_finite || fail_not_finite(err));
}

static const char style[] =
    "section{border-top:1px solid var(--rule);padding:1rem 0}p{margin:.2rem 0}.out{font-weight:600}\n"
    ".wide{overflow-x:auto}.look{border-collapse:collapse;margin:1rem 0;font-size:.9rem}\n"
    ".look td{width:1.9rem;min-width:1.9rem;height:1.7rem;padding:0;border:1px solid var(--rule);"
    "background:color-mix(in srgb,var(--a) calc(100%*var(--w)),var(--card))}.look "
    "td.none{border:0;background:none}\n"
    ".look th{font-weight:400;text-align:right;padding:0 "
    ".5rem;white-space:nowrap}.up{vertical-align:bottom}\n"
    ".up span{writing-mode:vertical-rl;padding:.4rem 0}\n"
    ".steps{display:flex;flex-wrap:wrap;gap:.6rem}.steps "
    "ul{list-style:none;margin:0;padding:.5rem;background:var(--card);"
    "border:1px solid var(--rule);border-radius:.5rem;font-size:.85rem;min-width:7.5rem}\n"
    ".steps li{display:flex;justify-content:space-between;gap:.6rem;background:linear-gradient(to right,"
    "color-mix(in srgb,var(--a) 25%,transparent) calc(100%*var(--p)),transparent 0)}\n"
    ".steps i{color:var(--quiet);font-style:normal}.taken{font-weight:700}\n";

void explain_page(const char *title, const char *sections, Buffer *html) {
  html_addf(html,
            "<!doctype html>\n<html lang=%s><head><meta charset=utf-8><meta name=viewport "
            "content=\"width=device-width\">\n<meta name=generator content=\"inkstone "
            "--explain\">\n<title>%s</title>\n<style>\n",
            _("en"), title);
  buffer_adds(html, html_style);
  buffer_adds(html, style);
  html_addf(
      html, "</style></head><body>\n<h1>%s</h1>\n<p class=quiet>%s</p>\n", title,
      _("Each table shows the attention from each output word (rows) to each source word (columns), "
        "averaged over layers and heads. Below it, for each output token: the likeliest candidates, the "
        "chosen one in bold."));
  buffer_adds(html, sections);
  buffer_adds(html, "</body></html>\n");
}
