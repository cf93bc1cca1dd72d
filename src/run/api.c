/* api.c - the public interface of trained models: open, describe, write, rewrite, explain, reply. */
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/structs.h"
#include "data/text_file.h"
#include "run/explain.h"
#include "run/generation.h"
#include "run/languages.h"
#include "run/model.h"
#include "run/rewriter.h"
#include "run/special_tokens.h"
#include "run/turns.h"
#include "run/writer.h"

#include "run/chat.def" /* ChatSettings, chat_settings_table */

#include "base/settings_table.h"

#include "run/chat.def"

static ink_model *open_model(const char *directory, const char *const *adapters, int count, const News *news,
                             Error *err) {
  ink_model *m = mem_alloc_zeroed(1, sizeof *m);
  m->engine = work_context.engine;
  if (!bundle_open_adapted(&m->bundle, directory, adapters, count, news, err)) {
    mem_free(m);
    return NULL;
  }
  m->written.tokenizer = m->bundle.tokenizer;
  m->read.tokenizer = (Tokenizer *)(uintptr_t)tokenizer_source(m->bundle.tokenizer);
  const char *remark = tokenizer_remark(m->bundle.tokenizer);
  if (remark) news_note(news, "%s: %s", directory, remark);
  return m;
}

ink_model *ink_model_open_adapted(const char *directory, const char *const *adapters, int count,
                                  const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  ink_model *m =
      call_enter(call, NULL, &news, err) ? open_model(directory, adapters, count, &news, err) : NULL;
  MEM_GUARD_END();
  return m;
}

ink_model *ink_model_open(const char *directory, const ink_call *call, ink_error *err) {
  return ink_model_open_adapted(directory, NULL, 0, call, err);
}

static bool retype(Model *m, TensorType type, Error *err) {
  const Param *too_large = params_convert(m->params, type);
  packed_set_free(m->packed);
  model_freeze(m);
  return !too_large || fail(err, "the weight \"%s\" has values that are too large for %s: use another type",
                            too_large->name, type_info(type)->name);
}

bool ink_model_retype(ink_model *m, const char *type, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  TensorType to;
  const bool ok = type_find(type, &to, err) && call_enter(call, m->engine, &news, err) &&
                  retype(m->bundle.model, to, err);
  MEM_GUARD_END();
  return ok;
}

void ink_model_close(ink_model *m) {
  if (!m) return;
  bundle_close(&m->bundle);
  mem_free(m);
}

bool ink_model_cache(ink_model *m, const char *type, ink_error *err) {
  return model_cache(m->bundle.model, type, err);
}

ink_tokenizer *ink_tokenizer_open(const char *path, ink_error *err) {
  MEM_GUARD(err, return NULL);
  Tokenizer *tokenizer = bundle_tokenizer_at(path, err);
  ink_tokenizer *t = tokenizer ? mem_alloc_zeroed(1, sizeof *t) : NULL;
  if (t) t->tokenizer = tokenizer;
  MEM_GUARD_END();
  return t;
}

ink_tokenizer *ink_model_tokenizer(ink_model *m, bool source) {
  return source ? &m->read : &m->written;
}

static json_t *shape_json(const Config *c) {
  json_t *json = json_object();
  const struct {
    const char *name;
    int64_t value;
  } sizes[] = {{"vocabulary", c->vocabulary},
               {"source_vocabulary", c->source_vocabulary},
               {"layers", c->layers},
               {"width", c->width},
               {"heads", c->heads},
               {"kv_heads", c->kv_heads},
               {"ffn", c->ffn},
               {"context", c->context}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i].value) json_put(json, sizes[i].name, json_integer(sizes[i].value));
  json_put(json, "tied", json_boolean(c->tied));
  return json;
}

/* Without the ids of tokens, which are described by name. */
static json_t *trained_json(const json_t *card) {
  json_t *json = json_copy((json_t *)(uintptr_t)card);
  json_object_del(json, "begin_token");
  json_object_del(json, "opening_token");
  return json;
}

char *ink_model_describe(const ink_model *m, ink_error *err) {
  MEM_GUARD(err, return NULL);
  const Bundle *b = &m->bundle;
  const int64_t parameters = params_elements(b->model->params);
  json_t *json = json_build(
      "{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "arch", b->model->config.arch->name, "class",
      b->model->config.arch->hf_class, "parameters", (json_int_t)parameters, "weight_bytes",
      (json_int_t)tensors_bytes(&b->source.tensors), "shape", shape_json(&b->model->config), "tokens",
      special_tokens_describe(&b->model->config, b->tokenizer, bundle_begin(b), bundle_opening(b)),
      "generation", generation_describe(b), "trained", trained_json(b->card));
  if (b->model->tuning.adapter.present)
    json_put(json, "adapter_parameters", json_integer(params_elements(b->model->learned)));
  if (b->chat) json_put(json, "chat_template", json_true());
  if (b->chat && json_array_size(chat_template_names(b->chat)))
    json_put(json, "chat_templates", json_copy((json_t *)(uintptr_t)chat_template_names(b->chat)));
  if (json_object_size(b->source.licence)) json_share(json, "license", b->source.licence);
  if (b->source.remark) json_put(json, "remark", json_string(b->source.remark));
  char *text = json_text(json, JSON_INDENT(2));
  json_decref(json);
  MEM_GUARD_END();
  return text;
}

bool ink_model_defaults(const ink_model *m, ink_settings *settings, ink_error *err) {
  MEM_GUARD(err, return false);
  const bool ok = generation_fill(settings, &m->bundle, err);
  MEM_GUARD_END();
  return ok;
}

/* ---- continuing a text ---- */

ink_settings *ink_settings_write(void) {
  static const SettingTable *const tables[] = {&sampling_settings_table, &constraint_settings_table,
                                               &text_settings_table, &general_settings_table};
  return settings_new(tables, 4);
}

/* Called first in each call that generates; also sets the number of threads. */
static const GeneralSettings *general_of(const ink_settings *settings) {
  const GeneralSettings *general = settings_part(settings, &general_settings_table);
  threads_set((int)general->threads);
  return general;
}

static bool write_as(ink_model *m, const Generation *g, const char *prompt, size_t length,
                     ink_token_listener *listener, void *user, ink_written *written, Error *err) {
  const GeneralSettings *general = general_of(g->settings);
  const WriteRequest request = {.model = m->bundle.model,
                                .tokenizer = m->bundle.tokenizer,
                                .sampling = g->sampling,
                                .rules = &g->rules,
                                .seed = general->seed,
                                .begin = bundle_begin(&m->bundle),
                                .opening = bundle_opening(&m->bundle),
                                .listener = listener,
                                .user = user};
  return writer_run(&request, prompt, length, written, err) && (!interrupted() || fail_interrupted(err));
}

bool ink_write(ink_model *m, const char *prompt, size_t length, const ink_settings *settings,
               ink_token_listener *listener, void *user, ink_written *written, const ink_call *call,
               ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  Generation g = {0};
  ink_written own = INK_WRITTEN_INIT;
  const bool ok = call_enter(call, m->engine, &news, err) &&
                  bundle_check_task(&m->bundle, task_find("write"), err) &&
                  generation_open(&g, &m->bundle, NULL, settings, err) &&
                  write_as(m, &g, prompt, length, listener, user, &own, err);
  generation_close(&g);
  struct_give(written, &own, sizeof own);
  MEM_GUARD_END();
  return ok;
}

/* ---- rewriting ---- */

ink_settings *ink_settings_rewrite(void) {
  static const SettingTable *const tables[] = {
      &search_settings_table,  &sampling_settings_table, &constraint_settings_table,
      &chat_settings_table,    &language_settings_table, &protection_settings_table,
      &abstain_settings_table, &text_settings_table,     &general_settings_table};
  return settings_new(tables, 9);
}

/* What rewriting needs from model and settings. */
typedef struct Rewriting {
  PairLayout layout;
  Generation generation;
  Protection *protection; /* NULL: none */
  RewriteRequest request;
} Rewriting;

/* The text of the system turn; NULL: none. A chat template is given an empty one if it was asked for, as many
 * templates put a text of their own where there is none. Our own layout has no empty turns. */
static const char *system_text(const Bundle *b, const ink_settings *settings) {
  const char *text = ((const ChatSettings *)settings_part(settings, &chat_settings_table))->system;
  if (text && *text) return text;
  return b->chat && settings_given(settings, "system") ? "" : NULL;
}

/* *w must be zeroed before; close it in any case. */
static bool prepare(Rewriting *w, const Bundle *b, const Task *task, const ink_settings *settings,
                    const News *news, Error *err) {
  const GeneralSettings *general = general_of(settings);
  Generation *g = &w->generation;
  const char *instruction = system_text(b, settings);
  if (!task->chat && instruction && *instruction)
    return fail_usage(err, "--system has no effect: it is for conversations");
  if (!abstain_check(settings, err) || !bundle_check_task(b, task, err) ||
      !bundle_layout(b, task, &w->layout, err) || !languages_frame(b, settings, &w->layout, err) ||
      !generation_open(g, b, &w->layout, settings, err) || !generation_fit(g, &w->layout, err) ||
      !protection_open(&w->protection, b, task, settings, news, err))
    return false;
  protection_constrain(w->protection, b->tokenizer, &g->rules);
  if (g->constraint && protection_masks(w->protection))
    return fail_usage(
        err,
        "this model copies what must not change from the input, which a constraint cannot see: give "
        "--no-protect, too");
  w->request = (RewriteRequest){.model = b->model,
                                .tokenizer = b->tokenizer,
                                .layout = &w->layout,
                                .search = &g->search,
                                .sampling = g->sampling,
                                .rules = &g->rules,
                                .never = g->never,
                                .seed = (uint64_t)general->seed,
                                .max_tokens = g->sampling->max_tokens,
                                .protection = w->protection,
                                .abstain = settings_part(settings, &abstain_settings_table)};
  return true;
}

static void close_rewriting(Rewriting *w) {
  generation_close(&w->generation);
  protection_close(w->protection);
}

/* Counters continue from `done`. */
static bool take_rewritten(ink_rewritten *own, const ink_rewritten *done, Error *err) {
  static const ink_rewritten none = INK_REWRITTEN_INIT;
  return struct_take(own, sizeof *own, done ? done : &none, "ink_rewritten", err);
}

/* Texts as inputs of one turn each, after the one of the setting "system". The caller frees turns and inputs.
 */
static RewriteInput *inputs_of(const Bundle *b, const char *const *texts, const size_t *lengths,
                               int64_t count, const ink_settings *settings, Turn **turns) {
  const char *instruction = system_text(b, settings);
  const size_t each = 1 + (instruction != NULL);
  RewriteInput *inputs = mem_alloc_zeroed((size_t)count + 1, sizeof *inputs);
  Turn *turn = *turns = mem_alloc_zeroed(2 * (size_t)count + 1, sizeof **turns);
  for (int64_t i = 0; i < count; i++) {
    inputs[i] = (RewriteInput){turn, each};
    if (each > 1) *turn++ = (Turn){ROLE_SYSTEM, instruction, strlen(instruction), NULL};
    *turn++ = (Turn){ROLE_USER, texts[i], lengths[i], NULL};
  }
  return inputs;
}

bool ink_rewrite(ink_model *m, const char *task, const char *const *texts, const size_t *lengths,
                 int64_t count, const ink_settings *settings, ink_output_listener *listener, void *user,
                 ink_rewritten *done, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  ink_rewritten own;
  const bool known_size = take_rewritten(&own, done, err);
  Rewriting w = {0};
  Turn *turns;
  RewriteInput *inputs = inputs_of(&m->bundle, texts, lengths, count, settings, &turns);
  const Task *known = task_named(task, err);
  bool ok = known && known_size && call_enter(call, m->engine, &news, err) &&
            prepare(&w, &m->bundle, known, settings, &news, err);
  w.request.listener = listener;
  w.request.user = user;
  w.request.errors_per_text = true;
  ok = ok && rewriter_run(&w.request, inputs, count, &own, err);
  close_rewriting(&w);
  if (known_size) struct_give(done, &own, sizeof own);
  mem_free(inputs);
  mem_free(turns);
  MEM_GUARD_END();
  return ok;
}

char *ink_explain(ink_model *m, const char *task, const char *const *texts, const size_t *lengths,
                  int64_t count, const ink_settings *settings, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  Rewriting w = {0};
  Turn *turns;
  Buffer sections = {0}, page = {0};
  RewriteInput *inputs = inputs_of(&m->bundle, texts, lengths, count, settings, &turns);
  const Task *known = task_named(task, err);
  const bool ok = known && call_enter(call, m->engine, &news, err) &&
                  unused_setting(settings, "check", "for a page that explains", &news, err) &&
                  unused_setting(settings, "unsure", "for a page that explains", &news, err) &&
                  prepare(&w, &m->bundle, known, settings, &news, err) &&
                  explain_run(&w.request, inputs, count, &sections, err);
  if (ok) explain_page(task, sections.data ? sections.data : "", &page);
  buffer_free(&sections);
  close_rewriting(&w);
  mem_free(inputs);
  mem_free(turns);
  MEM_GUARD_END();
  return ok ? buffer_take(&page) : NULL;
}

bool ink_reply(ink_model *m, const ink_turn *said, int count, const ink_settings *settings,
               ink_output_listener *listener, void *user, ink_rewritten *done, const ink_call *call,
               ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  ink_rewritten own;
  const bool known_size = take_rewritten(&own, done, err);
  const char *instruction = system_text(&m->bundle, settings);
  Turn *turns = mem_alloc_zeroed((size_t)count + 2, sizeof *turns), *first = turns + 1;
  bool ok = count > 0 || fail_usage(err, "the conversation is empty: give at least one turn");
  ok = ok && turns_of(said, count, first, err);
  if (ok && instruction && first->role != ROLE_SYSTEM)
    *--first = (Turn){ROLE_SYSTEM, instruction, strlen(instruction), NULL};
  Rewriting w = {0};
  const RewriteInput input = {first, (size_t)(turns + 1 + count - first)};
  ok = ok && known_size && call_enter(call, m->engine, &news, err) &&
       prepare(&w, &m->bundle, task_find("reply"), settings, &news, err);
  w.request.listener = listener;
  w.request.user = user;
  w.request.errors_per_text = true;
  ok = ok && rewriter_run(&w.request, &input, 1, &own, err);
  close_rewriting(&w);
  if (known_size) struct_give(done, &own, sizeof own);
  mem_free(turns);
  MEM_GUARD_END();
  return ok;
}
