#include "train/recipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"

/* Settings that come from the base model with --from. */
static const char *const shape[] = {"layers", "width", "heads", "kv_heads", "ffn"};

static bool is_shape(const char *name) {
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    if (!strcmp(name, shape[i])) return true;
  return false;
}

bool recipe_fill(Settings *settings, const Plan *p, Error *err) {
  const TrainSettings *train = settings_part(settings, &train_settings_table);
  const struct {
    const char *name;
    double value;
  } values[] = {
      {"layers", (double)p->config.layers},
      {"width", (double)p->config.width},
      {"heads", (double)p->config.heads},
      {"kv_heads", (double)p->config.kv_heads},
      {"ffn", (double)p->config.ffn},
      {"context", (double)p->context},
      {"batch_tokens", (double)(p->batch.tokens * p->mix)},
      {"steps", (double)p->steps},
      {"warmup", (double)p->warmup},
      {"eval_every", (double)p->eval_every},
      {"eval_tokens", (double)p->eval_tokens},
      {"sample_every", (double)p->sample_every},
      {"checkpoint_every", (double)p->checkpoint_every},
      {"lr", p->learning_rate},
      {"weight_decay", p->weight_decay},
  };
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    char text[32];
    if (train->from && is_shape(values[i].name)) continue;
    if (!strcmp(values[i].name, "batch_tokens") && train->batch) continue;
    snprintf(text, sizeof text, "%.17g", values[i].value);
    if (!settings_fill(settings, values[i].name, text, err)) return false;
  }
  return true;
}

/* Writes the run's settings, except those already reflected in others (budget, epochs) and those of a single
 * command. */
bool recipe_write(const RunDir *dir, const Settings *settings, Error *err) {
  static const char *const spent[] = {"budget", "epochs", "resume", "overwrite", "dry_run"};
  static const char head[] =
      "# All settings of this run: the same texts with --config recipe.yaml give the same weights.\n";
  char path[PATH_CAPACITY];
  Settings *kept = ink_settings_train();
  char *yaml = settings_to_yaml(settings);
  bool ok = settings_load_text(kept, yaml, "settings", err);
  mem_free(yaml);
  for (size_t i = 0; i < sizeof spent / sizeof *spent; i++) settings_forget(kept, spent[i]);
  Buffer text = {0};
  yaml = settings_to_yaml(kept);
  buffer_adds(&text, head);
  buffer_adds(&text, yaml);
  ok = ok && file_replace(run_dir_file(dir, path, "recipe.yaml"), text.data, text.length, err);
  mem_free(yaml);
  buffer_free(&text);
  ink_settings_free(kept);
  return ok;
}

/* ---- a run that is resumed ---- */

/* Settings that may change on --resume do not affect the steps already done. */
static bool reconcile(const Settings *given, Settings *saved, const ink_setting_info *info, Error *err) {
  char *now = settings_text(given, info->name), *then = settings_text(saved, info->name);
  const bool decided = !strcmp(info->name, "precision") && !strcmp(now, "auto"); /* when the run began */
  const bool same = !strcmp(now, then) || decided;
  bool ok = true;
  if (!same && settings_freedom(saved, info->name) != SETTING_FREE_ON_RESUME)
    ok = fail_usage(err,
                    "--resume cannot change --%s from %s to %s: leave it out, or start another run with a "
                    "different -o",
                    info->name, *then ? then : _("not given"), now);
  else if (!same && strcmp(info->name, "steps"))
    ok = ink_settings_set(saved, info->name, now, err);
  ink_free(now);
  ink_free(then);
  return ok;
}

bool recipe_continue(const char *path, const Settings *given, Settings **settings, Error *err) {
  ink_setting_info info = INK_SETTING_INFO_INIT;
  Settings *saved = ink_settings_train();
  bool ok = ink_settings_load(saved, path, err);
  for (int i = 0; ok && ink_settings_describe(given, i, &info); i++)
    ok = !settings_given(given, info.name) || reconcile(given, saved, &info, err);
  if (!ok) {
    ink_settings_free(saved);
    return false;
  }
  ink_settings_free(*settings);
  *settings = saved;
  return true;
}

/* ---- changes of the number of steps ---- */

bool recipe_check_replan(const char *changes, Error *err) {
  int64_t at, to;
  int read = 0;
  for (const char *p = changes; p && *p; p += read) {
    if (sscanf(p, " %" SCNd64 ":%" SCNd64 "%n", &at, &to, &read) != 2 || !strchr(" ", p[read]))
      return fail_usage(err, "--replan: \"%s\" is not a list of STEP:STEPS, such as \"120:900 240:880\"",
                        changes);
    if (at < 1)
      return fail_usage(err,
                        "--replan: %lld:%lld: the first step at which the number of steps can change is 1",
                        (long long)at, (long long)to);
    if (to < at)
      return fail_usage(
          err,
          "--replan: %lld:%lld: a run that has made %lld steps cannot have %lld: give STEP:STEPS "
          "with at least as many STEPS as STEP",
          (long long)at, (long long)to, (long long)at, (long long)to);
  }
  return true;
}

int64_t recipe_steps(const char *changes, int64_t step, int64_t otherwise) {
  int64_t at, to;
  int read;
  for (const char *p = changes; p && sscanf(p, " %" SCNd64 ":%" SCNd64 "%n", &at, &to, &read) == 2; p += read)
    if (at == step) otherwise = to;
  return otherwise;
}

/* The smallest step above `above`; 0: there is none. */
static int64_t next_change(const char *changes, int64_t above) {
  int64_t at, to, next = 0;
  int read;
  for (const char *p = changes; p && sscanf(p, " %" SCNd64 ":%" SCNd64 "%n", &at, &to, &read) == 2; p += read)
    if (at > above && (!next || at < next)) next = at;
  return next;
}

void recipe_note_unreached(const char *changes, int64_t steps, const News *news) {
  int64_t at = 0;
  while ((at = next_change(changes, at)) && at <= steps) steps = recipe_steps(changes, at, steps);
  if (at)
    news_note(news, "--replan changes the number of steps at step %" PRId64 ", which this run does not reach",
              at);
}

bool recipe_replan(const RunDir *dir, Settings *settings, int64_t step, int64_t steps, Error *err) {
  const TrainSettings *train = settings_part(settings, &train_settings_table);
  const char *name = step ? "replan" : "steps"; /* at step 0 no update has used another number */
  Buffer text = {0};
  if (step && train->replan) buffer_addf(&text, "%s ", train->replan);
  if (step) buffer_addf(&text, "%" PRId64 ":", step);
  buffer_addf(&text, "%" PRId64, steps);
  const bool ok = ink_settings_set(settings, name, text.data, err) && recipe_write(dir, settings, err);
  buffer_free(&text);
  return ok;
}
