// epoll, the eventfds that wake it, and the clocks that are read with it.
#define _GNU_SOURCE
#include "CEventLoop.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024 };

static int add(int epoll, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int outrider_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int outrider_epoll_add_edge(int epoll, int fd, uint64_t data) {
    return add(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, data);
}

int outrider_epoll_add_listener(int epoll, int fd, uint64_t data) {
    return add(epoll, fd, EPOLLIN | EPOLLEXCLUSIVE, data);
}

int outrider_epoll_remove(int epoll, int fd) {
    // Linux before 2.6.9 wanted an event here; null is fine since.
    return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

int outrider_epoll_wait(int epoll, outrider_event *events, int capacity, int timeout_ms, outrider_clocks *clocks) {
    struct epoll_event raw[EVENTS_MAX];
    int count = epoll_wait(epoll, raw, capacity < EVENTS_MAX ? capacity : EVENTS_MAX, timeout_ms);
    // An interrupted wait is an empty batch: the loop computes its timeout anew.
    if (count < 0) count = errno == EINTR ? 0 : -errno;
    outrider_read_clocks(clocks);
    for (int i = 0; i < count; i++) {
        uint32_t bits = raw[i].events;
        events[i].data = raw[i].data.u64;
        events[i].flags = (bits & EPOLLIN ? OUTRIDER_READABLE : 0) | (bits & EPOLLOUT ? OUTRIDER_WRITABLE : 0)
            | (bits & EPOLLRDHUP ? OUTRIDER_HANGUP : 0) | (bits & (EPOLLHUP | EPOLLERR) ? OUTRIDER_ERROR : 0);
    }
    return count;
}

void outrider_read_clocks(outrider_clocks *clocks) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    clocks->monotonic_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    clock_gettime(CLOCK_REALTIME, &time);
    clocks->realtime_ms = (uint64_t)time.tv_sec * 1000u + (uint64_t)time.tv_nsec / 1000000u;
}

// MARK: eventfds

int outrider_wake_create(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int outrider_wake(int fd) { return outrider_semaphore_signal(fd, 1); }

int outrider_semaphore_create(void) {
    int fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int outrider_semaphore_signal(int fd, uint64_t count) {
    for (;;) {
        if (write(fd, &count, sizeof count) == sizeof count) return 0;
        if (errno != EINTR) return -errno;
    }
}

int outrider_semaphore_wait(int fd) {
    uint64_t count;
    for (;;) {
        if (read(fd, &count, sizeof count) == sizeof count) return 0;
        if (errno != EINTR) return -errno;
    }
}
