#include "cli/args.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/language.h"
#include "base/narrow.h"
#include "base/settings.h"
#include "cli/streams.h"

enum { NAME_CAPACITY = 64, MOST_GIVEN = 256 };

/* A setting given on the command line. */
typedef struct Given {
  const char *name;
  const char *prompt; /* its value if it is a text that a model reads, and is not set yet */
  bool repeated;
} Given;

/* The arguments being read. */
typedef struct Args {
  Call *call;
  int count, at; /* `at`: index of the next one */
  char **items;
  Given given[MOST_GIVEN];
  int given_count;
} Args;

/* ---- looking flags up ---- */

static bool find_flag(const Call *call, const char *name, FlagInfo *out) {
  for (int i = 0; flag_at(call->command, call->settings, i, out); i++)
    if (!strcmp(out->info.name, name)) return true;
  return false;
}

static bool find_letter(const Call *call, char letter, FlagInfo *out) {
  for (int i = 0; flag_at(call->command, call->settings, i, out); i++)
    if (out->letter == letter) return true;
  return false;
}

static bool has_flag(const Command *command, const char *name) {
  Call call = {.command = command, .settings = command->settings ? command->settings() : NULL};
  FlagInfo flag;
  const bool has = find_flag(&call, name, &flag);
  ink_settings_free(call.settings);
  return has;
}

/* Lists the commands that have the flag: "`write`, `eval` and `chat`"; false if none has it. */
static bool owners_of(const char *name, Buffer *owners) {
  const Command *last = NULL;
  for (int i = 0; commands[i]; i++) {
    if (!has_flag(commands[i], name)) continue;
    if (last) buffer_addf(owners, "%s%s", owners->length ? _("`, `") : "`", last->name);
    last = commands[i];
  }
  if (last) buffer_addf(owners, "%s%s`", owners->length ? _("` and `") : "`", last->name);
  return last;
}

/* The first flag that `name` abbreviates: "temp", of --temperature. */
static bool longer_flag(const Call *call, const char *name, char best[NAME_CAPACITY]) {
  enum { LEAST = 3 };
  const size_t length = strlen(name);
  FlagInfo flag;
  for (int i = 0; length >= LEAST && flag_at(call->command, call->settings, i, &flag); i++) {
    if (strncmp(flag.info.name, name, length)) continue;
    snprintf(best, NAME_CAPACITY, "%.60s", flag.info.name);
    return true;
  }
  return false;
}

/* If `name` starts with "no-", only flags that can be negated are considered. */
static bool nearest_flag(const Call *call, const char *name, char best[NAME_CAPACITY]) {
  FlagInfo flag;
  const char *no = strncmp(name, "no-", 3) ? "" : "no-";
  size_t least = strlen(name) / 3 + 2; /* a larger distance is not a typing error */
  best[0] = '\0';
  for (int i = 0; flag_at(call->command, call->settings, i, &flag); i++) {
    const size_t distance = text_distance(name + strlen(no), flag.info.name);
    if (distance >= least || (*no && !(flag.info.is_switch && flag.own == OWN_NONE))) continue;
    least = distance;
    snprintf(best, NAME_CAPACITY, "%s%.40s", no, flag.info.name);
  }
  return best[0];
}

static bool unknown_flag(const Call *call, const char *name, Error *err) {
  char near[NAME_CAPACITY];
  const char *full_width;
  int length;
  if (narrow_text(name, near, sizeof near, &full_width, &length))
    return fail_usage(err, "unknown flag --%s: it contains the full-width character %.*s: write --%s", name,
                      length, full_width, near);
  Buffer owners = {0};
  if (owners_of(name, &owners))
    fail_usage(err, "--%s is a flag of %s, not of `%s`", name, owners.data, call->command->name);
  const bool owned = owners.length;
  buffer_free(&owners);
  if (owned) return false;
  if (longer_flag(call, name, near) || nearest_flag(call, name, near))
    return fail_usage(err, "unknown flag --%s; did you mean --%s?", name, near);
  return fail_usage(err, "unknown flag --%s", name);
}

/* ---- one flag ---- */

/* The value after a flag. If it looks like a flag, the value was probably forgotten. */
static const char *next_value(Args *a, const FlagInfo *flag, Error *err) {
  const char *value = a->at < a->count ? a->items[a->at] : NULL;
  if (value && !(value[0] == '-' && value[1] == '-' && isalpha((unsigned char)value[2]))) {
    a->at++;
    return value;
  }
  if (value)
    fail_usage(
        err,
        "--%s needs a value (%s), and \"%s\" looks like the next flag; if it is the value, write --%s=%s",
        flag->info.name, flag->info.arg, value, flag->info.name, value);
  else
    fail_usage(err, "--%s needs a value: --%s %s", flag->info.name, flag->info.name, flag->info.arg);
  return NULL;
}

/* The last value of a setting is used, as in other programs; tell_repeated reports it. */
static bool put_setting(Args *a, const FlagInfo *flag, const char *value, Error *err) {
  Given *given = a->given, *end = a->given + a->given_count;
  while (given < end && strcmp(given->name, flag->info.name)) given++;
  if (given < end)
    given->repeated = !flag->info.repeats;
  else if (a->given_count < MOST_GIVEN)
    *end = (Given){.name = flag->info.name}, a->given_count++;
  if (flag->info.is_prompt && given < a->given + MOST_GIVEN) {
    given->prompt = value; /* --encoding may follow */
    return true;
  }
  return ink_settings_set(a->call->settings, flag->info.name, value, err);
}

/* Sets the texts that a model reads: they are read as any text is. */
static bool read_prompts(const Args *a, Error *err) {
  const Call *call = a->call;
  bool ok = true;
  for (int i = 0; ok && i < a->given_count; i++) {
    char name[NAME_CAPACITY + 2];
    Buffer text = {0};
    const char *given = a->given[i].prompt;
    if (!given) continue;
    snprintf(name, sizeof name, "--%s", a->given[i].name);
    ok = (!*given ||
          streams_check(given, strlen(given), name, call->settings, call->values[OWN_QUIET], &text, err)) &&
         ink_settings_set(call->settings, a->given[i].name, text.data ? text.data : "", err);
    buffer_free(&text);
  }
  return ok;
}

static void tell_repeated(const Args *a) {
  for (int i = 0; i < a->given_count && !a->call->values[OWN_QUIET]; i++) {
    if (!a->given[i].repeated) continue;
    char *value = ink_settings_get(a->call->settings, a->given[i].name);
    streams_say("note: --%s is given more than once: the last value, %s, is used\n", a->given[i].name, value);
    ink_free(value);
  }
}

static bool put_adapter(Call *call, const char *value, Error *err) {
  if (call->adapter_count == MOST_ADAPTERS)
    return fail_usage(err, "--adapter is given more than %d times: merge some (`inkstone convert --merge`)",
                      MOST_ADAPTERS);
  call->adapters[call->adapter_count++] = value;
  call->values[OWN_ADAPTER] = value;
  return true;
}

static bool put(Args *a, const FlagInfo *flag, const char *value, Error *err) {
  if (!flag->info.is_switch && !flag->info.is_prompt && !*value)
    return fail_usage(err, "--%s: the value is empty", flag->info.name);
  if (flag->own == OWN_NONE) return put_setting(a, flag, value, err);
  if (flag->own == OWN_ADAPTER) return put_adapter(a->call, value, err);
  const char *before = a->call->values[flag->own];
  if (before && strcmp(before, value))
    return fail_usage(err, "--%s is given twice, \"%s\" and \"%s\": give one", flag->info.name, before,
                      value);
  a->call->values[flag->own] = value;
  return true;
}

static bool put_switch(Args *a, const FlagInfo *flag, const char *attached, Error *err) {
  if (flag->own == OWN_NONE) return put(a, flag, attached ? attached : "true", err);
  if (attached) return fail_usage(err, "--%s takes no value", flag->info.name);
  return put(a, flag, "", err);
}

/* Whether `name` is "no-" and the name of a library switch. */
static bool is_negated(const Call *call, const char *name, FlagInfo *flag) {
  return !strncmp(name, "no-", 3) && find_flag(call, name + 3, flag) && flag->info.is_switch &&
         flag->own == OWN_NONE;
}

static bool take_long(Args *a, const char *text, Error *err) {
  char name[NAME_CAPACITY];
  FlagInfo flag;
  const size_t length = strcspn(text, "=");
  const char *attached = text[length] ? text + length + 1 : NULL;
  if (length >= sizeof name) return fail_usage(err, "unknown flag --%.80s...", text);
  for (size_t i = 0; i < length; i++)
    name[i] = text[i] == '_' ? '-' : text[i]; /* the spelling of recipe keys */
  name[length] = '\0';
  if (find_flag(a->call, name, &flag)) {
    if (flag.info.is_switch) return put_switch(a, &flag, attached, err);
    const char *value = attached ? attached : next_value(a, &flag, err);
    return value && put(a, &flag, value, err);
  }
  if (!is_negated(a->call, name, &flag)) return unknown_flag(a->call, name, err);
  if (attached) return fail_usage(err, "--%s takes no value", name);
  return put(a, &flag, "false", err);
}

/* Error messages name the flag as it was given: by its letter. */
static bool put_short(Args *a, const FlagInfo *flag, const char *value, Error *err) {
  Error wrong = {0};
  char name[NAME_CAPACITY];
  if (put(a, flag, value, &wrong)) return true;
  const size_t length = (size_t)snprintf(name, sizeof name, "--%s", flag->info.name);
  if (strncmp(wrong.text, name, length)) return fail_usage(err, "%s", wrong.text);
  return fail_usage(err, "-%c (%s)%s", flag->letter, name, wrong.text + length);
}

static bool take_short(Args *a, const char *text, Error *err) {
  FlagInfo flag;
  if (!find_letter(a->call, text[0], &flag))
    return fail_usage(err, "unknown flag -%.*s", (int)strcspn(text, "="), text);
  if (flag.info.is_switch) {
    if (text[1]) return fail_usage(err, "-%c takes no value: give switches one by one", text[0]);
    return put_switch(a, &flag, NULL, err);
  }
  const char *value = text[1] ? text + 1 + (text[1] == '=') : next_value(a, &flag, err);
  return value && put_short(a, &flag, value, err);
}

/* ---- the whole line ---- */

/* Refuses "－－steps" and "—steps", which input methods and word processors make of "--steps". */
static bool check_dashes(const Call *call, const char *text, Error *err) {
  char narrow[NAME_CAPACITY], name[NAME_CAPACITY];
  const char *full_width;
  int length;
  FlagInfo flag;
  if (!narrow_text(text, narrow, sizeof narrow, &full_width, &length) || narrow[0] != '-' ||
      full_width > text + 1)
    return true;
  const char *word = narrow + strspn(narrow, "-");
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
  if (name[0] && !name[1] && find_letter(call, name[0], &flag))
    return fail_usage(err, "\"%s\" begins with %.*s instead of -: write -%s", text, length, full_width, word);
  return !find_flag(call, name, &flag) ||
         fail_usage(err, "\"%s\" begins with %.*s instead of --: write --%s", text, length, full_width, word);
}

/* After --help, errors are ignored; -m MODEL may still follow. */
static bool take_all(Args *a, Error *err) {
  bool flags_over = false;
  while (a->at < a->count) {
    char *text = a->items[a->at++];
    Error ignored = {0}, *here = a->call->values[OWN_HELP] ? &ignored : err;
    if (!flags_over && !check_dashes(a->call, text, here)) return here == &ignored;
    if (flags_over || text[0] != '-' || !text[1])
      a->call->operands[a->call->operand_count++] = text;
    else if (!strcmp(text, "--"))
      flags_over = true;
    else if (!(text[1] == '-' ? take_long(a, text + 2, here) : take_short(a, text + 1, here)))
      return here == &ignored;
  }
  return true;
}

static bool check_required(const Call *call, Error *err) {
  for (int i = 0; i < MOST_FLAGS && call->command->flags[i].name; i++) {
    const Flag *flag = &call->command->flags[i];
    if (flag->required && !call->values[flag->own])
      return fail_usage(err, "-%c %s is missing (--%s: %s)", flag->letter, flag->arg, flag->name,
                        language_text(flag->help));
  }
  return true;
}

static bool check_word(const Call *call, Error *err) {
  const Command *command = call->command;
  char word[NAME_CAPACITY], near[NAME_CAPACITY] = "";
  if (!command->words) return true;
  if (!call->operand_count)
    return fail_usage(err, "no %s is given: expected one of %s", language_text(command->word),
                      command->words);
  size_t least = strlen(call->operands[0]) / 3 + 2;
  for (int i = 0; choice_at(command->words, i, word, sizeof word); i++) {
    const size_t distance = text_distance(call->operands[0], word);
    if (!distance) return true;
    if (distance >= least) continue;
    least = distance;
    snprintf(near, sizeof near, "%s", word);
  }
  if (near[0])
    return fail_usage(err, "unknown %s \"%s\"; did you mean \"%s\"?", language_text(command->word),
                      call->operands[0], near);
  return fail_usage(err, "unknown %s \"%s\": expected one of %s, as in: inkstone %s %s",
                    language_text(command->word), call->operands[0], command->words, command->name,
                    command->operands);
}

static bool check_stdin(const Call *call, Error *err) {
  int count = 0;
  for (int i = 0; i < call->operand_count; i++) count += !strcmp(call->operands[i], "-");
  return count < 2 ||
         fail_usage(err, "- (standard input) is given twice, but can be read only once: give a file");
}

/* Names of files are not empty: a variable of the shell is. */
static bool check_empty(const Call *call, Error *err) {
  for (int i = 0; i < call->operand_count && !call->command->reads_text; i++)
    if (!*call->operands[i])
      return fail_usage(err, "argument %d is empty: the usage is inkstone %s %s", i + 1, call->command->name,
                        call->command->operands);
  return true;
}

static bool check_operands(const Call *call, Error *err) {
  const Command *command = call->command;
  if (!check_word(call, err) || !check_empty(call, err) || !check_stdin(call, err)) return false;
  if (call->operand_count < command->least)
    return fail_usage(err, "too few arguments: the usage is inkstone %s %s", command->name,
                      command->operands);
  if (command->most >= 0 && call->operand_count > command->most)
    return fail_usage(
        err, "unexpected argument \"%s\" (put text of several words in quotes): the usage is inkstone %s %s",
        call->operands[command->most], command->name, command->operands);
  return true;
}

static bool is_given(const Args *a, const char *name) {
  FlagInfo flag;
  if (find_flag(a->call, name, &flag) && flag.own != OWN_NONE) return a->call->values[flag.own];
  for (int i = 0; i < a->given_count; i++)
    if (!strcmp(a->given[i].name, name)) return true;
  return false;
}

/* Flags of the command line that have no effect together with another. */
static bool check_unused(const Args *a, Error *err) {
  static const char *const unused[][2] = {{"json", "explain"}, {"digits", "json"}};
  for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
    if (is_given(a, unused[i][0]) && is_given(a, unused[i][1]))
      return fail_usage(err, "--%s has no effect with --%s: leave one of them out", unused[i][0],
                        unused[i][1]);
  return true;
}

bool args_parse(Call *call, int argc, char **argv, Error *err) {
  Args a = {.call = call, .count = argc, .items = argv};
  call->operands = argv;
  if (!take_all(&a, err)) return false;
  if (call->values[OWN_HELP]) return true;
  if (call->values[OWN_CONFIG] && !ink_settings_load(call->settings, call->values[OWN_CONFIG], err))
    return false;
  if (!read_prompts(&a, err)) return false;
  tell_repeated(&a);
  return check_operands(call, err) && check_required(call, err) && check_unused(&a, err);
}

ink_model *args_model(const Call *call, const ink_call *how, Error *err) {
  const char *type = call->values[OWN_TYPE], *cache = call->values[OWN_CACHE];
  ink_model *m =
      ink_model_open_adapted(call->values[OWN_MODEL], call->adapters, call->adapter_count, how, err);
  if (m && (!type || ink_model_retype(m, type, how, err)) && (!cache || ink_model_cache(m, cache, err)))
    return m;
  ink_model_close(m);
  return NULL;
}

char *args_setting(const ink_settings *settings, const char *name) {
  char *value = ink_settings_get(settings, name);
  if (!value) mem_exhausted(0);
  return value;
}

bool args_check_output(const Call *call, const char *path, const char *const *inputs, size_t count,
                       Error *err) {
  static const OwnFlag read[] = {OWN_MODEL, OWN_AGAINST, OWN_CONFIG};
  for (size_t i = 0; i < sizeof read / sizeof *read; i++)
    if (call->values[read[i]] && !file_check_output(path, &call->values[read[i]], 1, err)) return false;
  return file_check_output(path, inputs, count, err) && file_check_no_model(path, err);
}
