/* Requests over kept HTTP/1.1 connections, at times that are fixed beforehand: request n is due at start + n / RATE, goes out on
 * the connection that has been free the longest, and its latency counts from when it was due, not from when it was sent. A server
 * that stalls therefore makes all wait that were due meanwhile, as its users would (a closed loop would simply ask less). With
 * RATE 0 each connection asks as soon as it is answered.
 *
 * Usage: pace -p PORT [-u PATH] [-c CONNECTIONS] [-d SECONDS] [-r RATE] [-g MICROSECONDS] [-h FIELD]… [-a CA_FILE]
 *   [-k CHAIN_AND_KEY_FILE] (127.0.0.1; -g: at a fixed rate it looks at the clock and its connections so often, and sleeps in
 *   between, which leaves more of its core to the upstream; with -a TLS 1.3 for the name localhost, with -k showing a
 *   certificate). One thread.
 * Prints JSON: requests answered; what went wrong (status: another than 200; broken: the connection ended under a request;
 * unanswered: still waiting 5 s after the end; connect); reopened: connections that the server ended between two requests;
 * microseconds of latency, and of how late requests went out, because no connection was free or the generator had no time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES_MAX 4096
#define SECOND_NS 1000000000ull
#define DRAIN_NS (5 * SECOND_NS)

/* Buckets as wide as a 64th of their value. */
#define BUCKETS (64 * 64)
struct histogram {
  uint64_t counts[BUCKETS], total, max;
};

enum state { CLOSED, OPENING, FREE, ASKED };

struct client {
  int fd, last; /* last: the server will end the connection after this answer */
  enum state state;
  uint64_t due;
  size_t head_bytes, body_left;
  int head_done;
  char head[HEAD_BYTES_MAX + 1];
  SSL *ssl;
  struct client *next_free;
};

static SSL_CTX *context;
static struct sockaddr_in server;
static char request[4096];
static int request_bytes, loop, clients_count = 64, in_flight, opened;
static double rate;
static uint64_t grain, began, until, sent, planned; /* planned: requests that are due before the end */
static struct client *first_free, **last_free = &first_free;
static struct histogram latency, lateness;
static long requests, bad_status, broken, unanswered, refused, reopened;

static void begin(struct client *client);

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int bucket(uint64_t value) {
  if (value < 64) return (int)value;
  int power = 63 - __builtin_clzll(value);
  return (power - 5) * 64 + (int)((value >> (power - 6)) & 63);
}

static uint64_t middle(int bucket) {
  if (bucket < 64) return (uint64_t)bucket;
  int power = bucket / 64 + 5;
  uint64_t width = 1ull << (power - 6);
  return (1ull << power) + (uint64_t)(bucket % 64) * width + width / 2;
}

static void record(struct histogram *histogram, uint64_t value) {
  histogram->counts[bucket(value)]++;
  histogram->total++;
  if (value > histogram->max) histogram->max = value;
}

static double percentile(const struct histogram *histogram, double share) {
  uint64_t wanted = (uint64_t)(share * (double)histogram->total), seen = 0;
  for (int index = 0; index < BUCKETS; index++) {
    seen += histogram->counts[index];
    if (seen > wanted) return (double)middle(index) / 1000;
  }
  return (double)histogram->max / 1000;
}

static void end(struct client *client) {
  if (client->state == ASKED) in_flight--;
  if (client->ssl) SSL_free(client->ssl);
  client->ssl = NULL;
  close(client->fd);
  client->state = CLOSED;
  ERR_clear_error();
}

/* Bytes of plain text; 0: none for now; -1: the connection is over. */
static ssize_t receive(struct client *client, char *into, size_t room) {
  if (client->ssl) {
    int count = SSL_read(client->ssl, into, (int)room);
    if (count > 0) return count;
    return SSL_get_error(client->ssl, count) == SSL_ERROR_WANT_READ ? 0 : -1;
  }
  ssize_t count = recv(client->fd, into, room, 0);
  if (count > 0) return count;
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int send_request(struct client *client) {
  if (client->ssl) return SSL_write(client->ssl, request, request_bytes) == request_bytes;
  return send(client->fd, request, (size_t)request_bytes, MSG_NOSIGNAL) == request_bytes;
}

static void ask(struct client *client, uint64_t due) {
  client->state = ASKED;
  client->due = due;
  client->head_bytes = client->body_left = 0;
  client->head_done = client->last = 0;
  sent++;
  in_flight++;
  if (send_request(client)) return;
  broken++;
  end(client);
  begin(client);
}

static void set_free(struct client *client) {
  if (!rate && began && now() < until) return ask(client, now());
  client->state = FREE;
  client->next_free = NULL;
  *last_free = client;
  last_free = &client->next_free;
}

static struct client *take_free(void) {
  struct client *client = first_free;
  first_free = client->next_free;
  if (!first_free) last_free = &first_free;
  return client;
}

static void forget_free(struct client *client) {
  struct client **link = &first_free;
  while (*link && *link != client) link = &(*link)->next_free;
  if (*link) *link = client->next_free;
  for (last_free = &first_free; *last_free; last_free = &(*last_free)->next_free) continue;
}

/* Sends what is due, as far as there are connections to send it on. Nanoseconds until the next is due. */
static uint64_t send_due(void) {
  uint64_t time = now();
  while (sent < planned && first_free) {
    uint64_t due = began + (uint64_t)((double)sent * (double)SECOND_NS / rate);
    if (due > time) time = now();
    if (due > time) return due - time;
    record(&lateness, time - due);
    ask(take_free(), due);
  }
  return SECOND_NS / 100; /* an answer will wake us */
}

static void begin(struct client *client) {
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (client->fd < 0) fail("socket");
  int on = 1;
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  client->state = OPENING;
  if (connect(client->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
  if (context) {
    client->ssl = SSL_new(context);
    SSL_set_fd(client->ssl, client->fd);
    SSL_set_tlsext_host_name(client->ssl, "localhost");
    if (!SSL_set1_host(client->ssl, "localhost")) fail("SSL_set1_host");
    SSL_set_connect_state(client->ssl);
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
}

static void open_on(struct client *client) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  int done = error ? -1 : 1;
  if (done == 1 && client->ssl) {
    done = SSL_do_handshake(client->ssl);
    int why = SSL_get_error(client->ssl, done);
    if (done != 1 && (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)) return;
  }
  if (done == 1) {
    opened++;
    return set_free(client);
  }
  if (refused++ == 0) ERR_print_errors_fp(stderr);
  end(client);
  usleep(1000);
  begin(client);
}

/* Reads what the head says of the answer. */
static int read_head(struct client *client, char *head_end) {
  *head_end = 0;
  char *length = strcasestr(client->head, "\r\ncontent-length:");
  if (!length) return 0;
  client->body_left = strtoull(length + 17, NULL, 10);
  client->last = strcasestr(client->head, "\r\nconnection: close") != NULL;
  client->head_done = 1;
  if (strncmp(client->head, "HTTP/1.1 200", 12) != 0) bad_status++;
  return 1;
}

static void answered(struct client *client) {
  uint64_t time = now();
  record(&latency, time - client->due);
  requests++;
  in_flight--;
  client->state = FREE;
  if (!client->last) return set_free(client);
  reopened++;
  end(client);
  begin(client);
}

/* Takes in what was received of an answer. 0: it is none. */
static int take(struct client *client, size_t count) {
  if (!client->head_done) {
    client->head_bytes += count;
    client->head[client->head_bytes] = 0;
    char *head_end = strstr(client->head, "\r\n\r\n");
    if (!head_end) return client->head_bytes < HEAD_BYTES_MAX;
    size_t over = client->head_bytes - (size_t)(head_end + 4 - client->head);
    if (!read_head(client, head_end)) return 0;
    count = over;
  }
  if (count > client->body_left) return 0;
  client->body_left -= count;
  return 1;
}

static void drive(struct client *client) {
  static char body[65536];
  if (client->state == OPENING) return open_on(client);
  for (;;) {
    int in_head = client->state != ASKED || !client->head_done;
    size_t at = client->state == ASKED ? client->head_bytes : 0;
    ssize_t count = in_head ? receive(client, client->head + at, HEAD_BYTES_MAX - at) : receive(client, body, sizeof body);
    if (count == 0) return;
    int wrong = count < 0 || client->state != ASKED || !take(client, (size_t)count);
    if (!wrong) {
      if (client->head_done && client->body_left == 0) return answered(client);
      continue;
    }
    if (client->state == ASKED) broken++;
    else reopened++;
    if (client->state == FREE) forget_free(client);
    end(client);
    return begin(client);
  }
}

/* Sleeps until the next multiple of the grain. */
static void nap(void) {
  uint64_t next = (now() / grain + 1) * grain;
  struct timespec time = {.tv_sec = (time_t)(next / SECOND_NS), .tv_nsec = (long)(next % SECOND_NS)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void wait_and_drive(uint64_t ns) {
  struct epoll_event events[256];
  struct timespec timeout = {.tv_sec = (time_t)(ns / SECOND_NS), .tv_nsec = (long)(ns % SECOND_NS)};
  if (grain && began && rate) {
    timeout = (struct timespec){0};
    nap();
  }
  int ready = epoll_pwait2(loop, events, 256, &timeout, NULL);
  for (int index = 0; index < ready; index++) drive(events[index].data.ptr);
}

/* Wakes at once where the machine allows it: the upstream on the same core waits, not the schedule. */
static void be_punctual(void) {
  prctl(PR_SET_TIMERSLACK, 1);
  struct sched_param lowest = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &lowest) < 0) setpriority(PRIO_PROCESS, 0, -10);
}

static void use_tls(const char *authority, const char *chain_and_key) {
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1) fail("ciphersuites");
  if (SSL_CTX_set1_groups_list(context, "X25519") != 1) fail("groups");
  if (SSL_CTX_load_verify_locations(context, authority, NULL) != 1) fail(authority);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (!chain_and_key) return;
  if (SSL_CTX_use_certificate_chain_file(context, chain_and_key) != 1) fail(chain_and_key);
  if (SSL_CTX_use_PrivateKey_file(context, chain_and_key, SSL_FILETYPE_PEM) != 1) fail(chain_and_key);
}

static void print(double seconds) {
  printf("{\"requests\": %ld, \"status\": %ld, \"broken\": %ld, \"unanswered\": %ld, \"connect\": %ld, \"reopened\": %ld, "
         "\"seconds\": %.3f, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f, \"late_p50\": %.1f, \"late_p99\": %.1f}\n",
         requests, bad_status, broken, unanswered, refused, reopened, seconds, percentile(&latency, 0.5),
         percentile(&latency, 0.99), percentile(&latency, 0.999), (double)latency.max / 1000, percentile(&lateness, 0.5),
         percentile(&lateness, 0.99));
}

/* Who is still waiting has waited so long at least. */
static void give_up(const struct client *all) {
  uint64_t time = now();
  for (int index = 0; index < clients_count; index++)
    if (all[index].state == ASKED) record(&latency, time - all[index].due);
  for (uint64_t number = sent; number < planned; number++)
    record(&latency, time - began - (uint64_t)((double)number * (double)SECOND_NS / rate));
  unanswered = in_flight + (sent < planned ? (long)(planned - sent) : 0);
}

int main(int count, char **arguments) {
  const char *path = "/", *authority = NULL, *chain_and_key = NULL;
  char fields[2048] = "", host[256] = "localhost";
  double seconds = 1;
  server = (struct sockaddr_in){.sin_family = AF_INET};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int option; (option = getopt(count, arguments, "p:u:c:d:r:g:h:a:k:")) != -1;) {
    switch (option) {
      case 'p': server.sin_port = htons((unsigned short)atoi(optarg)); break;
      case 'u': path = optarg; break;
      case 'c': clients_count = atoi(optarg); break;
      case 'd': seconds = atof(optarg); break;
      case 'r': rate = atof(optarg); break;
      case 'g': grain = (uint64_t)(atof(optarg) * 1000); break;
      case 'a': authority = optarg; break;
      case 'k': chain_and_key = optarg; break;
      case 'h':
        if (strncasecmp(optarg, "host: ", 6) == 0) snprintf(host, sizeof host, "%s", optarg + 6);
        else snprintf(fields + strlen(fields), sizeof fields - strlen(fields), "%s\r\n", optarg);
        break;
      default: return 2;
    }
  }
  if (!server.sin_port) return fprintf(stderr, "usage: %s -p PORT …\n", arguments[0]), 2;
  request_bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host, fields);
  be_punctual();
  if (authority) use_tls(authority, chain_and_key);

  loop = epoll_create1(0);
  struct client *all = calloc((size_t)clients_count, sizeof *all);
  for (int index = 0; index < clients_count; index++) begin(&all[index]);
  for (uint64_t limit = now() + DRAIN_NS; opened < clients_count && now() < limit;) wait_and_drive(SECOND_NS / 100);
  if (opened < clients_count) return fprintf(stderr, "only %d connections open\n", opened), 1;

  began = now();
  until = began + (uint64_t)(seconds * (double)SECOND_NS);
  planned = (uint64_t)(rate * seconds);
  if (!rate)
    for (int index = clients_count; index > 0; index--) ask(take_free(), now());
  while (now() < until) wait_and_drive(send_due());
  double took = (double)(now() - began) / (double)SECOND_NS;
  for (uint64_t limit = now() + DRAIN_NS; (in_flight > 0 || sent < planned) && now() < limit;) wait_and_drive(send_due());
  give_up(all);
  print(took);
  return 0;
}
