/* trace_page.c - writes a trace as HTML: trace.html with its {{places}} filled in. */
#include <string.h>

#include "base/language.h"
#include "run/trace_page.h"
#include "text/html.h"

static const char template[] = {
#include "run/trace.html.inc"
    '\0'};

/* The words of the page, by the names that trace.html has for them. It replaces what is in braces. */
static const char *const words[][2] = {
    {"language", N_("en")}, /* a translation is the tag of its language */
    {"intro",
     N_("The tokens of the text, the new ones in bold. The stronger the colour, the less the model "
        "expected a token. Choose one, by mouse or with the arrow keys, to see how it was predicted.")},
    {"facts", N_("{arch}, {layers} layers, {heads} heads in each")},
    {"facts_without", N_("{arch}, {layers} layers")},
    {"script", N_("This page needs JavaScript, which it contains; it loads nothing from elsewhere.")},
    {"text", N_("Text")},
    {"tokens", N_("Tokens of the text")},
    {"prompt", N_("prompt")},
    {"new", N_("new")},
    {"next", N_("what comes next")},
    {"ended", N_("the model ended the text here")},
    {"first", N_("The first token was given: nothing precedes it by which it could be predicted.")},
    {"token", N_("Token {number}: {text}")},
    {"predicted", N_("probability {share}, choice number {rank}")},
    {"part", N_("part {part} of {parts} of a character")},
    {"alternatives", N_("What else could stand here")},
    {"alternatives_intro", N_("The likeliest tokens at this place, with what the model would have written "
                              "after each, always the likeliest token. Press one to see the text with it.")},
    {"branch", N_("The text with another token")},
    {"back", N_("Back to the text")},
    {"command", N_("To explain this text:")},
    {"end", N_("(end)")},
    {"comma", N_(", ")},
    {"layers", N_("Layer by layer")},
    {"layers_intro", N_("What the model would predict if it stopped after a layer: the hidden state there, "
                        "through the final norm and the output matrix (the logit lens).")},
    {"layer", N_("Layer")},
    {"embedding", N_("input")},
    {"this", N_("This token")},
    {"guesses", N_("Likeliest tokens")},
    {"attention", N_("Attention")},
    {"attention_intro",
     N_("How much each earlier token was read to predict this one. Each head of each layer "
        "has weights that sum to 100 %.")},
    {"no_attention",
     N_("This network has no attention: it carries a state of fixed size from token to token.")},
    {"all_layers", N_("mean of all layers")},
    {"head", N_("Head")},
    {"all_heads", N_("mean of all heads")},
    {"most", N_("Most attention")},
    {"map", N_("Attention of every token (rows) to itself and those before it (columns); the row of the "
               "chosen token is marked")},
    {"heads", N_("All heads, layers from top to bottom; press one to choose it")},
};
enum { WORDS = sizeof words / sizeof *words };

/* In a <script>, "<" could end it. */
static void add_json(Buffer *html, const json_t *json) {
  char *text = json_text(json, JSON_COMPACT | JSON_REAL_PRECISION(5));
  for (const char *at = text; *at; at++)
    if (*at == '<')
      buffer_adds(html, "\\u003c");
    else
      buffer_add(html, at, 1);
  mem_free(text);
}

static json_t *words_json(void) {
  json_t *json = json_object();
  for (int i = 0; i < WORDS; i++) json_put(json, words[i][0], json_string(language_text(words[i][1])));
  return json;
}

typedef struct Page {
  json_t *trace, *words;
  const char *model;
} Page;

static void fill(const Page *p, const char *place, Buffer *html) {
  const char *word = json_get_text(p->words, place, NULL);
  if (!strcmp(place, "style"))
    buffer_adds(html, html_style);
  else if (!strcmp(place, "trace"))
    add_json(html, p->trace);
  else if (!strcmp(place, "words"))
    add_json(html, p->words);
  else if (!strcmp(place, "model"))
    html_text(html, p->model, strlen(p->model));
  else if (word)
    html_text(html, word, strlen(word));
  else
    CHECK(!"trace.html has a place that is not filled in");
}

void trace_page(const Trace *t, const Tokenizer *tokenizer, const char *model, Buffer *html) {
  Page p = {.trace = trace_json(t, tokenizer, true), .words = words_json(), .model = model};
  for (const char *at = template, *place; *at; at = place) {
    place = strstr(at, "{{");
    if (!place) place = at + strlen(at);
    buffer_add(html, at, (size_t)(place - at));
    if (!*place) break;
    char name[32];
    const size_t length = strcspn(place += 2, "}");
    CHECK(length < sizeof name);
    memcpy(name, place, length);
    name[length] = '\0';
    fill(&p, name, html);
    place += length + 2;
  }
  json_decref(p.trace);
  json_decref(p.words);
}
