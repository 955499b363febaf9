// Signals, limits, threads and the other things that belong to the whole process.
#define _GNU_SOURCE
#include "CEventLoop.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

// MARK: Errors

const int outrider_again = EAGAIN, outrider_in_progress = EINPROGRESS, outrider_too_many_files = EMFILE,
          outrider_table_full = ENFILE, outrider_no_memory = ENOMEM, outrider_no_buffers = ENOBUFS,
          outrider_timed_out = ETIMEDOUT, outrider_refused = ECONNREFUSED, outrider_reset = ECONNRESET,
          outrider_pipe = EPIPE, outrider_in_use = EADDRINUSE, outrider_access = EACCES,
          outrider_address_missing = EADDRNOTAVAIL, outrider_invalid = EINVAL, outrider_no_space = ENOSPC,
          outrider_not_found = ENOENT, outrider_is_connected = EISCONN, outrider_cancelled = ECANCELED;

void outrider_error_text(int error, char *buffer, size_t capacity) {
    // The GNU variant may answer with a constant instead of filling the buffer.
    char own[128];
    snprintf(buffer, capacity, "%s", strerror_r(error, own, sizeof own));
}

// MARK: Signals

const int outrider_sigterm = SIGTERM, outrider_sigint = SIGINT, outrider_sighup = SIGHUP, outrider_sigusr1 = SIGUSR1;

static void handled(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

int outrider_signals_block(void) {
    sigset_t set;
    handled(&set);
    signal(SIGPIPE, SIG_IGN);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int outrider_signals_create(void) {
    sigset_t set;
    handled(&set);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int outrider_signals_next(int fd) {
    struct signalfd_siginfo info;
    ssize_t count = outrider_read(fd, &info, sizeof info);
    if (count < 0) return (int)count;
    return count == sizeof info ? (int)info.ssi_signo : -EAGAIN;
}

// MARK: Limits

int64_t outrider_files_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

int64_t outrider_files_limit_raise(int64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    rlim_t target = wanted > 0 && (rlim_t)wanted < limit.rlim_max ? (rlim_t)wanted : limit.rlim_max;
    if (target > limit.rlim_cur) {
        limit.rlim_cur = target;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return outrider_files_limit();
}

int outrider_pin_to_core(int core) {
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return -errno;
    // The n-th core that this process may use, not core n of the machine.
    for (int number = 0; number < CPU_SETSIZE; number++) {
        if (!CPU_ISSET(number, &allowed) || core-- > 0) continue;
        CPU_ZERO(&one);
        CPU_SET(number, &one);
        return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : 0;
    }
    return -EINVAL;
}

int outrider_cores(void) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return 1;
    int count = CPU_COUNT(&allowed);
    return count > 0 ? count : 1;
}

/* Code that only compiling configuration needs (YAML, JSON, the standard library's text) is in memory after it ran. The
 * program's own text is let go of, which costs the code that still runs a few soft faults: the pages stay in the page cache. */
static int release_text(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int index = 0; index < info->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[index];
        if (header->p_type != PT_LOAD || header->p_flags & PF_W) continue;
        uintptr_t start = (info->dlpi_addr + header->p_vaddr) & ~(page - 1);
        uintptr_t end = info->dlpi_addr + header->p_vaddr + header->p_memsz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1; /* the first object is the program; the libraries are others' too */
}

void outrider_trim_memory(void) {
    malloc_trim(0);
    dl_iterate_phdr(release_text, NULL);
}

// Linux gives each thread a priority of its own.
void outrider_stand_back(int by) {
    int wanted = getpriority(PRIO_PROCESS, 0) + by;
    (void)setpriority(PRIO_PROCESS, 0, wanted > 19 ? 19 : wanted);
}

int outrider_random(void *bytes, size_t count) {
    size_t filled = 0;
    while (filled < count) {
        ssize_t got = getrandom((char *)bytes + filled, count - filled, 0);
        if (got < 0 && errno != EINTR) return -errno;
        if (got > 0) filled += (size_t)got;
    }
    return 0;
}

int outrider_pid(void) { return getpid(); }

const char *outrider_environment(const char *name) { return getenv(name); }

int outrider_environment_remove(const char *name) { return unsetenv(name) < 0 ? -errno : 0; }

// MARK: Threads

int outrider_thread_start(const char *name, void *context, void *(*body)(void *context), unsigned long *thread) {
    pthread_t started;
    int error = pthread_create(&started, NULL, body, context);
    if (error != 0) return -error;
    char shortened[16];
    snprintf(shortened, sizeof shortened, "%s", name);
    pthread_setname_np(started, shortened);
    *thread = started;
    return 0;
}

int outrider_thread_join(unsigned long thread) { return -pthread_join(thread, NULL); }

struct outrider_mutex {
    pthread_mutex_t mutex;
};

outrider_mutex *outrider_mutex_create(void) {
    outrider_mutex *mutex = malloc(sizeof *mutex);
    if (mutex != NULL) pthread_mutex_init(&mutex->mutex, NULL);
    return mutex;
}

void outrider_mutex_destroy(outrider_mutex *mutex) {
    pthread_mutex_destroy(&mutex->mutex);
    free(mutex);
}

void outrider_mutex_lock(outrider_mutex *mutex) { pthread_mutex_lock(&mutex->mutex); }

void outrider_mutex_unlock(outrider_mutex *mutex) { pthread_mutex_unlock(&mutex->mutex); }
