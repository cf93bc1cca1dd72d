/* params.h - the parameters of endpoints: each is described once, in the endpoint's list, from which parsing,
 * refusals, the settings of the library and the OpenAPI description are made.
 *
 *   PARAM(kind, name, required, default, min, max, detail, setting, help)
 *
 * kind       value
 * TEXT       a text
 * INT, REAL  a number from min to max
 * SWITCH     true or false
 * CHOICE     one of the words in `detail`, "a|b"
 * TEXTS      a text, or a list of min to max of them
 * IDS        a list of token ids
 * BIAS       an object from token ids to numbers from min to max
 * MESSAGES   a list of {"role", "content"}
 * OBJECT     an object whose members are the switches in `detail`, "a|b"
 * ONLY       only the JSON value in `detail`, which is what happens without it
 * HARMLESS   any value: it says nothing about the response
 *
 * `default` is for people. `setting`: the setting of the library that has this value; "": none. null is the
 * same as no value. A parameter that is not in the list is refused by name. */
#ifndef SERVE_PARAMS_H
#define SERVE_PARAMS_H

#include "serve/problem.h"

typedef enum ParamKind {
  PARAM_TEXT,
  PARAM_INT,
  PARAM_REAL,
  PARAM_SWITCH,
  PARAM_CHOICE,
  PARAM_TEXTS,
  PARAM_IDS,
  PARAM_BIAS,
  PARAM_MESSAGES,
  PARAM_OBJECT,
  PARAM_ONLY,
  PARAM_HARMLESS
} ParamKind;

typedef struct Param {
  const char *name; /* NULL ends a list */
  ParamKind kind;
  bool required;
  const char *otherwise;
  double min, max;
  const char *detail, *setting, *help;
} Param;

/* Reads a request's body: *values is an object with the members that are not null, all as described. The
 * caller decrefs it. */
bool params_read(const Param *, const char *body, size_t length, json_t **values, Problem *);
/* Sets the settings of the library to the values. */
bool params_apply(const Param *, const json_t *values, ink_settings *, Problem *);
/* The schema of the body, as OpenAPI has it. */
json_t *params_schema(const Param *);

/* Values, or what is given instead. */
int64_t param_int(const json_t *values, const char *name, int64_t otherwise);
bool param_switch(const json_t *values, const char *name);
/* The texts of TEXTS: the text itself, or those of the list; NULL past the last. */
const json_t *param_text(const json_t *values, const char *name, size_t index);

#endif
