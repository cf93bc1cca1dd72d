/* Weights read where their file is mapped, of any type: the same bits come out, and what is damaged is
 * refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "io/shards.h"
#include "kernels/kernels.h"
#include "run/session.h"
#include "run/weights.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 40, TIME = 7, SOURCE = 3 };

static const Naming *naming_of(const Config *c) {
  return arch_naming(c->arch, "huggingface");
}

static Config config_of(const char *arch) {
  static const SettingTable *const tables[] = {&model_settings_table};
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  Config c;
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "size", "nano", &err) &&
              ink_settings_set(s, "width", "64", &err)); /* whole blocks of every type */
  assert_true(config_from_settings(&c, settings_part(s, &model_settings_table), VOCABULARY, &err));
  ink_settings_free(s);
  return c;
}

/* To `type`, and, so that both hold the same, back. */
static void *rounded(TensorType type, float *x, int64_t n) {
  uint16_t *halves = mem_alloc((size_t)n * sizeof *halves);
  for (int64_t i = 0; i < n; i++) { /* values that bf16 and f16 hold */
    uint32_t bits;
    memcpy(&bits, &x[i], sizeof bits);
    bits &= 0xfffe0000;
    memcpy(&x[i], &bits, sizeof bits);
    if (x[i] < 0x1p-14f && x[i] > -0x1p-14f) x[i] = 0;
  }
  kernels->types[type].narrow(halves, x, n);
  return halves;
}

/* Two more spaces behind the header: the data no longer lie at multiples of 4. */
static void shift_data(const char *path) {
  FileView file;
  Error err = {0};
  assert_true(file_view(path, &file, &err));
  const size_t header = 8 + *(const unsigned char *)file.data + 256 * (size_t)(unsigned char)file.data[1] +
                        65536 * (size_t)(unsigned char)file.data[2];
  char *shifted = mem_alloc(file.size + 2);
  memcpy(shifted, file.data, header);
  memcpy(shifted + header, "  ", 2);
  memcpy(shifted + header + 2, file.data + header, file.size - header);
  for (int i = 0; i < 3; i++) shifted[i] = (char)((header - 8 + 2) >> 8 * i);
  assert_true(file_replace(path, shifted, file.size + 2, &err));
  file_view_close(&file);
  mem_free(shifted);
}

/* All parameters as `type`; askew: so that f32 lies at no multiple of 4. */
static const char *written(Params *params, TensorType type, bool askew, uint16_t damage) {
  const size_t count = params_count(params);
  NamedTensor *items = mem_alloc_zeroed(count, sizeof *items);
  Error err = {0};
  for (size_t i = 0; i < count; i++) {
    const Param *p = params_at(params, i);
    items[i] = (NamedTensor){.name = p->name, .tensor = p->tensor};
    items[i].tensor.type = type;
    if (type != TENSOR_F32)
      items[i].tensor.data = rounded(type, tensor_f32(&p->tensor), tensor_count(&p->tensor));
  }
  Tensor *last = &items[count - 1].tensor;
  if (damage) ((uint16_t *)last->data)[tensor_count(last) - 1] = damage;
  const char *path = in_scratch("model.safetensors");
  assert_true(safetensors_write(path, items, count, NULL, &err));
  if (askew) shift_data(path);
  for (size_t i = 0; i < count && type != TENSOR_F32; i++) mem_free(items[i].tensor.data);
  mem_free(items);
  return path;
}

/* After a few tokens at once, and after one more. */
static void read_text(const Model *m, float logits[2][VOCABULARY]) {
  static const int32_t tokens[TIME + 1] = {1, 7, 0, VOCABULARY - 1, 3, 3, 9, 4}, source[SOURCE] = {5, 2, 6};
  Session *s = session_new(m, (StateSize){0});
  const int32_t text = session_open(s, m->config.arch->encodes ? session_add_source(s, source, SOURCE) : -1);
  memcpy(logits[0], session_read(s, text, tokens, TIME), sizeof logits[0]);
  memcpy(logits[1], session_read(s, text, tokens + TIME, 1), sizeof logits[1]);
  session_free(s);
}

static float loss_of(const Model *m) {
  static const int32_t tokens[TIME] = {1, 7, 0, VOCABULARY - 1, 3, 3, 9}, source[SOURCE] = {5, 2, 6},
                       length = SOURCE;
  Tape *tape = tape_new(false);
  Net net = {.tape = tape, .params = m->params};
  Batch batch = {.sequences = 1, .time = TIME, .tokens = tokens, .targets = tokens};
  if (m->config.arch->encodes) {
    batch.source = source;
    batch.source_lengths = &length;
    batch.source_time = SOURCE;
  }
  const float loss = *tensor_f32(model_loss(m, &net, &batch, 0, 0));
  tape_free(tape);
  return loss;
}

static bool lies_in(const Safetensors *file, const Tensor *t) {
  const char *data = t->data;
  return data >= file->file.data && data < file->file.data + file->file.size;
}

/* Most of them are tables and matrices. */
static int64_t mapped_elements(const Safetensors *file, Params *params) {
  int64_t n = 0;
  for (size_t i = 0; i < params_count(params); i++)
    if (lies_in(file, &params_at(params, i)->tensor)) n += tensor_count(&params_at(params, i)->tensor);
  return n;
}

/* Of the largest logit, where products round activations, too. */
static bool near(float a[2][VOCABULARY], float b[2][VOCABULARY]) {
  double most = 0, size = 0;
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < VOCABULARY; j++) {
      most = fmax(most, fabs((double)a[i][j] - (double)b[i][j]));
      size = fmax(size, fabs((double)a[i][j]));
    }
  return most < 0.03 * size;
}

/* With weights of that type the model computes what it does with their values as floats: the same bits, or,
 * where activations are rounded to integers or to bf16, as far as that lets it. */
static void compare_models(const Model *plain, const Model *stored, TensorType type) {
  const bool rounds = type_info(type)->block > 1 || precision_of_weights(type) == PRECISION_BF16;
  const char *name = type_info(type)->name, *arch = plain->config.arch->name;
  float expected[2][VOCABULARY], got[2][VOCABULARY];
  read_text(plain, expected);
  read_text(stored, got);
  if (rounds ? !near(expected, got) : memcmp(expected, got, sizeof got) != 0)
    fail_msg("%s, %s: other logits", arch, name);
  if (!(fabsf(loss_of(plain) - loss_of(stored)) <= (rounds ? 0.02f : 0)))
    fail_msg("%s, %s: another loss", arch, name);
}

static void check(const Arch *arch, TensorType type, bool askew) {
  const Config c = config_of(arch->name);
  Model *plain = model_new(&c, true), *mapped = model_outline(&c), *copy = model_new(&c, false);
  Safetensors file;
  Error err = {0};
  params_initialize(plain->params, 3);
  const char *path = written(plain->params, type, askew, 0);
  model_freeze(mapped);
  if (!safetensors_open(&file, path, &err) ||
      !weights_map(&file.tensors, naming_of(&c), &c, mapped->params, NULL, NULL, &err))
    fail_msg("%s: %s", arch->name, err.text);
  compare_models(plain, mapped, type);
  const int64_t all = params_elements(mapped->params), there = mapped_elements(&file, mapped->params);
  assert_true(askew ? there == 0 : type == TENSOR_F32 ? there == all : there > all / 8);
  weights_copy(copy->params, mapped->params, false);
  for (size_t i = 0; i < params_count(copy->params); i++) {
    const Tensor *a = &params_at(plain->params, i)->tensor, *b = &params_at(copy->params, i)->tensor;
    assert_memory_equal(a->data, b->data, tensor_bytes(a));
  }
  model_free(plain);
  model_free(mapped);
  model_free(copy);
  safetensors_close(&file);
}

static void mapped_weights_change_no_bit(void **state) {
  for (int a = 0; a < arch_count; a++) {
    check(arch_table[a], TENSOR_F32, false);
    check(arch_table[a], TENSOR_BF16, false);
    check(arch_table[a], TENSOR_F16, false);
    check(arch_table[a], TENSOR_F32, true);
  }
}

static int64_t of_type(Params *params, TensorType type) {
  int64_t n = 0;
  for (size_t i = 0; i < params_count(params); i++) {
    const Tensor *t = &params_at(params, i)->tensor;
    if (t->type == type) n += tensor_count(t);
  }
  return n;
}

/* All matrices and tables of every architecture stored as each type. */
static void any_type_stands_for_its_values(void **state) {
  (void)state;
  for (int i = 0; i < arch_count * TENSOR_WEIGHT_TYPES; i++) {
    const Arch *arch = arch_table[i / TENSOR_WEIGHT_TYPES];
    const TensorType type = (TensorType)(i % TENSOR_WEIGHT_TYPES);
    const Config c = config_of(arch->name);
    if (type_info(type)->block > c.width) continue;
    Model *plain = model_new(&c, false), *stored = model_outline(&c);
    Safetensors file;
    Error err = {0};
    params_initialize(plain->params, 3);
    const char *path = written(plain->params, TENSOR_F32, false, 0);
    model_freeze(stored);
    assert_true(safetensors_open(&file, path, &err) &&
                weights_map(&file.tensors, naming_of(&c), &c, stored->params, NULL, NULL, &err));
    assert_null(params_convert(stored->params, type));
    if (of_type(stored->params, type) < params_elements(stored->params) * 3 / 4)
      fail_msg("%s, %s: few are stored so", arch->name, type_info(type)->name);
    weights_copy(plain->params, stored->params, false);
    compare_models(plain, stored, type);
    model_free(plain);
    model_free(stored);
    safetensors_close(&file);
  }
}

/* In several files: mapped likewise, with the same logits; what is damaged is told with its file. */
static void weights_in_several_files(void **state) {
  (void)state;
  const Config c = config_of("llama");
  Model *plain = model_new(&c, false), *mapped = model_outline(&c);
  const size_t count = params_count(plain->params);
  NamedTensor *items = mem_alloc_zeroed(count, sizeof *items);
  float expected[2][VOCABULARY], got[2][VOCABULARY];
  Shards shards;
  Error err = {0};
  params_initialize(plain->params, 3);
  for (size_t i = 0; i < count; i++)
    items[i] = (NamedTensor){.name = params_at(plain->params, i)->name,
                             .tensor = params_at(plain->params, i)->tensor};
  assert_true(shards_write(scratch, items, count, 20000, &err));
  model_freeze(mapped);
  assert_true(shards_open(&shards, scratch, &err));
  assert_true(shards.count > 3);
  if (!weights_map(&shards.tensors, naming_of(&c), &c, mapped->params, NULL, NULL, &err))
    fail_msg("%s", err.text);
  int64_t there = 0;
  for (size_t i = 0; i < shards.count; i++) there += mapped_elements(&shards.files[i], mapped->params);
  assert_int_equal(there, params_elements(mapped->params));
  read_text(plain, expected);
  read_text(mapped, got);
  assert_memory_equal(expected, got, sizeof got);
  model_free(mapped);
  shards_close(&shards);
  mapped = model_outline(&c);
  tensor_f32(&items[count - 1].tensor)[0] = INFINITY;
  assert_true(shards_write(scratch, items, count, 20000, &err) && shards_open(&shards, scratch, &err));
  assert_false(weights_map(&shards.tensors, naming_of(&c), &c, mapped->params, NULL, NULL, &err));
  assert_non_null(strstr(err.text, "model-b-00"));
  shards_close(&shards);
  model_free(mapped);
  model_free(plain);
  mem_free(items);
}

/* The last value of the last parameter, of a norm, and, by name, any: no number at all, or none that ends. */
static void endless_values_are_refused(void **state) {
  static const struct {
    TensorType type;
    uint16_t bits;
  } cases[] = {{TENSOR_BF16, 0x7f80}, {TENSOR_BF16, 0xffc0}, {TENSOR_F16, 0x7c00}, {TENSOR_F16, 0xfe00}};
  const Config c = config_of("gpt2");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Model *plain = model_new(&c, false), *mapped = model_outline(&c);
    Safetensors file;
    Error err = {0};
    params_initialize(plain->params, 3);
    const char *path = written(plain->params, cases[i].type, false, cases[i].bits);
    assert_false(safetensors_open(&file, path, &err) &&
                 weights_map(&file.tensors, naming_of(&c), &c, mapped->params, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "not finite"));
    assert_non_null(strstr(err.text, params_at(plain->params, params_count(plain->params) - 1)->name));
    model_free(plain);
    model_free(mapped);
    safetensors_close(&file);
  }
}

/* All parameters and, under another name, the first that ends like `table`, its last value moved by `change`.
 */
static const char *with_copy(Params *params, const char *table, const char *name, float change) {
  const size_t count = params_count(params);
  NamedTensor *items = mem_alloc_zeroed(count + 1, sizeof *items);
  Error err = {0};
  float *values = NULL;
  for (size_t i = 0; i < count; i++) {
    const Param *p = params_at(params, i);
    const size_t length = strlen(p->name), tail = strlen(table);
    items[i] = (NamedTensor){.name = p->name, .tensor = p->tensor};
    if (length < tail || strcmp(p->name + length - tail, table)) continue;
    const size_t n = (size_t)tensor_count(&p->tensor);
    values = mem_alloc(n * sizeof *values);
    memcpy(values, p->tensor.data, n * sizeof *values);
    values[n - 1] += change;
    items[count] = (NamedTensor){.name = name, .tensor = p->tensor};
    items[count].tensor.data = values;
  }
  assert_non_null(values);
  assert_true(safetensors_write(in_scratch("copy"), items, count + 1, NULL, &err));
  mem_free(values);
  mem_free(items);
  return in_scratch("copy");
}

/* Tensors beside the parameters: a second copy of the embedding is fine, a table of its own is used or
 * refused. */
static void other_tensors_are_used_or_refused(void **state) {
  (void)state;
  static const struct {
    const char *arch, *table, *name;
    float change;
    bool unties, accepted;
  } cases[] = {
      {"llama", "embed_tokens.weight", "lm_head.weight", 0, false, true},
      {"llama", "embed_tokens.weight", "lm_head.weight", 1, true, false},
      {"gpt2", "wte.weight", "lm_head.weight", 0, false, true},
      {"gpt2", "wte.weight", "lm_head.weight", 1, true, false},
      {"gpt2", "wte.weight", "h.0.attn.bias", 1, false, true},
      {"gpt2", "wte.weight", "transformer.h.11.attn.masked_bias", 1, false, true},
      {"gpt2", "wte.weight", "transformer.h..attn.bias", 1, false, false},
      {"llama", "embed_tokens.weight", "model.layers.3.self_attn.rotary_emb.inv_freq", 1, false, true},
      {"llama", "embed_tokens.weight", "h.0.attn.bias", 1, false, false},
      {"gpt2", "wte.weight", "score.weight", 0, false, false},
      {"bart", "shared.weight", "lm_head.weight", 0, false, true},
      {"bart", "shared.weight", "lm_head.weight", 1, false, false},
      {"bart", "shared.weight", "model.encoder.embed_tokens.weight", 0, false, true},
      {"bart", "shared.weight", "model.encoder.embed_tokens.weight", 1, false, false},
      {"marian", "shared.weight", "model.decoder.embed_tokens.weight", 1, false, false},
      {"marian", "shared.weight", "model.decoder.embed_positions.weight", 0, false, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const Config c = config_of(cases[i].arch);
    Model *plain = model_new(&c, false), *read = model_new(&c, false);
    Safetensors file;
    Error err = {0};
    params_initialize(plain->params, 3);
    const char *path = with_copy(plain->params, cases[i].table, cases[i].name, cases[i].change);
    assert_true(safetensors_open(&file, path, &err));
    if (weights_untie(&file.tensors, naming_of(&c)) != cases[i].unties)
      fail_msg("%s: %s unties", cases[i].arch, cases[i].name);
    safetensors_close(&file);
    if (weights_read(path, naming_of(&c), read->params, params_values(read->params), &err) !=
        cases[i].accepted)
      fail_msg("%s: %s: %s", cases[i].arch, cases[i].name, err.text);
    if (!cases[i].accepted) assert_non_null(strstr(err.text, cases[i].name));
    model_free(plain);
    model_free(read);
  }
}

/* All parameters, but for the first that ends like `table` under the name `alias`; the base left out. */
static const char *with_names(Params *params, const char *table, const char *alias, size_t base) {
  const size_t count = params_count(params);
  NamedTensor *items = mem_alloc_zeroed(count, sizeof *items);
  Error err = {0};
  for (size_t i = 0; i < count; i++) {
    const Param *p = params_at(params, i);
    const size_t length = strlen(p->name), tail = strlen(table);
    const bool is_table = length >= tail && !strcmp(p->name + length - tail, table);
    items[i] = (NamedTensor){.name = is_table                       ? alias
                                     : strncmp(p->name, "final", 5) ? p->name + base
                                                                    : p->name,
                             .tensor = p->tensor};
  }
  assert_true(safetensors_write(in_scratch("renamed"), items, count, NULL, &err));
  mem_free(items);
  return in_scratch("renamed");
}

/* Files that leave out the base of the names, or have the shared matrix under another name only. */
static void tensors_of_other_names_are_found(void **state) {
  (void)state;
  static const struct {
    const char *arch, *base, *table, *alias;
  } cases[] = {{"llama", "model.", "embed_tokens.weight", "lm_head.weight"},
               {"gpt2", "transformer.", "wte.weight", "lm_head.weight"},
               {"lstm", "", "embed_tokens.weight", "lm_head.weight"},
               {"bart", "model.", "shared.weight", "encoder.embed_tokens.weight"},
               {"marian", "model.", "shared.weight", "model.decoder.embed_tokens.weight"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int bare = 0; bare < 2; bare++) {
      const Config c = config_of(cases[i].arch);
      Model *plain = model_new(&c, false), *read = model_new(&c, false);
      Error err = {0};
      params_initialize(plain->params, 3);
      const char *path =
          with_names(plain->params, cases[i].table, cases[i].alias, bare ? strlen(cases[i].base) : 0);
      if (!weights_read(path, naming_of(&c), read->params, params_values(read->params), &err))
        fail_msg("%s: %s", cases[i].arch, err.text);
      assert_memory_equal(params_values(plain->params), params_values(read->params),
                          sizeof(float) * (size_t)params_length(read->params));
      model_free(plain);
      model_free(read);
    }
}

/* As older files of Marian have them. */
static void stored_sinusoids_are_fine(void **state) {
  (void)state;
  enum { POSITIONS = 9 };
  const Config c = config_of("marian");
  Model *plain = model_new(&c, false), *read = model_new(&c, false);
  const int64_t width = c.width, half = width / 2;
  const size_t count = params_count(plain->params);
  float *table = mem_alloc((size_t)(POSITIONS * width) * sizeof *table);
  NamedTensor *items = mem_alloc_zeroed(count + 1, sizeof *items);
  Error err = {0};
  params_initialize(plain->params, 3);
  for (int64_t i = 0; i < POSITIONS * width; i++) {
    const double angle = (double)(i / width) / pow(10000, 2.0 * (double)(i % half) / (double)width);
    table[i] = (float)(i % width < half ? sin(angle) : cos(angle));
  }
  for (size_t i = 0; i < count; i++)
    items[i] = (NamedTensor){.name = params_at(plain->params, i)->name,
                             .tensor = params_at(plain->params, i)->tensor};
  items[count] = (NamedTensor){.name = "model.encoder.embed_positions.weight",
                               .tensor = {.dims = 2, .shape = {POSITIONS, width}, .data = table}};
  for (int changed = 0; changed < 2; changed++) {
    assert_true(safetensors_write(in_scratch("positions"), items, count + 1, NULL, &err));
    assert_int_equal(
        weights_read(in_scratch("positions"), naming_of(&c), read->params, params_values(read->params), &err),
        !changed);
    table[width + 1] += 0.1F;
  }
  assert_non_null(strstr(err.text, "embed_positions"));
  mem_free(table);
  mem_free(items);
  model_free(plain);
  model_free(read);
}

/* Values that reading computes are not those of the stored type. */
static void types_of_stored_values(void **state) {
  (void)state;
  NamedTensor items[] = {
      {.name = "blk.0.attn_norm.weight", .tensor = {.type = TENSOR_BF16, .dims = 1, .shape = {4}}},
      {.name = "blk.0.attn_q.weight", .tensor = {.type = TENSOR_BF16, .dims = 2, .shape = {4, 4}}}};
  const TensorSet set = {.items = items, .count = 2};
  const Naming *plain = arch_naming(arch_find("llama"), "gguf"),
               *plus_one = arch_naming(arch_find("gemma3"), "gguf");
  const char *norm = "model.layers.0.input_layernorm.weight";
  assert_int_equal(weights_stored_type(&set, plain, norm), TENSOR_BF16);
  assert_int_equal(weights_stored_type(&set, plus_one, norm), TENSOR_F32);
  assert_int_equal(weights_stored_type(&set, plus_one, "model.layers.0.self_attn.q_proj.weight"),
                   TENSOR_BF16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(mapped_weights_change_no_bit, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(weights_in_several_files, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(other_tensors_are_used_or_refused, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(tensors_of_other_names_are_found, scratch_open, scratch_close),
      cmocka_unit_test(types_of_stored_values),
      cmocka_unit_test_setup_teardown(stored_sinusoids_are_fine, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(any_type_stands_for_its_values, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(endless_values_are_refused, scratch_open, scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
