/* routes.c - the lists of endpoints and of their parameters, expanded. */
#include "serve/endpoints.h"

#define PARAM(kind, name, required, otherwise, min, max, detail, setting, help) \
  {#name, PARAM_##kind, required, otherwise, min, max, detail, setting, help},

static const Param completions_params[] = {
#include "serve/completions.def"
    {0}};
static const Param chat_params[] = {
#include "serve/chat.def"
    {0}};
static const Param tokenize_params[] = {
#include "serve/tokenize.def"
    {0}};
static const Param detokenize_params[] = {
#include "serve/detokenize.def"
    {0}};

#define none NULL
enum { NOW = true, QUEUED = false };
#define ROUTE(method, path, function, parameters, when, help) \
  {#method, path, parameters, when, function, help},
const Route routes[] = {
#include "serve/routes.def"
    {0}};
#undef ROUTE
