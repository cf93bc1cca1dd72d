/* Writing with networks of random weights: what a text depends on, and what it does not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/threads.h"
#include "run/session.h"
#include "run/writer.h"
#include "text/tokenizer_impl.h"

#include <cmocka.h> /* last: it defines fail() */

enum { MOST_SAMPLES = 4 };

/* A network of each architecture over single bytes. */
typedef struct Fixture {
  Tokenizer *tokenizer;
  Model *model;
} Fixture;

static bool nothing(void *self, const char **text, size_t *length, Error *err) {
  return false;
}
static void no_rewind(void *self) {}

static Fixture fixture(const char *arch, const char *context) {
  static const SettingTable *const tables[] = {&model_settings_table, &tokenizer_settings_table};
  Settings *s = settings_new(tables, 2);
  TextSource source = {NULL, no_rewind, nothing, 0};
  Error err = {0};
  Config c;
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "size", "nano", &err));
  assert_true(ink_settings_set(s, "context", context, &err));
  assert_true(
      ink_settings_set(s, "tied", "false", &err)); /* tied and untrained, it says the last byte again */
  assert_true(ink_settings_set(s, "tokenizer", "byte", &err));
  Fixture f = {.tokenizer = tokenizer_train(&source, settings_part(s, &tokenizer_settings_table), NULL,
                                            &(News){0}, &err)};
  if (!f.tokenizer) fail_msg("%s", err.text);
  assert_true(
      config_from_settings(&c, settings_part(s, &model_settings_table), tokenizer_size(f.tokenizer), &err));
  f.model = model_new(&c, false);
  params_initialize(f.model->params, 9);
  ink_settings_free(s);
  return f;
}

static void drop(Fixture *f) {
  tokenizer_free(f->tokenizer);
  model_free(f->model);
}

static bool collect(void *texts, const ink_token *token) {
  buffer_add((Buffer *)texts + token->sample, token->text, token->length);
  return true;
}

static SamplingSettings sampling(int64_t samples, int64_t tokens) {
  return (SamplingSettings){.temperature = 1,
                            .top_p = 1,
                            .typical = 1,
                            .repetition_penalty = 1,
                            .ignore_end = true,
                            .samples = samples,
                            .max_tokens = tokens};
}

static ink_written write_texts(const Fixture *f, const SamplingSettings *s, int64_t seed, const char *prompt,
                               Buffer texts[MOST_SAMPLES]) {
  const WriteRequest request = {f->model, f->tokenizer, s, seed, -1, -1, collect, texts, NULL, 0, false};
  ink_written written;
  Error err = {0};
  for (int i = 0; i < MOST_SAMPLES; i++) buffer_clear(&texts[i]);
  if (!writer_run(&request, prompt, strlen(prompt), &written, &err)) fail_msg("%s", err.text);
  return written;
}

static void expect_same(const Buffer *a, const Buffer *b) {
  assert_int_equal(a->length, b->length);
  assert_memory_equal(a->data, b->data, a->length);
}

static void free_texts(Buffer texts[MOST_SAMPLES]) {
  for (int i = 0; i < MOST_SAMPLES; i++) buffer_free(&texts[i]);
}

static const char *const archs[] = {"llama", "gpt2", "lstm", "gru"};

/* The text is a function of model, prompt, settings and seed: not of threads, nor of the texts beside it. */
static void a_text_depends_on_the_seed_alone(void **state) {
  for (int a = 0; a < 4; a++) {
    Fixture f = fixture(archs[a], "64");
    const SamplingSettings one = sampling(1, 40), four = sampling(4, 40);
    Buffer alone[MOST_SAMPLES] = {{0}}, among[MOST_SAMPLES] = {{0}}, other[MOST_SAMPLES] = {{0}};
    threads_set(1);
    write_texts(&f, &one, 7, "ink", alone);
    threads_set(3);
    const ink_written written = write_texts(&f, &four, 7, "ink", among);
    threads_set(0);
    write_texts(&f, &one, 8, "ink", other);
    assert_int_equal(written.prompt_tokens, 3);
    assert_int_equal(written.new_tokens, 4 * 40);
    expect_same(&alone[0], &among[0]);
    assert_memory_not_equal(alone[0].data, other[0].data, 40);
    assert_memory_not_equal(among[0].data, among[1].data, 40);
    free_texts(alone);
    free_texts(among);
    free_texts(other);
    drop(&f);
  }
}

/* What was drawn for each text, and how likely the writer said it is. */
typedef struct Heard {
  Ids ids[MOST_SAMPLES];
  double logprob[MOST_SAMPLES];
} Heard;

static bool hear(void *heard, const ink_token *token) {
  Heard *h = heard;
  if (token->id >= 0) vec_push(&h->ids[token->sample], token->id);
  h->logprob[token->sample] += token->logprob;
  return true;
}

static double log_probability(const float *logits, int64_t n, int32_t id) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += exp((double)logits[i]);
  return (double)logits[id] - log(sum);
}

/* Each of several texts is drawn from what the network says after it, not after another one. */
static void each_text_is_drawn_after_itself(void **state) {
  for (int a = 0; a < 4; a++) {
    Fixture f = fixture(archs[a], "64");
    const SamplingSettings four = sampling(4, 20);
    Heard heard = {0};
    const WriteRequest request = {f.model, f.tokenizer, &four, 3, -1, -1, hear, &heard, NULL, 0, false};
    ink_written written;
    Error err = {0};
    Ids prompt = {0};
    assert_true(writer_run(&request, "ink", 3, &written, &err));
    assert_true(tokenizer_encode(f.tokenizer, "ink", 3, false, &prompt, &err));
    Session *s = session_new(f.model, (StateSize){0});
    for (int i = 0; i < MOST_SAMPLES; i++) {
      const int32_t text = session_open(s, -1);
      const float *logits = session_read(s, text, prompt.data, (int64_t)prompt.count);
      double sum = 0;
      for (size_t t = 0; t < heard.ids[i].count; t++) {
        sum += log_probability(logits, f.model->config.vocabulary, heard.ids[i].data[t]);
        logits = session_read(s, text, &heard.ids[i].data[t], 1);
      }
      assert_int_equal(heard.ids[i].count, 20);
      assert_true(fabs(sum - heard.logprob[i]) < 1e-4);
      vec_free(&heard.ids[i]);
    }
    session_free(s);
    vec_free(&prompt);
    drop(&f);
  }
}

/* Side by side, each text has the whole prompt behind it. */
static void likeliest_texts_are_the_same(void **state) {
  for (int a = 0; a < 4; a++) {
    Fixture f = fixture(archs[a], "64");
    SamplingSettings one = sampling(1, 30), four = sampling(4, 30);
    Buffer alone[MOST_SAMPLES] = {{0}}, among[MOST_SAMPLES] = {{0}};
    one.greedy = four.greedy = true;
    write_texts(&f, &one, 1, "The moon is ", alone);
    write_texts(&f, &four, 1, "The moon is ", among);
    for (int i = 0; i < 4; i++) expect_same(&among[i], &alone[0]);
    free_texts(alone);
    free_texts(among);
    drop(&f);
  }
}

/* Reading a text at once gives what writing it token by token gave. */
static void going_on_from_a_text_is_writing_it(void **state) {
  for (int a = 0; a < 4; a++) {
    Fixture f = fixture(archs[a], "64");
    SamplingSettings s = sampling(1, 30);
    Buffer whole[MOST_SAMPLES] = {{0}}, rest[MOST_SAMPLES] = {{0}};
    s.greedy = true;
    write_texts(&f, &s, 1, "The moon is ", whole);
    char prompt[64] = "The moon is ";
    memcpy(prompt + 12, whole[0].data, 10);
    if (memchr(prompt, '\0', 22)) fail_msg("%s writes a NUL: choose another seed of weights", archs[a]);
    s.max_tokens = 20;
    write_texts(&f, &s, 1, prompt, rest);
    assert_memory_equal(rest[0].data, whole[0].data + 10, 20);
    free_texts(whole);
    free_texts(rest);
    drop(&f);
  }
}

static void a_full_context_is_shifted_and_counted(void **state) {
  static const char *const contexts[] = {"1", "2", "9", "16"};
  for (int i = 0; i < 4; i++) {
    Fixture f = fixture("llama", contexts[i]);
    const SamplingSettings s = sampling(2, 40);
    Buffer texts[MOST_SAMPLES] = {{0}};
    const ink_written written = write_texts(&f, &s, 3, "abcdefghijklmnop", texts);
    const int64_t context = f.model->config.context;
    assert_int_equal(written.new_tokens, 80);
    assert_true(written.shifts >= 40 / context - 1 && written.shifts > 0);
    assert_int_equal(written.dropped_prompt_tokens, 16 - (context - context / 2));
    free_texts(texts);
    drop(&f);
  }
}

/* Of a prompt that is too long the end is what counts. */
static void a_long_prompt_is_read_by_its_end(void **state) {
  Fixture f = fixture("llama", "16");
  SamplingSettings s = sampling(1, 8);
  Buffer whole[MOST_SAMPLES] = {{0}}, end[MOST_SAMPLES] = {{0}};
  s.greedy = true;
  assert_int_equal(write_texts(&f, &s, 1, "Xylophones say: the moon", whole).dropped_prompt_tokens, 16);
  assert_int_equal(write_texts(&f, &s, 1, "the moon", end).dropped_prompt_tokens, 0);
  expect_same(&whole[0], &end[0]);
  free_texts(whole);
  free_texts(end);
  drop(&f);
}

/* After a stop text nothing more is drawn. */
static void a_stop_text_ends(void **state) {
  Fixture f = fixture("llama", "64");
  SamplingSettings s = sampling(1, 40);
  Buffer texts[MOST_SAMPLES] = {{0}};
  write_texts(&f, &s, 3, "ink", texts);
  char stop[3] = {texts[0].data[8], texts[0].data[9], '\0'}, *stops[] = {stop};
  const size_t first = (size_t)((char *)memmem(texts[0].data, texts[0].length, stop, 2) - texts[0].data);
  if (strlen(stop) < 2 || first > 8) fail_msg("it writes a NUL there: choose another seed");
  s.stop = (TextList){stops, 1};
  const ink_written written = write_texts(&f, &s, 3, "ink", texts);
  assert_int_equal(texts[0].length, first);
  assert_int_equal(written.new_tokens, first + 2);
  free_texts(texts);
  drop(&f);
}

static void recurrent_networks_have_no_limit(void **state) {
  Fixture f = fixture("gru", "8");
  const SamplingSettings s = sampling(1, 40);
  Buffer texts[MOST_SAMPLES] = {{0}};
  const ink_written written = write_texts(&f, &s, 3, "abcdefghijklmnop", texts);
  assert_true(written.shifts == 0 && written.dropped_prompt_tokens == 0 && written.new_tokens == 40);
  free_texts(texts);
  drop(&f);
}

static void the_end_token_ends(void **state) {
  Fixture f = fixture("llama", "64");
  SamplingSettings s = sampling(1, 64);
  Buffer texts[MOST_SAMPLES] = {{0}};
  s.greedy = true;
  write_texts(&f, &s, 3, "ink", texts);
  const char *sixth = texts[0].data + 5, *first = memchr(texts[0].data, *sixth, 6);
  const size_t before = (size_t)(first - texts[0].data);
  s.ignore_end = false;
  Ids ids = {0};
  Error err = {0};
  assert_true(tokenizer_encode(f.tokenizer, sixth, 1, false, &ids, &err));
  f.model->config.ends = token_set_of(ids.data[0]); /* this byte ends the text now */
  const ink_written written = write_texts(&f, &s, 3, "ink", texts);
  assert_int_equal(texts[0].length, before);
  assert_int_equal(written.new_tokens, before + 1);
  s.ignore_end = true; /* or not */
  assert_int_equal(write_texts(&f, &s, 3, "ink", texts).new_tokens, 64);
  vec_free(&ids);
  free_texts(texts);
  drop(&f);
}

static bool collect_ids(void *ids, const ink_token *token) {
  if (token->id >= 0) vec_push((Ids *)ids, token->id);
  return true;
}

static bool is_spaced(const Ids *ids) {
  return ids->data[0] == 3 || ids->data[0] == 4; /* of the tokenizer below */
}

/* With spaces as marks, one before every text: the space at the front is none of the text. */
static void a_text_from_nothing_is_what_its_ids_decode_to(void **state) {
  static const char json[] =
      "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"▁\"},"
      "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}]},\"decoder\":{\"type\":"
      "\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},\"content\":\" \"},"
      "{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},\"added_tokens\":"
      "[{\"id\":0,\"content\":\"<s>\",\"special\":true}],\"model\":{\"merges\":[],\"vocab\":{\"<s>\":0,\"▁\":"
      "1,"
      "\"a\":2,\"▁a\":3,\"▁月\":4,\"▁▁\":5,\"<\":6,\"s\":7,\">\":8}}}";
  Fixture f = fixture("llama", "64");
  Error err = {0};
  tokenizer_free(f.tokenizer);
  f.tokenizer = tokenizer_parse(json, sizeof json - 1, "t.json", &err);
  if (!f.tokenizer) fail_msg("%s", err.text);
  Config c = f.model->config;
  c.vocabulary = tokenizer_size(f.tokenizer);
  model_free(f.model);
  f.model = model_new(&c, false);
  params_initialize(f.model->params, 9);
  SamplingSettings s = sampling(1, 12);
  int spaces = 0, spaces_behind = 0;
  for (int64_t seed = 0; seed < 12; seed++) {
    Buffer texts[MOST_SAMPLES] = {{0}}, decoded = {0};
    Ids ids = {0};
    ink_written written;
    const WriteRequest request = {f.model, f.tokenizer, &s, seed, 0, -1, collect_ids, &ids, NULL, 0, false};
    assert_true(writer_run(&request, "", 0, &written, &err));
    assert_true(tokenizer_decode(f.tokenizer, ids.data, ids.count, false, &decoded, &err));
    const WriteRequest again = {f.model, f.tokenizer, &s, seed, 0, -1, collect, texts, NULL, 0, false};
    assert_true(writer_run(&again, "", 0, &written, &err));
    expect_same(&texts[0], &decoded);
    if (is_spaced(&ids)) assert_true(texts[0].data[0] != ' ');
    spaces += is_spaced(&ids);
    ids.count = 0;
    buffer_clear(&texts[0]);
    assert_true(writer_run(&request, "a", 1, &written, &err) && writer_run(&again, "a", 1, &written, &err));
    if (is_spaced(&ids)) assert_true(texts[0].data[0] == ' '); /* behind a text, the space is one */
    spaces_behind += is_spaced(&ids);
    vec_free(&ids);
    buffer_free(&decoded);
    free_texts(texts);
  }
  assert_true(spaces > 1 && spaces_behind > 1);
  drop(&f);
}

/* Letters, unless asked for; then a begin that is spelled is not given twice. */
static void special_tokens_of_a_prompt(void **state) {
  Fixture f = fixture("llama", "64");
  SamplingSettings s = sampling(1, 4);
  Buffer texts[MOST_SAMPLES] = {{0}};
  const int32_t end = tokenizer_end(f.tokenizer);
  WriteRequest request = {f.model, f.tokenizer, &s, 1, end, -1, collect, texts, NULL, 0, false};
  static const char prompt[] = "<|endoftext|>ink";
  ink_written written;
  Error err = {0};
  assert_true(writer_run(&request, prompt, strlen(prompt), &written, &err));
  assert_int_equal(written.prompt_tokens, 1 + strlen(prompt));
  assert_string_equal(written.special_token, "<|endoftext|>");
  s.special_tokens = true;
  assert_true(writer_run(&request, prompt, strlen(prompt), &written, &err));
  assert_int_equal(written.prompt_tokens, 4);
  assert_null(written.special_token);
  request.begin = -1;
  assert_true(writer_run(&request, prompt, strlen(prompt), &written, &err));
  assert_int_equal(written.prompt_tokens, 4);
  s.special_tokens = false;
  assert_true(writer_run(&request, "ink", 3, &written, &err));
  assert_null(written.special_token);
  free_texts(texts);
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_depends_on_the_seed_alone),
      cmocka_unit_test(each_text_is_drawn_after_itself),
      cmocka_unit_test(likeliest_texts_are_the_same),
      cmocka_unit_test(going_on_from_a_text_is_writing_it),
      cmocka_unit_test(a_full_context_is_shifted_and_counted),
      cmocka_unit_test(a_long_prompt_is_read_by_its_end),
      cmocka_unit_test(a_stop_text_ends),
      cmocka_unit_test(recurrent_networks_have_no_limit),
      cmocka_unit_test(the_end_token_ends),
      cmocka_unit_test(a_text_from_nothing_is_what_its_ids_decode_to),
      cmocka_unit_test(special_tokens_of_a_prompt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
