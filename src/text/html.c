#include "text/html.h"

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
