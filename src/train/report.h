#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H
#include "base/json.h"
#include "base/settings.h"
bool report_run(const char *dir, const json_t *card, const Settings *, Error *);
#endif
