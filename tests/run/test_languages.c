/* Languages of models that translate between several: the ids around sources and before targets, as of
 * transformers' M2M100Tokenizer, NllbTokenizer, MBart50Tokenizer and MBartTokenizer (models_languages
 * compares texts and scores with these). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "run/languages.h"

#include <cmocka.h> /* last: it defines fail() */

enum { END = 2, FIRST = 4, LANGUAGES = 24 };

static void put(const char *name, const char *text) {
  assert_true(file_replace(in_scratch(name), text, strlen(text), NULL));
}

/* Tokens of languages from FIRST on; `frame`: "", or a post-processor of FIRST. */
static void put_tokenizer(const char *const *names, int count, const char *frame) {
  Buffer b = {0}, vocabulary = {0};
  buffer_adds(&b, "{\"version\":\"1.0\",\"added_tokens\":[");
  buffer_adds(&vocabulary, "\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3");
  for (int i = 0; i < count; i++) {
    buffer_addf(&b,
                "%s{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                "\"normalized\":false,\"special\":true}",
                i ? "," : "", FIRST + i, names[i]);
    buffer_addf(&vocabulary, ",\"%s\":%d", names[i], FIRST + i);
  }
  buffer_addf(&b,
              "],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"post_processor\":%s,"
              "\"decoder\":null,\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"<unk>\",\"vocab\":{%s}}}",
              *frame ? frame : "null", vocabulary.data);
  put("tokenizer.json", b.data);
  buffer_free(&b);
  buffer_free(&vocabulary);
}

typedef struct Case {
  Bundle b;
  Model model;
  PairLayout layout;
  Settings *settings;
  Error err;
} Case;

static Settings *languages(const char *from, const char *to) {
  static const SettingTable *const tables[] = {&language_settings_table};
  Settings *s = settings_new(tables, 1);
  assert_true(!from || ink_settings_set(s, "from-lang", from, NULL));
  assert_true(!to || ink_settings_set(s, "to-lang", to, NULL));
  return s;
}

static bool frame(Case *c, const char *class, const char *from, const char *to, int start) {
  char config[128];
  *c = (Case){0};
  snprintf(config, sizeof config, "{\"tokenizer_class\":\"%s\",\"eos_token\":\"</s>\"}", class);
  put("tokenizer_config.json", config);
  put("config.json", "{\"model_type\":\"m2m_100\"}");
  assert_true(source_open(&c->b.source, scratch, NULL));
  assert_non_null(c->b.tokenizer = bundle_tokenizer(scratch, NULL));
  c->b.model = &c->model;
  c->b.card = json_object();
  c->model.config.ends = token_set_of(END);
  c->layout = (PairLayout){.separate = true, .start = start, .end = END};
  c->layout.source_before = token_run_of(tokenizer_begin(c->b.tokenizer));
  c->layout.source_behind = token_run_of(END);
  c->settings = languages(from, to);
  return languages_frame(&c->b, c->settings, &c->layout, &c->err);
}

static void close_case(Case *c) {
  ink_settings_free(c->settings);
  json_decref(c->b.card);
  json_decref(c->b.generation);
  tokenizer_free(c->b.tokenizer);
  source_close(&c->b.source);
}

static void expect_run(const TokenRun *run, int count, int first, int second) {
  assert_int_equal(run->count, count);
  if (count > 0) assert_int_equal(run->ids[0], first);
  if (count > 1) assert_int_equal(run->ids[1], second);
}

static void languages_stand_before_sources(void **state) {
  static const char *const m2m[] = {"__en__", "__de__", "__ast__"}, *const nllb[] = {"eng_Latn", "zho_Hans"},
                           *const mbart[] = {"en_XX", "ro_RO"};
  static const struct {
    const char *class, *const *names, *from, *to;
    int count, source, target;
  } cases[] = {{"M2M100Tokenizer", m2m, "de", "ast", 3, 5, 6},
               {"M2M100Tokenizer", m2m, "__en__", "de", 3, 4, 5},
               {"NllbTokenizerFast", nllb, "zho_Hans", "eng_Latn", 2, 5, 4},
               {"MBart50Tokenizer", mbart, "en_XX", "ro_RO", 2, 4, 5}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Case c;
    put_tokenizer(cases[i].names, cases[i].count, "");
    assert_true(frame(&c, cases[i].class, cases[i].from, cases[i].to, END));
    expect_run(&c.layout.source_before, 1, cases[i].source, 0);
    expect_run(&c.layout.source_behind, 1, END, 0);
    expect_run(&c.layout.target_before, 1, cases[i].target, 0);
    assert_int_equal(c.layout.start, END);
    close_case(&c);
  }
}

static void languages_stand_behind_sources_of_mbart(void **state) {
  static const char *const names[] = {"en_XX", "ro_RO"};
  Case c;
  put_tokenizer(names, 2, "");
  assert_true(frame(&c, "MBartTokenizer", "ro_RO", "en_XX", 0));
  expect_run(&c.layout.source_before, 0, 0, 0);
  expect_run(&c.layout.source_behind, 2, END, 5);
  expect_run(&c.layout.target_before, 0, 0, 0);
  assert_int_equal(c.layout.start, 4);
  close_case(&c);
  assert_true(frame(&c, "MBartTokenizer", "en_XX", NULL, 5)); /* config.json says the target */
  assert_int_equal(c.layout.start, 5);
  close_case(&c);
}

static void the_post_processor_says_where(void **state) {
  static const char *const names[] = {"eng_Latn", "deu_Latn"};
  Case c;
  put_tokenizer(names, 2,
                "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"eng_Latn\","
                "\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],"
                "\"special_tokens\":{\"eng_Latn\":{\"id\":\"eng_Latn\",\"ids\":[4],\"tokens\":[\"eng_"
                "Latn\"]}}}");
  assert_true(frame(&c, "NovelTokenizer", "deu_Latn", "eng_Latn", END));
  expect_run(&c.layout.source_before, 1, 5, 0);
  close_case(&c);
}

static void others_are_refused(void **state) {
  char many[LANGUAGES][16];
  const char *names[LANGUAGES];
  for (int i = 0; i < LANGUAGES; i++) {
    snprintf(many[i], sizeof many[i], "__x%c__", 'a' + i);
    names[i] = many[i];
  }
  static const struct {
    const char *class, *from, *to, *says;
  } cases[] = {{"M2M100Tokenizer", "xa", "en", "xs, xt, ... (24 languages)"},
               {"M2M100Tokenizer", "_xa__", "xb", "--from-lang _xa__"},
               {"M2M100Tokenizer", NULL, "xb", "24 languages: say with --from-lang CODE"},
               {"M2M100Tokenizer", "xa", NULL, "say with --to-lang CODE"},
               {"NovelTokenizer", "xa", "xb", "tokenizer_class"}};
  put_tokenizer(names, LANGUAGES, "");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Case c;
    assert_false(frame(&c, cases[i].class, cases[i].from, cases[i].to, END));
    if (!strstr(c.err.text, cases[i].says)) fail_msg("%s", c.err.text);
    close_case(&c);
  }
  static const char *const none[] = {"__init", "en_X", "EN_XX", "engl_Latn", "en_xx"};
  Case c;
  put_tokenizer(none, 5, "");
  assert_false(frame(&c, "M2M100Tokenizer", "en", "de", END));
  assert_non_null(strstr(c.err.text, "no tokens of languages"));
  close_case(&c);
  assert_true(frame(&c, "M2M100Tokenizer", NULL, NULL, END));
  close_case(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(languages_stand_before_sources),
      cmocka_unit_test(languages_stand_behind_sources_of_mbart),
      cmocka_unit_test(the_post_processor_says_where),
      cmocka_unit_test(others_are_refused),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
