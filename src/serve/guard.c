#include "serve/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/language.h"

/* ---- names ---- */

/* The name of "name:port", "[address]:port" or either without a port. */
static bool host_name(const char *host, char *name, size_t capacity) {
  const bool bracketed = *host == '[';
  const char *end = bracketed ? strchr(host, ']') : strchr(host, ':');
  host += bracketed;
  const size_t length = end ? (size_t)(end - host) : strlen(host);
  if ((bracketed && !end) || !length || length >= capacity) return false;
  memcpy(name, host, length);
  name[length] = 0;
  return true;
}

static bool is_address(const char *name) {
  unsigned char address[16];
  return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool lists(const TextList *list, const char *name) {
  for (size_t i = 0; i < list->count; i++)
    if (!strcasecmp(list->items[i], name)) return true;
  return false;
}

bool guard_host(const char *host, const TextList *allowed, Problem *p) {
  char name[256];
  if (!host) return true; /* HTTP/1.0; no browser leaves it out */
  if (!host_name(host, name, sizeof name))
    return problem_set(p, HTTP_BAD, NULL, "host", "the header Host is not a name or address");
  return is_address(name) || !strcasecmp(name, "localhost") || lists(allowed, name) ||
         problem_set(p, HTTP_FORBIDDEN, NULL, "host",
                     "the server is not known as \"%s\": start it with --allow-host %s", name, name);
}

bool guard_origin(const char *origin, const char *host, const TextList *allowed, Problem *p) {
  if (!origin) return true; /* not a browser, or a page's own request */
  const char *at = strstr(origin, "://");
  return (host && at && !strcasecmp(at + 3, host)) || lists(allowed, origin) ||
         problem_set(p, HTTP_FORBIDDEN, NULL, "origin",
                     "web pages of \"%.200s\" may not use this server: start it with --allow-origin", origin);
}

/* ---- keys ---- */

static void digest_of(const char *key, char hex[DIGEST_TEXT]) {
  Digest d;
  digest_begin(&d, DIGEST_SHA256);
  digest_add(&d, key, strlen(key));
  digest_end(&d, hex);
}

static void add_key(Keys *keys, const char *key) {
  vec_reserve(&keys->digests, keys->digests.count + 1);
  digest_of(key, keys->digests.data[keys->digests.count++].hex);
}

static bool read_keys(Keys *keys, const char *path, Error *err) {
  char line[1024];
  FILE *file = fopen(path, "r");
  if (!file) return fail(err, "%s: %s", path, language_errno(errno));
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\r\n")] = 0;
    if (*line && *line != '#') add_key(keys, line);
  }
  fclose(file);
  return keys->digests.count || fail(err, "%s: there is no key in it: write one per line", path);
}

bool keys_open(Keys *keys, const TextList *given, const char *file, Error *err) {
  for (size_t i = 0; i < given->count; i++)
    if (!*given->items[i]) return fail_usage(err, "--api-key is empty");
  for (size_t i = 0; i < given->count; i++) add_key(keys, given->items[i]);
  return !file || read_keys(keys, file, err);
}

void keys_close(Keys *keys) {
  vec_free(&keys->digests);
}

bool keys_accept(const Keys *keys, const char *key) {
  char hex[DIGEST_TEXT];
  unsigned char any = !keys->digests.count;
  digest_of(key, hex);
  for (size_t i = 0; i < keys->digests.count; i++) {
    unsigned char differs = 0;
    for (size_t k = 0; k < sizeof hex; k++) differs |= (unsigned char)(hex[k] ^ keys->digests.data[i].hex[k]);
    any |= !differs;
  }
  return any;
}
