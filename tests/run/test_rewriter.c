/* Texts into texts: what is cut and joined, what stays in order, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/threads.h"
#include "run/rewriter.h"

#include <cmocka.h> /* last: it defines fail() */

/* A network of random weights over single bytes, that reads `context` of them. */
typedef struct Fixture {
  Tokenizer *tokenizer;
  Model *model;
  PairLayout layout;
} Fixture;

static bool nothing(void *self, const char **text, size_t *length, Error *err) {
  return false;
}
static void no_rewind(void *self) {}

static Fixture fixture(const char *task, const char *arch, const char *context) {
  static const SettingTable *const tables[] = {&model_settings_table, &tokenizer_settings_table};
  Settings *s = settings_new(tables, 2);
  TextSource source = {NULL, no_rewind, nothing, 0};
  Error err = {0};
  Config c;
  const char *const chosen[][2] = {
      {"arch", arch}, {"size", "nano"}, {"context", context}, {"tokenizer", "byte"}};
  for (int i = 0; i < 4; i++) assert_true(ink_settings_set(s, chosen[i][0], chosen[i][1], &err));
  NewToken tokens[LAYOUT_TOKENS];
  layout_tokens(task_find(task), false, tokens);
  Fixture f = {.tokenizer = tokenizer_train(&source, settings_part(s, &tokenizer_settings_table), tokens,
                                            &(News){0}, &err)};
  if (!f.tokenizer) fail_msg("%s", err.text);
  assert_true(
      config_from_settings(&c, settings_part(s, &model_settings_table), tokenizer_size(f.tokenizer), &err));
  if (!layout_find(&f.layout, task_find(task), f.tokenizer, c.arch->encodes, c.context, NULL, &err))
    fail_msg("%s", err.text);
  c.decoder_start = f.layout.start;
  f.model = model_new(&c, false);
  params_initialize(f.model->params, 9);
  ink_settings_free(s);
  return f;
}

static void drop(Fixture *f) {
  tokenizer_free(f->tokenizer);
  model_free(f->model);
}

/* What came out, and the inputs it was made of. */
typedef struct Heard {
  Buffer outputs, parts;
  int64_t stop_after; /* outputs; 0: all */
  int64_t count, last, cut, unended;
  int32_t first; /* token of the last output */
  bool spares;
} Heard;

static bool hear(void *user, const ink_output *o) {
  Heard *h = user;
  assert_true(o->input > h->last || (o->input == h->last && o->rank > 0));
  h->last = o->input;
  buffer_addf(&h->outputs, "%d.%d=", (int)o->input, o->rank);
  buffer_add(&h->outputs, o->text, o->length);
  if (o->problem) buffer_adds(&h->outputs, "(problem)");
  h->cut += o->cut;
  h->unended += o->unended;
  buffer_add(&h->outputs, "|", 1);
  return ++h->count != h->stop_after;
}

/* Special tokens are "<>"; [source]prompt. */
static void note_part(void *user, const RewriteRequest *r, const Input *input, const Ids *ids) {
  Heard *h = user;
  const int64_t lengths[] = {input->source_length, input->length};
  const int32_t *const sides[] = {input->source, input->prompt};
  h->first = ids->count ? ids->data[0] : -1;
  for (int side = 0; side < 2; side++) {
    for (int64_t i = 0; i < lengths[side]; i++) {
      size_t length;
      const char *piece = tokenizer_piece(r->tokenizer, sides[side][i], &length);
      if (sides[side][i] < 256 && piece && length == 1)
        buffer_add(&h->parts, piece, 1);
      else
        buffer_add(&h->parts, "<>", 2);
    }
    buffer_add(&h->parts, side ? "\n" : "]", 1);
  }
}

static const SearchSettings greedy = {.beam = 1, .length_penalty = 1, .n_best = 1};
static const SamplingSettings likeliest = {
    .top_k = 1, .top_p = 1, .typical = 1, .repetition_penalty = 1, .temperature = 1, .max_tokens = 4};

static bool rewrite(const Fixture *f, const SearchSettings *search, const char *const *texts, int64_t count,
                    Heard *h, ink_rewritten *done, Error *err) {
  RewriteInput *inputs = calloc((size_t)count, sizeof *inputs);
  Turn *turns = calloc((size_t)count, sizeof *turns);
  for (int64_t i = 0; i < count; i++) {
    turns[i] = (Turn){ROLE_USER, texts[i], strlen(texts[i]), NULL};
    inputs[i] = (RewriteInput){&turns[i], 1};
  }
  const RewriteRequest r = {.model = f->model,
                            .never = f->layout.pad,
                            .tokenizer = f->tokenizer,
                            .layout = &f->layout,
                            .search = search,
                            .sampling = &likeliest,
                            .max_tokens = 4,
                            .listener = hear,
                            .user = h,
                            .on_part = note_part,
                            .part_user = h,
                            .errors_per_text = h->spares};
  *done = (ink_rewritten){0};
  *h = (Heard){.stop_after = h->stop_after, .spares = h->spares, .last = -1};
  const bool ok = rewriter_run(&r, inputs, count, done, err);
  buffer_adds(&h->outputs, "");
  buffer_adds(&h->parts, "");
  free(inputs);
  free(turns);
  return ok;
}

static void forget(Heard *h) {
  buffer_free(&h->outputs);
  buffer_free(&h->parts);
}

/* What a text gives does not depend on those beside it, and blank ones stay. */
static void order_and_company(void **state) {
  static const char *const texts[] = {"A longer one of them", "", "b", " \t ", "middle one"};
  static const char *const archs[] = {"marian", "llama", "seq2seq"};
  for (int a = 0; a < 3; a++) {
    Fixture f = fixture("translate", archs[a], "64");
    Heard all = {0}, one = {0};
    Buffer single = {0};
    ink_rewritten done;
    Error err = {0};
    if (!rewrite(&f, &greedy, texts, 5, &all, &done, &err)) fail_msg("%s", err.text);
    assert_int_equal(done.split_texts, 0);
    for (int i = 0; i < 5; i++) {
      assert_true(rewrite(&f, &greedy, texts + i, 1, &one, &done, &err));
      buffer_addf(&single, "%d%s", i, one.outputs.data + 1); /* after its number, 0 */
      forget(&one);
    }
    assert_string_equal(all.outputs.data, single.data);
    assert_non_null(strstr(all.outputs.data, "1.0=|"));
    assert_non_null(strstr(all.outputs.data, "3.0=|"));
    buffer_free(&single);
    forget(&all);
    drop(&f);
  }
}

/* An output of the maximum length without an end says so; one that ends does not. */
static void what_has_no_end_says_so(void **state) {
  static const SearchSettings beams = {.beam = 3, .length_penalty = 1, .n_best = 1},
                              draws = {.beam = 1, .n_best = 1, .sample = true},
                              several = {.beam = 3, .length_penalty = 1, .n_best = 3};
  static const SearchSettings *const ways[] = {&greedy, &beams, &draws, &several};
  static const char *const texts[] = {"one", "", "another"};
  for (int i = 0; i < 4; i++) {
    Fixture f = fixture("translate", "marian", "64");
    Heard h = {0};
    ink_rewritten done;
    Error err = {0};
    assert_true(rewrite(&f, ways[i], texts, 3, &h, &done, &err));
    assert_true(h.unended == 2 * ways[i]->n_best && done.unended_outputs == h.unended);
    if (ways[i] == &several) {
      forget(&h);
      drop(&f);
      continue;
    }
    token_set_add(&f.model->config.ends, h.first);
    forget(&h);
    assert_true(rewrite(&f, ways[i], texts + 2, 1, &h, &done, &err));
    assert_true(h.unended == 0 && done.unended_outputs == 0);
    forget(&h);
    drop(&f);
  }
}

/* Of 32 tokens 29 are the source's: whole sentences as many as fit; one too long is cut amid, at characters.
 */
static void long_texts_are_cut_at_sentences(void **state) {
  Fixture f = fixture("translate", "marian", "32");
  static const char *const sentences[] = {"One is here. Two is here. Three is here, too."};
  static const char *const chinese[] = {"明月几时有。把酒问青天。不知天上宫阙。"};
  static const char *const endless[] = {"明月几时有把酒问青天不知天上宫阙"};
  Heard h = {0};
  ink_rewritten done;
  Error err = {0};
  assert_true(rewrite(&f, &greedy, sentences, 1, &h, &done, &err));
  assert_string_equal(h.parts.data, "One is here. Two is here.<>]<>\nThree is here, too.<>]<>\n");
  assert_int_equal(done.split_texts, 1);
  assert_int_equal(done.cut_sentences, 0);
  forget(&h);
  assert_true(rewrite(&f, &greedy, chinese, 1, &h, &done, &err));
  assert_string_equal(h.parts.data, "明月几时有。<>]<>\n把酒问青天。<>]<>\n不知天上宫阙。<>]<>\n");
  forget(&h);
  assert_true(rewrite(&f, &greedy, endless, 1, &h, &done, &err));
  assert_string_equal(h.parts.data, "明月几时有把酒问<>]<>\n青天不知天上宫阙<>]<>\n");
  assert_int_equal(done.cut_sentences, 1);
  forget(&h);
  drop(&f);
}

/* The joined outputs have between them what was between their sources. */
static void parts_are_joined_as_they_stood(void **state) {
  Fixture f = fixture("translate", "marian", "32");
  static const char *const texts[] = {"One is here. Two is here.\n\nThree is here, too.",
                                      "One is here. Two is here.", "Three is here, too."};
  Heard joined = {0}, apart = {0};
  Buffer wanted = {0};
  ink_rewritten done;
  Error err = {0};
  assert_true(rewrite(&f, &greedy, texts, 1, &joined, &done, &err));
  assert_true(rewrite(&f, &greedy, texts + 1, 2, &apart, &done, &err));
  char *bar = strchr(apart.outputs.data, '|');
  buffer_add(&wanted, apart.outputs.data, (size_t)(bar - apart.outputs.data));
  buffer_addf(&wanted, "\n\n%s", bar + 1 + strlen("1.0="));
  assert_string_equal(joined.outputs.data, wanted.data);
  buffer_free(&wanted);
  forget(&joined);
  forget(&apart);
  drop(&f);
}

static void several_for_each_best_first(void **state) {
  Fixture f = fixture("translate", "llama", "64");
  static const char *const texts[] = {"one", "two"};
  const SearchSettings three = {.beam = 3, .length_penalty = 1, .n_best = 3};
  Heard h = {0};
  ink_rewritten done;
  Error err = {0};
  assert_true(rewrite(&f, &three, texts, 2, &h, &done, &err));
  assert_int_equal(h.count, 6);
  forget(&h);
  h.stop_after = 2; /* a listener that has enough */
  assert_true(rewrite(&f, &three, texts, 2, &h, &done, &err));
  assert_int_equal(h.count, 2);
  forget(&h);
  drop(&f);
}

static bool reply_to(const Fixture *f, const Turn *turns, size_t count, Heard *h, ink_rewritten *done,
                     Error *err) {
  const RewriteInput input = {turns, count};
  const RewriteRequest r = {.model = f->model,
                            .never = f->layout.pad,
                            .tokenizer = f->tokenizer,
                            .layout = &f->layout,
                            .search = &greedy,
                            .max_tokens = 4,
                            .listener = hear,
                            .user = h,
                            .on_part = note_part,
                            .part_user = h};
  *done = (ink_rewritten){0};
  *h = (Heard){.last = -1};
  const bool ok = rewriter_run(&r, &input, 1, done, err);
  buffer_adds(&h->parts, "");
  return ok;
}

/* Of a conversation the oldest turns go first, then the beginning of the newest. */
static void conversations_lose_their_beginning(void **state) {
  Fixture f = fixture("reply", "llama", "64");
  const Turn turns[] = {{ROLE_USER, "first thing", 11, NULL},
                        {ROLE_ASSISTANT, "second thing", 12, NULL},
                        {ROLE_USER, "third thing", 11, NULL}};
  static const char endless[] = "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghijkl";
  const Turn long_turn = {ROLE_USER, endless, sizeof endless - 1, NULL};
  Heard h;
  ink_rewritten done;
  Error err = {0};
  assert_true(reply_to(&f, turns, 3, &h, &done, &err));
  assert_string_equal(h.parts.data, "]<>second thing<><>third thing<><>\n");
  assert_int_equal(done.dropped_turns, 1);
  forget(&h);
  assert_true(reply_to(&f, turns, 1, &h, &done, &err));
  assert_string_equal(h.parts.data, "]<>first thing<><>\n");
  assert_int_equal(done.dropped_turns, 0);
  forget(&h);
  assert_true(reply_to(&f, &long_turn, 1, &h, &done, &err));
  assert_non_null(strstr(h.parts.data, "xyz abcdefghijkl<><>\n"));
  assert_int_equal(h.cut, 1);
  forget(&h);
  drop(&f);
}

/* Of a last turn too long by itself the last sentences that fit are read, in Chinese, too. */
static void a_long_turn_loses_its_beginning(void **state) {
  Fixture f = fixture("reply", "llama", "64");
  static const struct {
    const char *text, *read;
  } cases[] = {{"My first is here, and long enough. My second is here. And this is the third. Why?",
                "]<>My second is here. And this is the third. Why?<><>\n"},
               {"明月几时有。把酒问青天。不知天上宫阙。今夕是何年？",
                "]<>把酒问青天。不知天上宫阙。今夕是何年？<><>\n"}};
  for (int i = 0; i < 2; i++) {
    const Turn turns[] = {{ROLE_USER, "before", 6, NULL},
                          {ROLE_ASSISTANT, "between", 7, NULL},
                          {ROLE_USER, cases[i].text, strlen(cases[i].text), NULL}};
    Heard h;
    ink_rewritten done;
    Error err = {0};
    assert_true(reply_to(&f, turns, 3, &h, &done, &err));
    assert_string_equal(h.parts.data, cases[i].read);
    assert_int_equal(h.cut, 1);
    assert_int_equal(done.dropped_turns, 2);
    forget(&h);
  }
  drop(&f);
}

/* One character that the tokenizer's normalizer makes many of. */
static void what_cannot_be_cut_is_refused(void **state) {
  Fixture f = fixture("translate", "marian", "32");
  f.layout.source_time = 4;
  static const char *const texts[] = {"abcdef"};
  Heard h = {0};
  ink_rewritten done;
  Error err = {0};
  assert_false(rewrite(&f, &greedy, texts, 1, &h, &done, &err));
  assert_non_null(strstr(err.text, "cannot be split further"));
  forget(&h);
  drop(&f);
}

/* Where the request spares the others, such a text costs itself only. */
static void one_bad_text_costs_itself(void **state) {
  Fixture f = fixture("translate", "marian", "32");
  static const char *const texts[] = {"ab", "abcdef", "ab", ""};
  Heard h = {.spares = true}, alone = {0};
  ink_rewritten done;
  Error err = {0};
  f.layout.source_time = 4;
  assert_true(rewrite(&f, &greedy, texts, 1, &alone, &done, &err));
  assert_true(rewrite(&f, &greedy, texts, 4, &h, &done, &err));
  Buffer wanted = {0};
  buffer_addf(&wanted, "%s1.0=(problem)|2%s3.0=|", alone.outputs.data, alone.outputs.data + 1);
  assert_string_equal(h.outputs.data, wanted.data);
  buffer_free(&wanted);
  forget(&h);
  forget(&alone);
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_and_company),
      cmocka_unit_test(what_has_no_end_says_so),
      cmocka_unit_test(long_texts_are_cut_at_sentences),
      cmocka_unit_test(parts_are_joined_as_they_stood),
      cmocka_unit_test(several_for_each_best_first),
      cmocka_unit_test(conversations_lose_their_beginning),
      cmocka_unit_test(what_cannot_be_cut_is_refused),
      cmocka_unit_test(a_long_turn_loses_its_beginning),
      cmocka_unit_test(one_bad_text_costs_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
