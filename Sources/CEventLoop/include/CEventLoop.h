// The system calls that the loop makes, for Swift. Every function that can fail returns a negative errno; calls that a
// signal interrupts are made again. Nothing here keeps state.
#ifndef OUTRIDER_EVENT_LOOP_H
#define OUTRIDER_EVENT_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// MARK: Values

// One event: what was registered with the fd, and the bits below.
typedef struct {
    uint64_t data;
    uint32_t flags;
} outrider_event;

enum {
    OUTRIDER_READABLE = 1,
    OUTRIDER_WRITABLE = 2,
    // The peer ended its half (EPOLLRDHUP).
    OUTRIDER_HANGUP = 4,
    // Both halves are gone, or an error waits (EPOLLHUP, EPOLLERR).
    OUTRIDER_ERROR = 8,
};

// Two clocks read together.
typedef struct {
    uint64_t monotonic_ns;
    uint64_t realtime_ms;
} outrider_clocks;

// A socket's address. `family` is 4, 6, 1 (Unix) or 0 (something else). IPv4 is in host order, IPv6 two big-endian words.
typedef struct {
    uint8_t family;
    uint8_t path_length;
    uint16_t port;
    uint32_t ipv4_or_scope;
    uint64_t high;
    uint64_t low;
    char path[108];
} outrider_address;

enum { OUTRIDER_UNIX = 1, OUTRIDER_IPV4 = 4, OUTRIDER_IPV6 = 6 };

// Device and inode of a file: tells whether a path still names the same file.
typedef struct {
    uint64_t device;
    uint64_t inode;
} outrider_file_id;

// The errno values that Swift code tells apart.
extern const int outrider_again, outrider_in_progress, outrider_too_many_files, outrider_table_full, outrider_no_memory,
    outrider_no_buffers, outrider_timed_out, outrider_refused, outrider_reset, outrider_pipe, outrider_in_use,
    outrider_access, outrider_address_missing, outrider_invalid, outrider_no_space, outrider_not_found,
    outrider_is_connected, outrider_cancelled;

// Writes the text of a (positive) errno; `buffer` ends with a zero.
void outrider_error_text(int error, char *buffer, size_t capacity);

// MARK: epoll and wake-ups (epoll.c)

int outrider_epoll_create(void);
// Edge-triggered: readable, writable and the peer's half-close, for the fd's life.
int outrider_epoll_add_edge(int epoll, int fd, uint64_t data);
// Level-triggered readable; of all loops that share the fd, at least one wakes (EPOLLEXCLUSIVE).
int outrider_epoll_add_listener(int epoll, int fd, uint64_t data);
int outrider_epoll_remove(int epoll, int fd);
// Waits for at most `timeout_ms` (-1: for ever), reads both clocks, returns the number of events. An interrupted wait is 0.
int outrider_epoll_wait(int epoll, outrider_event *events, int capacity, int timeout_ms, outrider_clocks *clocks);
void outrider_read_clocks(outrider_clocks *clocks);

// A counter that wakes an edge-triggered epoll at each write and need never be read.
int outrider_wake_create(void);
int outrider_wake(int fd);
// A counting semaphore on which threads block.
int outrider_semaphore_create(void);
int outrider_semaphore_signal(int fd, uint64_t count);
int outrider_semaphore_wait(int fd);

// MARK: Sockets (socket.c)

// A non-blocking stream socket, bound and listening. A stale Unix socket file is replaced when nobody answers on it.
int outrider_listen(const outrider_address *address, int backlog);
// Whether the fd is a listening stream socket: 1, 0 or an error.
int outrider_is_listener(int fd);
// A non-blocking fd; `peer` is filled.
int outrider_accept(int listener, outrider_address *peer);
// Starts to connect. Returns the fd, with `*in_progress` set when writability or an error will tell how it ended.
int outrider_connect(const outrider_address *address, int *in_progress);
ssize_t outrider_receive(int fd, void *bytes, size_t count);
// The same without taking the bytes off.
ssize_t outrider_peek(int fd, void *bytes, size_t count);
ssize_t outrider_send(int fd, const void *bytes, size_t count);
ssize_t outrider_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count);
ssize_t outrider_send3(
    int fd, const void *first, size_t first_count, const void *second, size_t second_count, const void *third,
    size_t third_count);
int outrider_shutdown_write(int fd);
int outrider_close(int fd);
// Closes so that the peer gets a reset instead of an end.
int outrider_close_reset(int fd);
// The error that waits at a socket, as a negative errno, or 0.
int outrider_pending_error(int fd);
int outrider_set_no_delay(int fd, int on);
int outrider_set_keepalive(int fd, int probes, int idle_s, int interval_s);
int outrider_set_buffers(int fd, int send_bytes, int receive_bytes);
int outrider_set_nonblocking_cloexec(int fd);
int outrider_local_address(int fd, outrider_address *address);
int outrider_peer_address(int fd, outrider_address *address);
// Where a redirected connection was going before netfilter sent it here (SO_ORIGINAL_DST).
int outrider_original_destination(int fd, outrider_address *address);
int outrider_socketpair(int fds[2]);

// Resolves a host name to at most `capacity` addresses without ports, blocking. Negative: a getaddrinfo code (EAI_…).
int outrider_resolve(const char *name, outrider_address *addresses, int capacity);
void outrider_resolve_error_text(int code, char *buffer, size_t capacity);
extern const int outrider_resolve_try_again;

// MARK: Files (files.c)

int outrider_inotify_create(void);
// Watches a directory or a file for every change to its entries or content.
int outrider_inotify_watch(int inotify, const char *path);
// Watches a directory for entries that come or go.
int outrider_inotify_watch_entries(int inotify, const char *path);
int outrider_inotify_unwatch(int inotify, int watch);
ssize_t outrider_read(int fd, void *bytes, size_t count);

typedef struct {
    int32_t watch;
    uint32_t flags;
    uint32_t name_offset;
    uint32_t name_length;
} outrider_change;

enum {
    // An entry came or went (created, moved, deleted).
    OUTRIDER_ENTRY = 1,
    OUTRIDER_ENTRY_IS_DIRECTORY = 2,
    // The watched thing itself was moved or deleted, or its watch is gone.
    OUTRIDER_SELF = 4,
    // The kernel's queue overflowed: anything may have changed.
    OUTRIDER_OVERFLOW = 8,
};

// Decodes the change at `offset` of what `outrider_read` gave; returns the offset of the next one, or a negative errno.
ssize_t outrider_change_at(const void *bytes, size_t count, size_t offset, outrider_change *change);

enum { OUTRIDER_MISSING = 0, OUTRIDER_FILE = 1, OUTRIDER_DIRECTORY = 2, OUTRIDER_LINK = 4 };
// What a path names: one of FILE, DIRECTORY, MISSING after following links, with LINK when its last part is one.
int outrider_kind(const char *path);
int outrider_file_identity(const char *path, outrider_file_id *identity);
int outrider_unlink(const char *path);
// Where a symbolic link points, as a string; its length, or a negative errno (-ENAMETOOLONG when `size` is too small).
ssize_t outrider_link_target(const char *path, char *target, size_t size);
// Calls `visit` for each entry of a directory but "." and ".."; `kind` is FILE, DIRECTORY or LINK (not followed).
int outrider_list(const char *path, void *context, void (*visit)(void *context, const char *name, int kind));
// A descriptor that only takes up a number (/dev/null).
int outrider_reserve(void);

// MARK: Process (process.c)

// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 in this thread and those it starts, and ignores SIGPIPE.
int outrider_signals_block(void);
// An fd that reads the signals that are blocked by the function above.
int outrider_signals_create(void);
// The next signal that waits: its number, -EAGAIN, or another error.
int outrider_signals_next(int fd);
extern const int outrider_sigterm, outrider_sigint, outrider_sighup, outrider_sigusr1;

// Raises the soft limit of open files to the hard one, at most to `wanted` (0: the hard limit); returns the soft limit.
int64_t outrider_files_limit_raise(int64_t wanted);
int64_t outrider_files_limit(void);
int outrider_pin_to_core(int core);
int outrider_cores(void);
void outrider_trim_memory(void);
void outrider_stand_back(int by);
int outrider_random(void *bytes, size_t count);
int outrider_pid(void);
// A copy-free look into the environment; null when the name is not set.
const char *outrider_environment(const char *name);
int outrider_environment_remove(const char *name);

// Starts a thread with a name of at most 15 bytes; `*thread` is joined exactly once.
int outrider_thread_start(
    const char *name, void *context, void *(*body)(void *context), unsigned long *thread);
int outrider_thread_join(unsigned long thread);

// A lock of its own memory; null when there is none left.
typedef struct outrider_mutex outrider_mutex;
outrider_mutex *outrider_mutex_create(void);
void outrider_mutex_destroy(outrider_mutex *mutex);
void outrider_mutex_lock(outrider_mutex *mutex);
void outrider_mutex_unlock(outrider_mutex *mutex);

#endif
