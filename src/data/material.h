/* material.h - the training data of a task: files -> examples, a held-out part, tokens, batches. One
 * interface to running text (text_material.c) and to pairs and conversations (pair_material.c). */
#ifndef DATA_MATERIAL_H
#define DATA_MATERIAL_H

#include "data/batches.h"
#include "data/chat_template.h"
#include "data/labels.h"
#include "data/pairs.h"
#include "data/task.h"

#include "data/preference.def" /* PreferenceSettings, preference_settings_table */
#include "data/settings.def"   /* DataSettings, data_settings_table */
#include "data/windows.def"    /* WindowSettings, window_settings_table */

typedef struct MaterialPart {
  int64_t examples; /* documents, pairs, conversations */
  int64_t bytes, characters;
  int64_t tokens; /* once encoded; both sides of pairs */
  uint64_t fingerprint;
} MaterialPart;

/* Special tokens of a model trained on it; -1: none. */
typedef struct MaterialTokens {
  int32_t begin; /* the token from which a new text starts */
  int32_t end, start, pad;
  int32_t opening; /* after which the model expects a beginning, if it never saw one after `begin` */
} MaterialTokens;

/* Upper limits of a batch. */
typedef struct BatchSize {
  int64_t sequences; /* 0: as many as `tokens` allows */
  int64_t tokens;    /* on either side, including padding */
} BatchSize;

typedef enum MaterialSide { BOTH_SIDES, SOURCE_SIDE, TARGET_SIDE } MaterialSide;
typedef struct Material Material;
typedef struct MaterialKind {
  const char *said;                    /* its name in messages */
  const SettingTable *const tables[4]; /* settings only such material reads, ended by NULL */
  const char *const *unread;           /* names of settings that it does not read; NULL: none */
  bool tunes;                          /* changes a model, which is used as before (Material.use) */
  Material *(*open)(const Task *, const TextList *files, const Settings *, const News *, Error *);
  void (*free)(Material *);
  TextSource (*source)(const Material *, MaterialSide);
  bool (*encode)(Material *, const Tokenizer *, Error *);
  bool (*fit)(Material *, const Tokenizer *, bool encodes, int64_t context, Error *);
  Batches *(*training)(const Material *, BatchSize, uint64_t seed, Error *);
  Batches *(*evaluation)(const Material *, BatchSize, int64_t time, int64_t limit, Error *);
  int64_t (*need)(const Material *, bool encodes, double share); /* NULL: any context serves */
} MaterialKind;
extern const MaterialKind material_text, material_pairs, material_labels, material_preferences;

/* First member of the implementing struct. */
struct Material {
  const MaterialKind *kind;
  const Task *task;
  const Task *use;          /* what the model is used for: the task, or that of the model that it tunes */
  const Settings *settings; /* of data and pairs */
  News news;
  MaterialPart train, held;
  bool has_held;         /* there is a held-out part */
  bool two_vocabularies; /* sources have a separate tokenizer */
  bool masked;           /* texts have tokens for spans that must not change (text/masks.h) */
  MaterialTokens tokens;
  /* Of the model that training continues: start and padding tokens, and the template of its conversations
   * (NULL: it has none). */
  MaterialTokens kept;
  const ChatTemplate *template;
  const Labels *kept_labels; /* the same: if they are those of the material, it keeps their order */
  const Labels *labels;      /* of labelled texts, once the material is laid out; NULL: none */
  int64_t context;
};

/* Reads, checks and splits the files, and reports what it found. */
Material *material_open(const Task *, const TextList *files, const Settings *, const News *, Error *);
void material_free(Material *);
/* The text for tokenizer_train: everything, or one side of pairs. Free with mem_free(source.self). */
TextSource material_source(const Material *, MaterialSide);
bool material_encode(Material *, const Tokenizer *, Error *);
/* The context in which this share of the encoded examples fits; 0: any context will do. */
int64_t material_need(const Material *, bool encodes, double share);
/* Lays out the encoded material for a network and fills in `tokens`. Fails if the tokenizer lacks special
 * tokens or the text is too short for one example. */
bool material_fit(Material *, const Tokenizer *, bool encodes, int64_t context, Error *);
Batches *material_batches(const Material *, BatchSize, uint64_t seed, Error *);
/* Batches of the held-out part: each target once, or about `limit` targets spread evenly (0: all). `time`:
 * window length for running text. */
Batches *material_eval_batches(const Material *, BatchSize, int64_t time, int64_t limit, Error *);

/* The held-out pairs or conversations, or the training ones if none are held out; NULL for others. */
const Pairs *material_examples(const Material *);
const PairLayout *material_layout(const Material *);
/* Whether texts have a verdict each, instead of pairs of which one is preferred. */
bool material_has_verdicts(const Material *);

#endif
