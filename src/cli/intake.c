#include "cli/intake.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "base/memory.h"
#include "cli/args.h"
#include "cli/streams.h"

static bool is_set(const ink_settings *settings, const char *name, const char *value) {
  char *text = args_setting(settings, name);
  const bool set = value ? !strcmp(text, value) : *text;
  ink_free(text);
  return set;
}

bool intake_is_whole(const ink_settings *settings, Buffer *held) {
  static const char *const marks[] = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xff\xfe", "\xfe\xff"};
  bool whole = is_set(settings, "encoding", NULL) || is_set(settings, "invalid", "replace");
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    whole |= held->length > 3 && !memcmp(held->data, marks[i], strlen(marks[i]));
  if (held->length >= 3 && !memcmp(held->data, "\xef\xbb\xbf", 3)) {
    memmove(held->data, held->data + 3, held->length - 3);
    held->length -= 3;
  }
  return whole;
}

bool intake_decode(const ink_settings *settings, bool quiet, const char *name, Buffer *held, Error *err) {
  Buffer text = {0};
  const bool ok = streams_check(held->data, held->length, name, settings, quiet, &text, err);
  buffer_free(held);
  *held = text;
  return ok;
}

bool intake_is_ready(void) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&in, 1, 0) > 0;
}

/* Waits for input and appends it. */
static bool read_some(Intake *in, Error *err) {
  struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
  char chunk[1 << 12];
  while (poll(&ready, 1, -1) < 0)
    if (errno != EINTR || streams_stopped()) {
      in->over = true;
      return true;
    }
  const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
  if (n > 0) buffer_add(&in->held, chunk, (size_t)n);
  in->over = n <= 0;
  return n >= 0 || fail(err, "standard input: cannot be read: %s", language_errno(errno));
}

bool intake_more(Intake *in, Error *err) {
  if (!read_some(in, err)) return false;
  if (in->begun || !in->held.length) return true;
  in->begun = true;
  if (!intake_is_whole(in->settings, &in->held)) return true;
  while (!in->over)
    if (!read_some(in, err)) return false;
  return streams_stopped() || intake_decode(in->settings, in->quiet, _("standard input"), &in->held, err);
}

void intake_drop(Intake *in, size_t bytes) {
  if (bytes) memmove(in->held.data, in->held.data + bytes, in->held.length - bytes);
  in->held.length -= bytes;
}
