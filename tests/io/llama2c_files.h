/* llama2c_files.h - small files of llama2.c in the order in which its exporters write them. */
#ifndef TESTS_LLAMA2C_FILES_H
#define TESTS_LLAMA2C_FILES_H

#include <stdint.h>

#include "base/buffer.h"

/* The numbers of the header, in its order. */
typedef struct Exported {
  int32_t width, ffn, layers, heads, kv_heads, vocabulary, context;
  int version; /* 0: legacy */
  bool tied;
  double base; /* of the stored rotation */
} Exported;

/* 6 pieces after the special tokens. */
enum { EXPORTED_VOCABULARY = 3 + 256 + 6 };
static const Exported small = {8, 6, 2, 2, 1, EXPORTED_VOCABULARY, 5, 0, true, 10000};

/* Gives the elements of an array that llama2.c calls `name`, of one layer (0 where there is one).
 */
typedef void (*ArrayOf)(void *user, const char *name, int32_t layer, float *out, int64_t rows,
                        int64_t columns);

typedef struct Exporter {
  const Exported *of;
  ArrayOf array_of;
  void *user;
  Buffer *out;
} Exporter;

static inline void export_arrays(const Exporter *e, const char *name, int32_t layers, int64_t rows,
                                 int64_t columns) {
  const size_t bytes = (size_t)(rows * columns) * sizeof(float);
  float *values = mem_alloc(bytes);
  for (int32_t i = 0; i < layers; i++) {
    e->array_of(e->user, name, i, values, rows, columns);
    buffer_add(e->out, values, bytes);
  }
  mem_free(values);
}

static inline void export_rotation(const Exporter *e) {
  const int32_t half = e->of->width / e->of->heads / 2;
  for (int k = 0; k < 2; k++)
    for (int32_t p = 0; p < e->of->context; p++)
      for (int32_t i = 0; i < half; i++) {
        const float step = 1 / powf((float)e->of->base, (float)i / (float)half), angle = (float)p * step;
        const float value = k ? sinf(angle) : cosf(angle);
        buffer_add(e->out, &value, sizeof value);
      }
}

static inline void export_header(const Exporter *e) {
  int32_t numbers[7];
  memcpy(numbers, e->of, sizeof numbers);
  if (!e->of->version) {
    if (!e->of->tied) numbers[5] *= -1;
    buffer_add(e->out, numbers, sizeof numbers);
    return;
  }
  const int32_t magic = 0x616b3432, version = e->of->version;
  const char rest[256 - 36] = {(char)e->of->tied};
  buffer_add(e->out, &magic, sizeof magic);
  buffer_add(e->out, &version, sizeof version);
  buffer_add(e->out, numbers, sizeof numbers);
  buffer_add(e->out, rest, sizeof rest);
}

static inline void export_model(const Exporter *e) {
  const Exported *of = e->of;
  const int32_t d = of->width, f = of->ffn, n = of->layers, v = of->vocabulary,
                kv = d / of->heads * of->kv_heads;
  export_header(e);
  if (of->version) {
    export_arrays(e, "attention_norm", n, 1, d);
    export_arrays(e, "ffn_norm", n, 1, d);
    export_arrays(e, "norm", 1, 1, d);
  }
  export_arrays(e, "tok_embeddings", 1, v, d);
  if (!of->version) export_arrays(e, "attention_norm", n, 1, d);
  export_arrays(e, "wq", n, d, d);
  export_arrays(e, "wk", n, kv, d);
  export_arrays(e, "wv", n, kv, d);
  export_arrays(e, "wo", n, d, d);
  if (!of->version) export_arrays(e, "ffn_norm", n, 1, d);
  export_arrays(e, "w1", n, f, d);
  export_arrays(e, "w2", n, d, f);
  export_arrays(e, "w3", n, f, d);
  if (!of->version) {
    export_arrays(e, "norm", 1, 1, d);
    export_rotation(e);
  }
  if (!of->tied) export_arrays(e, "output", 1, v, d);
}

static inline void export_token(Buffer *out, float score, const char *text) {
  const uint32_t length = (uint32_t)strlen(text);
  buffer_add(out, &score, sizeof score);
  buffer_add(out, &length, sizeof length);
  buffer_adds(out, text);
}

/* characters: bytes as the first exporters wrote them (but for NUL). */
static inline void export_tokenizer(Buffer *out, bool characters) {
  static const struct {
    float score;
    const char *text;
  } pieces[6] = {{-1, " a"}, {-2, "ab"}, {-3, " ab"}, {-4, " "}, {-5, "a"}, {-6, "b"}};
  const uint32_t longest = 6;
  char text[16];
  buffer_add(out, &longest, sizeof longest);
  export_token(out, 0, "<unk>");
  export_token(out, 0, "\n<s>\n");
  export_token(out, 0, "\n</s>\n");
  for (int i = 0; i < 256; i++) {
    snprintf(text, sizeof text, "<0x%02X>", (unsigned)i);
    if (characters && i && i < 0x80) snprintf(text, sizeof text, "%c", i);
    if (characters && i >= 0x80) snprintf(text, sizeof text, "%c%c", 0xc0 | i >> 6, 0x80 | (i & 0x3f));
    export_token(out, 0, text);
  }
  for (size_t i = 0; i < 6; i++) export_token(out, pieces[i].score, pieces[i].text);
}

#endif
