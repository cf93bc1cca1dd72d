/* generator.h - the generation loop: requests are submitted, advance by a token each step, and leave while
 * others run (iteration-level scheduling: Yu et al. 2022, "Orca").
 *
 * The submitter's callbacks choose the tokens: writer.c samples and streams, draw.c samples, search.c does
 * beam search. The text of a request does not depend on other requests, shared prefixes or the number of
 * threads. */
#ifndef RUN_GENERATOR_H
#define RUN_GENERATOR_H

#include "run/inputs.h"

/* Why a request ended: choose or accept returned 0 rows; rows remained after `most` tokens; generator_cancel
 * or generator_free. */
typedef enum GenerationEnd { GENERATION_DONE, GENERATION_FULL, GENERATION_CANCELLED } GenerationEnd;

/* A row is a text being continued. A request starts with one row, whose first logits follow its prompt. */
typedef struct GenerationRequest {
  Input input;  /* what it points to must stay valid until `finish` */
  int64_t rows; /* maximum at a time */
  int64_t most; /* maximum number of new tokens per row, at least 1 */
  /* Positions of a row; when they are full, its later half is read again from position 0. 0: prompt and text
   * fit into the context. */
  int64_t window;
  int64_t *shifts; /* incremented each time; may be NULL */
  /* Given logits [rows, vocabulary], returns the number of rows that continue: new row i is row from[i]
   * followed by tokens[i]. Runs on any thread; if memory runs out there, it must leave
   * nothing locked. */
  int64_t (*choose)(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens);
  /* Optional: processes the choice on the thread that calls generator_step. It may allocate, print, and
   * remove rows (it then compacts `from` and `tokens` and returns the number of rows that continue). */
  int64_t (*accept)(void *user, int64_t rows, int32_t *from, int32_t *tokens);
  /* The last call for each request. `rows`: the number of rows when it ended. May submit further requests. */
  void (*finish)(void *user, GenerationEnd, int64_t rows);
  void *user;
} GenerationRequest;

typedef struct GeneratorSettings {
  int64_t rows;       /* running at a time (a single request may have more); 0: GENERATOR_ROWS */
  int64_t tokens;     /* prompt tokens read per step; 0: SESSION_PIECE */
  PackedSet *packed;  /* weights packed for many rows, shared by several generators; NULL: the model's own */
  StateSize expected; /* initial size of the state; it grows */
} GeneratorSettings;
/* Rows of one generator: enough for matrix products at full speed, few enough for states to stay in cache. */
enum { GENERATOR_ROWS = 80 };

typedef struct Generator Generator;
Generator *generator_new(const Model *, GeneratorSettings);
/* Cancels unfinished requests. */
void generator_free(Generator *);
/* Queues a request until a step has enough free rows, in order of submission. Returns its number, for
 * generator_cancel. */
int64_t generator_submit(Generator *, const GenerationRequest *);
/* Frees the request's rows at once; no effect if it has finished. Must not be called from `choose`. */
void generator_cancel(Generator *, int64_t number);
/* Reads up to `tokens` prompt tokens and advances every running text by a token. False if nothing is left to
 * do. */
bool generator_step(Generator *);
/* False if logits were not finite: the texts are then meaningless. */
bool generator_ok(const Generator *, Error *);
/* Number of unfinished requests. */
int64_t generator_unfinished(const Generator *);
/* For tests: KV cache pages in use. */
int64_t generator_pages(const Generator *);

/* ---- many requests known in advance ---- */

/* Fills in the request for the index-th input. Called on any thread; may allocate. */
typedef void GenerationOpen(void *user, int64_t index, GenerationRequest *);
/* Runs a request for each input, in several generators, one per thread, which need no synchronization at each
 * step; adjacent inputs should have similar lengths. `rows`: maximum of a request. Returns early if
 * interrupted. False if logits were not finite. */
bool generate_all(const Model *, int64_t rows, const Input *, int64_t count, GenerationOpen *open,
                  void *user);

#endif
