/* gguf_bytes.h - GGUF files for tests: pieces put together, with what is to be wrong in them. */
#ifndef TESTS_GGUF_BYTES_H
#define TESTS_GGUF_BYTES_H

#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "io/gguf.h"

static inline void put_number(Buffer *b, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) buffer_add(b, &(char){(char)(value >> 8 * i)}, 1);
}
static inline void put_text(Buffer *b, const char *text) {
  put_number(b, strlen(text), 8);
  buffer_adds(b, text);
}
static inline void put_key(Buffer *b, const char *key, GgufType type) {
  put_text(b, key);
  put_number(b, type, 4);
}
static inline void put_count(Buffer *b, const char *key, uint32_t value) {
  put_key(b, key, GGUF_U32);
  put_number(b, value, 4);
}
static inline void put_real(Buffer *b, const char *key, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(b, key, GGUF_F32);
  put_number(b, bits, 4);
}
static inline void put_bool(Buffer *b, const char *key, bool value) {
  put_key(b, key, GGUF_BOOL);
  put_number(b, value, 1);
}
static inline void put_name(Buffer *b, const char *key, const char *value) {
  put_key(b, key, GGUF_STRING);
  put_text(b, value);
}
static inline void put_array(Buffer *b, const char *key, GgufType type, uint64_t count) {
  put_key(b, key, GGUF_ARRAY);
  put_number(b, type, 4);
  put_number(b, count, 8);
}

/* A tensor's description: sizes as they stand there, the fastest first; type as GGML numbers it. */
typedef struct TensorBytes {
  const char *name;
  uint32_t dims, type;
  uint64_t sizes[4], offset;
} TensorBytes;

static inline void put_tensor(Buffer *b, const TensorBytes *t) {
  put_text(b, t->name);
  put_number(b, t->dims, 4);
  for (uint32_t i = 0; i < t->dims && i < 4; i++) put_number(b, t->sizes[i], 8);
  put_number(b, t->type, 4);
  put_number(b, t->offset, 8);
}

/* What a file has; zero-initialized members stand for what is right. */
typedef struct GgufParts {
  const char *architecture; /* NULL: llama */
  uint32_t version;         /* 0: 3 */
  uint64_t keys, tensors;   /* claimed besides those there are */
  const char *pre;          /* NULL: a SentencePiece vocabulary, else byte-level BPE's */
  void (*more_keys)(Buffer *, uint64_t *count);
  void (*change)(TensorBytes *, int index); /* of each description */
  int64_t end_token;                        /* 0: 2 */
  bool no_scores, no_ids;                   /* ids of the begin and the end */
  const char *left_out;                     /* a key of the configuration, without the architecture */
  const char *token;                        /* in place of "ab", the last */
  const char *merge;                        /* in place of "a b" */
} GgufParts;

enum { GGUF_WIDTH = 32, GGUF_VOCABULARY = 263, GGUF_FFN = 64, GGUF_TENSORS = 11 };

static inline void put_vocabulary(Buffer *b, const GgufParts *p, uint64_t *keys) {
  static const char *const first[] = {"<unk>", "<s>", "</s>"}, *const last[] = {"\xe2\x96\x81", "a", "b",
                                                                                "ab"};
  char name[16];
  put_name(b, "tokenizer.ggml.model", p->pre ? "gpt2" : "llama");
  put_array(b, "tokenizer.ggml.tokens", GGUF_STRING, GGUF_VOCABULARY);
  for (int i = 0; i < 3; i++) put_text(b, first[i]);
  for (int i = 0; i < 256; i++) {
    snprintf(name, sizeof name, "<0x%02X>", i);
    put_text(b, name);
  }
  for (int i = 0; i < 4; i++) put_text(b, i == 3 && p->token ? p->token : last[i]);
  put_array(b, "tokenizer.ggml.token_type", GGUF_I32, GGUF_VOCABULARY);
  for (int i = 0; i < GGUF_VOCABULARY; i++) put_number(b, i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1, 4);
  *keys += 3;
  if (p->pre) {
    put_name(b, "tokenizer.ggml.pre", p->pre);
    put_array(b, "tokenizer.ggml.merges", GGUF_STRING, 1);
    put_text(b, p->merge ? p->merge : "a b");
    *keys += 2;
  } else if (!p->no_scores) {
    put_array(b, "tokenizer.ggml.scores", GGUF_F32, GGUF_VOCABULARY);
    for (int i = 0; i < GGUF_VOCABULARY; i++) put_number(b, 0, 4);
    *keys += 1;
  }
  put_count(b, "tokenizer.ggml.unknown_token_id", 0);
  *keys += 1;
  if (p->no_ids) return;
  put_count(b, "tokenizer.ggml.bos_token_id", 1);
  put_count(b, "tokenizer.ggml.eos_token_id", p->end_token ? (uint32_t)p->end_token : 2);
  *keys += 2;
}

static inline void put_configuration(Buffer *b, const GgufParts *p, uint64_t *keys) {
  static const struct {
    const char *name;
    uint32_t value;
  } counts[] = {{"block_count", 1},
                {"context_length", 64},
                {"embedding_length", GGUF_WIDTH},
                {"feed_forward_length", GGUF_FFN},
                {"attention.head_count", 4},
                {"attention.head_count_kv", 2}};
  const char *architecture = p->architecture ? p->architecture : "llama";
  char key[64];
  put_name(b, "general.architecture", architecture);
  for (int i = 0; i < 6; i++) {
    if (p->left_out && !strcmp(p->left_out, counts[i].name)) continue;
    snprintf(key, sizeof key, "%s.%s", architecture, counts[i].name);
    put_count(b, key, counts[i].value);
    ++*keys;
  }
  snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", architecture);
  put_real(b, key, 1e-5f);
  *keys += 2;
}

static inline uint64_t tensor_floats(const TensorBytes *t) {
  uint64_t count = 1;
  for (uint32_t i = 0; i < t->dims; i++) count *= t->sizes[i];
  return count;
}

static inline void describe_tensors(TensorBytes out[GGUF_TENSORS]) {
  enum { D = GGUF_WIDTH, F = GGUF_FFN, KV = GGUF_WIDTH / 2 };
  const TensorBytes all[GGUF_TENSORS] = {{"token_embd.weight", 2, 0, {D, GGUF_VOCABULARY}, 0},
                                         {"output_norm.weight", 1, 0, {D}, 0},
                                         {"blk.0.attn_norm.weight", 1, 0, {D}, 0},
                                         {"blk.0.attn_q.weight", 2, 0, {D, D}, 0},
                                         {"blk.0.attn_k.weight", 2, 0, {D, KV}, 0},
                                         {"blk.0.attn_v.weight", 2, 0, {D, KV}, 0},
                                         {"blk.0.attn_output.weight", 2, 0, {D, D}, 0},
                                         {"blk.0.ffn_norm.weight", 1, 0, {D}, 0},
                                         {"blk.0.ffn_gate.weight", 2, 0, {D, F}, 0},
                                         {"blk.0.ffn_up.weight", 2, 0, {D, F}, 0},
                                         {"blk.0.ffn_down.weight", 2, 0, {F, D}, 0}};
  memcpy(out, all, sizeof all);
  for (int i = 1; i < GGUF_TENSORS; i++) out[i].offset = out[i - 1].offset + 4 * tensor_floats(&out[i - 1]);
}

/* Values 0, 1/64, 2/64 ... 15/64 in turns, another run of them in each tensor. */
static inline void put_values(Buffer *b, const TensorBytes *t, int index) {
  for (uint64_t i = 0; i < tensor_floats(t); i++) {
    const float value = (float)((i * 7 + (uint64_t)index + i / 32) % 16) / 64;
    buffer_add(b, &value, sizeof value);
  }
}

static inline void put_gguf(Buffer *b, const GgufParts *p) {
  TensorBytes right[GGUF_TENSORS], described[GGUF_TENSORS];
  Buffer keys = {0};
  uint64_t count = 0;
  describe_tensors(right);
  memcpy(described, right, sizeof right);
  for (int i = 0; p->change && i < GGUF_TENSORS; i++) p->change(&described[i], i);
  put_configuration(&keys, p, &count);
  put_vocabulary(&keys, p, &count);
  if (p->more_keys) p->more_keys(&keys, &count);
  buffer_adds(b, "GGUF");
  put_number(b, p->version ? p->version : 3, 4);
  put_number(b, GGUF_TENSORS + p->tensors, 8);
  put_number(b, count + p->keys, 8);
  buffer_add(b, keys.data, keys.length);
  buffer_free(&keys);
  for (int i = 0; i < GGUF_TENSORS; i++) put_tensor(b, &described[i]);
  while (b->length % 32) put_number(b, 0, 1);
  for (int i = 0; i < GGUF_TENSORS; i++) put_values(b, &right[i], i);
}

#endif
