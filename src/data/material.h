/* material.h - what a task is learnt from: files -> examples, a held-out part, tokens, batches. One interface
 * for running text (text_material.c) and for pairs and conversations (pair_material.c). */
#ifndef DATA_MATERIAL_H
#define DATA_MATERIAL_H

#include "data/batches.h"
#include "data/layout.h"
#include "data/pairs.h"
#include "data/task.h"

#include "data/settings.def" /* DataSettings, data_settings_table */
#include "data/windows.def"  /* WindowSettings, window_settings_table */

typedef struct MaterialPart {
  int64_t examples; /* documents, pairs, conversations */
  int64_t bytes, characters;
  int64_t tokens; /* known once encoded; of pairs both sides */
  uint64_t fingerprint;
} MaterialPart;

/* Special tokens of a model that learns from it; -1: none. */
typedef struct MaterialTokens {
  int32_t begin; /* what a text of its own starts from */
  int32_t end, start, pad;
} MaterialTokens;

/* How large batches are at most. */
typedef struct BatchSize {
  int64_t sequences; /* 0: as many as `tokens` allows */
  int64_t tokens;    /* on either side, padding counted */
} BatchSize;

typedef enum MaterialSide { BOTH_SIDES, SOURCE_SIDE, TARGET_SIDE } MaterialSide;
typedef struct Material Material;
typedef struct MaterialKind {
  const char *said;                    /* "running text" */
  const SettingTable *const tables[3]; /* settings that it alone reads, ended by NULL */
  Material *(*open)(const Task *, const TextList *files, const Settings *, const News *, Error *);
  void (*free)(Material *);
  TextSource (*source)(const Material *, MaterialSide);
  bool (*encode)(Material *, const Tokenizer *, Error *);
  bool (*fit)(Material *, const Tokenizer *, bool encodes, int64_t context, Error *);
  Batches *(*training)(const Material *, BatchSize, uint64_t seed, Error *);
  Batches *(*evaluation)(const Material *, BatchSize, int64_t time, int64_t limit, Error *);
  int64_t (*need)(const Material *, bool encodes, double share); /* NULL: any context serves */
} MaterialKind;
extern const MaterialKind material_text, material_pairs;

/* First member of what implements it. */
struct Material {
  const MaterialKind *kind;
  const Task *task;
  const Settings *settings; /* of data and pairs */
  News news;
  MaterialPart train, held;
  bool has_held;         /* something to evaluate by */
  bool two_vocabularies; /* sources have a tokenizer of their own */
  MaterialTokens tokens;
  MaterialTokens kept; /* start and padding of a model that goes on learning */
  int64_t context;
};

/* Reads, checks and splits, and says what it found. */
Material *material_open(const Task *, const TextList *files, const Settings *, const News *, Error *);
void material_free(Material *);
/* The text for tokenizer_train: all, or one side of pairs. Free with mem_free(source.self). */
TextSource material_source(const Material *, MaterialSide);
bool material_encode(Material *, const Tokenizer *, Error *);
/* The context that this share of the examples fits, once encoded; 0: any will do. */
int64_t material_need(const Material *, bool encodes, double share);
/* Lays it out for a network, once encoded: fills in `tokens`. Refuses a tokenizer that lacks special tokens
 * and a text that gives not a single example. */
bool material_fit(Material *, const Tokenizer *, bool encodes, int64_t context, Error *);
Batches *material_batches(const Material *, BatchSize, uint64_t seed, Error *);
/* Of the held-out part: each target once, or about `limit` of them spread evenly (0: all). `time`: the window
 * of running text. */
Batches *material_eval_batches(const Material *, BatchSize, int64_t time, int64_t limit, Error *);

/* Of pairs and conversations: the held-out ones, or those learnt from where nothing is held out; NULL for
 * running text. */
const Pairs *material_examples(const Material *);
const PairLayout *material_layout(const Material *);

#endif
