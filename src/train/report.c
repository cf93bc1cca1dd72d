#include "train/report.h"
bool report_run(const char *dir, const json_t *card, const Settings *s, Error *err) {
  (void)dir, (void)card, (void)s, (void)err;
  return true;
}
