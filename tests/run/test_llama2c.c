/* Models of llama2.c compute what the model does whose weights they hold: those made here, and the real ones
 * of ../shared/weights beside the GGUF file of the same weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "io/llama2c_files.h"
#include "run/bundle.h"
#include "run/session.h"

#include <cmocka.h> /* last: it defines fail() */

enum { TIME = 5 };
static const int32_t tokens[TIME] = {1, 259, 7, 264, 263};

static const Exported exported = {16, 12, 2, 4, 2, EXPORTED_VOCABULARY, 8, 0, true, 10000};

static Model *model_of(const Exported *of) {
  Error err = {0};
  Config c;
  json_t *json = json_build("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:b}", "model_type", "llama",
                            "hidden_size", of->width, "intermediate_size", of->ffn, "num_hidden_layers",
                            of->layers, "num_attention_heads", of->heads, "num_key_value_heads", of->kv_heads,
                            "vocab_size", of->vocabulary, "max_position_embeddings", of->context,
                            "rms_norm_eps", 1e-5, "tie_word_embeddings", (int)of->tied);
  if (!config_from_json(&c, json, "config.json", &err)) fail_msg("%s", err.text);
  json_decref(json);
  Model *m = model_new(&c, false);
  params_initialize(m->params, 3);
  for (int64_t i = 0; i < params_length(m->params); i++)
    params_values(m->params)[i] *= 8; /* no zero scores */
  return m;
}

/* Parameters by llama2.c's names of them. */
static const char *const names[][2] = {{"tok_embeddings", "model.embed_tokens.weight"},
                                       {"norm", "model.norm.weight"},
                                       {"output", "lm_head.weight"},
                                       {"attention_norm", "model.layers.%d.input_layernorm.weight"},
                                       {"ffn_norm", "model.layers.%d.post_attention_layernorm.weight"},
                                       {"wq", "model.layers.%d.self_attn.q_proj.weight"},
                                       {"wk", "model.layers.%d.self_attn.k_proj.weight"},
                                       {"wv", "model.layers.%d.self_attn.v_proj.weight"},
                                       {"wo", "model.layers.%d.self_attn.o_proj.weight"},
                                       {"w1", "model.layers.%d.mlp.gate_proj.weight"},
                                       {"w2", "model.layers.%d.mlp.down_proj.weight"},
                                       {"w3", "model.layers.%d.mlp.up_proj.weight"}};

/* As llama2.c has them: rows i and i + half of a head become neighbours. */
static void values_of(void *user, const char *name, int32_t layer, float *out, int64_t rows,
                      int64_t columns) {
  const Model *m = user;
  char parameter[128] = "";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(names[i][0], name)) {
      const char *mark = strstr(names[i][1], "%d");
      const int before = mark ? (int)(mark - names[i][1]) : (int)strlen(names[i][1]);
      snprintf(parameter, sizeof parameter, "%.*s", before, names[i][1]);
      if (mark) snprintf(parameter + before, sizeof parameter - (size_t)before, "%d%s", layer, mark + 2);
    }
  const Param *p = params_find(m->params, parameter);
  assert_non_null(p);
  assert_int_equal(tensor_count(&p->tensor), rows * columns);
  const float *values = tensor_f32(&p->tensor);
  const bool rotated = !strcmp(name, "wq") || !strcmp(name, "wk");
  const int64_t head = m->config.head_size;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t in = r % head, from = rotated ? r - in + in % 2 * (head / 2) + in / 2 : r;
    memcpy(out + r * columns, values + from * columns, (size_t)columns * sizeof *out);
  }
}

static void write_files(const Exported *of, Model *m) {
  Buffer model = {0}, tokenizer = {0};
  export_model(&(Exporter){of, values_of, m, &model});
  export_tokenizer(&tokenizer, false);
  assert_true(file_replace(in_scratch("m.bin"), model.data, model.length, NULL));
  assert_true(file_replace(in_scratch("tokenizer.bin"), tokenizer.data, tokenizer.length, NULL));
  buffer_free(&model);
  buffer_free(&tokenizer);
}

/* The caller frees with mem_free. */
static float *logits_of(const Model *m) {
  const size_t bytes = (size_t)m->config.vocabulary * sizeof(float);
  Session *s = session_new(m, (StateSize){0});
  float *logits = mem_alloc(bytes);
  memcpy(logits, session_read(s, session_open(s, -1), tokens, TIME), bytes);
  session_free(s);
  return logits;
}

static void expect_same_logits(const Model *a, const Model *b) {
  float *x = logits_of(a), *y = logits_of(b);
  assert_memory_equal(x, y, (size_t)a->config.vocabulary * sizeof *x);
  mem_free(x);
  mem_free(y);
}

static void expect_texts(const Bundle *b) {
  static const int32_t wanted[] = {261, 259, 68 - 'A' + 'z'}; /* " ab", " a", and the byte of a 'z' */
  Ids ids = {0};
  Error err = {0};
  assert_true(tokenizer_encode(b->tokenizer, "ab az", 5, false, &ids, &err));
  assert_int_equal(ids.count, 3);
  assert_memory_equal(ids.data, wanted, sizeof wanted);
  assert_int_equal(bundle_begin(b), 1);
  vec_free(&ids);
}

static void files_hold_their_model(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    Exported of = exported;
    of.version = i / 2;
    of.tied = i % 2;
    Error err = {0};
    Bundle b;
    Model *m = model_of(&of);
    write_files(&of, m);
    if (!bundle_open(&b, in_scratch("m.bin"), NULL, &err)) fail_msg("%s", err.text);
    assert_int_equal(b.model->config.tied, of.tied);
    /* llama2.c stops at the begin token of the next text, its chats at the end token */
    assert_true(token_set_has(&b.model->config.ends, 1) && token_set_has(&b.model->config.ends, 2));
    expect_same_logits(m, b.model);
    expect_texts(&b);
    bundle_close(&b);
    model_free(m);
  }
}

#define REAL SHARED_DIR "/weights/stories260K/stories260K"
static void real_files_are_as_gguf(void **state) {
  (void)state;
  static const char *const files[] = {REAL ".bin", REAL "_v1.bin"};
  Error err = {0};
  Bundle gguf, b;
  if (!file_exists(*files)) {
    print_message("SKIP: %s is not there\n", *files);
    skip();
  }
  if (!bundle_open(&gguf, REAL ".derived-f32.gguf", NULL, &err)) fail_msg("%s", err.text);
  for (size_t i = 0; i < 2; i++) {
    if (!bundle_open(&b, files[i], NULL, &err)) fail_msg("%s", err.text);
    expect_same_logits(gguf.model, b.model);
    assert_true(tokenizer_fingerprint(gguf.tokenizer) == tokenizer_fingerprint(b.tokenizer));
    bundle_close(&b);
  }
  bundle_close(&gguf);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(files_hold_their_model),
      cmocka_unit_test(real_files_are_as_gguf),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
