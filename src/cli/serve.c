/* serve.c - inkstone serve: models over HTTP. */
#include "serve/serve.h"

#include <string.h>

#include "base/memory.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/streams.h"

/* ---- models ---- */

/* The name that requests give: of "NAME=PATH", or the last part of the path, without .gguf. */
static char *name_of(const char *operand, const char **path) {
  const char *equals = strchr(operand, '=');
  *path = equals ? equals + 1 : operand;
  if (equals) {
    char *name = mem_strdup(operand);
    name[equals - operand] = 0;
    return name;
  }
  char *whole = mem_strdup(operand);
  size_t length = strlen(whole);
  while (length > 1 && whole[length - 1] == '/') whole[--length] = 0;
  if (length > 5 && !strcmp(whole + length - 5, ".gguf")) whole[length - 5] = 0;
  const char *slash = strrchr(whole, '/');
  char *name = mem_strdup(slash ? slash + 1 : whole);
  mem_free(whole);
  return name;
}

static bool open_one(const Call *call, const char *operand, const ink_call *how, ServedModel *m, int before,
                     Error *err) {
  Call one = *call;
  m->name = name_of(operand, &one.values[OWN_MODEL]);
  for (int i = 1; i <= before; i++)
    if (!strcmp(m[-i].name, m->name))
      return fail_usage(err, "two models have the name \"%s\": give one of them another, as NAME=MODEL",
                        m->name);
  m->model = args_model(&one, how, err);
  return m->model != NULL;
}

static bool open_all(const Call *call, const ink_call *how, ServedModel *models, Error *err) {
  if (call->operand_count && call->adapter_count)
    return fail_usage(err,
                      "--adapter has no effect on several models: serve one, or merge it (inkstone convert)");
  for (int i = 0; i <= call->operand_count; i++)
    if (!open_one(call, i ? call->operands[i - 1] : call->values[OWN_MODEL], how, &models[i], i, err))
      return false;
  return true;
}

static void close_all(ServedModel *models, int count) {
  for (int i = 0; i < count; i++) {
    ink_model_close(models[i].model);
    mem_free((char *)(uintptr_t)models[i].name);
  }
  mem_free(models);
}

/* ---- the command ---- */

static void say_ready(const char *address, bool open) {
  if (open)
    streams_say(
        "warning: other machines can reach this server, and it asks for no key: see --api-key-file\n");
  streams_say("serving at %s\n", address);
}

static bool run(Call *call, Error *err) {
  ink_engine_options options = INK_ENGINE_OPTIONS_INIT;
  int64_t threads = 0;
  const int count = call->operand_count + 1;
  if (!ink_settings_get_int(call->settings, "threads", &threads, err)) return false;
  options.threads = (int)threads;
  streams_catch_signals();
  ink_call how = streams_call();
  how.engine = ink_engine_open(&options, err);
  ServedModel *models = mem_alloc_zeroed((size_t)count, sizeof *models);
  const bool ok = how.engine && open_all(call, &how, models, err) &&
                  serve_run(models, count, call->settings, &how, say_ready, err);
  close_all(models, count);
  if (how.engine) ink_engine_close(how.engine);
  return ok;
}

const Command command_serve = {
    .name = "serve",
    .operands = "-m MODEL [MODEL...]",
    .summary = N_("serve models over HTTP"),
    .description = N_(
        "Serves models over HTTP, by OpenAI's interface for completions and chat, so that programs made for "
        "it work unchanged, and by an interface of its own for what that lacks; /openapi.json describes "
        "both. Many requests are computed together; the text of one does not depend on the others. A "
        "model's name is the last part of its path, or NAME of NAME=MODEL. The server listens on this "
        "machine only unless --host says otherwise. SIGTERM or Ctrl-C lets running requests end (--drain); "
        "a second one kills it."),
    .examples =
        {{"inkstone serve -m smollm2.gguf", N_("serve a model at http://127.0.0.1:8080")},
         {"inkstone serve -m poet=runs/poems letters --port 9000", N_("serve two models")},
         {"inkstone serve -m smollm2.gguf --host 0.0.0.0 --api-key-file keys.txt",
          N_("serve other machines, which need a key")},
         {"curl http://127.0.0.1:8080/v1/completions -d '{\"model\": \"poet\", \"prompt\": \"The moon\"}'",
          N_("ask it")}},
    .flags = {{OWN_MODEL, "model", "MODEL",
               N_("model: a directory, or a file (GGUF, llama2.c); NAME=MODEL names it"), 'm', true},
              FLAG_ADAPTER,
              FLAG_TYPE,
              FLAG_CACHE,
              FLAG_CONFIG,
              FLAG_HELP},
    .settings = serve_settings,
    .most = -1,
    .run = run,
};
