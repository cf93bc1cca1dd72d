/* pipeline.h - the steps of a tokenizer, as tokenizer.json lists them: normalizers change a text,
 * pre-tokenizers cut it into words, a model makes ids of each word, decoders make text of tokens. A
 * post-processor sets the tokens around a text. A kind of step is a StepKind (models: a ModelKind) and a line
 * of steps.def. */
#ifndef TEXT_PIPELINE_H
#define TEXT_PIPELINE_H

#include "base/buffer.h"
#include "base/json.h"
#include "text/bpe.h"
#include "text/words.h"

typedef struct Tokenizer Tokenizer;
typedef struct StepKind StepKind;
typedef struct ModelKind ModelKind;
typedef struct Cutter Cutter;

/* A step; what the members hold is the kind's. */
typedef struct Step {
  const StepKind *kind;
  const char *text, *with; /* strings of the file */
  size_t length, with_length;
  WordPattern *pattern;
  int mode;
  bool flag, other_flag;
} Step;

typedef VEC(Step) Steps;
typedef enum StepPart {
  STEP_NORMALIZERS,
  STEP_CUTTERS,
  STEP_POST_PROCESSORS,
  STEP_DECODERS,
  STEP_PARTS
} StepPart;
void steps_free(Steps *);
/* Appends a step without members of a kind of normalizer. */
void steps_add_normalizer(Steps *, const char *type);
/* The bytes that the steps of a part may make of a text. Of real tokenizers' steps, NFKC with U+FDFA (11
 * times), then spaces to U+2581 and the alphabet of bytes make most. */
enum { STEPS_GROWTH = 64, STEPS_PUT = 256 };
static inline size_t steps_most(size_t length) {
  return length < SIZE_MAX / 2 / STEPS_GROWTH ? length * STEPS_GROWTH + STEPS_PUT : SIZE_MAX / 2;
}
/* Fails if a pattern does, on its limits, or if the text grows beyond steps_most. */
bool steps_normalize(const Steps *, const char *text, size_t length, Buffer *out, Error *);
bool steps_fail_growth(Error *);
/* The text that a token adds to others, or that it is as the first. False: beyond steps_most. */
bool steps_decode(const Steps *, const char *name, size_t length, bool first, Buffer *out);

/* ---- a file being read ---- */

typedef struct StepReader {
  Tokenizer *t;
  const char *path;
  Error *err;
  const char *what; /* "normalizer", ... */
  Steps *steps;     /* to which a kind appends */
  bool fused;       /* the decoder has joined the tokens to one text */
} StepReader;

struct StepKind {
  const char *type;
  const char *members; /* each followed by '|'; others are refused, because they could change the meaning */
  /* Appends the steps of a part; NULL: one, which has no members. */
  bool (*read)(StepReader *, const json_t *part, Step);
  bool (*normalize)(const Step *, const char *text, size_t length, Buffer *out, Error *);
  void (*cut)(const Step *, Cutter *, const char *text, size_t length);
  void (*decode)(const Step *, bool first, Buffer *token);
  bool knows_first; /* decode changes the first token of a text otherwise than others */
};

/* How a model encodes a word. BPE-dropout: each word uses a stream of its own. */
typedef struct EncodeOptions {
  bool specials; /* special tokens may be found in words (model_finds) */
  double drop;   /* probability of skipping a merge; 0: none */
  uint64_t seed, stream;
} EncodeOptions;

struct ModelKind {
  const char *type, *members;
  bool (*read)(StepReader *, const json_t *); /* before the vocabulary; members that are not in it */
  void (*encode)(const Tokenizer *, const char *word, size_t length, EncodeOptions *, Ids *);
};

/* The steps of a part of tokenizer.json. */
bool steps_read(StepReader *, StepPart, const json_t *json, Steps *);
const ModelKind *model_kind(const char *type); /* NULL: unknown */
/* Fails if a part has other members than those of the list, and "type". */
bool step_members(const StepReader *, const json_t *part, const char *what, const char *known);
/* Appends to the list that is being read. */
bool step_push(StepReader *, Step);
bool step_refuse(const StepReader *, const char *which); /* "... is not supported" */
/* A member that is a string, kept; `fallback` (NULL: it is required) if it is absent. */
bool step_text(StepReader *, const json_t *part, const char *key, const char *fallback, const char **,
               size_t *length);
bool step_bool(StepReader *, const json_t *part, const char *key, bool fallback, bool *);
/* The member "pattern", a String or a Regex. */
bool step_pattern(StepReader *, const json_t *part, Step *);
/* One of a list of names that ends with NULL, by its index. */
bool step_choice(StepReader *, const json_t *part, const char *key, int fallback, const char *const *names,
                 int *);

/* ---- a text being cut into words ---- */

struct Cutter {
  const Step *steps, *end;
  Words *words;   /* of each step that has a pattern */
  bool at_start;  /* nothing is before the text */
  bool continues; /* an invalid byte is before the text */
  void (*word)(Cutter *, const char *, size_t);
  size_t room;   /* bytes that steps may still put into the text, and copy for it */
  bool overfull; /* a step was to make more; its words are left out */
};

/* Cuts valid UTF-8 by a step and those after it. */
static inline void cut_by(const Step *step, Cutter *c, const char *text, size_t length) {
  if (step == c->end)
    c->word(c, text, length);
  else
    step->kind->cut(step, c, text, length);
}
/* For a step that cuts a text of its own making: takes its bytes off the room there is. */
bool cut_takes(Cutter *, size_t made);
/* A text with a string before it. */
void cut_prefixed(const Step *, Cutter *, const char *prefix, const char *text, size_t length);

#endif
