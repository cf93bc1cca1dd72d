/* constraints.h - the constraint that settings ask for, compiled for a model's vocabulary. */
#ifndef RUN_CONSTRAINTS_H
#define RUN_CONSTRAINTS_H

#include "base/settings.h"
#include "grammar/constraint.h"

#include "run/constraint.def" /* ConstraintSettings, constraint_settings_table */

/* Of a model: the constraints used last, with all that was computed for them. */
typedef struct Constraints Constraints;
Constraints *constraints_new(const Tokenizer *); /* keeps a pointer to it */
void constraints_free(Constraints *);

/* A constraint in use, which stays valid until it is given back. */
typedef struct ConstraintUse ConstraintUse;
/* *use is NULL if the settings have none. */
bool constraints_take(Constraints *, const Settings *, ConstraintUse **use, Error *);
void constraints_give_back(ConstraintUse *);      /* NULL is fine */
Constraint *constraint_of(const ConstraintUse *); /* NULL for NULL */

#endif
