// What a directory watcher needs, and the few calls on files that sockets need.
#define _GNU_SOURCE
#include "CEventLoop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

// MARK: inotify

enum {
    ENTRIES = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE,
    SELF = IN_DELETE_SELF | IN_MOVE_SELF,
    CONTENT = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB,
};

int outrider_inotify_create(void) {
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int watch(int inotify, const char *path, uint32_t mask) {
    // A second path to the same inode adds to its mask and gets the same number.
    int number = inotify_add_watch(inotify, path, mask | IN_MASK_ADD);
    return number < 0 ? -errno : number;
}

int outrider_inotify_watch(int inotify, const char *path) { return watch(inotify, path, ENTRIES | SELF | CONTENT); }

int outrider_inotify_watch_entries(int inotify, const char *path) { return watch(inotify, path, ENTRIES | IN_ONLYDIR); }

int outrider_inotify_unwatch(int inotify, int number) { return inotify_rm_watch(inotify, number) < 0 ? -errno : 0; }

ssize_t outrider_read(int fd, void *bytes, size_t count) {
    for (;;) {
        ssize_t received = read(fd, bytes, count);
        if (received >= 0) return received;
        if (errno != EINTR) return -errno;
    }
}

ssize_t outrider_change_at(const void *bytes, size_t count, size_t offset, outrider_change *change) {
    struct inotify_event event;
    if (offset > count || count - offset < sizeof event) return -EINVAL;
    memcpy(&event, (const char *)bytes + offset, sizeof event);
    size_t name = offset + sizeof event;
    if (event.len > count - name) return -EINVAL;
    change->watch = event.wd;
    change->flags = (event.mask & ENTRIES ? OUTRIDER_ENTRY : 0) | (event.mask & IN_ISDIR ? OUTRIDER_ENTRY_IS_DIRECTORY : 0)
        | (event.mask & (SELF | IN_IGNORED | IN_UNMOUNT) ? OUTRIDER_SELF : 0)
        | (event.mask & IN_Q_OVERFLOW ? OUTRIDER_OVERFLOW : 0);
    change->name_offset = (uint32_t)name;
    change->name_length = (uint32_t)strnlen((const char *)bytes + name, event.len);
    return (ssize_t)(name + event.len);
}

// MARK: Paths

int outrider_kind(const char *path) {
    struct stat status;
    if (lstat(path, &status) < 0) return OUTRIDER_MISSING;
    int link = 0;
    if (S_ISLNK(status.st_mode)) {
        link = OUTRIDER_LINK;
        if (stat(path, &status) < 0) return link | OUTRIDER_MISSING;
    }
    return link | (S_ISDIR(status.st_mode) ? OUTRIDER_DIRECTORY : OUTRIDER_FILE);
}

int outrider_file_identity(const char *path, outrider_file_id *identity) {
    struct stat status;
    if (lstat(path, &status) < 0) return -errno;
    identity->device = status.st_dev;
    identity->inode = status.st_ino;
    return 0;
}

int outrider_unlink(const char *path) { return unlink(path) < 0 ? -errno : 0; }

ssize_t outrider_link_target(const char *path, char *target, size_t size) {
    ssize_t length = readlink(path, target, size);
    if (length < 0) return -errno;
    if ((size_t)length >= size) return -ENAMETOOLONG;
    target[length] = 0;
    return length;
}

int outrider_list(const char *path, void *context, void (*visit)(void *context, const char *name, int kind)) {
    DIR *directory = opendir(path);
    if (directory == NULL) return -errno;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        int type = entry->d_type;
        if (type == DT_UNKNOWN) {
            struct stat status;
            if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
            type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISLNK(status.st_mode) ? DT_LNK : DT_REG;
        }
        visit(
            context, entry->d_name,
            type == DT_DIR ? OUTRIDER_DIRECTORY : type == DT_LNK ? OUTRIDER_LINK : OUTRIDER_FILE);
    }
    closedir(directory);
    return 0;
}

int outrider_reserve(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
