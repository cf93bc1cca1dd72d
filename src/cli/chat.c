/* chat.c - inkstone chat: a conversation with a model trained to reply. */
#include <errno.h>
#include <histedit.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/figure.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/glyph.h"
#include "cli/intake.h"
#include "cli/keys.h"
#include "cli/streams.h"

typedef struct Turn {
  const char *role; /* "system" (first turn only), "user", "assistant" */
  char *text;
} Turn;

typedef struct Chat {
  const Call *call;
  ink_model *model;
  VEC(Turn) turns;
  Buffer reply;
  EditLine *edit; /* NULL: input is a file or a pipe */
  History *history;
  Intake input; /* unless lines are edited */
  Buffer line;
  int cancelled; /* consecutive lines ended by Ctrl-C */
  int64_t lines, failed;
  size_t nul;    /* position of a NUL byte in the line, from 1; 0: none */
  Error problem; /* error of the last turn */
  bool ended;
} Chat;

/* ---- turns ---- */

static void add_turn(Chat *c, const char *role, const char *text) {
  const Turn turn = {role, mem_strdup(text)};
  vec_push(&c->turns, turn);
}

static void drop_turn(Chat *c) {
  mem_free(c->turns.data[--c->turns.count].text);
}

static bool last_is(const Chat *c, const char *role) {
  return c->turns.count && !strcmp(c->turns.data[c->turns.count - 1].role, role);
}

static void forget(Chat *c) {
  while (c->turns.count) drop_turn(c);
}

/* A new system text starts a new conversation. */
static void set_system(Chat *c, const char *text) {
  forget(c);
  if (*text) add_turn(c, "system", text);
}

/* ---- replying ---- */

static bool take_reply(void *user, const ink_output *o) {
  Chat *c = user;
  if (o->problem) fail(&c->problem, "%s", o->problem);
  if (o->cut) streams_say("warning: the text is longer than the model reads: its beginning was left out\n");
  if (o->rank == 0) buffer_add(&c->reply, o->text, o->length);
  return true;
}

/* Prints the reply; in a script, each reply is one line. */
static bool put_line(Chat *c) {
  for (size_t i = 0; !c->edit && i < c->reply.length; i++)
    if (c->reply.data[i] == '\n' || c->reply.data[i] == '\r') c->reply.data[i] = ' ';
  buffer_adds(&c->reply, "\n");
  return streams_put(c->reply.data, c->reply.length);
}

static bool put_reply(Chat *c) {
  buffer_adds(&c->reply, "");
  add_turn(c, "assistant", c->reply.data);
  return put_line(c);
}

static bool ask_model(Chat *c, ink_rewritten *done, Error *err) {
  const size_t count = c->turns.count;
  ink_turn *turns = mem_alloc_zeroed(count, sizeof *turns);
  for (size_t i = 0; i < count; i++)
    turns[i] = (ink_turn){c->turns.data[i].role, c->turns.data[i].text, strlen(c->turns.data[i].text)};
  buffer_clear(&c->reply);
  c->problem = (Error){0};
  const ink_call how = streams_call();
  const bool ok = ink_reply(c->model, turns, (int)count, c->call->settings, take_reply, c, done, &how, err);
  mem_free(turns);
  return ok;
}

/* Reports the error of a turn. On a terminal the conversation continues; a script gets an empty line as the
 * reply, the line number on stderr, and exit status 1 at the end. */
static bool no_reply(Chat *c) {
  if (c->edit) {
    streams_say("(%s)\n", c->problem.text);
    return true;
  }
  c->failed++;
  streams_say("inkstone: line %" PRId64 ": %s\n", c->lines, c->problem.text);
  buffer_clear(&c->reply);
  return put_line(c);
}

/* Fails the turn if its line has a NUL, which would end the text. */
static bool has_nul(Chat *c) {
  if (!c->nul) return false;
  c->problem = (Error){0};
  fail(&c->problem, "byte %zu is NUL, so this is not text", c->nul);
  return true;
}

/* Whether the conversation begins with an instruction: its own, or --system. */
static bool has_instruction(const Chat *c) {
  if (c->turns.count && !strcmp(c->turns.data[0].role, "system")) return true;
  char *instruction = args_setting(c->call->settings, "system");
  const bool has = *instruction;
  ink_free(instruction);
  return has;
}

/* The instruction is the last to be left out: then all that is left is what was said last. */
static void say_dropped(const Chat *c, int64_t dropped) {
  const bool own = c->turns.count && !strcmp(c->turns.data[0].role, "system"), has = has_instruction(c);
  const int64_t all = (int64_t)c->turns.count + (has && !own);
  const bool of_instruction = has && dropped == all - 1;
  const int64_t turns = dropped - of_instruction;
  if (of_instruction)
    streams_say(
        "warning: with what was said last, the system instruction is longer than the model reads: it was "
        "left out\n");
  if (turns)
    streams_say("note: the conversation is longer than the model reads: its first %" PRId64
                " turn%s left out (/reset starts a new one)\n",
                turns, turns == 1 ? " was" : "s were");
}

/* Replies to the text. A turn without a reply is removed from the conversation. */
static bool reply(Chat *c, const char *text, Error *err) {
  ink_rewritten done = INK_REWRITTEN_INIT;
  streams_clear_stop();
  streams_catch_signals();
  add_turn(c, "user", text);
  if (!ask_model(c, &done, err)) {
    drop_turn(c);
    return false;
  }
  if (c->problem.code) {
    drop_turn(c);
    return no_reply(c) || fail(err, "standard output is closed");
  }
  if (done.unended_outputs && !c->call->values[OWN_QUIET])
    streams_say("note: the reply reached the maximum length before its end: see --max-tokens\n");
  if (done.dropped_turns && !c->call->values[OWN_QUIET]) say_dropped(c, done.dropped_turns);
  return put_reply(c) || fail(err, "standard output is closed");
}

/* ---- commands ---- */

static bool save(const Chat *c, const char *path, Error *err) {
  Error why = {0}; /* no wrong usage of the program */
  if (!args_check_output(c->call, path, NULL, 0, &why) ||
      !file_check_kind(path, "\"messages\"", _("file of conversations"), &why))
    return fail(err, "%s", why.text);
  json_t *messages = json_array();
  char *instruction = args_setting(c->call->settings, "system");
  if (*instruction && !(c->turns.count && !strcmp(c->turns.data[0].role, "system")))
    json_push(messages, json_build("{s:s, s:o}", "role", "system", "content",
                                   glyph_json(instruction, strlen(instruction))));
  ink_free(instruction);
  for (size_t i = 0; i < c->turns.count; i++) {
    const Turn *t = &c->turns.data[i];
    json_push(messages,
              json_build("{s:s, s:o}", "role", t->role, "content", glyph_json(t->text, strlen(t->text))));
  }
  json_t *json = json_build("{s:o}", "messages", messages);
  char *text = json_text(json, JSON_COMPACT);
  FILE *file = fopen(path, "a");
  bool ok = file && fprintf(file, "%s\n", text) > 0;
  if (file && fclose(file) != 0) ok = false;
  if (!ok) fail(err, "%s: cannot write the conversation: %s", path, language_errno(errno));
  mem_free(text);
  json_decref(json);
  return ok;
}

static bool do_help(Chat *c, const char *rest, Error *err) {
  streams_say(
      "/reset        start a new conversation\n"
      "/undo         remove the last turn and the reply to it\n"
      "/system TEXT  start a new conversation with this instruction to the model\n"
      "/save FILE    append the conversation to a file, as one line of JSON\n"
      "/quit         quit (also Ctrl-D; Ctrl-C stops a reply)\n");
  return true;
}

static bool do_reset(Chat *c, const char *rest, Error *err) {
  forget(c);
  return true;
}

static bool do_undo(Chat *c, const char *rest, Error *err) {
  if (!last_is(c, "assistant")) return fail(err, "/undo: there is no turn to remove");
  drop_turn(c);
  drop_turn(c); /* the user's turn */
  return true;
}

static bool do_system(Chat *c, const char *rest, Error *err) {
  set_system(c, rest);
  return true;
}

static bool do_save(Chat *c, const char *rest, Error *err) {
  if (!*rest) return fail(err, "/save: no file is given: write /save FILE");
  return save(c, rest, err);
}

static bool do_quit(Chat *c, const char *rest, Error *err) {
  c->ended = true;
  return true;
}

static const struct {
  const char *name;
  bool (*run)(Chat *, const char *rest, Error *);
} chat_commands[] = {{"/help", do_help},     {"/reset", do_reset}, {"/undo", do_undo},
                     {"/system", do_system}, {"/save", do_save},   {"/quit", do_quit}};

static bool run_command(Chat *c, const char *line, Error *err) {
  const size_t length = strcspn(line, " \t");
  const char *rest = line + length + strspn(line + length, " \t");
  for (size_t i = 0; i < sizeof chat_commands / sizeof *chat_commands; i++)
    if (strlen(chat_commands[i].name) == length && !strncmp(chat_commands[i].name, line, length))
      return chat_commands[i].run(c, rest, err);
  return fail(err, "unknown command %.*s: /help lists the commands", (int)length, line);
}

/* ---- lines ---- */

static char *prompt(EditLine *edit) {
  static char text[] = "> ";
  return text;
}

enum { CTRL_C = 3 };

/* Adds a byte to a character; true once it is complete. Invalid bytes and incomplete characters are skipped.
 */
static bool take_byte(mbstate_t *state, char byte, wchar_t *key) {
  const bool begun = !mbsinit(state);
  const size_t used = mbrtowc(key, &byte, 1, state);
  if (used != (size_t)-1) return used <= 1;
  *state = (mbstate_t){0};
  return begun && take_byte(state, byte, key); /* it may begin the next character */
}

/* While a line is edited, Ctrl-C is a key that ends the line: a signal that arrived just before read() would
 * not interrupt it. (Binding a function to the key would be simpler, but libedit leaks its name.) */
static int read_key(EditLine *edit, wchar_t *key) {
  mbstate_t state = {0};
  for (;;) {
    char byte;
    const ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return (int)n;
    if (byte == CTRL_C) {
      Chat *c;
      el_get(edit, EL_CLIENTDATA, &c);
      c->cancelled++;
      *key = L'\n';
      return 1;
    }
    if (take_byte(&state, byte, key)) return 1;
  }
}

static void bind_interrupt(Chat *c) {
  el_set(c->edit, EL_CLIENTDATA, c);
  el_set(c->edit, EL_GETCFN, read_key);
  el_set(c->edit, EL_SETTY, "-d", "-isig", "-ixon", NULL); /* Ctrl-S would stop the terminal */
}

/* Ctrl-C cancels the line; a second Ctrl-C ends the conversation. */
static const char *edited_line(Chat *c) {
  HistEvent event;
  int count;
  for (c->cancelled = 0; c->cancelled < 2;) {
    const int before = c->cancelled;
    el_set(c->edit, EL_PREP_TERM, 1); /* else Ctrl-C would be a signal until the prompt is written */
    const char *line = el_gets(c->edit, &count);
    if (c->cancelled > before) {
      if (c->cancelled == 1) streams_say("(press Ctrl-C again, or Ctrl-D, to quit)\n");
      continue;
    }
    if (line && strspn(line, " \t\n") < strlen(line)) history(c->history, &event, H_ENTER, line);
    return line;
  }
  return NULL;
}

/* NULL at the end of input, and on an error. */
static const char *plain_line(Chat *c, Error *err) {
  Buffer *held = &c->input.held;
  const char *end = NULL;
  size_t seen = 0;
  while (!(end = held->length > seen ? memchr(held->data + seen, '\n', held->length - seen) : NULL) &&
         !c->input.over) {
    seen = held->length;
    if (!c->input.begun) seen = 0; /* the first bytes may be decoded */
    if (!intake_more(&c->input, err)) return NULL;
  }
  if (c->input.over && streams_stopped()) return fail_interrupted(err), NULL;
  if (!end && !held->length) return NULL;
  const size_t length = end ? (size_t)(end - held->data) : held->length;
  buffer_clear(&c->line);
  buffer_add(&c->line, held->data, length);
  buffer_adds(&c->line, "");
  c->nul = 0;
  for (char *nul; (nul = memchr(c->line.data, 0, length)); *nul = ' ')
    if (!c->nul) c->nul = (size_t)(nul - c->line.data) + 1;
  intake_drop(&c->input, length + (end != NULL));
  return c->line.data;
}

/* The next line without its line end, NULL at the end of input and on an error. Free with mem_free. */
static char *next_line(Chat *c, Error *err) {
  const char *line = c->edit ? edited_line(c) : plain_line(c, err);
  if (!line) return NULL;
  char *text = mem_strdup(line);
  size_t length = strlen(text);
  while (length && strchr(" \t\r\n", text[length - 1])) text[--length] = 0;
  return text;
}

static void open_editor(Chat *c) {
  HistEvent event;
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return;
  glyph_set_locale(); /* UTF-8 in any locale */
  c->edit = el_init("inkstone", stdin, stdout, stderr);
  if (!c->edit) return;
  c->history = history_init();
  if (!c->history) { /* out of memory: read lines without an editor */
    el_end(c->edit);
    c->edit = NULL;
    return;
  }
  history(c->history, &event, H_SETSIZE, 1000);
  el_set(c->edit, EL_PROMPT, prompt);
  el_set(c->edit, EL_EDITOR, "emacs");
  el_set(c->edit, EL_HIST, history, c->history);
  keys_bind(c->edit);
  el_source(c->edit, NULL); /* the user's ~/.editrc */
  bind_interrupt(c);
}

/* ---- the conversation ---- */

/* Handles a line: a command if it begins with "/" (in a script only with --commands), else a turn. */
static bool take_line(Chat *c, const char *line, Error *err) {
  const bool commands_allowed = c->edit || c->call->values[OWN_COMMANDS];
  c->lines++;
  if (has_nul(c)) return no_reply(c) || fail(err, "standard output is closed");
  if (commands_allowed && *line == '/') return run_command(c, line, err);
  if (*line) return reply(c, line, err);
  buffer_clear(&c->reply);
  return c->edit || put_line(c);
}

/* A wrong command ends a script: what follows may depend on it. */
static void end_script(const Chat *c, const Error *problem, Error *err) {
  *err = *problem;
  if (problem->code == INK_INTERRUPTED) return;
  *err = (Error){0};
  fail_as(err, problem->code, "line %" PRId64 ": %s; the lines after it were not read", c->lines,
          problem->text);
}

/* An error is reported on a terminal, and ends a script. */
static bool converse(Chat *c, Error *err) {
  bool ok = true;
  while (ok && !c->ended) {
    char *line = next_line(c, err);
    if (!line) break;
    Error problem = {0};
    ok = take_line(c, line, &problem);
    mem_free(line);
    if (ok) continue;
    ok = c->edit != NULL;
    if (ok)
      streams_say("(%s)\n", problem.text);
    else
      end_script(c, &problem, err);
  }
  char turns[FIGURE_SIZE];
  return ok && !err->code &&
         (!c->failed ||
          fail(err, "%" PRId64 " of %s got no reply", c->failed, figure_of(turns, c->lines, "turn")));
}

static bool run(Call *call, Error *err) {
  Chat c = {.call = call, .input = {.settings = call->settings, .quiet = call->values[OWN_QUIET]}};
  ink_rewritten none = INK_REWRITTEN_INIT;
  c.model = args_model(call, NULL, err);
  /* refuses a model of another task before the first turn */
  bool ok = c.model &&
            ink_rewrite(c.model, "reply", NULL, NULL, 0, call->settings, take_reply, &c, &none, NULL, err);
  if (ok) {
    open_editor(&c);
    if (c.edit && !call->values[OWN_QUIET]) streams_say("(/help lists the commands; Ctrl-D quits)\n");
    ok = converse(&c, err);
  }
  if (c.edit) {
    el_end(c.edit);
    history_end(c.history);
  }
  forget(&c);
  vec_free(&c.turns);
  buffer_free(&c.reply);
  buffer_free(&c.line);
  buffer_free(&c.input.held);
  ink_model_close(c.model);
  return ok;
}

const Command command_chat = {
    .name = "chat",
    .operands = "-m MODEL",
    .summary = N_("have a conversation"),
    .description = N_(
        "Replies to each line typed, taking the conversation so far into account. A model of another program "
        "must have a chat template, which formats the turns as for transformers. /help lists the commands: "
        "/reset, /undo, /system TEXT, /save FILE, /quit. Ctrl-C stops a reply, Ctrl-D quits.\nIf standard "
        "input is not a terminal, each line is a turn of the user, even if it begins with /, and each reply "
        "is one line; with --commands, lines that begin with / are commands there, too."),
    .examples =
        {{"inkstone chat -m assistant", N_("have a conversation")},
         {"inkstone chat -m SmolLM2-135M-Instruct.gguf --system \"You are a pirate.\"",
          N_("with a downloaded model, told how to reply")},
         {"printf 'Hello\\nHow are you?\\n/save talk.jsonl\\n' | inkstone chat -m assistant --commands",
          N_("two turns from a script, saved to a file")}},
    .flags = {{OWN_MODEL, "model", "MODEL", N_("model: a directory, or a file (GGUF, llama2.c)"), 'm', true},
              {OWN_COMMANDS, "commands", NULL,
               N_("if standard input is not a terminal, read lines that begin with / as commands"), 0, false},
              FLAG_ADAPTER,
              FLAG_TYPE,
              FLAG_CACHE,
              FLAG_CONFIG,
              FLAG_QUIET,
              FLAG_MODEL_HELP},
    .settings = ink_settings_rewrite,
    .omit = ONLY_WRITE "|n-best|from-lang|to-lang|check|terms|protect|unsure|confidence",
    .run = run,
};
