#include "text/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

const char html_style[] =
    ":root{color-scheme:light dark;--ink:#1f2328;--quiet:#68707a;--paper:#fcfbf8;--card:#fff;--rule:#d9d6ce;"
    "--a:#2a6fdb;--b:#c2410c;--c:#0f766e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e4df;--quiet:#9aa0a8;--paper:#17181a;--card:#1f2124;"
    "--rule:#383b40;--a:#7db0ff;--b:#ff9b66;--c:#5fd0c0}}\n"
    "*{box-sizing:border-box}\n"
    "body{font:16px/1.55 system-ui,'Noto Sans CJK SC',sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:52rem;margin:0 auto;padding:2rem 1rem 4rem}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0;overflow-wrap:anywhere}\n"
    "h2{font-size:1.15rem;margin:2.4rem 0 .6rem}\n"
    ".quiet{color:var(--quiet)}\n";

void html_text(Buffer *out, const char *text, size_t length) {
  for (size_t at = 0, n; at < length; at += n) {
    const unsigned char c = (unsigned char)text[at];
    n = utf8_character(text + at, length - at);
    const bool shown = n && (c >= 32 || c == '\n' || c == '\t') && c != 127;
    if (!n) n = 1;
    if (c == '<')
      buffer_adds(out, "&lt;");
    else if (c == '>')
      buffer_adds(out, "&gt;");
    else if (c == '&')
      buffer_adds(out, "&amp;");
    else if (c == '"')
      buffer_adds(out, "&quot;");
    else if (shown)
      buffer_add(out, text + at, n);
    else
      buffer_adds(out, "\xef\xbf\xbd");
  }
}

enum { SPEC_CAPACITY = 16 };

static void add_number(Buffer *out, const char *spec, char kind, va_list *args) {
  char text[512] = "";
  if (strchr("fge", kind))
    snprintf(text, sizeof text, spec, va_arg(*args, double));
  else if (strchr(spec, 'z'))
    snprintf(text, sizeof text, spec, va_arg(*args, size_t));
  else if (strchr(spec, 'l'))
    snprintf(text, sizeof text, spec, va_arg(*args, long));
  else
    snprintf(text, sizeof text, spec, va_arg(*args, int));
  buffer_adds(out, text);
}

/* Formats the conversion at `at`, a '%'; returns what follows it. */
static const char *add_conversion(Buffer *out, const char *at, va_list *args) {
  char spec[SPEC_CAPACITY];
  const size_t length = 2 + strspn(at + 1, "0123456789.lz");
  const char kind = at[length - 1];
  CHECK(length < sizeof spec && strchr("%sduifge", kind));
  memcpy(spec, at, length);
  spec[length] = '\0';
  if (kind == 's') {
    const char *text = va_arg(*args, const char *);
    html_text(out, text, strlen(text));
  } else if (kind == '%') {
    buffer_adds(out, "%");
  } else {
    add_number(out, spec, kind, args);
  }
  return at + length;
}

void html_addf(Buffer *out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  for (const char *at = format; *at;) {
    const size_t plain = strcspn(at, "%");
    buffer_add(out, at, plain);
    at += plain;
    if (*at) at = add_conversion(out, at, &args);
  }
  va_end(args);
}
