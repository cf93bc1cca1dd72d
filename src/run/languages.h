/* languages.h - the languages of models that translate between several (M2M100, NLLB, mBART): a special token
 * names each, stands around sources and begins targets. As the tokenizers of transformers do, and
 * generate with forced_bos_token_id or decoder_start_token_id. */
#ifndef RUN_LANGUAGES_H
#define RUN_LANGUAGES_H

#include "run/bundle.h"

#include "run/languages.def" /* LanguageSettings, language_settings_table */

/* Sets the languages of a layout to those of the settings. Fails for languages that the model does not know
 * or has none of, and if it has some but none are given. */
bool languages_frame(const Bundle *, const Settings *, PairLayout *, Error *);

#endif
