/* inkstone.h - the public interface of Inkstone, a deep-learning text generator.
 *
 * This is the complete public API; the command line uses nothing else.
 *
 * Conventions
 *   - A function that can fail at run time (a file, memory, a request, a model) returns bool, or a
 *     pointer that is NULL on failure, and describes the failure in its `ink_error` in one sentence:
 *     where, what is wrong, how to fix it. Misuse of the API itself (NULL for an object) aborts.
 *   - Text is UTF-8 bytes with a length; it may contain any byte, including NUL.
 *   - An object from a function named `..._new` or `..._open` is freed with `..._free` or `..._close` of
 *     the same family; a result documented as "the caller frees", with `ink_free`.
 *   - A struct that is passed by pointer and may grow in later versions starts with its size: initialize
 *     it with its INK_..._INIT. ink_error, ink_stop, ink_text and ink_turn do not grow.
 *   - The library never prints and never exits: it reports through an `ink_listener`.
 *   - An object is used by one thread at a time. Different objects may be used by different threads at
 *     the same time, though a pool of worker threads serves one call at a time.
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

/* 10000 major + 100 minor + patch, for comparisons in #if */
#define INK_VERSION_NUMBER 200

/* ---- errors ---------------------------------------------------------------------------------- */

enum {
  INK_OK = 0,
  INK_FAILED = 1,     /* a run-time failure other than those below */
  INK_USAGE = 2,      /* invalid request */
  INK_NOT_FOUND = 3,  /* a file or directory does not exist */
  INK_DAMAGED = 4,    /* data that violates its format */
  INK_MEMORY = 5,     /* not enough memory */
  INK_INTERRUPTED = 6 /* stopped by an ink_stop */
};

/* Zero-initialize before the first use. The first error wins: later ones do not overwrite it. */
typedef struct ink_error {
  int code;        /* one of the above */
  char text[1020]; /* one sentence, without a final newline */
} ink_error;

/* INK_VERSION and INK_VERSION_NUMBER of the header the library was built with. */
INK_API const char *ink_version(void);
INK_API int ink_version_number(void);

/* The instruction set in use: the best one this machine has, or the one named by the environment variable
 * INKSTONE_ISA. NULL if this machine does not have that one. */
INK_API const char *ink_instruction_set(ink_error *);

/* Chooses the language of errors, notes, warnings and help, for the whole process: "en" (the default) or
 * "zh"; a locale such as "zh_CN.UTF-8" counts as its language. NULL: by the environment, INKSTONE_LANG first,
 * then LANGUAGE, LC_ALL, LC_MESSAGES and LANG as gettext reads them. INK_USAGE: there are no such messages.
 * Names, numbers, JSON and files are the same in every language. */
INK_API bool ink_set_language(const char *tag, ink_error *);

/* Frees a result documented as "the caller frees". NULL is allowed. */
INK_API void ink_free(void *text);

/* ---- engines --------------------------------------------------------------------------------- */

/* Worker threads and limits for calls. A program that opens no engine uses one shared by the process; calls
 * in different engines run concurrently and independently. An engine's threads are started on first use,
 * inherit the caller's CPU affinity and are not pinned; the caller's own thread is never moved. */
typedef struct ink_engine ink_engine;

typedef struct ink_engine_options {
  size_t size;    /* of this struct */
  int threads;    /* maximum per call; 0: as many processors as the calling thread may run on */
  int64_t memory; /* maximum bytes held by the library, checked before large allocations, which fail beyond
                     it; 0: the process's limit */
} ink_engine_options;
#define INK_ENGINE_OPTIONS_INIT \
  { sizeof(ink_engine_options), 0, 0 }

INK_API ink_engine *ink_engine_open(const ink_engine_options *, ink_error *); /* NULL options: the defaults */
/* Only after its calls have returned and everything opened in it is closed. */
INK_API void ink_engine_close(ink_engine *);

/* ---- settings -------------------------------------------------------------------------------- */

/* A set of named values, each with a type, a range, a default and a sentence of help. The same names are
 * the flags of the command line (--name VALUE) and the keys of recipe.yaml. */
typedef struct ink_settings ink_settings;

/* One per activity; free with ink_settings_free. */
INK_API ink_settings *ink_settings_train(void);     /* model, data, tokenizer, optimizer, sampling */
INK_API ink_settings *ink_settings_write(void);     /* sampling and length of generated text */
INK_API ink_settings *ink_settings_explain(void);   /* the same, and how much of it is explained */
INK_API ink_settings *ink_settings_rewrite(void);   /* search for translations, summaries, replies */
INK_API ink_settings *ink_settings_classify(void);  /* labels to choose from */
INK_API ink_settings *ink_settings_eval(void);      /* evaluation of a model */
INK_API ink_settings *ink_settings_score(void);     /* metrics, and comparing files with them */
INK_API ink_settings *ink_settings_convert(void);   /* what a model is converted to */
INK_API ink_settings *ink_settings_pull(void);      /* downloading a model */
INK_API ink_settings *ink_settings_tokenizer(void); /* tokenizer training */
INK_API ink_settings *ink_settings_bench(void);     /* what to measure */
INK_API ink_settings *ink_settings_text(void);      /* reading text (included in the others) */
INK_API void ink_settings_free(ink_settings *);

/* Sets `name` ("top-p" or "top_p") to the value written in `text`. Fails with INK_USAGE for an unknown
 * name (the error suggests the nearest known one) and for a value out of range (the error gives the
 * range). */
INK_API bool ink_settings_set(ink_settings *, const char *name, const char *text, ink_error *);

/* Sets every key of a YAML mapping; an explicit ink_settings_set, before or after, wins over it. */
INK_API bool ink_settings_load(ink_settings *, const char *yaml_path, ink_error *);

/* The current value as text, "" if unset; the caller frees. NULL if there is no such name. */
INK_API char *ink_settings_get(const ink_settings *, const char *name);

/* Typed access to numbers (including sizes, and times in seconds) and switches. INK_USAGE if there is no
 * setting of that name or it has another type. */
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
  const char *arg;           /* placeholder of the value in help: "N", "F", "a|b|c"; "" for a switch */
  const char *default_value; /* as text; "" if none */
  const char *help;          /* one sentence */
  bool is_switch;            /* takes no value on the command line: --name or --no-name */
  bool repeats;              /* may be given several times */
  bool is_prompt;            /* text that a model reads, which may be empty */
} ink_setting_info;
#define INK_SETTING_INFO_INIT \
  { sizeof(ink_setting_info), NULL, NULL, NULL, NULL, NULL, false, false, false }

/* Describes the index-th setting; false past the last. The pointers live as long as the settings. */
INK_API bool ink_settings_describe(const ink_settings *, int index, ink_setting_info *);

/* ---- events of a running call ----------------------------------------------------------------- */

typedef enum ink_event_kind {
  INK_EVENT_NOTE,     /* text: information ("vocabulary: 4,096 tokens from 1.1 MB") */
  INK_EVENT_WARNING,  /* text: a possible problem ("3 invalid UTF-8 bytes replaced in a.txt") */
  INK_EVENT_PROGRESS, /* stage, done, total and, in training, the measurements below */
  INK_EVENT_EVAL,     /* done (the step), loss, valid_loss, metric, best */
  INK_EVENT_SAMPLE,   /* text: generated by the current model */
} ink_event_kind;

typedef struct ink_event {
  ink_event_kind kind;
  const char *stage;        /* "training", "evaluating", "counting words", ... */
  const char *text;         /* for NOTE, WARNING, SAMPLE; EVAL: what else was measured (", accuracy 71.2"), or
                               NULL; valid during the call only */
  int64_t done, total;      /* of this stage, in `unit`s; total 0 if unknown */
  const char *unit;         /* "step", "byte", "merge", ... */
  double loss;              /* nats per token, smoothed over the last steps; 0 if none yet */
  double valid_loss;        /* the last held-out loss, nats per token; 0 if none yet */
  const char *metric;       /* EVAL: what selects the best model ("bleu"); NULL: the loss */
  double metric_value;      /* 0 to 100 */
  bool best;                /* EVAL: the best evaluation so far */
  double learning_rate;     /* of the last step */
  double tokens_per_second; /* over the last steps; sources and targets, including padding */
  double peak_share;        /* arithmetic rate / the machine's measured peak, 0..1; 0 if unknown */
  double seconds, seconds_left;
  int64_t memory; /* resident bytes of this process */
} ink_event;

/* Called on the thread that made the call. */
typedef void ink_listener(void *user, const ink_event *event);

/* ---- how a call runs -------------------------------------------------------------------------- */

/* Makes the calls it is passed to stop at the next safe point: they return false with INK_INTERRUPTED;
 * training writes a checkpoint first. Until it is cleared, later calls stop at once. Zero-initialize it;
 * it must outlive the calls. */
typedef struct ink_stop {
  int requested; /* set by ink_stop_request only */
} ink_stop;
INK_API void ink_stop_request(ink_stop *); /* from any thread, or a signal handler */
INK_API void ink_stop_clear(ink_stop *);
INK_API bool ink_stop_requested(const ink_stop *);

/* A text in memory. Functions that take file names accept its `name` ("pairs.tsv") in place of a file. */
typedef struct ink_text {
  const char *name;
  const char *bytes;
  size_t length;
} ink_text;

/* A NULL ink_call means INK_CALL_INIT. A call made inside a listener inherits the stop, texts and engine
 * of the surrounding call where its own are NULL or 0. */
typedef struct ink_call {
  size_t size;            /* of this struct */
  ink_engine *engine;     /* NULL: the model's, or else the process's shared one */
  ink_stop *stop;         /* NULL: cannot be stopped */
  ink_listener *listener; /* receives events; may be NULL */
  void *user;             /* passed to the listener */
  const ink_text *texts;  /* read instead of files with their names; owned by the caller, */
  size_t text_count;      /* not modified */
} ink_call;
#define INK_CALL_INIT \
  { sizeof(ink_call), NULL, NULL, NULL, NULL, NULL, 0 }

/* ---- text input ------------------------------------------------------------------------------ */

/* Reads a text as the whole library does: decompressed (gzip, Zstandard), converted to UTF-8 (from the
 * encoding given by a byte-order mark or the setting "encoding"), without byte-order mark, CR LF as LF.
 * Fails on binary data, and on invalid bytes unless the setting "invalid" is "replace"; the error gives
 * the position. `path`: a file, or "-" for standard input. The caller frees. */
INK_API char *ink_text_read(const char *path, const ink_settings *, size_t *length, const ink_call *,
                            ink_error *);
/* As ink_text_read, for bytes in memory; `name` names them in errors. */
INK_API char *ink_text_check(const char *bytes, size_t size, const char *name, const ink_settings *,
                             size_t *length, const ink_call *, ink_error *);

/* ---- training -------------------------------------------------------------------------------- */

/* Trains a model on `count` text files and writes it to the directory `out` (Hugging Face layout). `task`:
 * "write", from running text; "translate", "summarize" or "reply", from pairs or conversations; "classify",
 * from labelled texts. With the
 * setting "resume" an earlier run is continued, bit for bit. */
INK_API bool ink_train(const char *task, const char *const *files, int count, const char *out,
                       const ink_settings *, const ink_call *, ink_error *);

/* ---- models ---------------------------------------------------------------------------------- */

typedef struct ink_model ink_model;

/* `model`: a directory, a file (GGUF, llama2.c), or the name of a downloaded model (ink_pull), if there is no
 * such path. Calls with it use the engine it was opened in unless they name another. The listener receives a
 * warning for what the model's files request and Inkstone does not support. */
INK_API ink_model *ink_model_open(const char *model, const ink_call *, ink_error *);
/* As ink_model_open, with `count` adapters, whose changes are added up: "PATH", or "PATH:WEIGHT" for
 * WEIGHT times its change. PATH: a directory in the layout of PEFT, as training with the setting "adapter"
 * writes it, a GGUF file, or the name of a downloaded one. The task, the defaults and the tokenizer are those
 * of the first adapter, if it has them. Fails for an adapter of another model. (A directory with an adapter
 * is itself a model for ink_model_open, if the base that it names can be found.) */
INK_API ink_model *ink_model_open_adapted(const char *model, const char *const *adapters, int count,
                                          const ink_call *, ink_error *);
/* Rounds the matrices to another number format, in memory only: "q8_0", for products of integers of 8 bits,
 * or another type of ink_convert. Vectors stay f32, as do matrices whose rows are not whole blocks. No other
 * call may use the model meanwhile. Fails if a weight is too large for the type: then close the model. */
INK_API bool ink_model_retype(ink_model *, const char *type, const ink_call *, ink_error *);
INK_API void ink_model_close(ink_model *);

/* What sessions, queues and calls of the model keep keys and values in from now on: "f32" (the default),
 * "f16", "bf16", "q8_0" or another type that models are converted to. It saves memory and costs precision,
 * which ink_eval_against measures. Results still do not depend on batches and threads. INK_USAGE for a
 * recurrent network, and if the heads are not whole blocks of the type. */
INK_API bool ink_model_cache(ink_model *, const char *type, ink_error *);

/* Describes the model as a JSON object (architecture, sizes, parameters, vocabulary, training). The caller
 * frees. */
INK_API char *ink_model_describe(const ink_model *, ink_error *);

/* Sets the settings that were not given explicitly to the model's defaults (generation_config.json).
 * ink_write and ink_rewrite do this themselves. */
INK_API bool ink_model_defaults(const ink_model *, ink_settings *, ink_error *);

/* Result of ink_convert. Types are listed as in "f32 (61 tensors), q4_0 (210)"; free them with ink_free. */
typedef struct ink_converted {
  size_t size; /* of this struct */
  int64_t parameters;
  int64_t source_bytes, bytes; /* of all tensors, before and after */
  char *source_types, *types;
} ink_converted;
#define INK_CONVERTED_INIT \
  { sizeof(ink_converted), 0, 0, 0, NULL, NULL }

/* Converts the model `source` (a directory or a GGUF file) to a GGUF file if the name `out` ends in ".gguf",
 * else to the Hugging Face layout in the directory `out`, with weights of the setting "type": the default
 * keeps each tensor's type, or uses f32 where `out` cannot have it. Fails for values beyond the type's range
 * (the error names the tensor), for what a GGUF file cannot say, and with INK_USAGE if `out` contains a model
 * (unless the setting "overwrite" is on), or is, contains or is inside `source`. `out` has its old model
 * until the new one is complete. An adapter's directory is written as a GGUF file with the adapter alone,
 * whose parameters are then counted, in f32 or the type f16 or bf16. `done` may be NULL. */
INK_API bool ink_convert(const char *source, const char *out, const ink_settings *, ink_converted *done,
                         const ink_call *, ink_error *);

/* Downloads a model from a Hugging Face hub into the cache ($XDG_CACHE_HOME/inkstone/models) and checks it.
 * `model`: "ORG/NAME", "ORG/NAME@REVISION", "ORG/NAME:FILE" or "ORG/NAME:TYPE", such as "Q4_K_M", of GGUF
 * files. Afterwards it is a name for ink_model_open and all that take a model. Returns a JSON object with its
 * "path"; the caller frees. Reads the environment variables HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE. Stopped
 * or failed, it continues when it is called again. Nothing else in this library uses the network. */
INK_API char *ink_pull(const char *model, const ink_settings *, const ink_call *, ink_error *);
/* The models in the cache: a JSON array of objects with "model", "bytes" and "path". The caller frees. */
INK_API char *ink_pulled(ink_error *);

/* Why a text ended. */
typedef enum ink_end {
  INK_END_NONE,  /* it did not */
  INK_END_TOKEN, /* the model ended it */
  INK_END_STOP,  /* a text of the setting "stop" was to follow */
  INK_END_LENGTH /* it has "max_tokens" tokens, or the context is full */
} ink_end;

/* A token that could have been chosen. */
typedef struct ink_alternative {
  int32_t id;
  double logprob; /* as ink_token.logprob */
} ink_alternative;

/* One generated token. `text` contains whole characters only: the bytes of an incomplete character are
 * delivered with the token that completes it, so `length` may be 0. */
typedef struct ink_token {
  int sample;       /* index of the text, 0 to "samples" - 1 */
  int32_t id;       /* -1: the end of a text, with its remaining bytes */
  double logprob;   /* natural logarithm of the model's probability, before temperature and filters */
  const char *text; /* valid during the call only */
  size_t length;
  ink_end end;                         /* of an id of -1: why the text ended */
  const ink_alternative *alternatives; /* with the setting "alternatives": the likeliest tokens in this
                                          place, likeliest first; valid during the call only */
  int alternative_count;
} ink_token;

/* Return false to stop. */
typedef bool ink_token_listener(void *user, const ink_token *token);

/* Result of ink_write. */
typedef struct ink_written {
  size_t size; /* of this struct */
  int64_t prompt_tokens, new_tokens;
  int64_t dropped_prompt_tokens; /* cut from the front: the context is shorter */
  int64_t shifts;                /* times the context was full and its second half was recomputed */
  const char *special_token; /* the first special token written out in the prompt, which was read as ordinary
                                text; NULL: none; valid as long as the model */
  double prompt_seconds, new_seconds;
  int64_t unmatched; /* texts that end before they are what a constraint ("json_schema", ...) asks for */
  int64_t stuck;     /* of those, texts that no token of the model could go on with */
} ink_written;
#define INK_WRITTEN_INIT \
  { sizeof(ink_written), 0, 0, 0, 0, NULL, 0, 0, 0, 0 }
/* Continues `prompt`. Each text ends at the model's end token, at a stop text, at the limit, or when the
 * listener returns false. `written` may be NULL. */
INK_API bool ink_write(ink_model *, const char *prompt, size_t length, const ink_settings *,
                       ink_token_listener *, void *user, ink_written *, const ink_call *, ink_error *);

/* ---- sessions -------------------------------------------------------------------------------- */

/* Runs a model token by token: for programs with their own sampling, search or constraints. A model may have
 * any number of sessions, each used by one thread at a time. Close them before the model. */
typedef struct ink_session ink_session;

typedef struct ink_session_options {
  size_t size;       /* of this struct */
  int64_t positions; /* maximum number of tokens; 0: the model's (memory grows as tokens are read) */
} ink_session_options;
#define INK_SESSION_OPTIONS_INIT \
  { sizeof(ink_session_options), 0 }

/* The token that texts of the model begin with, to be read before a prompt; -1: none. */
INK_API int32_t ink_model_begin(const ink_model *);
/* Whether texts of the model end with this token. */
INK_API bool ink_model_ends(const ink_model *, int32_t id);

INK_API ink_session *ink_session_open(ink_model *, const ink_session_options *, ink_error *);
INK_API void ink_session_close(ink_session *);

/* Sets the source of a model with an encoder, and rewinds the session. */
INK_API bool ink_session_source(ink_session *, const int32_t *ids, size_t count, ink_error *);

/* Reads further tokens and returns the logits after the last one: ink_session_vocabulary scores, valid
 * until the session is used again. NULL on failure; if it was stopped, or a token is not in the
 * vocabulary, no token was read. */
INK_API const float *ink_session_feed(ink_session *, const int32_t *ids, size_t count, const ink_call *,
                                      ink_error *);
INK_API int64_t ink_session_position(const ink_session *);  /* tokens read */
INK_API int64_t ink_session_positions(const ink_session *); /* maximum */
INK_API int64_t ink_session_vocabulary(const ink_session *);

/* Discards the tokens read; keeps the source. */
INK_API bool ink_session_rewind(ink_session *, ink_error *);

/* Serializes the session. The bytes can be restored in this process or another, into any session with a
 * model of the same tokenizer; the caller frees. Restoring recomputes the tokens at prompt speed: results
 * are the same as without saving. `logits`: NULL, or receives those after the last token (NULL if there is
 * no token). */
INK_API void *ink_session_save(const ink_session *, size_t *length, ink_error *);
INK_API bool ink_session_restore(ink_session *, const void *bytes, size_t length, const float **logits,
                                 const ink_call *, ink_error *);

/* One turn of a conversation. */
typedef struct ink_turn {
  const char *role; /* "system", "user", "assistant" */
  const char *text;
  size_t length;
} ink_turn;

/* ---- many requests at once ------------------------------------------------------------------- */

/* Continuous batching, for servers: requests may be submitted at any time, and each step advances all
 * texts by one token. A text does not depend on the other requests. A queue is used by one thread at a
 * time. */
typedef struct ink_queue ink_queue;
INK_API ink_queue *ink_queue_open(ink_model *, const ink_call *, ink_error *);
/* Drops unfinished requests; their listeners are not called. */
INK_API void ink_queue_close(ink_queue *);

/* Called once, last, when a request ends; `why`: NULL, or why it did not finish (INK_INTERRUPTED: it was
 * cancelled). May submit further requests. */
typedef void ink_end_listener(void *user, const ink_written *written, const ink_error *why);

/* Submits a prompt to be continued as by ink_write and returns the request's number; 0 on failure. Both
 * listeners are called in ink_queue_step; `ended` may be NULL. Settings and prompt are copied; the setting
 * "threads" is ignored: the engine determines it. */
INK_API int64_t ink_queue_write(ink_queue *, const char *prompt, size_t length, const ink_settings *,
                                ink_token_listener *, ink_end_listener *ended, void *user, ink_error *);
/* As ink_queue_write, for the assistant's next turn in a conversation, in the layout or by the chat template
 * of the model. The conversation must fit into the context, and the text ends where the context is full.
 * Special tokens that a turn spells out are ordinary text. */
INK_API int64_t ink_queue_reply(ink_queue *, const ink_turn *turns, int count, const ink_settings *,
                                ink_token_listener *, ink_end_listener *ended, void *user, ink_error *);
/* Calls the request's end listener at once; does nothing if it has already ended. Must not be called from
 * the request's own listener, which returns false instead. */
INK_API void ink_queue_cancel(ink_queue *, int64_t request);

/* Reads waiting prompts and advances every text by one token. False if it was stopped (call it again to
 * continue) or if the queue failed: all requests have then ended, and the queue can only be closed. */
INK_API bool ink_queue_step(ink_queue *, const ink_call *, ink_error *);
INK_API int64_t ink_queue_unfinished(const ink_queue *);

/* ---- translation, summaries, replies --------------------------------------------------------- */

/* An output for one input. */
typedef struct ink_output {
  int64_t input;    /* index of the input */
  int rank;         /* 0: the best; up to the setting "n_best" */
  const char *text; /* valid during the call only */
  size_t length;
  double logprob, score; /* ln of the model's probability; the score the search ranks by */
  const char *problem;   /* why there is no output for this input, in one sentence; NULL: there is one */
  bool cut;              /* the last turn is longer than the model reads: its beginning was dropped */
  bool unended;          /* reached the setting "max_tokens", or the model's last position, before its end */
  const char *check; /* with the setting "check": where it differs from the source in what must not change, as
                        JSON [{"kind": "number", "source": "1250", "output": "120"}]; "source" is null for
                        what it invented, "output" for what is missing, "wanted" is the translation of a term.
                        Of a model trained with "protect" also without the setting: what a translation lost.
                        Else, or without an output, NULL */
  double confidence; /* geometric mean of the probabilities of its tokens, 0 to 1 */
  bool unsure;       /* below the setting "confidence": `text` is the setting "unsure" */
} ink_output;

/* Called in the order of the inputs, best first. Return false to stop. */
typedef bool ink_output_listener(void *user, const ink_output *output);

/* Statistics about the inputs, summed over calls. */
typedef struct ink_rewritten {
  size_t size;              /* of this struct */
  int64_t split_texts;      /* longer than the model reads: split at sentences, outputs joined */
  int64_t cut_sentences;    /* a sentence longer than the model reads, split */
  int64_t dropped_turns;    /* oldest turns of conversations longer than the model reads */
  int64_t spelled_specials; /* inputs with special tokens written out, read as ordinary text */
  int64_t unknown_inputs;   /* mostly letters absent from the training data (another language?) */
  int64_t new_tokens;
  double seconds;
  const char *special_token; /* the first of those written out; valid as long as the model; NULL: none */
  int64_t unended_outputs;   /* inputs whose best output reached its maximum length before its end */
} ink_rewritten;
#define INK_REWRITTEN_INIT \
  { sizeof(ink_rewritten), 0, 0, 0, 0, 0, 0, 0, NULL, 0 }

/* Applies a model of that task ("translate", "summarize", "reply"; fails if the model's is another) to
 * `count` texts. A text of white space has an empty output; so has one that cannot be read, with `problem`
 * set, and the others are still processed. `done`: NULL, or initialized with INK_REWRITTEN_INIT. */
INK_API bool ink_rewrite(ink_model *, const char *task, const char *const *texts, const size_t *lengths,
                         int64_t count, const ink_settings *, ink_output_listener *, void *user,
                         ink_rewritten *done, const ink_call *, ink_error *);

/* Explains the outputs for these texts in an HTML page: the attention to the source for each word, and the
 * alternative words with their probabilities. The caller frees; NULL on failure. */
INK_API char *ink_explain(ink_model *, const char *task, const char *const *texts, const size_t *lengths,
                          int64_t count, const ink_settings *, const ink_call *, ink_error *);

/* Explains how a model of running text continues a prompt. Writes the text that ink_write does with the same
 * settings, of "tokens" new tokens, and shows for every token of prompt and text its probability, the
 * likeliest others with continuations, the prediction of every layer and the attention of every head. `form`:
 * "html", a page that loads nothing from elsewhere, or "json", the numbers. `written`: NULL, or initialized
 * with INK_WRITTEN_INIT. The caller frees; NULL on failure. */
INK_API char *ink_explain_text(ink_model *, const char *prompt, size_t length, const char *form,
                               const ink_settings *, ink_written *written, const ink_call *, ink_error *);

/* Generates the assistant's next turn with a model of the task "reply". Turns that cannot be read are
 * reported in the output's `problem`, as in ink_rewrite. A model of another program needs a chat template. */
INK_API bool ink_reply(ink_model *, const ink_turn *turns, int count, const ink_settings *,
                       ink_output_listener *, void *user, ink_rewritten *done, const ink_call *, ink_error *);

/* A label of a text. */
typedef struct ink_label {
  int64_t input;       /* index of the text */
  int rank;            /* 0: the likeliest; up to the setting "n_best" */
  const char *label;   /* valid during the call only */
  double probability;  /* of the labels chosen from, which together have 1 */
  const char *problem; /* why the text has no label, in one sentence; NULL: it has */
} ink_label;

/* Called in the order of the texts, likeliest first. Return false to stop. */
typedef bool ink_label_listener(void *user, const ink_label *label);

/* Labels `count` texts with a model that was trained to (the task "classify"), or by which of the labels of
 * the setting "labels" another model of text finds likely in the setting "template". A text that cannot be
 * read, is empty, or is longer than the model reads has a `problem` instead; the others are still labelled.
 */
INK_API bool ink_classify(ink_model *, const char *const *texts, const size_t *lengths, int64_t count,
                          const ink_settings *, ink_label_listener *, void *user, const ink_call *,
                          ink_error *);

/* How well the model predicts a text. Of pairs and conversations, only the targets and replies are scored,
 * given what precedes them. */
typedef struct ink_scores {
  size_t size; /* of this struct */
  int64_t tokens, bytes, characters, documents;
  double nats;       /* sum of -ln p over all scored tokens */
  double perplexity; /* exp(nats / tokens) */
  double bits_per_byte, bits_per_character;
  char *written; /* pairs and conversations: metrics of the model's outputs, as JSON {"examples", "metrics":
                    [{"name", "signature", "score"}], "distinct_1", "distinct_2"} and, with the setting
                    "check", "checked": {"examples", "kept", "kept_in_references"}, with "coverage",
                    "coverage": [{"share", "confidence", NAME: score, ...}]; free with ink_free;
                    labelled texts, which are the tokens: {"metrics": [{"name", "score", "confidence_mean",
                    "confidence_var"}], "labels": [{"label", "precision", "recall", "f1", "texts"}],
                    "confusion": [[...]]}, whose rows are right labels and columns chosen ones; else NULL */
} ink_scores;
#define INK_SCORES_INIT \
  { sizeof(ink_scores), 0, 0, 0, 0, 0, 0, 0, 0, NULL }
INK_API bool ink_eval(ink_model *, const char *const *files, int count, const ink_settings *, ink_scores *,
                      const ink_call *, ink_error *);

/* How far the model's predictions are from those of another, the reference, on the same tokens: what a
 * quantization costs. The KL divergence D(reference || model) is that of the distributions of the next token,
 * in nats. Its median and 99 % quantile are exact to 0.1 %. */
typedef struct ink_comparison {
  size_t size; /* of this struct */
  int64_t tokens, bytes, characters, documents;
  double perplexity, reference_perplexity;
  double divergence_mean, divergence_median, divergence_99, divergence_max;
  double agreement; /* share of the tokens for which both models' first choice is the same */
} ink_comparison;
#define INK_COMPARISON_INIT \
  { sizeof(ink_comparison), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
/* As ink_eval, without writing texts. The text is read as for the reference. Both need the same tokenizer. */
INK_API bool ink_eval_against(ink_model *, const ink_model *reference, const char *const *files, int count,
                              const ink_settings *, ink_comparison *, const ink_call *, ink_error *);

/* ---- scoring text ---------------------------------------------------------------------------- */

/* Compares the lines of a file with those of `count` references by the metrics of the setting "metric"
 * (BLEU, chrF, TER, ROUGE), with the same results as sacrebleu and rouge-score. Returns a JSON array with
 * one object per metric (name, signature, score, ...); the caller frees. "-" is standard input. */
INK_API char *ink_score(const char *hypothesis, const char *const *references, int count,
                        const ink_settings *, const ink_call *, ink_error *);

/* ---- tokenizers ------------------------------------------------------------------------------ */

typedef struct ink_tokenizer ink_tokenizer;

/* Trains a tokenizer on files and writes it to `out` as a tokenizer.json. */
INK_API bool ink_tokenizer_train(const char *const *files, int count, const char *out, const ink_settings *,
                                 const ink_call *, ink_error *);

/* The model's tokenizer; it belongs to the model and is not closed. `source` selects the source tokenizer
 * of a model with separate vocabularies for source and target. */
INK_API ink_tokenizer *ink_model_tokenizer(ink_model *, bool source);

/* Opens a tokenizer.json or a directory that holds one. */
INK_API ink_tokenizer *ink_tokenizer_open(const char *path, ink_error *);
INK_API void ink_tokenizer_close(ink_tokenizer *);
INK_API int64_t ink_tokenizer_size(const ink_tokenizer *);

/* The ids of a text; the caller frees *ids. No special tokens are added. special_tokens: special tokens
 * written out in the text are encoded as such; without it, as in prompts and training text, they are
 * ordinary text. */
INK_API bool ink_tokenizer_encode(ink_tokenizer *, const char *text, size_t length, bool special_tokens,
                                  int32_t **ids, size_t *count, ink_error *);

/* What the tokenizer's files request that Inkstone does not support, and how it affects texts, in one
 * sentence; NULL: nothing. Valid as long as the tokenizer. */
INK_API const char *ink_tokenizer_remark(const ink_tokenizer *);

/* The text of ids; the caller frees *text, which is also NUL-terminated. special_tokens: special tokens are
 * written out, without it they are left out. Fails on ids outside the vocabulary. */
INK_API bool ink_tokenizer_decode(ink_tokenizer *, const int32_t *ids, size_t count, bool special_tokens,
                                  char **text, size_t *length, ink_error *);

/* ---- measuring ------------------------------------------------------------------------------- */

/* what: "train", "generate", "ops", "machine". Returns a JSON object; the caller frees. */
INK_API char *ink_bench(const char *what, const ink_settings *, const ink_call *, ink_error *);

#ifdef __cplusplus
}
#endif
#endif
