#include "cli/lines.h"

#include <inttypes.h>
#include <string.h>

#include "base/figure.h"
#include "base/file.h"
#include "base/language.h"
#include "cli/intake.h"
#include "cli/streams.h"

void lines_print_location(const LineInput *in, int64_t index) {
  const char *path = in->call->values[OWN_INPUT];
  const int64_t line = in->line + index + 1;
  if (path)
    streams_say("%s:%" PRId64 ": ", path, line);
  else if (in->lines)
    streams_say("line %" PRId64 ": ", line);
}

void lines_take_problem(LineInput *in, int64_t index, const char *problem) {
  fail(&in->problem, "%s", problem);
  if (!in->lines || ++in->failed > MOST_REPORTED) return;
  streams_say("inkstone: ");
  lines_print_location(in, index);
  streams_say("%s\n", problem);
}

bool lines_done(const LineInput *in, Error *err) {
  char lines[FIGURE_SIZE];
  if (!in->problem.code) return true;
  if (!in->lines) return fail(err, "%s", in->problem.text);
  return fail(err, "%" PRId64 " of %s failed: the output has an empty line or an \"error\" for each of them",
              in->failed, figure_of(lines, in->line, "line"));
}

static bool pass(LineInput *in, const char *const *texts, const size_t *lengths, int64_t count, Error *err) {
  const bool ok = in->use(in->user, texts, lengths, count, err);
  in->line += count;
  return ok;
}

/* Lines per library call: enough for matrix products at full speed. */
enum { LINES_AT_ONCE = 512 };

static bool pass_lines(LineInput *in, const char *input, size_t size, Error *err) {
  const char *texts[LINES_AT_ONCE];
  size_t lengths[LINES_AT_ONCE];
  int64_t count = 0;
  bool ok = true;
  in->lines = true;
  for (size_t at = 0; at < size && ok && !in->stopped;) {
    const char *line = input + at, *end = memchr(line, '\n', size - at);
    const size_t length = end ? (size_t)(end - line) : size - at;
    texts[count] = line;
    lengths[count++] = length && line[length - 1] == '\r' ? length - 1 : length;
    at += length + 1;
    if (count < LINES_AT_ONCE && at < size) continue;
    ok = pass(in, texts, lengths, count, err);
    count = 0;
  }
  return ok;
}

/* The length of the held text up to its last line end. */
static size_t whole_lines(const Buffer *held) {
  const char *last = held->length ? memrchr(held->data, '\n', held->length) : NULL;
  return last ? (size_t)(last - held->data) + 1 : 0;
}

/* Processes the lines at hand once no more input is waiting: a program may read each answer before it sends
 * the next line, and input may exceed memory. */
static bool read_stdin(LineInput *lines, Error *err) {
  enum { ENOUGH = 1 << 20 };
  Intake in = {.settings = lines->call->settings, .quiet = lines->call->values[OWN_QUIET]};
  bool ok = true;
  while (ok && !in.over && !lines->stopped) {
    ok = intake_more(&in, err);
    if (!ok || streams_stopped()) break;
    if (!in.over && in.held.length < ENOUGH && intake_is_ready()) continue;
    const size_t whole = in.over ? in.held.length : whole_lines(&in.held);
    ok = pass_lines(lines, in.held.data, whole, err);
    intake_drop(&in, whole);
  }
  buffer_free(&in.held);
  return ok && (!streams_stopped() || fail_interrupted(err));
}

static bool read_file(LineInput *in, const char *path, Error *err) {
  const Call *call = in->call;
  FileView view;
  Buffer held = {0};
  if (!file_view(path, &view, err)) return false;
  buffer_add(&held, view.data, view.size);
  file_view_close(&view);
  const bool ok = (!intake_is_whole(call->settings, &held) ||
                   intake_decode(call->settings, call->values[OWN_QUIET], path, &held, err)) &&
                  pass_lines(in, held.data, held.length, err);
  buffer_free(&held);
  return ok;
}

bool lines_read(LineInput *in, LineUser *use, void *user, Error *err) {
  const Call *call = in->call;
  const char *operand = call->operand_count ? call->operands[0] : "-";
  in->use = use;
  in->user = user;
  if (call->values[OWN_INPUT] && call->operand_count)
    return fail_usage(err, "a text and --input contradict each other: give one");
  if (call->values[OWN_INPUT]) return read_file(in, call->values[OWN_INPUT], err);
  if (!strcmp(operand, "-")) return read_stdin(in, err);
  Buffer text = {0};
  const bool read = streams_check(operand, strlen(operand), _("the text given"), call->settings,
                                  call->values[OWN_QUIET], &text, err);
  const char *bytes = text.data ? text.data : "";
  const bool ok = read && pass(in, &bytes, &text.length, 1, err);
  buffer_free(&text);
  return ok;
}
