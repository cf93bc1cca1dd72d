/* generator.h - the one loop that writes: texts are submitted, advance by a token each step, and leave, while
 * others run (iteration-level scheduling: Yu et al. 2022, "Orca").
 *
 * What is chosen at each step is up to who submits: writer.c draws and prints, draw.c draws, search.c follows
 * the likeliest. The text of a request is the same alone, among others, with its prefix shared or not, on any
 * number of threads. */
#ifndef RUN_GENERATOR_H
#define RUN_GENERATOR_H

#include "run/inputs.h"

/* Why a request ended: choose or accept gave no rows; `most` tokens were written while rows wanted to go on;
 * generator_cancel or generator_free. */
typedef enum GenerationEnd { GENERATION_DONE, GENERATION_FULL, GENERATION_CANCELLED } GenerationEnd;

/* A row is a text that is followed; a request begins with one, whose logits are those after its prompt. */
typedef struct GenerationRequest {
  Input input;  /* what it points to stays until `finish` */
  int64_t rows; /* at a time at most */
  int64_t most; /* tokens written to each row at most, at least 1 */
  /* Positions of a row; when they are full, its later half is read again from position 0. 0: prompt and text
   * fit into what the network has. */
  int64_t window;
  /* logits [rows, vocabulary] -> the number of rows that go on: row i continues row from[i] by tokens[i].
   * Runs on any thread and must not allocate. */
  int64_t (*choose)(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens);
  /* NULL, or what is done with the choice on the thread that calls generator_step: it may allocate, print,
   * and remove rows (the number that goes on is returned, from and tokens closed up). */
  int64_t (*accept)(void *user, int64_t rows, int32_t *from, int32_t *tokens);
  /* Once for each request, and last of all. `rows`: how many were followed when it ended. May submit others.
   */
  void (*finish)(void *user, GenerationEnd, int64_t rows);
  void *user;
} GenerationRequest;

typedef struct GeneratorSettings {
  int64_t
      rows; /* at the same time (a single request may have more); 0: as many as products are fastest with */
  int64_t tokens; /* of prompts, read in one step; 0: as many as products are fastest with */
  PackedSet
      *packed; /* weights packed for many rows, shared by several generators; NULL: as the model has them */
  /* Requests begin as soon as there are rows for them: the shortest wait, for a server. Otherwise those with
   * sources wait until several can be read together: the highest rate, where all are there at once. */
  bool at_once;
} GeneratorSettings;

typedef struct Generator Generator;
Generator *generator_new(const Model *, GeneratorSettings);
/* Cancels what has not finished. */
void generator_free(Generator *);
/* Waits until a step has rows for it; first come, first served. Gives its number, by which it may be
 * cancelled. */
int64_t generator_submit(Generator *, const GenerationRequest *);
/* Its rows are free for others at once; nothing happens where it has finished. Not from within `choose`. */
void generator_cancel(Generator *, int64_t number);
/* Prompts are read, up to `tokens` of them, and every running text advances by a token. False where nothing
 * is left to do. */
bool generator_step(Generator *);
/* False where the network computed values that are no numbers: what was written then means nothing. */
bool generator_ok(const Generator *, Error *);
int64_t generator_waiting(const Generator *); /* requests without rows yet */
int64_t generator_rows(const Generator *);    /* in use */

#endif
