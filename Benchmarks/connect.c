/* A new TLS connection per request, over and over, with or without resumption: wrk can be told neither and counts neither. Every client connects, shakes hands, asks once with `Connection: close`, reads to the end and begins anew;
 * with `resume` it offers the newest ticket that it was given. Certificates are verified; TLS 1.3 only.
 * Usage: connect PORT CLIENTS SECONDS full|resume CA_FILE PATH (127.0.0.1, server name localhost). One thread.
 * Prints {"requests": N, "resumed": N, "bad": N}. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOW_SECONDS 2.0

struct client {
  int fd, asked;
  size_t received;
  double began;
  char first[16]; /* the start of the answer */
  SSL *ssl;
  SSL_SESSION *session;
};

static SSL_CTX *context;
static struct sockaddr_in server;
static char request[512];
static size_t request_bytes;
static int loop, resume;
static long requests, resumed, bad;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void begin(struct client *client) {
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (client->fd < 0) fail("socket");
  if (connect(client->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
  client->asked = 0;
  client->received = 0;
  client->began = now();
  client->ssl = SSL_new(context);
  SSL_set_fd(client->ssl, client->fd);
  SSL_set_tlsext_host_name(client->ssl, "localhost");
  if (!SSL_set1_host(client->ssl, "localhost")) fail("SSL_set1_host");
  if (client->session) SSL_set_session(client->ssl, client->session);
  SSL_set_connect_state(client->ssl);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
}

/* Counts the request as answered or bad, and begins the next. */
static void end(struct client *client, int complete) {
  if (complete && client->received > 64 && memcmp(client->first, "HTTP/1.1 200", 12) == 0) {
    requests++;
    resumed += SSL_session_reused(client->ssl);
    if (resume) {
      SSL_SESSION_free(client->session);
      client->session = SSL_get1_session(client->ssl);
    }
  } else {
    if (bad++ == 0) ERR_print_errors_fp(stderr);
  }
  ERR_clear_error();
  SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* keeps the session resumable */
  SSL_free(client->ssl);
  close(client->fd);
  begin(client);
}

static void drive(struct client *client) {
  static char buffer[16384];
  if (!client->asked) {
    int done = SSL_do_handshake(client->ssl);
    if (done != 1) {
      int why = SSL_get_error(client->ssl, done);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) end(client, 0);
      return;
    }
    client->asked = 1;
    if (SSL_write(client->ssl, request, (int)request_bytes) != (int)request_bytes) return end(client, 0);
  }
  for (;;) {
    int count = SSL_read(client->ssl, buffer, sizeof buffer);
    if (count <= 0) {
      int why = SSL_get_error(client->ssl, count);
      if (why != SSL_ERROR_WANT_READ) end(client, why == SSL_ERROR_ZERO_RETURN);
      return;
    }
    for (int at = 0; at < count && client->received + at < sizeof client->first; at++)
      client->first[client->received + at] = buffer[at];
    client->received += count;
  }
}

int main(int count, char **arguments) {
  if (count != 7) {
    fprintf(stderr, "usage: %s PORT CLIENTS SECONDS full|resume CA_FILE PATH\n", arguments[0]);
    return 2;
  }
  int clients = atoi(arguments[2]);
  resume = strcmp(arguments[4], "resume") == 0;
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  request_bytes = (size_t)snprintf(request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: localhost\r\nx-version: v2\r\nConnection: close\r\n\r\n", arguments[6]);

  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1) fail("ciphersuites");
  if (SSL_CTX_set1_groups_list(context, "X25519") != 1) fail("groups");
  if (SSL_CTX_load_verify_locations(context, arguments[5], NULL) != 1) fail(arguments[5]);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  /* A peer may end without close_notify: the length of the answer tells whether it was whole. */
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);

  loop = epoll_create1(0);
  struct client *all = calloc((size_t)clients, sizeof *all);
  for (int index = 0; index < clients; index++) begin(&all[index]);
  double until = now() + atof(arguments[3]);
  struct epoll_event events[64];
  while (now() < until) {
    int ready = epoll_wait(loop, events, 64, 100);
    for (int index = 0; index < ready; index++) drive(events[index].data.ptr);
  }
  for (int index = 0; index < clients; index++)
    if (now() - all[index].began > SLOW_SECONDS) bad++; /* hangs */
  printf("{\"requests\": %ld, \"resumed\": %ld, \"bad\": %ld}\n", requests, resumed, bad);
  return 0;
}
