#include "serve/web.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/language.h"
#include "base/threads.h"
#include "serve/guard.h"
#include "serve/mhd.h"

#include "base/settings_table.h"

#include "serve/web.def"

/* Bytes of one connection's buffers: request line and headers must fit into it. */
enum { HEADER_BYTES = 32 << 10 };
/* Bytes of a response that may wait for the client to read them. */
enum { MOST_UNREAD = 8 << 20 };

/* A connection, which carries one request after the other. */
typedef struct Line {
  int socket;
  double since; /* it has been without a whole request since then */
  bool busy;    /* a request was read and is being answered */
  struct Line *next, **link;
} Line;

struct Web {
  const Mhd *mhd;
  const WebSettings *settings;
  WebHandler *handler;
  void *user;
  struct MHD_Daemon *daemon;
  int socket, port;
  bool local;           /* it listens on a loopback address */
  int unfinished;       /* exchanges, of the client's side */
  pthread_mutex_t lock; /* of the lines */
  Line *lines;
};

struct Exchange {
  Web *http;
  int holders;
  pthread_mutex_t lock;              /* of what follows */
  struct MHD_Connection *connection; /* NULL: the client is gone */
  Line *line;
  char *method, *path, *key, *origin;
  Buffer body;
  bool too_large, handled; /* handled: it was given to the handler */
  bool suspended;          /* nothing happens until there is more to send */
  int status;              /* 0: no response yet */
  const char *type;
  Buffer out;
  size_t sent; /* of `out` */
  bool streams, ended, queued, gone;
};

/* ---- exchanges ---- */

static void lock(Exchange *x) {
  pthread_mutex_lock(&x->lock);
}

static void unlock(Exchange *x) {
  pthread_mutex_unlock(&x->lock);
}

Exchange *exchange_keep(Exchange *x) {
  __atomic_add_fetch(&x->holders, 1, __ATOMIC_RELAXED);
  return x;
}

void exchange_release(Exchange *x) {
  if (!x || __atomic_sub_fetch(&x->holders, 1, __ATOMIC_ACQ_REL)) return;
  pthread_mutex_destroy(&x->lock);
  mem_free(x->method);
  mem_free(x->path);
  mem_free(x->key);
  mem_free(x->origin);
  buffer_free(&x->body);
  buffer_free(&x->out);
  mem_free(x);
}

const char *exchange_method(const Exchange *x) {
  return x->method;
}

const char *exchange_path(const Exchange *x) {
  return x->path;
}

const char *exchange_key(const Exchange *x) {
  return x->key;
}

const char *exchange_body(const Exchange *x, size_t *length) {
  *length = x->body.length;
  return x->body.data ? x->body.data : "";
}

/* Locked: there is more to send, or nothing will be. */
static void wake(Exchange *x) {
  if (!x->suspended) return;
  x->suspended = false;
  x->http->mhd->resume_connection(x->connection);
}

static void add_out(Exchange *x, const char *bytes, size_t length) {
  if (x->out.length - x->sent + length > MOST_UNREAD)
    x->gone = x->ended = true; /* a client that does not read */
  else if (!x->gone)
    buffer_add(&x->out, bytes, length);
}

void exchange_respond(Exchange *x, int status, const char *type, const char *body, size_t length) {
  lock(x);
  if (!x->status) {
    buffer_add(&x->out, body, length);
    x->status = status;
    x->type = type;
    x->ended = true;
    wake(x);
  }
  unlock(x);
}

void exchange_begin(Exchange *x, const char *type) {
  lock(x);
  if (!x->status) {
    x->status = HTTP_OK;
    x->type = type;
    x->streams = true;
    wake(x);
  }
  unlock(x);
}

void exchange_send(Exchange *x, const char *bytes, size_t length) {
  lock(x);
  if (x->streams && !x->ended) {
    add_out(x, bytes, length);
    wake(x);
  }
  unlock(x);
}

void exchange_end(Exchange *x) {
  lock(x);
  x->ended = true;
  wake(x);
  unlock(x);
}

void exchange_fail(Exchange *x, const Problem *p) {
  char *text = problem_text(p);
  lock(x);
  const bool streams = x->streams;
  unlock(x);
  if (streams) {
    exchange_send(x, "data: ", 6);
    exchange_send(x, text, strlen(text));
    exchange_send(x, "\n\n", 2);
    exchange_end(x);
  } else {
    exchange_respond(x, p->status, "application/json", text, strlen(text));
  }
  mem_free(text);
}

/* A suspended connection is not watched by MHD; its socket stays open meanwhile. */
bool exchange_is_gone(Exchange *x) {
  lock(x);
  if (x->suspended) {
    struct pollfd p = {.fd = x->line->socket, .events = POLLRDHUP};
    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR))) x->gone = true;
  }
  const bool gone = x->gone;
  unlock(x);
  return gone;
}

/* ---- responses ---- */

/* Gives MHD what there is; suspends the connection if there is nothing yet. */
static ssize_t read_out(void *user, uint64_t position, char *to, size_t most) {
  Exchange *x = user;
  ssize_t count = 0;
  (void)position;
  lock(x);
  const size_t left = x->out.length - x->sent;
  if (left) {
    count = (ssize_t)(left < most ? left : most);
    memcpy(to, x->out.data + x->sent, (size_t)count);
    x->sent += (size_t)count;
    if (x->sent == x->out.length) {
      buffer_clear(&x->out);
      x->sent = 0;
    }
  } else if (x->ended) {
    count = x->gone ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
  } else {
    x->suspended = true;
    x->http->mhd->suspend_connection(x->connection);
  }
  unlock(x);
  return count;
}

static void add_headers(const Exchange *x, struct MHD_Response *response) {
  const Mhd *mhd = x->http->mhd;
  mhd->add_response_header(response, "Content-Type", x->type);
  mhd->add_response_header(response, "X-Content-Type-Options", "nosniff");
  mhd->add_response_header(response, "Cache-Control", "no-store");
  if (x->status == HTTP_TOO_MANY || x->status == HTTP_STOPPING)
    mhd->add_response_header(response, "Retry-After", "1");
  if (x->status == HTTP_NO_KEY) mhd->add_response_header(response, "WWW-Authenticate", "Bearer");
  if (!x->origin) return;
  mhd->add_response_header(response, "Access-Control-Allow-Origin", x->origin);
  mhd->add_response_header(response, "Access-Control-Allow-Headers", "authorization, content-type");
  mhd->add_response_header(response, "Vary", "Origin");
}

/* Not locked: MHD has a lock of its own, which it holds in read_out. What it reads is set once. */
static enum MHD_Result queue_response(Exchange *x) {
  const Mhd *mhd = x->http->mhd;
  struct MHD_Response *response =
      x->streams ? mhd->create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_out, x, NULL)
                 : mhd->create_response_from_buffer(x->out.length, x->out.data ? x->out.data : "",
                                                    MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  add_headers(x, response);
  x->queued = true;
  const enum MHD_Result result = mhd->queue_response(x->connection, (unsigned)x->status, response);
  mhd->destroy_response(response);
  return result;
}

/* The response, if there is one by now; else the connection waits for it. */
static enum MHD_Result respond_or_wait(Exchange *x) {
  lock(x);
  const bool responds = x->status != 0;
  if (!responds) {
    x->suspended = true;
    x->http->mhd->suspend_connection(x->connection);
  }
  unlock(x);
  if (!responds) return MHD_YES;
  return x->queued ? MHD_NO : queue_response(x);
}

/* ---- requests ---- */

static const char *header(const Exchange *x, const char *name) {
  return x->http->mhd->lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

static void set_line_busy(Web *h, Line *line, bool busy) {
  pthread_mutex_lock(&h->lock);
  line->busy = busy;
  line->since = clock_seconds();
  pthread_mutex_unlock(&h->lock);
}

static char *bearer(const char *header) {
  static const char word[] = "Bearer ";
  if (!header || strncasecmp(header, word, strlen(word))) return mem_strdup("");
  return mem_strdup(header + strlen(word));
}

static Exchange *new_exchange(Web *h, struct MHD_Connection *c, const char *url, const char *method) {
  Exchange *x = mem_alloc_zeroed(1, sizeof *x);
  x->http = h;
  x->holders = 1;
  x->connection = c;
  x->line = h->mhd->get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
  pthread_mutex_init(&x->lock, NULL);
  x->method = mem_strdup(method);
  x->path = mem_strdup(url);
  x->key = bearer(header(x, "Authorization"));
  __atomic_add_fetch(&h->unfinished, 1, __ATOMIC_RELAXED);
  return x;
}

/* Before the body is read. */
static bool check_headers(Exchange *x, Problem *p) {
  const WebSettings *s = x->http->settings;
  const char *host = header(x, "Host"), *origin = header(x, "Origin"), *length = header(x, "Content-Length");
  if (!guard_host(host, &s->allow_host, p) || !guard_origin(origin, host, &s->allow_origin, p)) return false;
  if (origin) x->origin = mem_strdup(origin);
  return !length || strtoull(length, NULL, 10) <= (uint64_t)s->max_body ||
         problem_set(p, HTTP_TOO_LARGE, NULL, NULL, "the request has %s bytes, but the limit is %lld", length,
                     (long long)s->max_body);
}

static enum MHD_Result refuse(Exchange *x, const Problem *p) {
  exchange_fail(x, p);
  x->handled = true;
  set_line_busy(x->http, x->line, true);
  return respond_or_wait(x);
}

/* Of a body without a length, what is beyond the limit is not kept. */
static enum MHD_Result take_body(Exchange *x, const char *bytes, size_t *length) {
  const size_t most = (size_t)x->http->settings->max_body;
  if (x->body.length + *length > most) x->too_large = true;
  if (x->too_large) return MHD_NO; /* closes the connection */
  buffer_add(&x->body, bytes, *length);
  *length = 0;
  return MHD_YES;
}

static enum MHD_Result take_request(Web *h, struct MHD_Connection *c, const char *url, const char *method,
                                    const char *bytes, size_t *length, void **place) {
  Exchange *x = *place;
  Problem p = {0};
  if (!x) {
    x = *place = new_exchange(h, c, url, method);
    return check_headers(x, &p) ? MHD_YES : refuse(x, &p);
  }
  if (*length) return take_body(x, bytes, length);
  if (!x->handled) {
    x->handled = true;
    set_line_busy(h, x->line, true);
    h->handler(h->user, x);
  }
  return respond_or_wait(x);
}

/* ---- what MHD calls ---- */

static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *length, void **place) {
  (void)version;
  MEM_GUARD(NULL, return MHD_NO);
  const enum MHD_Result result = take_request(user, c, url, method, bytes, length, place);
  MEM_GUARD_END();
  return result;
}

static void on_completed(void *user, struct MHD_Connection *c, void **place,
                         enum MHD_RequestTerminationCode how) {
  Exchange *x = *place;
  (void)c;
  if (!x) return;
  *place = NULL;
  lock(x);
  x->gone = x->gone || how != MHD_REQUEST_TERMINATED_COMPLETED_OK;
  x->ended = true;
  x->suspended = false;
  x->connection = NULL;
  unlock(x);
  set_line_busy(user, x->line, false);
  __atomic_sub_fetch(&x->http->unfinished, 1, __ATOMIC_RELEASE);
  exchange_release(x);
}

static void open_line(Web *h, struct MHD_Connection *c, void **place) {
  MEM_GUARD(NULL, return );
  Line *line = mem_alloc_zeroed(1, sizeof *line);
  line->socket = h->mhd->get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  line->since = clock_seconds();
  line->next = h->lines;
  line->link = &h->lines;
  if (h->lines) h->lines->link = &line->next;
  h->lines = line;
  *place = line;
  MEM_GUARD_END();
}

static void close_line(Line *line) {
  if (!line) return;
  *line->link = line->next;
  if (line->next) line->next->link = line->link;
  mem_free(line);
}

static void on_connection(void *user, struct MHD_Connection *c, void **place,
                          enum MHD_ConnectionNotificationCode how) {
  Web *h = user;
  pthread_mutex_lock(&h->lock);
  if (how == MHD_CONNECTION_NOTIFY_STARTED)
    open_line(h, c, place);
  else
    close_line(*place);
  pthread_mutex_unlock(&h->lock);
}

/* Paths are compared as they are: no endpoint has an escape in its name, and a decoded NUL would end it. */
static size_t keep_escapes(void *user, struct MHD_Connection *c, char *text) {
  (void)user, (void)c;
  return strlen(text);
}

static void say_nothing(void *user, const char *format, va_list args) {
  (void)user, (void)format, (void)args;
}

/* ---- listening ---- */

void web_tick(Web *h) {
  const double now = clock_seconds();
  pthread_mutex_lock(&h->lock);
  for (Line *line = h->lines; line; line = line->next)
    if (!line->busy && now - line->since > h->settings->read_timeout) shutdown(line->socket, SHUT_RDWR);
  pthread_mutex_unlock(&h->lock);
}

static int listen_at(const struct addrinfo *a) {
  const int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, 511)) return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

static bool open_socket(Web *h, Error *err) {
  const WebSettings *s = h->settings;
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found;
  char port[16];
  snprintf(port, sizeof port, "%d", (int)s->port);
  const int why = getaddrinfo(s->host, port, &hints, &found);
  if (why) return fail(err, "--host %s: %s", s->host, gai_strerror(why));
  h->socket = listen_at(found);
  freeaddrinfo(found);
  return h->socket >= 0 ||
         fail(err, "cannot listen on %s, port %s: %s", s->host, port, language_errno(errno));
}

static bool is_loopback(const struct sockaddr *at) {
  if (at->sa_family == AF_INET)
    return ntohl(((const struct sockaddr_in *)(const void *)at)->sin_addr.s_addr) >> 24 == 127;
  return at->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr);
}

static void find_port(Web *h) {
  struct sockaddr_storage at = {0};
  socklen_t size = sizeof at;
  char name[16] = "0";
  if (!getsockname(h->socket, (struct sockaddr *)&at, &size))
    getnameinfo((struct sockaddr *)&at, size, NULL, 0, name, sizeof name, NI_NUMERICSERV);
  h->port = atoi(name);
  h->local = is_loopback((struct sockaddr *)&at);
}

static bool start(Web *h, Error *err) {
  const WebSettings *s = h->settings;
  h->daemon = h->mhd->start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
      h, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, h->socket,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)HEADER_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(s->read_timeout + 1),
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
  if (h->daemon) return true;
  close(h->socket);
  return fail(err, "the HTTP server cannot start (%lld connections, --max-connections)",
              (long long)s->max_connections);
}

Web *web_open(const WebSettings *settings, WebHandler *handler, void *user, Error *err) {
  const Mhd *mhd = mhd_load(err);
  if (!mhd) return NULL;
  Web *h = mem_alloc_zeroed(1, sizeof *h);
  *h = (Web){.mhd = mhd, .settings = settings, .handler = handler, .user = user};
  pthread_mutex_init(&h->lock, NULL);
  if (open_socket(h, err)) {
    find_port(h);
    if (start(h, err)) return h;
  }
  pthread_mutex_destroy(&h->lock);
  mem_free(h);
  return NULL;
}

int web_port(const Web *h) {
  return h->port;
}

bool web_is_local(const Web *h) {
  return h->local;
}

int web_unfinished(const Web *h) {
  return __atomic_load_n(&h->unfinished, __ATOMIC_ACQUIRE);
}

void web_stop_listening(Web *h) {
  if (h->socket < 0) return;
  h->mhd->quiesce_daemon(h->daemon);
  close(h->socket);
  h->socket = -1;
}

void web_close(Web *h) {
  if (!h) return;
  web_stop_listening(h);
  h->mhd->stop_daemon(h->daemon);
  pthread_mutex_destroy(&h->lock);
  mem_free(h);
}
