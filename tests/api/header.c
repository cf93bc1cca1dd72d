/* inkstone.h alone, its initializers, and what it is documented to be: C99 and C++17, without a warning. */
#include <inkstone.h>
#if INK_VERSION_NUMBER < 200
#error "an older header"
#endif

int main(void) {
  ink_call call = INK_CALL_INIT;
  ink_engine_options engine = INK_ENGINE_OPTIONS_INIT;
  ink_setting_info info = INK_SETTING_INFO_INIT;
  ink_written written = INK_WRITTEN_INIT;
  ink_rewritten rewritten = INK_REWRITTEN_INIT;
  ink_scores scores = INK_SCORES_INIT;
  ink_comparison comparison = INK_COMPARISON_INIT;
  ink_converted converted = INK_CONVERTED_INIT;
  ink_session_options session = INK_SESSION_OPTIONS_INIT;
  return session.size && call.size && engine.size && info.size && written.size && rewritten.size &&
                 scores.size && comparison.size && converted.size
             ? 0
             : 1;
}
