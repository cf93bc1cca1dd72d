#include "base/kinds.h"

#include <string.h>
#include <strings.h>

#include "base/language.h"

#define AS_DIRECTORY "get the model as a directory of Hugging Face, with model.safetensors"
#define OLD_GGML                                                                                     \
  "a file in a format of llama.cpp before GGUF (2023): get the model as a GGUF file, or convert it " \
  "with llama.cpp's convert_llama_ggml_to_gguf.py"

/* First bytes, of which letters may be capitals or not; `member`: in a zip archive, whose first member has
 * this in its name. */
typedef struct FileKind {
  const char *begins;
  size_t length;
  const char *member, *says;
} FileKind;

#define BEGINS(bytes) bytes, sizeof(bytes) - 1, NULL
#define ZIP(member)   "PK\3\4", 4, member

static const FileKind placeholders[] = {
    {BEGINS("version https://git-lfs"),
     N_("a pointer of Git LFS, not the file itself: run `git lfs pull` in its directory")},
    {BEGINS("<!doctype html"),
     N_("an HTML page, perhaps instead of a download that failed: get the file again")},
    {BEGINS("<html"), N_("an HTML page, perhaps instead of a download that failed: get the file again")},
    {NULL, 0, NULL, NULL}};

static const FileKind kinds[] = {
    {BEGINS("GGUF"), N_("a GGUF file, but not one that can be used here: give it as the model (-m FILE)")},
    {BEGINS("lmgg"), N_(OLD_GGML)},
    {BEGINS("fmgg"), N_(OLD_GGML)},
    {BEGINS("tjgg"), N_(OLD_GGML)},
    {ZIP(".npy"), N_("an archive of NumPy arrays (.npz): save the weights as safetensors")},
    {ZIP("data.pkl"),
     N_("weights saved by PyTorch: name the file pytorch_model.bin, in a directory with config.json and "
        "tokenizer.json, and give the directory")},
    {ZIP(""), N_("a zip archive: unpack it")},
    {BEGINS("\x93NUMPY"), N_("an array of NumPy (.npy): save the weights as safetensors")},
    {BEGINS("\x89HDF\r\n\x1a\n"), N_("an HDF5 file, as of TensorFlow or Keras: " AS_DIRECTORY)},
    {BEGINS("\x1f\x8b"), N_("a gzip archive: unpack it (gunzip, or tar xzf)")},
    {BEGINS("BZh"), N_("a bzip2 archive: unpack it")},
    {BEGINS("\x28\xb5\x2f\xfd"), N_("a zstd archive: unpack it")},
    {BEGINS("\xfd"
            "7zXZ"),
     N_("an xz archive: unpack it")},
    {NULL, 0, NULL, NULL}};

/* The name of a zip archive's first member is at byte 30. */
static bool has_member(const char *data, size_t size, const char *member) {
  enum { NAME = 30, MOST = 512 };
  const size_t length = size <= NAME ? 0 : size - NAME < MOST ? size - NAME : MOST;
  return !*member || (length && memmem(data + NAME, length, member, strlen(member)));
}

static bool refuse(const FileKind *k, const char *path, const char *data, size_t size, Error *err) {
  for (; k->begins; k++)
    if (size >= k->length && !strncasecmp(data, k->begins, k->length) &&
        (!k->member || has_member(data, size, k->member)))
      return !fail(err, "%s: is %s", path, language_text(k->says));
  return false;
}

bool kind_refuse_placeholder(const char *path, const char *data, size_t size, Error *err) {
  return refuse(placeholders, path, data, size, err);
}

/* A protocol buffer whose first field is a small number (its version), the next a text. */
static bool is_onnx(const char *data, size_t size) {
  return size > 3 && data[0] == 0x08 && data[1] > 0 && data[1] < 32 && data[2] == 0x12;
}

bool kind_refuse(const char *path, const char *data, size_t size, Error *err) {
  if (is_onnx(data, size)) return !fail(err, "%s: is an ONNX graph: " AS_DIRECTORY, path);
  return kind_refuse_placeholder(path, data, size, err) || refuse(kinds, path, data, size, err);
}
