#include "io/tfevents.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/language.h"
#include "base/threads.h"

struct TfEvents {
  FILE *file;
  char path[PATH_CAPACITY];
};

/* ---- CRC32C (Castagnoli) of TFRecord, masked so that the CRC of data that contains CRCs is sound ---- */

static uint32_t crc_table[256];

static void fill_crc_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
    crc_table[i] = c;
  }
}

uint32_t crc32c(const void *data, size_t length) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const unsigned char *p = data;
  pthread_once(&once, fill_crc_table);
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < length; i++) crc = crc_table[(crc ^ p[i]) & 255] ^ crc >> 8;
  return crc ^ 0xffffffffu;
}

static uint32_t masked(const void *data, size_t length) {
  const uint32_t crc = crc32c(data, length);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* ---- protocol buffers: a key (field number and wire type), then a varint, 4 or 8 bytes, or a length and
 * bytes ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void put_varint(Buffer *b, uint64_t value) {
  for (; value >= 128; value >>= 7) buffer_add(b, &(unsigned char){(unsigned char)(value | 128)}, 1);
  buffer_add(b, &(unsigned char){(unsigned char)value}, 1);
}

static void put_key(Buffer *b, int field, int wire) {
  put_varint(b, (uint64_t)(field << 3 | wire));
}

static void put_bytes(Buffer *b, int field, const void *data, size_t length) {
  put_key(b, field, BYTES);
  put_varint(b, length);
  buffer_add(b, data, length);
}

static void put_text(Buffer *b, int field, const char *text) {
  put_bytes(b, field, text, strlen(text));
}

/* Appends `inner` as a message and frees it. */
static void put_message(Buffer *b, int field, Buffer *inner) {
  put_bytes(b, field, inner->data ? inner->data : "", inner->length);
  buffer_free(inner);
}

static void put_little_endian(Buffer *b, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) buffer_add(b, &(unsigned char){(unsigned char)(value >> 8 * i)}, 1);
}

/* Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; } */
static Buffer event(double wall_time, int64_t step) {
  Buffer b = {0};
  uint64_t bits;
  memcpy(&bits, &wall_time, sizeof bits);
  put_key(&b, 1, FIXED64);
  put_little_endian(&b, bits, 8);
  put_key(&b, 2, VARINT);
  put_varint(&b, (uint64_t)step);
  return b;
}

/* A record: length, its masked CRC, the data, its masked CRC. Frees `data`. */
static bool write_record(TfEvents *t, Buffer *data, Error *err) {
  Buffer record = {0};
  put_little_endian(&record, data->length, 8);
  put_little_endian(&record, masked(record.data, 8), 4);
  buffer_add(&record, data->data, data->length);
  put_little_endian(&record, masked(data->data, data->length), 4);
  const bool ok = fwrite(record.data, 1, record.length, t->file) == record.length;
  if (!ok) fail(err, "%s: cannot be written: %s", t->path, language_errno(errno));
  buffer_free(&record);
  buffer_free(data);
  return ok;
}

/* ---- events ---- */

TfEvents *tfevents_open(const char *dir, Error *err) {
  TfEvents *t = mem_alloc_zeroed(1, sizeof *t);
  char host[128] = "host", name[256];
  gethostname(host, sizeof host - 1);
  const double now = clock_unix();
  snprintf(name, sizeof name, TFEVENTS_PREFIX "%.0f.%s.%ld", now, host, (long)getpid());
  t->file = fopen(path_join(t->path, dir, name), "abe");
  if (!t->file) {
    fail(err, "%s: cannot be written: %s", t->path, language_errno(errno));
    mem_free(t);
    return NULL;
  }
  Buffer first = event(now, 0);
  put_text(&first, 3, "brain.Event:2");
  if (write_record(t, &first, err)) return t;
  tfevents_close(t);
  return NULL;
}

/* Summary { repeated Value value = 1; } */
static bool write_value(TfEvents *t, int64_t step, double wall_time, Buffer *value, Error *err) {
  Buffer summary = {0}, e = event(wall_time, step);
  put_message(&summary, 1, value);
  put_message(&e, 5, &summary);
  return write_record(t, &e, err);
}

/* Value { string tag = 1; float simple_value = 2; } */
bool tfevents_scalar(TfEvents *t, const char *tag, int64_t step, double value, double wall_time, Error *err) {
  Buffer v = {0};
  const float single = (float)value;
  uint32_t bits;
  memcpy(&bits, &single, sizeof bits);
  put_text(&v, 1, tag);
  put_key(&v, 2, FIXED32);
  put_little_endian(&v, bits, 4);
  return write_value(t, step, wall_time, &v, err);
}

/* Value { string tag = 1; TensorProto tensor = 8; SummaryMetadata metadata = 9; } with
 * TensorProto { DataType dtype = 1 (7: string); TensorShapeProto shape = 2; repeated bytes string_val = 8; }
 * and SummaryMetadata { PluginData { string plugin_name = 1; } plugin_data = 1; } */
bool tfevents_text(TfEvents *t, const char *tag, int64_t step, const char *text, double wall_time,
                   Error *err) {
  Buffer v = {0}, tensor = {0}, shape = {0}, size = {0}, metadata = {0}, plugin = {0};
  put_key(&size, 1, VARINT);
  put_varint(&size, 1);
  put_message(&shape, 2, &size);
  put_key(&tensor, 1, VARINT);
  put_varint(&tensor, 7);
  put_message(&tensor, 2, &shape);
  put_text(&tensor, 8, text);
  put_text(&plugin, 1, "text");
  put_message(&metadata, 1, &plugin);
  put_text(&v, 1, tag);
  put_message(&v, 8, &tensor);
  put_message(&v, 9, &metadata);
  return write_value(t, step, wall_time, &v, err);
}

bool tfevents_flush(TfEvents *t, Error *err) {
  return fflush(t->file) == 0 || fail(err, "%s: cannot be written: %s", t->path, language_errno(errno));
}

void tfevents_close(TfEvents *t) {
  if (!t) return;
  fclose(t->file);
  mem_free(t);
}
