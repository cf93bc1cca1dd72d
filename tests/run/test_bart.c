/* ../shared/weights/bart-g2p, a BART of letters to phonemes: its golden outputs, and its lexicon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run/bundle.h"
#include "run/session.h"

#include <cmocka.h> /* last: it defines fail() */

enum { BEGIN = 1, END = 2, MOST = 40 };

static Model *open_model(void) {
  const char *config = SHARED_DIR "/weights/bart-g2p/us_bart_config.json";
  Error err = {0};
  Config c;
  if (!file_exists(config)) {
    print_message("SKIP: %s is not there\n", config);
    skip();
  }
  assert_true(config_read(&c, config, &err));
  Model *m = model_new(&c, false);
  assert_true(weights_read(SHARED_DIR "/weights/bart-g2p/us_bart.safetensors",
                           arch_naming(c.arch, "huggingface"), m->params, params_values(m->params), &err));
  return m;
}

static int32_t likeliest(const float *logits, int64_t n) {
  int32_t best = 0;
  for (int32_t i = 1; i < n; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}

/* As transformers' generate does it there: BEGIN starts the target, and is forced to be written once more. */
static size_t pronounce(const Model *m, const int32_t *source, int32_t length, int32_t *out) {
  Session *s = session_new(m, (StateSize){0});
  size_t count = 1;
  out[0] = BEGIN;
  const int32_t text = session_open(s, session_add_source(s, source, length));
  while (count < MOST && (count < 2 || out[count - 1] != END)) {
    const float *logits = session_read(s, text, &out[count - 1], 1);
    out[count] = count == 1 ? BEGIN : likeliest(logits, m->config.vocabulary);
    count++;
  }
  session_free(s);
  return count;
}

/* Letters and phonemes as ids: their places in two strings of the config. */
static size_t spell(const char *alphabet, const char *word, int32_t *ids) {
  size_t count = 0;
  for (const char *at = word; *at && count < MOST - 2;) {
    size_t n = 1;
    while (((unsigned char)at[n] & 0xc0) == 0x80) n++;
    const char *found =
        strstr(alphabet, (char[5]){at[0], n > 1 ? at[1] : 0, n > 2 ? at[2] : 0, n > 3 ? at[3] : 0});
    int32_t id = 0;
    for (const char *c = alphabet; found && c < found; c++) id += ((unsigned char)*c & 0xc0) != 0x80;
    ids[count++] = found ? id : 3;
    at += n;
  }
  return count;
}

/* The words that GOLDEN.txt spells out, and how many of the lexicon it gets right. */
static void words_and_lexicon(void **state) {
  (void)state;
  static const struct {
    const char *word;
    int32_t out[MOST];
  } words[] = {{"hello", {1, 1, 12, 45, 32, 16, 6, 2}},
               {"tokenizer", {1, 1, 21, 45, 6, 15, 31, 18, 46, 5, 25, 31, 36, 2}},
               {"wugs", {1, 1, 24, 45, 40, 34, 25, 2}},
               {"Kubernetes", {1, 1, 15, 46, 22, 9, 31, 36, 18, 45, 13, 21, 20, 2}}};
  Model *m = open_model();
  Error err = {0};
  json_t *config = json_read(SHARED_DIR "/weights/bart-g2p/us_bart_config.json", &err);
  json_t *lexicon = json_read(SHARED_DIR "/weights/bart-g2p/us_gold.json", &err);
  const char *letters = json_get_text(config, "grapheme_chars", ""),
             *sounds = json_get_text(config, "phoneme_chars", "");
  int32_t source[MOST] = {BEGIN}, out[MOST], wanted[MOST];
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    const size_t n = spell(letters, words[i].word, source + 1);
    source[n + 1] = END;
    const size_t count = pronounce(m, source, (int32_t)n + 2, out);
    assert_memory_equal(out, words[i].out, count * sizeof *out);
  }
  const char *word;
  json_t *said;
  int tried = 0, right = 0, number = 0;
  json_object_foreach(lexicon, word, said) {
    if (!json_is_string(said) || number++ % 400) continue;
    const size_t n = spell(letters, word, source + 1),
                 m_wanted = spell(sounds, json_string_value(said), wanted);
    source[n + 1] = END;
    const size_t count = pronounce(m, source, (int32_t)n + 2, out);
    right += count == m_wanted + 3 && !memcmp(out + 2, wanted, m_wanted * sizeof *wanted);
    tried++;
  }
  print_message("%d of %d words of the lexicon are pronounced as it says\n", right, tried);
  assert_true(tried > 100 && right * 2 > tried);
  json_decref(lexicon);
  json_decref(config);
  model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(words_and_lexicon)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
