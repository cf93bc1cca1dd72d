#include "cli/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/engine.h"
#include "base/file.h"
#include "base/language.h"
#include "cli/glyph.h"

static int output_error; /* errno of the first failed write to stdout */

/* Reading a mapped file that another program truncated raises SIGBUS. */
static void say_cut_short(int signal_number) {
  static const char text[] =
      "inkstone: a file was truncated by another program while it was in use: restore it, and replace files "
      "by "
      "renaming new ones over them\n";
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(INK_FAILED);
  _exit(INK_FAILED);
}

void streams_open(void) {
  signal(SIGBUS, say_cut_short);
  signal(SIGXFSZ, SIG_IGN); /* a write beyond ulimit -f fails and is reported */
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      /* the lowest free number is fd; reading input or writing a result then fails and is reported */
      const int opened = open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY);
      if (opened != fd) _exit(INK_FAILED);
    }
}

static bool flush(void) {
  if (fflush(stdout) != 0 && !output_error) output_error = errno;
  return !output_error && !ferror(stdout);
}

bool streams_put(const char *bytes, size_t length) {
  const bool ok =
      isatty(STDOUT_FILENO) ? glyph_put(stdout, bytes, length) : fwrite(bytes, 1, length, stdout) == length;
  if (!ok && !output_error) output_error = errno;
  return flush();
}

enum { USUAL_MESSAGE = 2048 };

/* Messages of usual length allocate no memory: one of them reports that there is none. */
void streams_vsay(const char *format, va_list args) {
  char usual[USUAL_MESSAGE], *text = usual;
  va_list again;
  format = language_text(format);
  va_copy(again, args);
  const int length = vsnprintf(usual, sizeof usual, format, again);
  va_end(again);
  if (length < 0) return;
  if (length >= USUAL_MESSAGE) {
    text = mem_alloc((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
  }
  glyph_put(stderr, text, (size_t)length);
  if (text != usual) mem_free(text);
}

void streams_say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  streams_vsay(format, args);
  va_end(args);
}

int streams_close(int status) {
  if (flush()) return status;
  if (output_error != EPIPE) /* a closed pipe needs no message */
    fprintf(stderr, _("inkstone: cannot write to standard output: %s\n"),
            output_error ? language_errno(output_error) : _("an earlier write failed"));
  return status == INK_OK ? INK_FAILED : status;
}

/* Prints notes and warnings. */
static void print_event(void *user, const ink_event *event) {
  const bool *quiet = user;
  if (!event->text || (*quiet && event->kind != INK_EVENT_WARNING)) return;
  fprintf(stderr, event->kind == INK_EVENT_WARNING ? _("warning: %s\n") : _("note: %s\n"), event->text);
}

ink_call streams_noting_call(bool *quiet) {
  ink_call call = streams_call();
  call.listener = print_event;
  call.user = quiet;
  return call;
}

static bool take(char *read, const size_t *length, Buffer *text) {
  if (read) buffer_add(text, read, *length);
  ink_free(read);
  return read != NULL;
}

bool streams_file(const char *path, const ink_settings *settings, bool quiet, Buffer *text, Error *err) {
  size_t length = 0;
  const ink_call call = streams_noting_call(&quiet);
  return take(ink_text_read(path, settings, &length, &call, err), &length, text);
}

bool streams_check(const char *bytes, size_t size, const char *name, const ink_settings *settings, bool quiet,
                   Buffer *text, Error *err) {
  size_t length = 0;
  const ink_call call = streams_noting_call(&quiet);
  return take(ink_text_check(bytes, size, name, settings, &length, &call, err), &length, text);
}

bool streams_bytes(const char *operand, Buffer *text, Error *err) {
  FileView input;
  if (operand && strcmp(operand, "-")) {
    buffer_adds(text, operand);
    return true;
  }
  if (!file_view("-", &input, err)) return false;
  buffer_add(text, input.data, input.size);
  file_view_close(&input);
  return true;
}

bool streams_text(const char *operand, const ink_settings *settings, bool quiet, Buffer *text, Error *err) {
  if (operand && strcmp(operand, "-"))
    return streams_check(operand, strlen(operand), _("the text given"), settings, quiet, text, err);
  if (isatty(STDIN_FILENO)) streams_say("(reading the text from the terminal: end it with Ctrl-D)\n");
  return streams_file("-", settings, quiet, text, err);
}

bool streams_prompt(const char *operand, const ink_settings *settings, bool quiet, Buffer *prompt,
                    Error *err) {
  if (!streams_text(operand, settings, quiet, prompt, err)) return false;
  if (!strcmp(operand, "-") && prompt->length && prompt->data[prompt->length - 1] == '\n') prompt->length--;
  return true;
}

void streams_note_special(const char *token) {
  if (token)
    streams_say(
        "note: the prompt contains the special token %s: it was read as plain letters (give "
        "--special-tokens to read it as the token)\n",
        token);
}

static ink_stop stop;

static void ask_to_stop(int signal_number) {
  ink_stop_request(&stop);
}

bool streams_stopped(void) {
  return ink_stop_requested(&stop);
}

void streams_clear_stop(void) {
  ink_stop_clear(&stop);
}

ink_call streams_call(void) {
  ink_call call = INK_CALL_INIT;
  call.stop = &stop;
  return call;
}

void streams_catch_signals(void) {
  work_context.stop = &stop; /* for input read here, outside library calls */
  const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART | SA_RESETHAND}, before;
    sigemptyset(&action.sa_mask);
    if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue; /* nohup */
    sigaction(signals[i], &action, NULL);
  }
}
