#define CURL_DISABLE_TYPECHECK /* its macros need the functions' own names */
#include "hub/http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "base/memory.h"
#include "base/threads.h"

/* ---- the library ---- */

#define CURL_FUNCTIONS(F) \
  F(global_init)          \
  F(easy_init)            \
  F(easy_reset)           \
  F(easy_setopt)          \
  F(easy_perform)         \
  F(easy_getinfo)         \
  F(easy_header)          \
  F(easy_strerror)        \
  F(easy_cleanup)

static struct {
  bool ready;
#define MEMBER(name) __typeof__(&curl_##name) name;
  CURL_FUNCTIONS(MEMBER)
#undef MEMBER
} curl;

/* The address of a function is a void * to dlsym; C has no conversion between the two. */
static bool find_function(void *library, const char *name, void *pointer) {
  void *address = dlsym(library, name);
  memcpy(pointer, &address, sizeof address);
  return address;
}

static void load_once(void) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
  void *library = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  bool found = true;
#define FIND(name) found = found && find_function(library, "curl_" #name, &curl.name);
  CURL_FUNCTIONS(FIND)
#undef FIND
  curl.ready = found && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static bool load(Error *err) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_once);
  if (curl.ready) return true;
#ifdef INKSTONE_STATIC
  return fail(
      err,
      "this is the static binary of inkstone, which cannot load libcurl and so not download: fetch the "
      "model's files by another program and give their directory, or the GGUF file, as the model");
#else
  return fail(err,
              "libcurl 7.85 or later, which downloads need, cannot be loaded: install it (Debian: "
              "apt install libcurl4)");
#endif
}

struct Http {
  CURL *handle;
  double patience;
};

Http *http_open(double patience, Error *err) {
  if (!load(err)) return NULL;
  CURL *handle = curl.easy_init();
  if (!handle) mem_exhausted(sizeof handle);
  Http *http = mem_alloc(sizeof *http);
  *http = (Http){handle, patience};
  return http;
}

void http_close(Http *http) {
  if (!http) return;
  curl.easy_cleanup(http->handle);
  mem_free(http);
}

/* ---- one transfer ---- */

typedef struct Transfer {
  CURL *handle;
  const HttpRequest *request;
  const HttpSink *sink;
  HttpAnswer *answer;
  bool begun, failed; /* failed: the sink did */
  Error *err;
} Transfer;

/* A header of the last answer; "": none. */
static const char *header(const Transfer *t, const char *name) {
  struct curl_header *h;
  return curl.easy_header(t->handle, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : "";
}

static void read_head(const Transfer *t) {
  HttpAnswer *a = t->answer;
  const char *tag = header(t, "ETag");
  curl_off_t wait = 0;
  curl.easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &a->status);
  curl.easy_getinfo(t->handle, CURLINFO_RETRY_AFTER, &wait);
  a->wait = (double)wait;
  a->page = !strncasecmp(header(t, "Content-Type"), "text/html", 9);
  if (*tag == '"') snprintf(a->tag, sizeof a->tag, "%s", strlen(tag) < sizeof a->tag ? tag : "");
}

static bool problem(const Transfer *t, const char *text) {
  snprintf(t->answer->problem, sizeof t->answer->problem, "%s", text);
  return false;
}

/* Where the body begins: Content-Range is "bytes FIRST-LAST/TOTAL". */
static bool first_byte(const Transfer *t, int64_t *from) {
  *from = 0;
  if (t->answer->status != 206) return true;
  const char *range = header(t, "Content-Range");
  if (strncasecmp(range, "bytes ", 6)) return problem(t, _("the server sent a part without saying which"));
  *from = strtoll(range + 6, NULL, 10);
  return *from == t->request->from || problem(t, _("the server sent another part than the one asked for"));
}

static bool begin(Transfer *t) {
  curl_off_t count = -1;
  int64_t from;
  read_head(t);
  const HttpAnswer *a = t->answer;
  if ((a->status != 200 && a->status != 206) || a->page || !first_byte(t, &from)) return false;
  curl.easy_getinfo(t->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &count);
  t->begun = true;
  t->failed = !t->sink->begin(t->sink->self, from, count, t->err);
  return !t->failed;
}

static bool take(Transfer *t, const void *bytes, size_t count) {
  MEM_GUARD(t->err, t->failed = true; return false);
  bool ok = t->begun || begin(t);
  if (ok) ok = !(t->failed = !t->sink->take(t->sink->self, bytes, count, t->err));
  MEM_GUARD_END();
  return ok;
}

/* Returning another number than the size ends the transfer. */
static size_t on_bytes(char *bytes, size_t one, size_t count, void *transfer) {
  return take(transfer, bytes, count) ? count : CURL_WRITEFUNC_ERROR;
}

static int on_progress(void *unused, curl_off_t total, curl_off_t done, curl_off_t out, curl_off_t sent) {
  return interrupted();
}

static void set_up(const Http *http, Transfer *t, char range[32], struct curl_slist *condition) {
  const HttpRequest *r = t->request;
  CURL *h = http->handle;
  curl.easy_reset(h); /* keeps the connections */
  curl.easy_setopt(h, CURLOPT_URL, r->url);
  curl.easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, strncmp(r->url, "https:", 6) ? "http,https" : "https");
  curl.easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
  curl.easy_setopt(h, CURLOPT_MAXREDIRS, 8L);
  curl.easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(h, CURLOPT_USERAGENT, "inkstone/" INK_VERSION);
  curl.easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)(http->patience * 1000));
  curl.easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl.easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)(http->patience + 0.999));
  curl.easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
  curl.easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl.easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes);
  curl.easy_setopt(h, CURLOPT_WRITEDATA, t);
  if (*r->token) { /* unlike a header of our own, libcurl sends it to the first host only, at its port */
    curl.easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    curl.easy_setopt(h, CURLOPT_XOAUTH2_BEARER, r->token);
  }
  if (r->from) curl.easy_setopt(h, CURLOPT_RANGE, range);
  if (condition) curl.easy_setopt(h, CURLOPT_HTTPHEADER, condition);
}

/* Those that another attempt may not have are left out. */
static bool is_hopeless(CURLcode code) {
  static const CURLcode codes[] = {CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,
                                   CURLE_TOO_MANY_REDIRECTS,   CURLE_PEER_FAILED_VERIFICATION,
                                   CURLE_SSL_CACERT_BADFILE,   CURLE_COULDNT_RESOLVE_PROXY};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (code == codes[i]) return true;
  return false;
}

bool http_get(Http *http, const HttpRequest *request, const HttpSink *sink, HttpAnswer *answer, Error *err) {
  char range[32], if_range[220];
  *answer = (HttpAnswer){.status = 0};
  Transfer t = {http->handle, request, sink, answer, .err = err};
  snprintf(range, sizeof range, "%lld-", (long long)request->from);
  snprintf(if_range, sizeof if_range, "If-Range: %s", request->tag);
  struct curl_slist condition = {if_range, NULL};
  set_up(http, &t, range, request->from && *request->tag ? &condition : NULL);
  const CURLcode code = curl.easy_perform(http->handle);
  if (t.failed) return false;
  if (interrupted()) return fail_interrupted(err);
  if (!t.begun && code == CURLE_OK && !begin(&t) && t.failed) return false; /* an empty body */
  read_head(&t);
  answer->complete = code == CURLE_OK && t.begun;
  answer->hopeless = is_hopeless(code);
  if (code != CURLE_OK && code != CURLE_WRITE_ERROR) problem(&t, language_text(curl.easy_strerror(code)));
  return true;
}
