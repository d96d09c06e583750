// Fails the Nth system call that changes a file, for the command under test:
//
//   LD_PRELOAD=faults.so FAULT_AT=17 FAULT_KIND=EIO FAULT_STICKY=1 FAULT_UNDER=/tmp/store larder ...
//
// Counts only calls on paths below FAULT_UNDER, so that the loader and the runtime go untouched.
// Kinds: EIO, ENOSPC, EINTR, short (half of a write is written), kill (the process ends there).
// Catches I/O that goes round the engine's own file system layer, which simulations cannot see.
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
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static long fault_at = -1;
static int sticky;
static const char *kind = "EIO";
static const char *under;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("FAULT_AT");
  fault_at = at ? atol(at) : -1;
  sticky = getenv("FAULT_STICKY") != NULL;
  if (getenv("FAULT_KIND")) kind = getenv("FAULT_KIND");
  under = getenv("FAULT_UNDER");
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FAULT_COUNT");
  if (!path) return;
  FILE *out = fopen(path, "w");
  if (out) fprintf(out, "%ld\n", atomic_load(&calls));
  if (out) fclose(out);
}

static int is_under(const char *path) {
  return under && path && strncmp(path, under, strlen(under)) == 0;
}

static int is_under_descriptor(int fd) {
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(name, path, sizeof path - 1);
  if (count <= 0) return 0;
  path[count] = 0;
  return is_under(path);
}

// Whether this call is to fail; errno says how. 2 stands for a short write.
static int fails(int is_write) {
  long call = atomic_fetch_add(&calls, 1) + 1;
  if (fault_at < 0 || call < fault_at || (call > fault_at && !sticky)) return 0;
  if (strcmp(kind, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(kind, "short") == 0) return is_write ? 2 : 0;
  if (strcmp(kind, "ENOSPC") == 0) errno = ENOSPC;
  else if (strcmp(kind, "EINTR") == 0) {
    // Once only: whoever repeats an interrupted call for ever is right to.
    if (call > fault_at) return 0;
    errno = EINTR;
  } else errno = EIO;
  return 1;
}

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  if (is_under_descriptor(fd)) {
    int fault = fails(1);
    if (fault == 1) return -1;
    if (fault == 2 && count > 1) count /= 2;
  }
  return NEXT(pwrite)(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return pwrite(fd, bytes, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (fd > 2 && is_under_descriptor(fd)) {
    int fault = fails(1);
    if (fault == 1) return -1;
    if (fault == 2 && count > 1) count /= 2;
  }
  return NEXT(write)(fd, bytes, count);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
  if (is_under_descriptor(fd) && fails(0) == 1) return -1;
  return NEXT(pread)(fd, bytes, count, offset);
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) {
  return pread(fd, bytes, count, offset);
}

int fsync(int fd) {
  if (is_under_descriptor(fd) && fails(0) == 1) return -1;
  return NEXT(fsync)(fd);
}

int fdatasync(int fd) {
  if (is_under_descriptor(fd) && fails(0) == 1) return -1;
  return NEXT(fdatasync)(fd);
}

int unlink(const char *path) {
  if (is_under(path) && fails(0) == 1) return -1;
  return NEXT(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
  if (is_under(path) && fails(0) == 1) return -1;
  return NEXT(mkdir)(path, mode);
}

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  if (is_under(path) && fails(0) == 1) return -1;
  return NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return open(path, flags, mode);
}
