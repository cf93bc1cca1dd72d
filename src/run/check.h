/* check.h - compares outputs with what they were made from (text/span_check.h). */
#ifndef RUN_CHECK_H
#define RUN_CHECK_H

#include "data/glossary_file.h"
#include "data/layout.h"
#include "text/span_check.h"

#include "run/check.def" /* CheckSettings, check_settings_table */

typedef struct Check {
  GlossaryFile terms;
  SpanChecker *checker;
  bool complete;             /* Task.complete */
  Buffer source;             /* of the last text: all that was said */
  SpanMismatches mismatches; /* of the last text; they point into its source and its output */
  size_t spans;              /* how many there were to compare in it and its source */
} Check;

/* *check becomes NULL if the setting "check" is off, or on failure. */
bool check_open(Check **check, const Task *, const Settings *, const News *, Error *);
void check_close(Check *);
/* Fills in `mismatches` and `spans`. The source are all turns. */
bool check_text(Check *, const Turn *turns, size_t count, const char *output, size_t length, Error *);
/* The same as JSON (ink_output.check); the caller frees it with mem_free. */
char *check_json(const Check *);

#endif
