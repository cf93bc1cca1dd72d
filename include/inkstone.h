/* inkstone.h - the public interface of Inkstone, a deep-learning text generator.
 *
 * Everything a program may use is here; the command line is written against it.
 *
 * Conventions
 *   - A function that can fail because of the world (a file, memory, a request, a model) returns bool,
 *     or a pointer that is NULL on failure, and says in one sentence in its `ink_error` what is wrong,
 *     where, and what to do. Wrong use of the interface itself (NULL where an object is needed) aborts.
 *   - Text is UTF-8 bytes with a length; it may hold any byte, NUL included.
 *   - What is returned by a function named `..._new`, `..._open` or documented as "the caller frees"
 *     is given back with the `..._free`, `..._close` of the same family or `ink_free`.
 *   - A struct that is passed by pointer and may grow in later versions begins with its size: initialize it
 * with its INK_..._INIT. ink_error, ink_stop, ink_text and ink_turn do not grow.
 *   - Nothing here prints and nothing here exits: news arrives through an `ink_listener`.
 *   - An object is used by one thread at a time; different objects may be used by different threads at
 *     once, though the pool of worker threads helps one of them at a time.
 */
#ifndef INKSTONE_H
#define INKSTONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define INK_API __attribute__((visibility("default")))
#else
#define INK_API
#endif

#define INK_VERSION "0.2.0"

/* 10000 major + 100 minor + patch; to compare with in #if */
#define INK_VERSION_NUMBER 200

/* ---- errors ---------------------------------------------------------------------------------- */

enum {
  INK_OK = 0,
  INK_FAILED = 1,     /* the world is wrong in another way than these: */
  INK_USAGE = 2,      /* the request is wrong */
  INK_NOT_FOUND = 3,  /* a file or directory that is not there */
  INK_DAMAGED = 4,    /* bytes that are not what their format says */
  INK_MEMORY = 5,     /* there is not enough of it */
  INK_INTERRUPTED = 6 /* as an ink_stop asked */
};

/* Zero-initialize before the first use. The first error wins: later ones leave it as it is. */
typedef struct ink_error {
  int code;        /* one of the above */
  char text[1020]; /* one sentence, without a final newline */
} ink_error;

/* The library's version, as INK_VERSION of the header it was built with. */
INK_API const char *ink_version(void);
INK_API int ink_version_number(void); /* likewise INK_VERSION_NUMBER */

/* The instruction set in use: the best one of this machine, or the one that the environment variable
 * INKSTONE_ISA names. NULL where that names none of this machine's. */
INK_API const char *ink_instruction_set(ink_error *);

/* Frees text that a function documented as "the caller frees". NULL is fine. */
INK_API void ink_free(void *text);

/* ---- engines --------------------------------------------------------------------------------- */

/* Worker threads and limits for calls. Who opens none shares one with the rest of the process; calls in
 * different engines work at the same time and do not feel each other. An engine's threads are started when
 * they are first needed, never move the caller's thread, run where it may run, and are tied to no processor.
 */
typedef struct ink_engine ink_engine;

typedef struct ink_engine_options {
  size_t size;    /* of this struct */
  int threads;    /* at most so many work for a call; 0: as many as the calling thread may run on */
  int64_t memory; /* bytes that the library may hold when a call begins something large, which it refuses
                     beyond that; 0: what the process may have */
} ink_engine_options;
#define INK_ENGINE_OPTIONS_INIT \
  { sizeof(ink_engine_options), 0, 0 }

INK_API ink_engine *ink_engine_open(const ink_engine_options *, ink_error *); /* NULL options: the defaults */
/* Its calls have returned; what was opened in it is closed. */
INK_API void ink_engine_close(ink_engine *);

/* ---- settings -------------------------------------------------------------------------------- */

/* A bag of named values, each with a type, a range, a default and a sentence of help. The same names
 * serve as flags of the command line (--name VALUE), as keys of a recipe.yaml and here. */
typedef struct ink_settings ink_settings;

/* One per activity; free with ink_settings_free. */
INK_API ink_settings *ink_settings_train(void);   /* model, data, tokenizer, optimization, sampling */
INK_API ink_settings *ink_settings_write(void);   /* sampling and limits of generated text */
INK_API ink_settings *ink_settings_rewrite(void); /* how translations, summaries, replies are searched for */
INK_API ink_settings *ink_settings_eval(void);    /* how a model is scored */
INK_API ink_settings *ink_settings_score(void);   /* metrics, and how files are compared by them */
INK_API ink_settings *ink_settings_tokenizer(void); /* training of a tokenizer */
INK_API ink_settings *ink_settings_bench(void);     /* what to measure */
INK_API ink_settings *ink_settings_text(void);      /* how text is read (part of the others, too) */
INK_API void ink_settings_free(ink_settings *);

/* Gives `name` ("top-p" or "top_p") the value spelled by `text`. Unknown names are refused with the
 * nearest known one, values outside of the range with the range: INK_USAGE. */
INK_API bool ink_settings_set(ink_settings *, const char *name, const char *text, ink_error *);

/* Sets every key of a YAML mapping; an explicit ink_settings_set, before or after, wins over it. */
INK_API bool ink_settings_load(ink_settings *, const char *yaml_path, ink_error *);

/* The current value as text, "" where unset; the caller frees. NULL if there is no such name. */
INK_API char *ink_settings_get(const ink_settings *, const char *name);

/* The value of a number (or a size, or a time in seconds) and of a switch, and giving them one: INK_USAGE
 * where there is no setting of that name, or where it is of another kind. */
INK_API bool ink_settings_get_int(const ink_settings *, const char *name, int64_t *value, ink_error *);
INK_API bool ink_settings_get_real(const ink_settings *, const char *name, double *value, ink_error *);
INK_API bool ink_settings_get_bool(const ink_settings *, const char *name, bool *value, ink_error *);
INK_API bool ink_settings_set_int(ink_settings *, const char *name, int64_t value, ink_error *);
INK_API bool ink_settings_set_real(ink_settings *, const char *name, double value, ink_error *);
INK_API bool ink_settings_set_bool(ink_settings *, const char *name, bool value, ink_error *);

typedef struct ink_setting_info {
  size_t size;               /* of this struct */
  const char *name;          /* as in a flag: "top-p" */
  const char *section;       /* "model", "training", ... for grouping in help */
  const char *arg;           /* what stands for the value in help: "N", "F", "a|b|c"; "" for a switch */
  const char *default_value; /* as text; "" if none */
  const char *help;          /* one sentence */
  bool is_switch;            /* takes no value on the command line: --name or --no-name */
  bool repeats;              /* may be given several times */
} ink_setting_info;
#define INK_SETTING_INFO_INIT \
  { sizeof(ink_setting_info), NULL, NULL, NULL, NULL, NULL, false, false }

/* Describes the index-th setting; false past the last. The pointers live as long as the settings. */
INK_API bool ink_settings_describe(const ink_settings *, int index, ink_setting_info *);

/* ---- news of a running activity --------------------------------------------------------------- */

typedef enum ink_event_kind {
  INK_EVENT_NOTE,     /* text: something worth a line ("vocabulary: 4,096 tokens from 1.1 MB") */
  INK_EVENT_WARNING,  /* text: something to look at ("3 invalid UTF-8 bytes replaced in a.txt") */
  INK_EVENT_PROGRESS, /* stage, done, total and, while training, the measures below */
  INK_EVENT_EVAL,     /* done (the step), loss, valid_loss, metric, best */
  INK_EVENT_SAMPLE,   /* text: written by the model as it is now */
} ink_event_kind;

typedef struct ink_event {
  ink_event_kind kind;
  const char *stage;        /* "training", "evaluating", "counting words", ... */
  const char *text;         /* for NOTE, WARNING, SAMPLE; valid during the call only */
  int64_t done, total;      /* of this stage, in `unit`s; total 0 if unknown */
  const char *unit;         /* "step", "byte", "merge", ... */
  double loss;              /* nats per token, smoothed over the last steps; 0 if none yet */
  double valid_loss;        /* the last held-out loss, nats per token; 0 if none yet */
  const char *metric;       /* EVAL: what judges beside the loss ("bleu"); NULL: the loss does */
  double metric_value;      /* 0 to 100 */
  bool best;                /* EVAL: the best one so far */
  double learning_rate;     /* of the step just done */
  double tokens_per_second; /* over the last steps; of sources and targets both, padding counted */
  double peak_share;        /* arithmetic done / the machine's measured peak, 0..1; 0 if unknown */
  double seconds, seconds_left;
  int64_t memory; /* bytes held by this process */
} ink_event;

/* Called on the thread that runs the activity. */
typedef void ink_listener(void *user, const ink_event *event);

/* ---- how a call runs -------------------------------------------------------------------------- */

/* Asks the calls that were given it to stop at the next safe place: they return false with INK_INTERRUPTED,
 * training after it wrote a checkpoint. A call that begins later stops at once, until the stop is cleared.
 * The caller's memory, zero before; it outlives the calls. */
typedef struct ink_stop {
  int requested; /* by ink_stop_request only */
} ink_stop;
INK_API void ink_stop_request(ink_stop *); /* from any thread, or a signal handler */
INK_API void ink_stop_clear(ink_stop *);
INK_API bool ink_stop_requested(const ink_stop *);

/* A text in memory, under the name that stands for it where a function takes names of files: "pairs.tsv". */
typedef struct ink_text {
  const char *name;
  const char *bytes;
  size_t length;
} ink_text;

/* Where functions take an ink_call, NULL is INK_CALL_INIT. A call made from a listener is part of the call
 * that the listener was called by: what it does not say itself is as there. */
typedef struct ink_call {
  size_t size;            /* of this struct */
  ink_engine *engine;     /* NULL: the model's, or else the one that all share */
  ink_stop *stop;         /* NULL: nobody stops it */
  ink_listener *listener; /* hears the news; NULL: nobody does */
  void *user;             /* the listener's */
  const ink_text
      *texts;        /* read in place of files of their names, as text or material; the caller's memory, */
  size_t text_count; /* left as it is */
} ink_call;
#define INK_CALL_INIT \
  { sizeof(ink_call), NULL, NULL, NULL, NULL, NULL, 0 }

/* ---- text that comes in ---------------------------------------------------------------------- */

/* Text as everything here reads it: unpacked (gzip, Zstandard), converted to UTF-8 (a byte-order mark or the
 * setting "encoding" says from what), without byte-order mark, CR LF as LF; what is binary, or invalid where
 * the setting "invalid" does not say "replace", is refused with its place. `path`: a file, or "-" for
 * standard input. The caller frees. */
INK_API char *ink_text_read(const char *path, const ink_settings *, size_t *length, const ink_call *,
                            ink_error *);
/* The same of bytes that are there already; `name` is what errors call them. */
INK_API char *ink_text_check(const char *bytes, size_t size, const char *name, const ink_settings *,
                             size_t *length, const ink_call *, ink_error *);

/* ---- training -------------------------------------------------------------------------------- */

/* Learns from `count` text files and leaves a model directory (Hugging Face layout) at `out`.
 * task: "write", from running text; "translate", "summarize" or "reply", from pairs or conversations. Resumes
 * a run, exactly, where the setting "resume" is on. */
INK_API bool ink_train(const char *task, const char *const *files, int count, const char *out,
                       const ink_settings *, const ink_call *, ink_error *);

/* ---- models ---------------------------------------------------------------------------------- */

typedef struct ink_model ink_model;

/* Its calls work in the engine that it was opened in, if they name no other. The listener hears what its
 * files ask for that has no effect here. */
INK_API ink_model *ink_model_open(const char *directory, const ink_call *, ink_error *);
INK_API void ink_model_close(ink_model *);

/* What the model is, as a JSON object (architecture, sizes, parameters, vocabulary, training).
 * The caller frees. */
INK_API char *ink_model_describe(const ink_model *, ink_error *);

/* Gives those of these settings that were not given the values that the model asks for (its
 * generation_config.json): what writing with it does by default. */
INK_API bool ink_model_defaults(const ink_model *, ink_settings *, ink_error *);

/* One generated token. `text` is whole characters only: bytes of an unfinished character are held
 * back and arrive with the token that finishes it, so `length` may be 0. */
typedef struct ink_token {
  int sample;       /* which of the "samples" texts this belongs to */
  int32_t id;       /* -1 where held-back text is flushed at the end */
  double logprob;   /* natural logarithm of the model's probability, before temperature and filters */
  const char *text; /* valid during the call only */
  size_t length;
} ink_token;

/* Return false to stop. */
typedef bool ink_token_listener(void *user, const ink_token *token);

/* What came of ink_write. */
typedef struct ink_written {
  size_t size; /* of this struct */
  int64_t prompt_tokens, new_tokens;
  int64_t dropped_prompt_tokens; /* left out at the front because the context is shorter */
  int64_t shifts;                /* times the context was full and its later half was read anew */
  const char *special_token;     /* the first one that the prompt spells and that was read as letters; NULL:
                                    none; lives as long as the model */
  double prompt_seconds, new_seconds;
} ink_written;
#define INK_WRITTEN_INIT \
  { sizeof(ink_written), 0, 0, 0, 0, NULL, 0, 0 }
/* Continues `prompt`. Each text ends at the model's end token, a stop text, the limit, or the listener's
 * word. `written` may be NULL. */
INK_API bool ink_write(ink_model *, const char *prompt, size_t length, const ink_settings *,
                       ink_token_listener *, void *user, ink_written *, const ink_call *, ink_error *);

/* ---- sessions -------------------------------------------------------------------------------- */

/* A text being read by a model, token by token: for a program that draws, searches or constrains itself. Any
 * number of sessions may be open with one model, each used by one thread at a time. The model outlives them.
 */
typedef struct ink_session ink_session;

typedef struct ink_session_options {
  size_t size;       /* of this struct */
  int64_t positions; /* tokens that it reads at most; 0: as many as the model can (memory is taken as they
                        come) */
} ink_session_options;
#define INK_SESSION_OPTIONS_INIT \
  { sizeof(ink_session_options), 0 }

INK_API ink_session *ink_session_open(ink_model *, const ink_session_options *, ink_error *);
INK_API void ink_session_close(ink_session *);

/* Of a model with an encoder: what the text is written from. The text begins anew. */
INK_API bool ink_session_source(ink_session *, const int32_t *ids, size_t count, ink_error *);

/* Reads tokens behind those that were read before and gives the logits after the last one: scores for each of
 * ink_session_vocabulary tokens, valid until the session is used again. NULL on failure: where the stop came
 * first, or a token is not in the vocabulary, nothing was read. */
INK_API const float *ink_session_feed(ink_session *, const int32_t *ids, size_t count, const ink_call *,
                                      ink_error *);
INK_API int64_t ink_session_position(const ink_session *);  /* tokens read */
INK_API int64_t ink_session_positions(const ink_session *); /* that it can read */
INK_API int64_t ink_session_vocabulary(const ink_session *);

/* Forgets what was read; the source stays. */
INK_API bool ink_session_rewind(ink_session *, ink_error *);

/* The session as bytes, to be restored in this process or another, by any session with a model of the same
 * tokenizer; the caller frees. Restoring reads the tokens again, at the speed of a prompt: the numbers are
 * then the same as if they had never been saved. `logits`: NULL, or those after the last token (NULL: there
 * is none). */
INK_API void *ink_session_save(const ink_session *, size_t *length, ink_error *);
INK_API bool ink_session_restore(ink_session *, const void *bytes, size_t length, const float **logits,
                                 const ink_call *, ink_error *);

/* ---- many requests at once ------------------------------------------------------------------- */

/* For a server: texts are begun as requests come and advance together, a token a step, each as if it were
 * alone: its text depends on nothing else that the queue does. A queue is used by one thread at a time. */
typedef struct ink_queue ink_queue;
INK_API ink_queue *ink_queue_open(ink_model *, const ink_call *, ink_error *);
/* What is unfinished ends without a word. */
INK_API void ink_queue_close(ink_queue *);

/* A request has come to its end, for once and last of all; `why`: NULL, or why it was not finished
 * (INK_INTERRUPTED: it was cancelled). May submit others. */
typedef void ink_end_listener(void *user, const ink_written *written, const ink_error *why);

/* Submits a prompt to be continued, as ink_write does it, and gives the request's number; 0 on failure. Both
 * listeners are called in ink_queue_step; `ended` may be NULL. Settings and prompt are copied; the setting
 * "threads" is the engine's business here. */
INK_API int64_t ink_queue_write(ink_queue *, const char *prompt, size_t length, const ink_settings *,
                                ink_token_listener *, ink_end_listener *ended, void *user, ink_error *);
/* Its end is told at once; nothing happens where it has ended. Not from a listener of its own, which returns
 * false instead. */
INK_API void ink_queue_cancel(ink_queue *, int64_t request);

/* Prompts that wait are read, and every text advances by a token. False where it was stopped (call again and
 * it goes on), or where the queue failed: all requests were told, and it can only be closed. */
INK_API bool ink_queue_step(ink_queue *, const ink_call *, ink_error *);
INK_API int64_t ink_queue_unfinished(const ink_queue *);

/* ---- from texts to texts --------------------------------------------------------------------- */

/* What was made of one input. */
typedef struct ink_output {
  int64_t input;    /* which of the inputs */
  int rank;         /* 0: the best; up to the setting "n_best" */
  const char *text; /* valid during the call only */
  size_t length;
  double logprob, score; /* ln of the model's probability; what the search went by */
  const char *problem;   /* why nothing was made of this input, in one sentence; NULL: something was */
  bool cut;              /* what was said last is longer than the model reads: its beginning was left out */
} ink_output;

/* Called in the order of the inputs, best first. Return false to stop. */
typedef bool ink_output_listener(void *user, const ink_output *output);

/* What happened to the inputs that their outputs do not show; added up over calls. */
typedef struct ink_rewritten {
  size_t size;              /* of this struct */
  int64_t split_texts;      /* longer than the model reads: cut at sentences, the outputs joined */
  int64_t cut_sentences;    /* a single sentence too long, cut within */
  int64_t dropped_turns;    /* of conversations longer than the model reads: the oldest */
  int64_t spelled_specials; /* inputs that spell special tokens: they were read as letters */
  int64_t unknown_inputs;   /* mostly letters that the model has not learnt: another language? */
  int64_t new_tokens;
  double seconds;
} ink_rewritten;
#define INK_REWRITTEN_INIT \
  { sizeof(ink_rewritten), 0, 0, 0, 0, 0, 0, 0 }

/* A text each for `count` texts, by a model of that task ("translate", "summarize", "reply"; one of another
 * task is refused). A text of white space gives an empty one; one that cannot be read gives an empty one
 * whose `problem` says why, and the others are done all the same. `done`: NULL, or INK_REWRITTEN_INIT at
 * first. */
INK_API bool ink_rewrite(ink_model *, const char *task, const char *const *texts, const size_t *lengths,
                         int64_t count, const ink_settings *, ink_output_listener *, void *user,
                         ink_rewritten *done, const ink_call *, ink_error *);

/* How the model comes to what it makes of these texts, as a page of HTML: where it looks in the source for
 * each word, and the alternatives it weighs. The caller frees; NULL on failure. */
INK_API char *ink_explain(ink_model *, const char *task, const char *const *texts, const size_t *lengths,
                          int64_t count, const ink_settings *, const ink_call *, ink_error *);

/* One thing that was said. */
typedef struct ink_turn {
  const char *role; /* "system", "user", "assistant" */
  const char *text;
  size_t length;
} ink_turn;

/* What the assistant says next, by a model that learnt to reply. As of ink_rewrite, `problem` of the output
 * says what could not be read. */
INK_API bool ink_reply(ink_model *, const ink_turn *turns, int count, const ink_settings *,
                       ink_output_listener *, void *user, ink_rewritten *done, const ink_call *, ink_error *);

/* How well the model predicts a text: of pairs and conversations the targets and replies, given what comes
 * before them. */
typedef struct ink_scores {
  size_t size; /* of this struct */
  int64_t tokens, bytes, characters, documents;
  double nats;       /* sum of -ln p over all scored tokens */
  double perplexity; /* exp(nats / tokens) */
  double bits_per_byte, bits_per_character;
  char *written; /* of a model of pairs or conversations, what it wrote for them: JSON {"examples", "metrics":
                    [{"name", "signature", "score"}], "distinct_1", "distinct_2"}; free with ink_free; else
                    NULL */
} ink_scores;
#define INK_SCORES_INIT \
  { sizeof(ink_scores), 0, 0, 0, 0, 0, 0, 0, 0, NULL }
INK_API bool ink_eval(ink_model *, const char *const *files, int count, const ink_settings *, ink_scores *,
                      const ink_call *, ink_error *);

/* ---- scoring text ---------------------------------------------------------------------------- */

/* How near the lines of a file are to those of `count` references, by the metrics of the setting "metric"
 * (BLEU, chrF, TER, ROUGE), digit for digit as sacrebleu and rouge-score have them. The result as a JSON
 * array with an object per metric: name, signature, score, ...; the caller frees. "-" is standard input. */
INK_API char *ink_score(const char *hypothesis, const char *const *references, int count,
                        const ink_settings *, const ink_call *, ink_error *);

/* ---- tokenizers ------------------------------------------------------------------------------ */

typedef struct ink_tokenizer ink_tokenizer;

/* Learns a tokenizer from files and writes it as a tokenizer.json at `out`. */
INK_API bool ink_tokenizer_train(const char *const *files, int count, const char *out, const ink_settings *,
                                 const ink_call *, ink_error *);

/* The model's own: it is not closed, and lives as long as the model. Of a model whose sources are written in
 * another vocabulary than its targets, `source` chooses. */
INK_API ink_tokenizer *ink_model_tokenizer(ink_model *, bool source);

/* Opens a tokenizer.json or a directory that holds one. */
INK_API ink_tokenizer *ink_tokenizer_open(const char *path, ink_error *);
INK_API void ink_tokenizer_close(ink_tokenizer *);
INK_API int64_t ink_tokenizer_size(const ink_tokenizer *);

/* Ids of a text; the caller frees *ids. No special tokens are added. special_tokens: those that the text
 * spells are these tokens; without it, as in prompts and in text to learn from, they are letters. */
INK_API bool ink_tokenizer_encode(ink_tokenizer *, const char *text, size_t length, bool special_tokens,
                                  int32_t **ids, size_t *count, ink_error *);

/* What its files ask for that has no effect here, and what texts lose by it, as one sentence; NULL: nothing.
 * Lives as long as the tokenizer. */
INK_API const char *ink_tokenizer_remark(const ink_tokenizer *);

/* The bytes of ids; the caller frees *text, which is also NUL-terminated. Ids outside of the vocabulary are
 * refused. */
INK_API bool ink_tokenizer_decode(ink_tokenizer *, const int32_t *ids, size_t count, char **text,
                                  size_t *length, ink_error *);

/* ---- measuring ------------------------------------------------------------------------------- */

/* what: "train", "generate", "ops", "machine". The result as a JSON object; the caller frees. */
INK_API char *ink_bench(const char *what, const ink_settings *, const ink_call *, ink_error *);

#ifdef __cplusplus
}
#endif
#endif
