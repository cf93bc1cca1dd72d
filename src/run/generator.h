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
  int64_t *shifts; /* counted up each time; may be NULL */
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
  int64_t rows;   /* at the same time (a single request may have more); 0: GENERATOR_ROWS */
  int64_t tokens; /* of prompts, read in one step; 0: SESSION_PIECE */
  PackedSet
      *packed; /* weights packed for many rows, shared by several generators; NULL: as the model has them */
  StateSize expected; /* what the memory begins with; it grows */
} GeneratorSettings;
/* Rows of one generator: enough for products at full speed, few enough that their states stay near. */
enum { GENERATOR_ROWS = 80 };

typedef struct Generator Generator;
Generator *generator_new(const Model *, GeneratorSettings);
/* Cancels what has not finished. */
void generator_free(Generator *);
/* Waits until a step has rows for it; first come, first served. Gives its number, by which it may be
 * cancelled. */
int64_t generator_submit(Generator *, const GenerationRequest *);
/* Its rows are free for others at once; nothing happens where it has finished. Never from
 * within `choose`. */
void generator_cancel(Generator *, int64_t number);
/* Prompts are read, up to `tokens` of them, and every running text advances by a token. False where nothing
 * is left to do. */
bool generator_step(Generator *);
/* False where the network computed values that are no numbers: what was written then means nothing. */
bool generator_ok(const Generator *, Error *);
/* Requests that have not finished. */
int64_t generator_unfinished(const Generator *);
/* For tests: pages of keys and values in use. */
int64_t generator_pages(const Generator *);

/* ---- many requests that are all there at once ---- */

/* Makes the request for the index-th input. Called by any thread, where it may allocate. */
typedef void GenerationOpen(void *user, int64_t index, GenerationRequest *);
/* Each input from `open` to `finish`, by several generators, one a thread, so that nothing waits at every
 * step; neighbours should be of like length. `rows`: of a request at most. Ends early where interrupted.
 * False where the network computed values that are no numbers. */
bool generate_all(const Model *, int64_t rows, const Input *, int64_t count, GenerationOpen *open,
                  void *user);

#endif
