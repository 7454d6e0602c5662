// Calls that fail when a test wants them to (LD_PRELOAD). In the environment:
//   FAULT_CALLS  the calls that count, such as "pwrite fsync rename"; calls on descriptors 0 to 2 never do
//   FAULT_AT     the number of the call, from 1, at which it happens
//   FAULT        what happens: "errno N" (the call fails), "errno N on" (it and all later ones fail), "short"
//                (half of the bytes are written), "cut PATH" or "touch PATH" or "replace PATH" (the file is cut
//                to its first page, gets a byte more, is replaced by a copy; then the call goes on), or
//                "signal N"
//   FAULT_MARK   a file that is made when it has happened
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int count;
static __thread int is_inside;

static void append(const char *path) {
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND);
    syscall(SYS_write, descriptor, "x", 1);
    syscall(SYS_close, descriptor);
}

static void replace(const char *path) {
    char copy[4096], command[10000];
    snprintf(copy, sizeof copy, "%s.copy", path);
    snprintf(command, sizeof command, "env -u LD_PRELOAD cp '%s' '%s'", path, copy);
    if (system(command) != 0) abort();
    syscall(SYS_rename, copy, path);
}

// What is to happen at this call: an errno, 0 for nothing, -1 for half of the bytes.
static int fault(const char *name) {
    const char *calls = getenv("FAULT_CALLS"), *at = getenv("FAULT_AT"), *what = getenv("FAULT");
    if (is_inside || !calls || !at || !what) return 0;
    size_t length = strlen(name);
    const char *found = calls;
    while ((found = strstr(found, name)) != NULL) {
        int begins = found == calls || found[-1] == ' ';
        if (begins && (found[length] == ' ' || found[length] == 0)) break;
        found += length;
    }
    if (!found) return 0;
    int number = atomic_fetch_add(&count, 1) + 1, wanted = atoi(at);
    int goes_on = strstr(what, " on") != NULL;
    if (number != wanted && !(goes_on && number > wanted)) return 0;
    is_inside = 1;
    const char *mark = getenv("FAULT_MARK");
    if (mark) syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT, 0644));
    int result = 0;
    if (strncmp(what, "errno ", 6) == 0) result = atoi(what + 6);
    if (strcmp(what, "short") == 0) result = -1;
    if (strncmp(what, "cut ", 4) == 0) syscall(SYS_truncate, what + 4, 4096);
    if (strncmp(what, "touch ", 6) == 0) append(what + 6);
    if (strncmp(what, "replace ", 8) == 0) replace(what + 8);
    if (strncmp(what, "signal ", 7) == 0) kill(getpid(), atoi(what + 7));
    is_inside = 0;
    return result;
}

#define REAL(name, type, parameters) type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, name)
#define FAIL(name)                   \
    int code = fault(name);          \
    if (code > 0) return errno = code, -1

ssize_t write(int descriptor, const void *bytes, size_t size) {
    REAL("write", ssize_t, (int, const void *, size_t));
    if (descriptor <= 2) return real(descriptor, bytes, size);
    FAIL("write");
    return real(descriptor, bytes, code < 0 && size > 1 ? size / 2 : size);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    REAL("pwrite", ssize_t, (int, const void *, size_t, off_t));
    FAIL("pwrite");
    return real(descriptor, bytes, code < 0 && size > 1 ? size / 2 : size, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off_t offset) {
    return pwrite(descriptor, bytes, size, offset);
}

#define WITH_DESCRIPTOR(name)          \
    int name(int descriptor) {         \
        REAL(#name, int, (int));       \
        FAIL(#name);                   \
        return real(descriptor);       \
    }
WITH_DESCRIPTOR(fsync)
WITH_DESCRIPTOR(fdatasync)
WITH_DESCRIPTOR(close)

ssize_t pread(int descriptor, void *bytes, size_t size, off_t offset) {
    REAL("pread", ssize_t, (int, void *, size_t, off_t));
    FAIL("pread");
    return real(descriptor, bytes, size, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t size, off_t offset) {
    return pread(descriptor, bytes, size, offset);
}

// Of files alone: memory is got in the same way.
void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) {
    REAL("mmap", void *, (void *, size_t, int, int, int, off_t));
    int code = descriptor < 0 ? 0 : fault("mmap");
    if (code > 0) return errno = code, MAP_FAILED;
    return real(address, size, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) {
    return mmap(address, size, protection, flags, descriptor, offset);
}

int open(const char *path, int flags, ...) {
    REAL("open", int, (const char *, int, ...));
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    FAIL("open");
    return real(path, flags, mode);
}

int ftruncate(int descriptor, off_t size) {
    REAL("ftruncate", int, (int, off_t));
    FAIL("ftruncate");
    return real(descriptor, size);
}

int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

int rename(const char *old, const char *new) {
    REAL("rename", int, (const char *, const char *));
    FAIL("rename");
    return real(old, new);
}

int mkdir(const char *path, mode_t mode) {
    REAL("mkdir", int, (const char *, mode_t));
    FAIL("mkdir");
    return real(path, mode);
}
