// Stream sockets over IPv4, IPv6 and Unix paths, and names resolved to addresses.
#define _GNU_SOURCE
#include "CEventLoop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

// From linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h, which do not mix with netinet/in.h.
enum { ORIGINAL_DESTINATION = 80 };

// MARK: Addresses

static void put_be64(uint8_t *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_be64(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
    return value;
}

static int to_sockaddr(const outrider_address *address, struct sockaddr_storage *storage, socklen_t *length) {
    memset(storage, 0, sizeof *storage);
    switch (address->family) {
    case OUTRIDER_IPV4: {
        struct sockaddr_in *in = (struct sockaddr_in *)storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        in->sin_addr.s_addr = htonl(address->ipv4_or_scope);
        *length = sizeof *in;
        return 0;
    }
    case OUTRIDER_IPV6: {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->ipv4_or_scope;
        put_be64(in6->sin6_addr.s6_addr, address->high);
        put_be64(in6->sin6_addr.s6_addr + 8, address->low);
        *length = sizeof *in6;
        return 0;
    }
    case OUTRIDER_UNIX: {
        struct sockaddr_un *un = (struct sockaddr_un *)storage;
        if (address->path_length == 0 || address->path_length >= sizeof un->sun_path) return -EINVAL;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, address->path, address->path_length);
        *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + address->path_length + 1);
        return 0;
    }
    default: return -EAFNOSUPPORT;
    }
}

static void from_sockaddr(const struct sockaddr_storage *storage, socklen_t length, outrider_address *address) {
    address->family = 0;
    address->path_length = 0;
    address->port = 0;
    address->ipv4_or_scope = 0;
    if (length < sizeof(sa_family_t)) return;
    switch (storage->ss_family) {
    case AF_INET: {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
        address->family = OUTRIDER_IPV4;
        address->port = ntohs(in->sin_port);
        address->ipv4_or_scope = ntohl(in->sin_addr.s_addr);
        break;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
        address->family = OUTRIDER_IPV6;
        address->port = ntohs(in6->sin6_port);
        address->ipv4_or_scope = in6->sin6_scope_id;
        address->high = get_be64(in6->sin6_addr.s6_addr);
        address->low = get_be64(in6->sin6_addr.s6_addr + 8);
        break;
    }
    case AF_UNIX: {
        // A client's socket has no path; an abstract one begins with a zero and counts as having none.
        const struct sockaddr_un *un = (const struct sockaddr_un *)storage;
        size_t room = length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
        if (room > sizeof un->sun_path) room = sizeof un->sun_path;
        size_t count = strnlen(un->sun_path, room);
        address->family = OUTRIDER_UNIX;
        address->path_length = (uint8_t)count;
        memcpy(address->path, un->sun_path, count);
        break;
    }
    default: break;
    }
}

static int stream_socket(const struct sockaddr_storage *storage) {
    int fd = socket(storage->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

// MARK: Listening

// Removes a socket file that a dead process left behind. Anything else at that path stays and `bind` says EADDRINUSE.
static void remove_stale(const struct sockaddr_storage *storage, socklen_t length) {
    const char *path = ((const struct sockaddr_un *)storage)->sun_path;
    struct stat status;
    if (lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode)) return;
    int probe = stream_socket(storage);
    if (probe < 0) return;
    int refused = connect(probe, (const struct sockaddr *)storage, length) < 0 && errno == ECONNREFUSED;
    close(probe);
    if (refused) unlink(path);
}

int outrider_listen(const outrider_address *address, int backlog) {
    struct sockaddr_storage storage;
    socklen_t length;
    int error = to_sockaddr(address, &storage, &length);
    if (error < 0) return error;
    int fd = stream_socket(&storage);
    if (fd < 0) return fd;
    int on = 1;
    if (storage.ss_family == AF_UNIX) remove_stale(&storage, length);
    if (storage.ss_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) goto fail;
    // [::]:80 and 0.0.0.0:80 are two listeners and may stand side by side.
    if (storage.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) goto fail;
    // Accepted sockets inherit it, which spares a call for each.
    if (storage.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&storage, length) < 0) goto fail;
    if (listen(fd, backlog) < 0) goto fail;
    return fd;
fail:
    error = -errno;
    close(fd);
    return error;
}

int outrider_is_listener(int fd) {
    int accepting = 0, type = 0;
    socklen_t length = sizeof accepting;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) < 0) return -errno;
    length = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0) return -errno;
    return accepting && type == SOCK_STREAM;
}

int outrider_accept(int listener, outrider_address *peer) {
    struct sockaddr_storage storage;
    for (;;) {
        socklen_t length = sizeof storage;
        int fd = accept4(listener, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            from_sockaddr(&storage, length, peer);
            return fd;
        }
        if (errno != EINTR) return -errno;
    }
}

// MARK: Connections

int outrider_connect(const outrider_address *address, int *in_progress) {
    struct sockaddr_storage storage;
    socklen_t length;
    *in_progress = 0;
    int error = to_sockaddr(address, &storage, &length);
    if (error < 0) return error;
    int fd = stream_socket(&storage);
    if (fd < 0) return fd;
    if (storage.ss_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connect(fd, (struct sockaddr *)&storage, length) == 0) return fd;
    // An interrupted connect goes on in the background. A Unix socket whose backlog is full says EAGAIN and gives up.
    if (errno == EINPROGRESS || errno == EINTR) {
        *in_progress = 1;
        return fd;
    }
    error = -errno;
    close(fd);
    return error;
}

static ssize_t receive(int fd, void *bytes, size_t count, int flags) {
    for (;;) {
        ssize_t received = recv(fd, bytes, count, flags);
        if (received >= 0) return received;
        if (errno != EINTR) return -errno;
    }
}

ssize_t outrider_receive(int fd, void *bytes, size_t count) { return receive(fd, bytes, count, 0); }

ssize_t outrider_peek(int fd, void *bytes, size_t count) { return receive(fd, bytes, count, MSG_PEEK); }

ssize_t outrider_send(int fd, const void *bytes, size_t count) {
    for (;;) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent >= 0) return sent;
        if (errno != EINTR) return -errno;
    }
}

static ssize_t send_pieces(int fd, struct iovec *pieces, size_t count) {
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    for (;;) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent >= 0) return sent;
        if (errno != EINTR) return -errno;
    }
}

ssize_t outrider_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    struct iovec pieces[] = {{(void *)first, first_count}, {(void *)second, second_count}};
    return send_pieces(fd, pieces, 2);
}

ssize_t outrider_send3(
    int fd, const void *first, size_t first_count, const void *second, size_t second_count, const void *third,
    size_t third_count) {
    struct iovec pieces[] = {{(void *)first, first_count}, {(void *)second, second_count}, {(void *)third, third_count}};
    return send_pieces(fd, pieces, 3);
}

int outrider_shutdown_write(int fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

// Linux frees the number even when close is interrupted, so it is never called twice.
int outrider_close(int fd) { return close(fd) < 0 && errno != EINTR ? -errno : 0; }

int outrider_close_reset(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return outrider_close(fd);
}

// MARK: Options

static int set(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

int outrider_pending_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
    return -error;
}

int outrider_set_no_delay(int fd, int on) { return set(fd, IPPROTO_TCP, TCP_NODELAY, on); }

int outrider_set_keepalive(int fd, int probes, int idle_s, int interval_s) {
    int error = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (error == 0 && probes > 0) error = set(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
    if (error == 0 && idle_s > 0) error = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    if (error == 0 && interval_s > 0) error = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
    return error;
}

int outrider_set_buffers(int fd, int send_bytes, int receive_bytes) {
    int error = send_bytes > 0 ? set(fd, SOL_SOCKET, SO_SNDBUF, send_bytes) : 0;
    return error == 0 && receive_bytes > 0 ? set(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes) : error;
}

int outrider_set_nonblocking_cloexec(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int outrider_local_address(int fd, outrider_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    from_sockaddr(&storage, length, address);
    return 0;
}

int outrider_peer_address(int fd, outrider_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getpeername(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    from_sockaddr(&storage, length, address);
    return 0;
}

int outrider_original_destination(int fd, outrider_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    int error = outrider_local_address(fd, address);
    if (error < 0) return error;
    int level = address->family == OUTRIDER_IPV6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (getsockopt(fd, level, ORIGINAL_DESTINATION, &storage, &length) < 0) return -errno;
    from_sockaddr(&storage, length, address);
    return 0;
}

int outrider_socketpair(int fds[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

// MARK: Names

const int outrider_resolve_try_again = EAI_AGAIN;

int outrider_resolve(const char *name, outrider_address *addresses, int capacity) {
    // Only families that this machine has an address of; with SOCK_STREAM each address comes once.
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(name, NULL, &hints, &list);
    if (code != 0) return code;
    int count = 0;
    for (struct addrinfo *info = list; info != NULL && count < capacity; info = info->ai_next) {
        struct sockaddr_storage storage;
        if (info->ai_addrlen > sizeof storage) continue;
        memcpy(&storage, info->ai_addr, info->ai_addrlen);
        from_sockaddr(&storage, info->ai_addrlen, &addresses[count]);
        if (addresses[count].family != 0) count++;
    }
    freeaddrinfo(list);
    return count > 0 ? count : EAI_NONAME;
}

void outrider_resolve_error_text(int code, char *buffer, size_t capacity) {
    snprintf(buffer, capacity, "%s", gai_strerror(code));
}
