/* What config.json means: class defaults of what it leaves out (test_config.py compares them with
 * transformers), other names, and what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/scratch.h"
#include "models/model.h"

#include <cmocka.h> /* last: it defines fail() */

static bool parsed(Config *c, const char *text, Error *err) {
  const char *path = in_scratch("config.json");
  *err = (Error){0};
  assert_true(file_replace(path, text, strlen(text), err));
  return config_read(c, path, err);
}

/* What is read, as config_write spells it. */
static void expect(const char *text, const char *const *members) {
  Config c;
  Error err;
  if (!parsed(&c, text, &err)) fail_msg("%s: %s", text, err.text);
  const char *path = in_scratch("written.json");
  assert_true(config_write(&c, path, &err));
  json_t *json = json_read(path, &err);
  for (; *members; members += 2) {
    char *value = json_text(json_object_get(json, members[0]), JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    if (strcmp(value, members[1])) fail_msg("%s: %s is %s, not %s", text, members[0], value, members[1]);
    mem_free(value);
  }
  json_decref(json);
}
#define EXPECT(text, ...) expect(text, (const char *const[]){__VA_ARGS__, NULL})

static void what_is_left_out_is_as_in_the_class(void **state) {
  (void)state;
  EXPECT("{\"model_type\": \"llama\"}", "vocab_size", "32000", "num_hidden_layers", "32", "hidden_size",
         "4096", "num_attention_heads", "32", "num_key_value_heads", "32", "head_dim", "128",
         "intermediate_size", "11008", "max_position_embeddings", "2048", "tie_word_embeddings", "false",
         "attention_bias", "false", "mlp_bias", "false", "bos_token_id", "1", "eos_token_id", "2",
         "pad_token_id", "null", "rope_theta", "10000.0");
  EXPECT("{\"model_type\": \"gpt2\"}", "vocab_size", "50257", "n_layer", "12", "n_embd", "768", "n_head",
         "12", "n_inner", "3072", "n_positions", "1024", "tie_word_embeddings", "true", "bos_token_id",
         "50256", "eos_token_id", "50256", "pad_token_id", "null");
  EXPECT("{\"model_type\": \"marian\"}", "vocab_size", "58101", "decoder_layers", "12", "encoder_layers",
         "12", "d_model", "1024", "decoder_attention_heads", "16", "encoder_attention_heads", "16",
         "decoder_ffn_dim", "4096", "encoder_ffn_dim", "4096", "max_position_embeddings", "1024",
         "scale_embedding", "false", "decoder_start_token_id", "58100", "pad_token_id", "58100",
         "eos_token_id", "0", "bos_token_id", "null", "activation_function", "\"gelu\"");
  EXPECT("{\"model_type\": \"bart\"}", "vocab_size", "50265", "decoder_start_token_id", "2", "pad_token_id",
         "1", "eos_token_id", "2", "bos_token_id", "0");
  EXPECT("{\"model_type\": \"glm\", \"eos_token_id\": null}", "eos_token_id", "[151329, 151336, 151338]",
         "partial_rotary_factor", "0.5", "attention_bias", "true");
  EXPECT("{\"model_type\": \"glm\", \"vocab_size\": 300}", "eos_token_id", "null", "pad_token_id", "null");
  /* layers with a window keep their theta: the older form says so */
  EXPECT("{\"model_type\": \"olmo3\", \"rope_theta\": 300}", "rope_theta", "300.0", "rope_scaling", "null");
  EXPECT("{\"model_type\": \"falcon\"}", "num_kv_heads", "null", "multi_query", "true", "ffn_hidden_size",
         "18176", "num_ln_in_parallel_attn", "null");
  EXPECT("{\"model_type\": \"falcon\", \"new_decoder_architecture\": true, \"num_kv_heads\": 1}",
         "num_kv_heads", "1", "num_ln_in_parallel_attn", "2");
  EXPECT(
      "{\"model_type\": \"gpt_neo\", \"num_layers\": 3, \"attention_types\": [[[\"local\"], 1], "
      "[[\"global\"], 2]]}",
      "attention_types", "[[[\"local\", \"global\", \"global\"], 1]]");
  EXPECT("{\"model_type\": \"t5\", \"tie_word_embeddings\": false, \"feed_forward_proj\": \"gated-gelu\"}",
         "scale_decoder_outputs", "false", "tie_word_embeddings", "false", "dense_act_fn", "\"gelu_new\"",
         "is_gated_act", "true");
  EXPECT("{\"model_type\": \"umt5\", \"scale_decoder_outputs\": false}", "scale_decoder_outputs", "false");
  EXPECT("{\"model_type\": \"mt5\", \"tie_word_embeddings\": false}", "tie_word_embeddings", "true");
  EXPECT("{\"model_type\": \"mbart\"}", "decoder_start_token_id", "0", "pad_token_id", "1", "eos_token_id",
         "2");
}

static void null_and_other_names(void **state) {
  (void)state;
  EXPECT("{\"model_type\": \"llama\", \"bos_token_id\": null, \"eos_token_id\": [7, 8], \"head_dim\": null}",
         "bos_token_id", "null", "eos_token_id", "[7, 8]", "head_dim", "128");
  EXPECT("{\"model_type\": \"gpt2\", \"n_embd\": 96, \"hidden_size\": 120, \"num_hidden_layers\": 2}",
         "n_embd", "120", "n_layer", "2");
  EXPECT("{\"model_type\": \"bart\", \"encoder_layers\": 6, \"num_hidden_layers\": 3}", "encoder_layers",
         "3");
  EXPECT(
      "{\"model_type\": \"llama\", \"rope_theta\": 5.0, \"rope_parameters\": {\"rope_theta\": 7.0}, "
      "\"rope_scaling\": {\"rope_type\": \"default\"}}",
      "rope_theta", "5.0");
  /* a default that a small vocabulary does not have is a token that never comes */
  EXPECT("{\"model_type\": \"gpt2\", \"vocab_size\": 300}", "eos_token_id", "null", "bos_token_id", "null");
}

/* What is computed from other keys is written as a number; a dynamic context grows by the factor. */
static void rotary_positions_are_as_in_the_class(void **state) {
  (void)state;
  EXPECT(
      "{\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4,"
      " \"original_max_position_embeddings\": 512}}",
      "rope_scaling",
      "{\"rope_type\": \"yarn\", \"factor\": 4.0, \"beta_fast\": 32.0, \"beta_slow\": 1.0, \"truncate\": "
      "true, "
      "\"attention_factor\": 1.13863, \"original_max_position_embeddings\": 512}");
  EXPECT(
      "{\"model_type\": \"phi3\", \"hidden_size\": 64, \"original_max_position_embeddings\": 1024, "
      "\"rope_scaling\": "
      "{\"rope_type\": \"su\", \"original_max_position_embeddings\": 99, \"short_factor\": [1], "
      "\"long_factor\": [2]}}",
      "rope_scaling",
      "{\"rope_type\": \"longrope\", \"factor\": 4.0, \"short_factor\": [1.0], \"long_factor\": [2.0], "
      "\"attention_factor\": 1.09545, \"original_max_position_embeddings\": 1024}",
      "original_max_position_embeddings", "1024");
  EXPECT(
      "{\"model_type\": \"llama\", \"max_position_embeddings\": 99, \"rope_scaling\": {\"type\": "
      "\"dynamic\", "
      "\"factor\": 2.0}}",
      "max_position_embeddings", "99", "rope_scaling", "{\"rope_type\": \"dynamic\", \"factor\": 2.0}");
  EXPECT("{\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8.0}}",
         "rope_scaling",
         "{\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
         "\"original_max_position_embeddings\": 2048}");
}

static void known_keys_change_nothing(void **state) {
  (void)state;
  EXPECT(
      "{\"model_type\": \"llama\", \"use_cache\": false, \"pretraining_tp\": 2, \"_name_or_path\": \"x\", "
      "\"temperature\": 0.5, \"no_such_thing\": null, \"letters\": \"a b c\", \"hidden_act\": \"silu\"}",
      "vocab_size", "32000");
  EXPECT("{\"model_type\": \"gpt2\", \"scale_attn_weights\": true, \"pruned_heads\": {}}", "vocab_size",
         "50257");
}

static void windows_of_layers_are_as_in_the_class(void **state) {
  (void)state;
  static const struct {
    const char *text, *windowed;
  } cases[] = {
      {"{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 8}", "11111011"},
      {"{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 8, \"sliding_window_pattern\": 2}",
       "10101010"},
      {"{\"model_type\": \"qwen3\", \"num_hidden_layers\": 4}", "0000"},
      {"{\"model_type\": \"qwen3\", \"num_hidden_layers\": 4, \"max_window_layers\": 3,"
       " \"use_sliding_window\": true}",
       "0001"},
      {"{\"model_type\": \"qwen3\", \"num_hidden_layers\": 2, \"use_sliding_window\": true,"
       " \"layer_types\": [\"sliding_attention\", \"full_attention\"]}",
       "10"},
      {"{\"model_type\": \"exaone4\", \"num_hidden_layers\": 9}", "111011101"},
      {"{\"model_type\": \"exaone4\", \"num_hidden_layers\": 4, \"sliding_window_pattern\": 2}", "1010"},
      {"{\"model_type\": \"exaone4\", \"num_hidden_layers\": 4, \"sliding_window\": null}", "0000"},
      {"{\"model_type\": \"exaone4\", \"num_hidden_layers\": 2, \"sliding_window_pattern\": \"LG\","
       " \"layer_types\": [\"full_attention\", \"sliding_attention\"]}",
       "01"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Config c;
    Error err;
    if (!parsed(&c, cases[i].text, &err)) fail_msg("%s", err.text);
    for (int64_t layer = 0; layer < c.layers; layer++)
      assert_int_equal(layer_set_has(&c.windowed, layer), cases[i].windowed[layer] == '1');
  }
}

static const char *const refused[][3] = {
    {"gpt2", "\"scale_attn_by_inverse_layer_idx\": true", "scale_attn_by_inverse_layer_idx"},
    {"gpt2", "\"scale_attn_weights\": false", "scale_attn_weights"},
    {"gpt2", "\"add_cross_attention\": true", "add_cross_attention"},
    {"gpt2", "\"activation_function\": \"relu\"", "activation_function"},
    {"gpt2", "\"pruned_heads\": {\"0\": [1]}", "pruned_heads"},
    {"gpt2", "\"vocab_size\": 300, \"eos_token_id\": 300", "eos_token_id"},
    {"gpt2", "\"vocab_size\": 300, \"pad_token_id\": 4000000000", "pad_token_id"},
    {"gpt2", "\"vocab_size\": 300, \"bos_token_id\": -2", "bos_token_id"},
    {"llama", "\"vocab_size\": 2000000000", "vocabulary is 2000000000"},
    {"llama", "\"hidden_size\": -64", "hidden_size"},
    {"gpt2", "\"eos_token_id\": \"</s>\"", "eos_token_id"},
    {"gpt2", "\"eos_token_id\": []", "eos_token_id"},
    {"llama", "\"hidden_act\": \"gelu\"", "hidden_act"},
    {"llama", "\"rope_theta\": -1", "rope_theta is -1"},
    {"llama", "\"rope_theta\": 0", "rope_theta is 0"},
    {"llama", "\"rms_norm_eps\": -1", "rms_norm_eps is -1"},
    {"gpt2", "\"layer_norm_epsilon\": -2", "layer_norm_epsilon is -2"},
    {"gemma2", "\"final_logit_softcapping\": -30", "final_logit_softcapping is -30"},
    {"llama", "\"sliding_window\": 64", "sliding_window"},
    {"llama", "\"quantization_config\": {\"bits\": 4}", "quantization_config"},
    {"llama", "\"attention_multiplier\": 0.5", "attention_multiplier"},
    {"llama", "\"layer_norm_type\": \"rms\"", "layer_norm_type"},
    {"llama", "\"is_encoder_decoder\": true", "is_encoder_decoder"},
    {"llama", "\"hidden_size\": null", "hidden_size"},
    {"llama", "\"partial_rotary_factor\": 0.5", "partial_rotary_factor"},
    {"llama", "\"rope_parameters\": {\"partial_rotary_factor\": 0.5}", "partial_rotary_factor"},
    {"llama", "\"rope_scaling\": {\"type\": \"ntk\", \"factor\": 2.0}", "ntk"},
    {"llama", "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 1e5}", "context"},
    {"llama", "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"beta_fast\": 0.5}", "beta_fast"},
    {"llama", "\"rope_theta\": 1, \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}", "rope_theta"},
    {"phi3", "\"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 2], \"long_factor\": [1]}",
     "long_factor"},
    {"phi3", "\"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 0], \"long_factor\": [1, 1]}",
     "short_factor"},
    {"phi3", "\"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 2], \"long_factor\": [1, 1]}",
     "short_factor"},
    {"llama", "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}", "factor"},
    {"llama", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4}",
     "llama3"},
    {"qwen3", "\"num_hidden_layers\": 1, \"layer_types\": [\"sliding_attention\"]", "sliding_window"},
    {"qwen3", "\"num_hidden_layers\": 2, \"layer_types\": [\"full_attention\"]", "layer_types"},
    {"qwen3", "\"num_hidden_layers\": 1, \"layer_types\": [\"linear_attention\"]", "layer_types"},
    {"qwen3", "\"head_dim\": null", "head_dim"},
    {"gemma3_text", "\"hidden_activation\": \"silu\"", "hidden_activation"},
    {"gemma3_text", "\"attn_logit_softcapping\": 50.0", "attn_logit_softcapping"},
    {"gemma3_text", "\"use_bidirectional_attention\": true", "use_bidirectional_attention"},
    {"gemma3_text", "\"sliding_window_pattern\": 0", "sliding_window_pattern"},
    {"stablelm", "\"partial_rotary_factor\": 0", "partial_rotary_factor is 0"},
    {"gpt_neox", "\"rotary_pct\": 1.5", "rotary_pct is 1.5"},
    {"gptj", "\"rotary_dim\": 0", "rotary_dim"},
    {"gptj", "\"rotary_dim\": 258", "rotary_dim"},
    {"gptj", "\"rotary_dim\": null", "rotary_dim"},
    {"gptj", "\"rope_theta\": 500", "rope_theta"},
    {"olmo", "\"clip_qkv\": 8.0", "clip_qkv"},
    {"cohere2", "\"sliding_window\": null", "sliding_window"},
    {"cohere2", "\"sliding_window_pattern\": 0", "sliding_window_pattern"},
    {"olmo3", "\"sliding_window\": null", "sliding_window"},
    {"helium", "\"head_dim\": 64", "head"},
    {"arcee", "\"hidden_act\": \"silu\"", "hidden_act"},
    {"opt", "\"_remove_final_layer_norm\": true", "_remove_final_layer_norm"},
    {"opt", "\"activation_function\": \"silu\"", "activation_function"},
    {"gpt_neo", "\"num_layers\": 3", "attention_types"},
    {"gpt_neo", "\"attention_types\": [[[\"global\", \"near\"], 12]]", "attention_types"},
    {"gpt_neo", "\"attention_types\": [[[\"global\"], 25]]", "attention_types"},
    {"gpt_neo", "\"attention_types\": [[[\"global\"], 23]]", "attention_types"},
    {"gpt_neo", "\"attention_types\": {}", "attention_types"},
    {"gpt_neo", "\"window_size\": 0", "window_size"},
    {"bloom", "\"apply_residual_connection_post_layernorm\": true", "apply_residual"},
    {"rwkv7", "\"attn\": {\"layers\": [0]}", "attn"},
    {"rwkv7", "\"value_dim\": [64]", "value_dim"},
    {"rwkv7", "\"hidden_ratio\": -1", "hidden_ratio"},
    {"rwkv7", "\"head_dim\": 60", "divided"},
    {"rwkv7", "\"head_dim\": 1024", "1024"},
    {"rwkv7", "\"norm_bias\": false", "norm_bias"},
    {"rwkv7", "\"v_low_rank_dim\": 100000", "v_low_rank_dim"},
    {"mpt", "\"no_bias\": false", "no_bias"},
    {"mpt", "\"logit_scale\": \"inv_sqrt_d_model\"", "logit_scale"},
    {"mpt", "\"attn_config\": []", "attn_config"},
    {"mpt", "\"attn_config\": {\"alibi\": false}", "alibi"},
    {"mpt", "\"attn_config\": {\"clip_qkv\": 6}", "clip_qkv"},
    {"mpt", "\"attn_config\": {\"softmax_scale\": 0}", "softmax_scale"},
    {"mpt", "\"attn_config\": {\"vocab_size\": 6}", "vocab_size"},
    {"falcon", "\"new_decoder_architecture\": true, \"parallel_attn\": false", "parallel_attn"},
    {"falcon", "\"num_ln_in_parallel_attn\": 2", "num_ln_in_parallel_attn"},
    {"falcon", "\"multi_query\": false, \"num_kv_heads\": 1", "num_kv_heads"},
    {"falcon", "\"activation\": \"relu\"", "activation"},
    {"exaone4", "\"sliding_window_pattern\": \"LLLG\"", "sliding_window_pattern"},
    {"exaone4", "\"sliding_window_pattern\": 0", "sliding_window_pattern"},
    {"exaone4", "\"sliding_window\": 0", "sliding_window"},
    {"bart", "\"tie_word_embeddings\": false", "tie_word_embeddings"},
    {"marian", "\"is_decoder\": true", "is_decoder"},
    {"m2m_100", "\"pad_token_id\": null", "pad_token_id"},
    {"t5", "\"feed_forward_proj\": \"gated-tanh\"", "tanh"},
    {"t5", "\"relative_attention_num_buckets\": 6", "relative_attention_num_buckets"},
    {"umt5", "\"relative_attention_max_distance\": 16", "relative_attention_max_distance"},
    {"marian", "\"prefix\": \"translate\"", "prefix"},
};

static void what_would_change_results_is_refused_by_name(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    char text[256];
    Config c;
    Error err;
    snprintf(text, sizeof text, "{\"model_type\": \"%s\", %s}", refused[i][0], refused[i][1]);
    if (parsed(&c, text, &err)) fail_msg("%s is accepted", text);
    if (!strstr(err.text, refused[i][2]) || !strstr(err.text, "config.json"))
      fail_msg("%s: %s", text, err.text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_left_out_is_as_in_the_class, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(null_and_other_names, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(rotary_positions_are_as_in_the_class, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(known_keys_change_nothing, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(windows_of_layers_are_as_in_the_class, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(what_would_change_results_is_refused_by_name, scratch_open,
                                      scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
