/* Any bytes as the listing of a repository: refused with a sentence, or files that may all be written, with
 * sums and sizes that can be added; what is chosen of them is among them. */
#include <string.h>

#include "base/memory.h"
#include "hub/listing.h"
#include "io/repository.h"

static void check_file(const ListedFile *f) {
  CHECK(repository_safe(f->name, strlen(f->name)));
  CHECK(!strstr(f->name, "..") || (*f->name != '.' && !strstr(f->name, "/..")));
  CHECK(f->size >= 0 && f->size <= INT64_MAX / 100000);
  CHECK(strlen(f->sum) == (f->digest == DIGEST_SHA256 ? 64 : 40));
}

static void choose(const Listing *l, const char *file) {
  Error err = {0};
  const char *main = NULL, **names = mem_alloc((l->count + 1) * sizeof *names);
  bool *chosen = mem_alloc_zeroed(l->count + 1, sizeof *chosen), any = false;
  for (size_t i = 0; i < l->count; i++) names[i] = l->files[i].name;
  const bool ok = repository_choose(names, l->count, file, "a/b", chosen, &main, &err);
  for (size_t i = 0; i < l->count; i++) any |= chosen[i];
  CHECK(ok ? any && !err.code : err.code && *err.text);
  mem_free(names);
  mem_free(chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Listing l;
  Error err = {0};
  const bool ok = listing_read(&l, (const char *)data, size, "listing", &err);
  CHECK(ok == !err.code && ok == !*err.text);
  for (size_t i = 0; ok && i < l.count; i++) check_file(&l.files[i]);
  if (ok) {
    choose(&l, "");
    choose(&l, "Q4_K_M");
    choose(&l, "x-00002-of-00002.gguf");
  }
  listing_close(&l);
  return 0;
}
