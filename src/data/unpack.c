#include "data/unpack.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/buffer.h"
#include "base/engine.h"
#include "base/language.h"

enum { PIECE = 1 << 17, MOST_RATIO = 100, ALWAYS_ALLOWED = 16 << 20 };

typedef struct Unpacker {
  const FileView *packed;
  const char *name;
  Spool text;
  uint64_t most; /* allowed size in bytes */
  char *piece;   /* [PIECE]; threads may have small stacks */
  Error *err;
} Unpacker;

static bool starts_with(const FileView *f, const char *bytes, size_t n) {
  return f->size >= n && !memcmp(f->data, bytes, n);
}

static bool is_gzip(const FileView *f) {
  return starts_with(f, "\x1f\x8b", 2);
}

bool is_packed(const FileView *f) {
  return is_gzip(f) || starts_with(f, "\x28\xb5\x2f\xfd", 4);
}

static uint64_t most_bytes(size_t packed) {
  const uint64_t text = (uint64_t)packed * MOST_RATIO;
  return text > ALWAYS_ALLOWED ? text : ALWAYS_ALLOWED;
}

static bool put(Unpacker *u, const char *bytes, size_t count) {
  if (interrupted()) return fail_interrupted(u->err);
  if (u->text.length + count > u->most)
    return fail(u->err,
                "%s: unpacks to more than %" PRIu64
                " MB from %zu KB, which is unlikely for text: unpack it first if it is text",
                u->name, u->most >> 20, u->packed->size >> 10);
  return spool_add(&u->text, bytes, count, u->err);
}

static bool damaged(Unpacker *u, const char *why) {
  return fail_damaged(u->err, "%s: is damaged after %zu bytes of text (%s): get the file again", u->name,
                      u->text.length, why);
}

/* ---- gzip ---- */

static bool has_member(const z_stream *z, const FileView *f) {
  const FileView rest = {.data = (const char *)z->next_in,
                         .size = (size_t)(f->data + f->size - (const char *)z->next_in)};
  return is_gzip(&rest);
}

/* Trailing zeros are padding by some programs; anything else would be silently ignored. */
static bool ends_here(Unpacker *u, const z_stream *z) {
  const char *rest = (const char *)z->next_in, *end = u->packed->data + u->packed->size;
  while (rest < end && !*rest) rest++;
  return rest == end || damaged(u, _("followed by bytes that are not gzip"));
}

/* zlib counts input in 32 bits. */
static void feed(z_stream *z, const FileView *f) {
  const size_t left = (size_t)(f->data + f->size - (const char *)z->next_in);
  z->avail_in = (uInt)(left < 1u << 30 ? left : 1u << 30);
}

static bool inflate_all(Unpacker *u, z_stream *z) {
  static const int window_and_header = 15 + 16;
  char *piece = u->piece;
  z->next_in = (Bytef *)(uintptr_t)u->packed->data;
  if (inflateInit2(z, window_and_header) != Z_OK) mem_exhausted(0);
  for (;;) {
    feed(z, u->packed);
    z->next_out = (Bytef *)piece;
    z->avail_out = PIECE;
    const int status = inflate(z, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) mem_exhausted(0);
    if (status == Z_BUF_ERROR) return damaged(u, _("truncated"));
    if (status != Z_OK && status != Z_STREAM_END) return damaged(u, z->msg ? z->msg : _("not gzip"));
    if (!put(u, piece, PIECE - z->avail_out)) return false;
    if (status == Z_STREAM_END && !has_member(z, u->packed)) return ends_here(u, z);
    if (status == Z_STREAM_END) inflateReset(z);
  }
}

static void *zlib_alloc(void *user, uInt count, uInt size) {
  return mem_alloc_library((size_t)count * size);
}
static void zlib_free(void *user, void *block) {
  mem_free(block);
}

static bool unpack_gzip(Unpacker *u) {
  z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
  const bool ok = inflate_all(u, &z);
  inflateEnd(&z);
  return ok;
}

/* ---- Zstandard ---- */

static bool decompress_all(Unpacker *u, ZSTD_DStream *z) {
  char *piece = u->piece;
  ZSTD_inBuffer in = {u->packed->data, u->packed->size, 0};
  size_t status = 0;
  bool full = false; /* output may be pending though the input is used up */
  while (in.pos < in.size || full) {
    ZSTD_outBuffer out = {piece, PIECE, 0};
    status = ZSTD_decompressStream(z, &out, &in);
    /* choosing its allocator would need an unstable interface */
    if (ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation) mem_exhausted(0);
    if (ZSTD_isError(status)) return damaged(u, ZSTD_getErrorName(status));
    if (!put(u, piece, out.pos)) return false;
    full = out.pos == out.size;
  }
  return status == 0 || damaged(u, _("truncated"));
}

static bool unpack_zstd(Unpacker *u) {
  ZSTD_DStream *z = ZSTD_createDStream();
  if (!z) mem_exhausted(0);
  const bool ok = decompress_all(u, z);
  ZSTD_freeDStream(z);
  return ok;
}

bool unpack(FileView *view, const char *name, Error *err) {
  Unpacker u = {.packed = view, .name = name, .most = most_bytes(view->size), .err = err};
  u.piece = mem_alloc(PIECE);
  const bool ok = is_gzip(view) ? unpack_gzip(&u) : unpack_zstd(&u);
  mem_free(u.piece);
  if (!ok) {
    spool_free(&u.text);
    return false;
  }
  file_view_close(view);
  file_view_take(view, &u.text);
  return true;
}
