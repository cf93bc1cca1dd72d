/* text_api.c - ink_text_read, ink_text_check: the public reader of input text. */
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/language.h"
#include "base/threads.h"
#include "data/text_file.h"

ink_settings *ink_settings_text(void) {
  static const SettingTable *const tables[] = {&text_settings_table};
  return settings_new(tables, 1);
}

static char *take(TextFile *f, size_t *length) {
  char *text = mem_alloc(f->length + 1);
  if (f->length) memcpy(text, f->text, f->length);
  text[f->length] = '\0';
  *length = f->length;
  return text;
}

static char *read_view(FileView *view, const char *name, const ink_settings *settings, size_t *length,
                       const News *news, Error *err) {
  TextFile f;
  const bool ok = text_file_take(&f, name, view, settings_part(settings, &text_settings_table), news, err);
  char *text = ok ? take(&f, length) : NULL;
  text_file_close(&f);
  return text;
}

char *ink_text_read(const char *path, const ink_settings *settings, size_t *length, const ink_call *call,
                    ink_error *err) {
  MEM_GUARD(err, return NULL);
  FileView view;
  News news;
  char *text = NULL;
  if (call_enter(call, NULL, &news, err) && text_file_view(path, &view, err))
    text = read_view(&view, strcmp(path, "-") ? path : _("standard input"), settings, length, &news, err);
  MEM_GUARD_END();
  return text;
}

char *ink_text_check(const char *bytes, size_t size, const char *name, const ink_settings *settings,
                     size_t *length, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  char *copy = mem_alloc(size + 1);
  if (size) memcpy(copy, bytes, size);
  FileView view = {.data = copy, .size = size};
  char *text =
      call_enter(call, NULL, &news, err) ? read_view(&view, name, settings, length, &news, err) : NULL;
  MEM_GUARD_END();
  return text;
}
