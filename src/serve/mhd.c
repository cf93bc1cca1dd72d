#include "serve/mhd.h"

#include <dlfcn.h>
#include <string.h>

/* The binary interface of 0.9.71 and later, which the header is of. */
static const char library[] = "libmicrohttpd.so.12";

/* The address of a function is a void * to dlsym; C has no conversion between the two. */
static bool find_function(void *handle, const char *name, void *pointer) {
  void *address = dlsym(handle, name);
  memcpy(pointer, &address, sizeof address);
  return address;
}

static bool find_all(void *handle, Mhd *mhd) {
  bool ok = true;
#define F(name) ok = ok && find_function(handle, "MHD_" #name, &mhd->name);
  MHD_FUNCTIONS(F)
#undef F
  return ok;
}

const Mhd *mhd_load(Error *err) {
  static Mhd mhd;
  if (mhd.start_daemon) return &mhd;
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle && find_all(handle, &mhd)) return &mhd;
#ifdef INKSTONE_STATIC
  fail(err, "this is the static binary of inkstone, which cannot load %s and so not serve", library);
#else
  fail(err, "a server needs %s, which cannot be loaded: install GNU libmicrohttpd (Debian: libmicrohttpd12)",
       library);
#endif
  return NULL;
}
