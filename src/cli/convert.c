/* convert.c - inkstone convert: writes a model of any supported format as a Hugging Face directory or a GGUF
 * file. */
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/present.h"
#include "cli/progress.h"
#include "cli/streams.h"

/* "f32 (3 tensors), q8_0 (8)": for a person, the word is in the person's language. */
static json_t *types_json(const char *types, bool readable) {
  static const char word[] = N_(" tensors)");
  const char *at = readable ? strstr(types, word) : NULL;
  if (!at) return json_string(types);
  Buffer text = {0};
  buffer_add(&text, types, (size_t)(at - types));
  buffer_addf(&text, "%s%s", language_text(word), at + strlen(word));
  json_t *json = json_stringn(text.data, text.length);
  buffer_free(&text);
  return json;
}

static json_t *converted_json(const ink_converted *c, bool readable) {
  return json_build("{s:I, s:o, s:I, s:o, s:I}", "parameters", (json_int_t)c->parameters, "source_types",
                    types_json(c->source_types, readable), "source_bytes", (json_int_t)c->source_bytes,
                    "types", types_json(c->types, readable), "bytes", (json_int_t)c->bytes);
}

static bool run(Call *call, Error *err) {
  Progress progress;
  ink_converted converted = INK_CONVERTED_INIT;
  streams_catch_signals();
  progress_open(&progress, call->values[OWN_QUIET]);
  const ink_call how = progress_call(&progress);
  const bool ok = ink_convert(call->operands[0], call->operands[1], call->settings, &converted, &how, err);
  progress_close(&progress);
  if (!ok) return false;
  json_t *json = converted_json(&converted, !call->values[OWN_JSON]);
  present(json, call->values[OWN_JSON]);
  json_decref(json);
  ink_free(converted.source_types);
  ink_free(converted.types);
  return true;
}

const Command command_convert = {
    .name = "convert",
    .operands = "SRC DST",
    .summary = N_(
        "write a model of another format, or with other weights, as a Hugging Face directory or a GGUF file"),
    .description =
        N_("Reads the model SRC, a Hugging Face directory or a GGUF file, and writes it to DST: to a GGUF "
           "file, which llama.cpp and Inkstone load, if the name ends in .gguf, else to a directory in the "
           "Hugging Face layout, which transformers and Inkstone load. Either has configuration, weights, "
           "tokenizer and chat template. Prints the number of parameters, and the types and bytes of the "
           "weights before and after.\nIn a directory, weights of GGUF's block types become f32 with exactly "
           "their values. With --type, values are rounded to the nearest, or as the type's quantizer does; "
           "values beyond the range of f16 are an error. A GGUF file keeps vectors in f32; --type q2_k to "
           "q6_k, q4_k_m and iq4_nl give some matrices a larger type, as llama.cpp does, and those whose "
           "rows are no whole blocks another one: the counts tell.\nWhat a GGUF file cannot say (a window of "
           "mistral, a tokenizer that llama.cpp would use otherwise) is an error. Models trained with "
           "--tokenizer char or --words gpt-2 have tokenizers that it can.\nThe directory of an adapter "
           "becomes a GGUF file with the "
           "adapter alone, which llama.cpp and Inkstone add to its base.\nDST keeps its old model until "
           "the new one is complete. Only --overwrite replaces a model or a file."),
    .examples = {{"inkstone convert smollm2.gguf smollm2", N_("make a GGUF file loadable by transformers")},
                 {"inkstone convert poems poems.gguf --type q4_k_m", N_("make a small file for llama.cpp")},
                 {"inkstone convert mine mine.gguf", N_("make an adapter that llama.cpp applies (--lora)")},
                 {"inkstone convert poems poems-bf16 --type bf16", N_("halve the size of a trained model")},
                 {"inkstone convert poems poems-bf16 --type bf16 --overwrite",
                  N_("replace an earlier result")}},
    .flags = {FLAG_JSON("print the result as a JSON object"), FLAG_CONFIG, FLAG_QUIET, FLAG_HELP},
    .settings = ink_settings_convert,
    .least = 2,
    .most = 2,
    .run = run,
};
