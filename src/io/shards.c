#include "io/shards.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/language.h"
#include "io/pickle.h"

/* ---- reading ---- */

/* A format of weights: the single file takes precedence over the index. */
typedef struct Form {
  const char *single, *index, *suffix;
  bool (*open)(Safetensors *, const char *path, Error *);
} Form;
static const Form forms[] = {
    {WEIGHTS_FILE, WEIGHTS_INDEX, ".safetensors", safetensors_open},
    {"pytorch_model.bin", "pytorch_model.bin.index.json", ".bin", pickle_open},
};
enum { FORMS = sizeof forms / sizeof *forms };

/* That of the weights in a directory; NULL: none. */
static const Form *form_of(const char *directory) {
  char path[PATH_CAPACITY];
  for (const Form *f = forms; f < forms + FORMS; f++)
    if (file_exists(path_join(path, directory, f->single)) ||
        file_exists(path_join(path, directory, f->index)))
      return f;
  return NULL;
}

bool shards_exist(const char *directory) {
  return form_of(directory) != NULL;
}

static bool mark(const char *const *names, size_t count, const char *name, bool *chosen) {
  bool found = false;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(names[i], name)) found = chosen[i] = true;
  return found;
}

/* model-00001-of-00003.safetensors */
static bool is_shard(const char *name, const Form *f) {
  const int stem = (int)(strlen(f->single) - strlen(f->suffix));
  char pattern[80];
  snprintf(pattern, sizeof pattern, "%.*s-[0-9]*-of-[0-9]*%s", stem, f->single, f->suffix);
  return !fnmatch(pattern, name, FNM_PATHNAME);
}

bool shards_may_have(const char *name) {
  for (const Form *f = forms; f < forms + FORMS; f++)
    if (!strcmp(name, f->single) || !strcmp(name, f->index) || is_shard(name, f)) return true;
  return false;
}

bool shards_choose(const char *const *names, size_t count, bool *chosen) {
  for (const Form *f = forms; f < forms + FORMS; f++) {
    if (mark(names, count, f->single, chosen)) return true;
    if (!mark(names, count, f->index, chosen)) continue;
    for (size_t i = 0; i < count; i++) chosen[i] |= is_shard(names[i], f);
    return true;
  }
  return false;
}

typedef VEC(const char *) FileNames;

/* An index and the names of its files. */
typedef struct Index {
  const Form *form;
  char path[PATH_CAPACITY];
  json_t *json;
  const json_t *map; /* tensor -> file */
  FileNames names;   /* sorted, without duplicates */
} Index;

static bool ends_with(const char *name, const char *tail) {
  const size_t length = strlen(name), n = strlen(tail);
  return length >= n && !strcmp(name + length - n, tail);
}

/* Whether it is the name of a file of the form without directories. */
static bool is_plain(const char *name, const Form *form) {
  return name[0] != '.' && !strpbrk(name, "/\\") && ends_with(name, form->suffix);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool collect_names(Index *x, Error *err) {
  const char *tensor;
  json_t *file;
  json_object_foreach((json_t *)(uintptr_t)x->map, tensor, file) {
    const char *name = json_string_value(file);
    if (!name)
      return fail_damaged(err, "%s: the file name of tensor \"%s\" is not a string", x->path, tensor);
    if (!is_plain(name, x->form))
      return fail_damaged(err, "%s: \"%s\" is not the name of a %s file in the same directory", x->path, name,
                          x->form->suffix + 1);
    vec_push(&x->names, name);
  }
  size_t kept = 0;
  if (x->names.count) qsort(x->names.data, x->names.count, sizeof *x->names.data, by_text);
  for (size_t i = 0; i < x->names.count; i++)
    if (!kept || strcmp(x->names.data[i], x->names.data[kept - 1])) x->names.data[kept++] = x->names.data[i];
  x->names.count = kept;
  return kept || fail_damaged(err, "%s: \"weight_map\" lists no tensors", x->path);
}

static bool index_open(Index *x, const char *directory, const Form *form, Error *err) {
  *x = (Index){.form = form};
  path_join(x->path, directory, form->index);
  if (!(x->json = json_read(x->path, err))) return false;
  x->map = json_object_get(x->json, "weight_map");
  return json_is_object(x->map)
             ? collect_names(x, err)
             : fail_damaged(err, "%s: \"weight_map\" is not an object: this is not an index of weights",
                            x->path);
}

static void index_close(Index *x) {
  vec_free(&x->names);
  json_decref(x->json);
}

static bool open_files(Shards *s, const char *directory, const Index *x, Error *err) {
  char path[PATH_CAPACITY];
  s->files = arena_alloc_zeroed(s->arena, x->names.count * sizeof *s->files);
  for (size_t i = 0; i < x->names.count; i++) {
    const char *name = x->names.data[i];
    if (!file_exists(path_join(path, directory, name)))
      return fail_damaged(
          err, "%s: \"%s\", one of %zu files of weights, is missing: complete the download or copy", x->path,
          name, x->names.count);
    if (!x->form->open(&s->files[i], path, err)) return false;
    s->count++;
    s->tensors.count += s->files[i].tensors.count;
  }
  return true;
}

/* Checks that the index lists tensor t in file i. */
static bool check_tensor(const Shards *s, const Index *x, size_t i, const NamedTensor *t, Error *err) {
  const char *listed = json_get_text(x->map, t->name, NULL), *holds = x->names.data[i];
  if (listed && !strcmp(listed, holds)) return true;
  if (!listed)
    return fail_damaged(err, "%s: \"%s\" contains a tensor \"%s\" that is not listed", x->path, holds,
                        t->name);
  for (size_t k = 0; k < s->count; k++)
    if (!strcmp(x->names.data[k], listed) && tensors_find(&s->files[k].tensors, t->name))
      return fail_damaged(err, "%s: tensor \"%s\" is stored twice, in \"%s\" and in \"%s\"", x->path, t->name,
                          listed, holds);
  return fail_damaged(err, "%s: tensor \"%s\" is listed in \"%s\", but stored in \"%s\"", x->path, t->name,
                      listed, holds);
}

static bool merge(Shards *s, const Index *x, Error *err) {
  NamedTensor *next = s->tensors.items = arena_alloc(s->arena, s->tensors.count * sizeof *next + 1);
  for (size_t i = 0; i < s->count; i++)
    for (size_t k = 0; k < s->files[i].tensors.count; k++) {
      *next = s->files[i].tensors.items[k];
      if (!check_tensor(s, x, i, next++, err)) return false;
    }
  tensors_sort(&s->tensors);
  return true;
}

static bool find_all_listed(const Shards *s, const Index *x, Error *err) {
  const char *tensor;
  json_t *file;
  json_object_foreach((json_t *)(uintptr_t)x->map, tensor, file) {
    if (!tensors_find(&s->tensors, tensor))
      return fail_damaged(err, "%s: tensor \"%s\" is listed in \"%s\", which does not contain it", x->path,
                          tensor, json_string_value(file));
  }
  return true;
}

/* A wrong total is only remarked: it is not used, and programs compute it differently (size of the files, of
 * another type). PyTorch's counts what tensors share once. */
static void check_total(Shards *s, const Index *x) {
  const json_t *total = json_object_get(json_object_get(x->json, "metadata"), "total_size");
  const double bytes = (double)tensors_bytes(&s->tensors);
  if (!total || x->form != forms || json_number_value(total) == bytes) return;
  char *text = json_text(total, JSON_COMPACT | JSON_ENCODE_ANY);
  s->remark = arena_printf(s->arena, _("%s: \"total_size\" is %.40s, but the tensors have %.0f bytes"),
                           WEIGHTS_INDEX, text, bytes);
  mem_free(text);
}

static bool open_index(Shards *s, const char *directory, const Form *form, Error *err) {
  Index x;
  const bool ok = index_open(&x, directory, form, err) && open_files(s, directory, &x, err) &&
                  merge(s, &x, err) && find_all_listed(s, &x, err);
  s->tensors.path = arena_strndup(s->arena, x.path, strlen(x.path));
  if (ok) check_total(s, &x);
  index_close(&x);
  return ok;
}

static bool open_single(Shards *s, const char *path, const Form *form, Error *err) {
  s->files = arena_alloc_zeroed(s->arena, sizeof *s->files);
  if (!form->open(s->files, path, err)) return false;
  s->count = 1;
  s->tensors = s->files->tensors;
  return true;
}

bool shards_open(Shards *s, const char *directory, Error *err) {
  char path[PATH_CAPACITY];
  const Form *found = form_of(directory), *form = found ? found : forms;
  *s = (Shards){.arena = arena_new(0)};
  const bool indexed = file_exists(path_join(path, directory, form->index)),
             single = file_exists(path_join(path, directory, form->single));
  if (single ? open_single(s, path, form, err) : open_index(s, directory, form, err)) {
    if (single && indexed) /* as transformers does */
      s->remark = arena_printf(s->arena, _("%s and its files are not read, because there is %s"), form->index,
                               form->single);
    return true;
  }
  shards_close(s);
  return false;
}

void shards_close(Shards *s) {
  for (size_t i = 0; i < s->count; i++) safetensors_close(&s->files[i]);
  arena_free(s->arena);
  *s = (Shards){.arena = NULL};
}

/* ---- writing ----
 *
 * The files of the current index are not modified: new files have the other letter, "model-a-..." or
 * "model-b-...", and become current when the index is replaced atomically. */

static char letter_of(const char *name) {
  unsigned at, of;
  char letter;
  int end = 0;
  return sscanf(name, "model-%c-%5u-of-%5u.safetensors%n", &letter, &at, &of, &end) == 3 && end &&
                 !name[end] && (letter == 'a' || letter == 'b')
             ? letter
             : 0;
}

bool shards_own(const char *name) {
  return letter_of(name) != 0 || !strcmp(name, WEIGHTS_INDEX);
}

/* The letter of the current index; 0: there is none, or another program's. */
static char current_letter(const char *directory) {
  Index x;
  char path[PATH_CAPACITY];
  if (!file_exists(path_join(path, directory, WEIGHTS_INDEX))) return 0;
  const char letter = index_open(&x, directory, forms, NULL) ? letter_of(x.names.data[0]) : 0;
  index_close(&x);
  return letter;
}

static bool remove_shards(const char *directory, char letter, Error *err) {
  Names names;
  char path[PATH_CAPACITY];
  if (!dir_list(directory, &names, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < names.count; i++)
    if (letter_of(names.items[i]) == letter) ok = dir_remove(path_join(path, directory, names.items[i]), err);
  names_free(&names);
  return ok;
}

static bool write_file(const char *directory, const char *name, const NamedTensor *items, size_t count,
                       Error *err) {
  char path[PATH_CAPACITY];
  json_t *metadata = json_build("{s:s}", "format", "pt"); /* required by transformers */
  const bool ok = safetensors_write(path_join(path, directory, name), items, count, metadata, err);
  json_decref(metadata);
  return ok;
}

/* The number of tensors from `first` on that fit into one file. */
static size_t run_of(const NamedTensor *items, size_t first, size_t count, uint64_t most) {
  uint64_t bytes = tensor_bytes(&items[first].tensor);
  size_t end = first + 1;
  while (end < count && bytes + tensor_bytes(&items[end].tensor) <= most)
    bytes += tensor_bytes(&items[end++].tensor);
  return end - first;
}

static bool write_files(const char *directory, const NamedTensor *items, size_t count, uint64_t most,
                        char letter, json_t *map, Error *err) {
  unsigned files = 0, at = 0;
  for (size_t i = 0; i < count; i += run_of(items, i, count, most)) files++;
  for (size_t i = 0; i < count;) {
    char name[64];
    const size_t run = run_of(items, i, count, most);
    snprintf(name, sizeof name, "model-%c-%05u-of-%05u.safetensors", letter, ++at, files);
    if (!write_file(directory, name, items + i, run, err)) return false;
    for (const size_t end = i + run; i < end; i++) json_put(map, items[i].name, json_string(name));
  }
  return true;
}

static bool write_shards(const char *directory, const NamedTensor *items, size_t count, uint64_t most,
                         Error *err) {
  char path[PATH_CAPACITY];
  const TensorSet set = {.items = (NamedTensor *)(uintptr_t)items, .count = count};
  const char letter = current_letter(directory) == 'a' ? 'b' : 'a';
  json_t *map = json_object(), *index = json_build("{s:{s:I}, s:O}", "metadata", "total_size",
                                                   (json_int_t)tensors_bytes(&set), "weight_map", map);
  bool ok = write_files(directory, items, count, most, letter, map, err) &&
            json_write(path_join(path, directory, WEIGHTS_INDEX), index, err);
  if (!ok && current_letter(directory) != letter) remove_shards(directory, letter, NULL);
  json_decref(index);
  json_decref(map);
  return ok && dir_remove(path_join(path, directory, WEIGHTS_FILE), err) &&
         remove_shards(directory, letter == 'a' ? 'b' : 'a', err);
}

/* The single file takes precedence as soon as it exists. */
static bool write_single(const char *directory, const NamedTensor *items, size_t count, Error *err) {
  char path[PATH_CAPACITY];
  if (!write_file(directory, WEIGHTS_FILE, items, count, err)) return false;
  if (!file_exists(path_join(path, directory, WEIGHTS_INDEX))) return true;
  return remove_shards(directory, 'a', err) && remove_shards(directory, 'b', err) && dir_remove(path, err);
}

bool shards_write(const char *directory, const NamedTensor *items, size_t count, uint64_t most, Error *err) {
  const TensorSet set = {.items = (NamedTensor *)(uintptr_t)items, .count = count};
  return tensors_bytes(&set) > most ? write_shards(directory, items, count, most, err)
                                    : write_single(directory, items, count, err);
}
