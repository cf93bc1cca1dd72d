/* protection.h - keeps what must not change: masks the spans of inputs by tokens that the model copies
 * (text/masks.h) and puts them back, and compares outputs with their sources (text/span_check.h). */
#ifndef RUN_PROTECTION_H
#define RUN_PROTECTION_H

#include "data/glossary_file.h"
#include "data/layout.h"
#include "run/bundle.h"
#include "run/rules.h"
#include "text/masks.h"
#include "text/span_check.h"

#include "run/protection.def" /* ProtectionSettings, protection_settings_table */

typedef struct Protection {
  GlossaryFile terms;
  SpanFinder *finder;        /* for masking; NULL: the model does not know the tokens, or was told not to */
  SpanChecker *checker;      /* NULL: without the setting "check" */
  bool complete;             /* Task.complete */
  Buffer source;             /* of the last text: all that was said */
  SpanMismatches mismatches; /* of the last text; they point into its source and its output, or into masks */
  size_t spans;              /* how many there were to compare in it and its source */
} Protection;

/* *p becomes NULL if there is nothing to do, or on failure. */
bool protection_open(Protection **p, const Bundle *, const Task *, const Settings *, const News *, Error *);
void protection_close(Protection *);
/* Whether outputs are masked, and whether they are compared; of NULL neither. */
bool protection_masks(const Protection *), protection_checks(const Protection *);
/* With masks, a text has those of its source, of a translation each as often as there. */
void protection_constrain(const Protection *, const Tokenizer *, Rules *);

/* An input with its masks. */
typedef struct ProtectedInput {
  Masks masks;
  Turn *turns; /* [count] */
  size_t count;
  Buffer *texts; /* [count] */
} ProtectedInput;
/* Masks the turns, whose texts must stay in place; turns that are not UTF-8 are left to be refused. */
bool protection_mask(const Protection *, const Turn *turns, size_t count, ProtectedInput *, Error *);
void protected_input_free(ProtectedInput *);
/* Puts back what the masks stand for. Without the setting "check", what a translation lost becomes the
 * mismatches; *lost: there are any. */
void protection_put_back(Protection *, const ProtectedInput *, const char *text, size_t length, Buffer *out);

/* Compares an output with the turns that it was made from: fills in `mismatches` and `spans`. */
bool protection_check(Protection *, const Turn *turns, size_t count, const char *output, size_t length,
                      Error *);
/* The mismatches as JSON (ink_output.check); the caller frees it with mem_free. */
char *protection_json(const Protection *);

#endif
