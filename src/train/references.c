/* references.c - log-likelihoods of all sequences by the model that training begins with. Frozen weights and
 * a new adapter, which changes nothing yet, are that model; so are the weights of full tuning before the
 * first update. A run that is resumed has other weights, and reads what it wrote. */
#include <inttypes.h>
#include <string.h>

#include "base/threads.h"
#include "io/safetensors.h"
#include "train/objective.h"

#define REFERENCES_FILE "references.safetensors"

static float *compute(const Model *model, Batches *batches, const News *news) {
  float *values = mem_alloc_zeroed((size_t)batches->numbered + 1, sizeof *values);
  Tape *tape = tape_new(false);
  Batch batch;
  for (int64_t i = 0; i < batches->count; i++) {
    batches_get(batches, i, &batch);
    tape_reset(tape, false, 0);
    Net net = {.tape = tape};
    const float *y = tensor_f32(model_log_likelihood(model, &net, &batch));
    for (int64_t k = 0; k < batch.sequences; k++) values[batch.numbers[k]] = y[k];
    news_progress(news, "reading with the model as it is", i + 1, batches->count, "batch");
  }
  tape_free(tape);
  return values;
}

static NamedTensor named(const char *name, float *values, int64_t count) {
  return (NamedTensor){.name = name,
                       .tensor = {.type = TENSOR_F32, .dims = 1, .shape = {count}, .data = values}};
}

static bool write_all(const char *path, const ObjectiveUse *train, const Batches *batches,
                      const ObjectiveUse *held, const Batches *held_batches, Error *err) {
  NamedTensor items[2];
  size_t count = 0;
  if (held_batches) items[count++] = named("held_out", held->references, held_batches->numbered);
  items[count++] = named("train", train->references, batches->numbered);
  return safetensors_write(path, items, count, NULL, err);
}

static bool read_one(ObjectiveUse *use, const Safetensors *file, const char *name, const Batches *batches,
                     const char *path, Error *err) {
  const NamedTensor *found = tensors_find(&file->tensors, name);
  if (!found || tensor_count(&found->tensor) != batches->numbered)
    return fail(err, "%s: does not have the values of this data: the run cannot be resumed, begin it again",
                path);
  use->references = mem_alloc((size_t)batches->numbered * sizeof *use->references + 1);
  tensor_to_f32(use->references, &found->tensor);
  return true;
}

static bool read_all(const char *path, ObjectiveUse *train, const Batches *batches, ObjectiveUse *held,
                     const Batches *held_batches, Error *err) {
  Safetensors file;
  if (!safetensors_open(&file, path, err)) return false;
  const bool ok = read_one(train, &file, "train", batches, path, err) &&
                  (!held_batches || read_one(held, &file, "held_out", held_batches, path, err));
  safetensors_close(&file);
  return ok;
}

bool references_open(ObjectiveUse *train, ObjectiveUse *held, const Model *model, Batches *batches,
                     Batches *held_batches, const char *run, bool resumed, const News *news, Error *err) {
  char path[PATH_CAPACITY];
  path_join(path, run, REFERENCES_FILE);
  if (resumed) return read_all(path, train, batches, held, held_batches, err);
  train->references = compute(model, batches, news);
  if (held_batches) held->references = compute(model, held_batches, news);
  return write_all(path, train, batches, held, held_batches, err);
}
