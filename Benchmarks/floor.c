/* The floor: what a relay costs that parses nothing. Each client connection has one upstream connection of its own; bytes
 * that arrive on one side are sent on the other with one recv and one send. Whoever does more per request than this, does it
 * for HTTP. Usage: floor LISTEN_PORT UPSTREAM_PORT (both on 127.0.0.1). One thread; for benchmarks only. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 65536
#define BUFFER_BYTES 65536

static int peer_of[FDS_MAX]; /* the other side of a connection, or -1 */
static char buffer[BUFFER_BYTES];
static int loop;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void watch(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void end(int fd) {
  int other = peer_of[fd];
  peer_of[fd] = -1;
  close(fd);
  if (other >= 0) {
    peer_of[other] = -1;
    close(other);
  }
}

/* Sends all; a benchmark's bodies fit the socket's buffer, so a full one is waited for in place. */
static int send_all(int fd, const char *bytes, ssize_t count) {
  while (count > 0) {
    ssize_t sent = send(fd, bytes, (size_t)count, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return -1;
    }
    bytes += sent;
    count -= sent;
  }
  return 0;
}

static void relay(int fd) {
  for (;;) {
    if (peer_of[fd] < 0) return;
    ssize_t count = recv(fd, buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0 || send_all(peer_of[fd], buffer, count) < 0) {
      end(fd);
      return;
    }
    if (count < (ssize_t)sizeof buffer) return; /* a short read: edge-triggered epoll will tell of more */
  }
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: %s LISTEN_PORT UPSTREAM_PORT\n", arguments[0]);
    return 2;
  }
  struct sockaddr_in here = loopback(arguments[1]), there = loopback(arguments[2]);
  int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0) die("bind");
  if (listen(listener, 1024) < 0) die("listen");
  loop = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll_ctl");
  for (int fd = 0; fd < FDS_MAX; fd++) peer_of[fd] = -1;

  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(loop, events, 256, -1);
    for (int index = 0; index < ready; index++) {
      int fd = events[index].data.fd;
      if (fd != listener) {
        relay(fd);
        continue;
      }
      int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (client < 0) continue;
      int upstream = socket(AF_INET, SOCK_STREAM, 0);
      if (client >= FDS_MAX || upstream < 0 || upstream >= FDS_MAX ||
          connect(upstream, (struct sockaddr *)&there, sizeof there) < 0) {
        close(client);
        if (upstream >= 0) close(upstream);
        continue;
      }
      if (fcntl(upstream, F_SETFL, O_NONBLOCK) < 0) die("fcntl");
      peer_of[client] = upstream;
      peer_of[upstream] = client;
      watch(client);
      watch(upstream);
    }
  }
}
