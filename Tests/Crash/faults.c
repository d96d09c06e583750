// Harms the Nth system call that a command makes on the files of a store:
//
//   LD_PRELOAD=faults.so FAULT_UNDER=/tmp/store FAULT_AT=17 FAULT_KIND=kill FAULT_CALLS=changes larder ...
//
// FAULT_UNDER   only calls on paths that begin so count; the loader and the runtime go untouched
// FAULT_AT      which call is harmed, from 1; none if not said
// FAULT_KIND    EIO, ENOSPC, EINTR  the call fails
//               short               half of a write is written
//               kill, kill-after    the process ends before the call, or when it is done
//               kill-half           half of a write is written, and the process ends
// FAULT_STICKY  all calls from that one on are harmed
// FAULT_CALLS   changes: only calls that change files count; else reading and opening ones too
// FAULT_LOG     a file that gets a line for every call: its number, name, path, offset and bytes
// FAULT_COUNT   a file that gets the number of calls when the process ends by itself
// FAULT_CLOCK   seconds that the clock of the day is ahead, so that snapshots are older than they are kept
//
// Catches I/O that goes round the engine's own file system layer, which simulations cannot see. Stores into
// mapped files are no calls: the points before and after the calls next to them stand for those.
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
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

typedef enum { untouched, fails, halves, ends_after, ends_halfway } harm;

static atomic_long calls;
static long fault_at = -1;
static int sticky, only_changes;
static int log_file = -1;
static const char *kind = "EIO";
static const char *under;
static time_t ahead;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("FAULT_AT"), *which = getenv("FAULT_CALLS"), *log = getenv("FAULT_LOG");
  fault_at = at ? atol(at) : -1;
  sticky = getenv("FAULT_STICKY") != NULL;
  only_changes = which && strcmp(which, "changes") == 0;
  if (getenv("FAULT_KIND")) kind = getenv("FAULT_KIND");
  under = getenv("FAULT_UNDER");
  if (getenv("FAULT_CLOCK")) ahead = atol(getenv("FAULT_CLOCK"));
  if (log) log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += ahead;
  return result;
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

static int is_under_descriptor(int fd, char *path, size_t room) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(name, path, room - 1);
  if (count <= 0) return 0;
  path[count] = 0;
  return is_under(path);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// What happens to this call. Where it fails, errno says how.
static harm next_harm(const char *call, const char *path, long offset, size_t bytes, int is_write) {
  long number = atomic_fetch_add(&calls, 1) + 1;
  if (log_file >= 0) {
    char line[4400];
    int length = snprintf(line, sizeof line, "%ld %s %s %ld %zu\n", number, call, path, offset, bytes);
    if (length > 0 && syscall(SYS_write, log_file, line, (size_t)length) != length) abort();
  }
  if (fault_at < 0 || number < fault_at || (number > fault_at && !sticky)) return untouched;
  if (strcmp(kind, "kill") == 0) die();
  if (strcmp(kind, "kill-after") == 0) return ends_after;
  if (strcmp(kind, "kill-half") == 0) {
    if (!is_write) die();
    return ends_halfway;
  }
  if (strcmp(kind, "short") == 0) return is_write ? halves : untouched;
  if (strcmp(kind, "ENOSPC") == 0) errno = ENOSPC;
  else if (strcmp(kind, "EINTR") == 0) {
    // Once only: whoever repeats an interrupted call forever is right to.
    if (number > fault_at) return untouched;
    errno = EINTR;
  } else errno = EIO;
  return fails;
}

static long finished(harm what, long result) {
  int kept = errno;
  if (what == ends_after || what == ends_halfway) die();
  errno = kept;
  return result;
}

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

// A call on a descriptor, and one on a path, that changes files.
#define ON_DESCRIPTOR(fd, name, call)                                    \
  char path[4096];                                                       \
  if (!is_under_descriptor(fd, path, sizeof path)) return call;          \
  harm what = next_harm(name, path, 0, 0, 0);                            \
  if (what == fails) return -1;                                          \
  return (int)finished(what, call)

#define ON_PATH(path, name, call)                                        \
  if (!is_under(path)) return call;                                      \
  harm what = next_harm(name, path, 0, 0, 0);                            \
  if (what == fails) return -1;                                          \
  return (int)finished(what, call)

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  char path[4096];
  if (!is_under_descriptor(fd, path, sizeof path)) return NEXT(pwrite)(fd, bytes, count, offset);
  harm what = next_harm("pwrite", path, offset, count, 1);
  if (what == fails) return -1;
  if ((what == halves || what == ends_halfway) && count > 1) count /= 2;
  return finished(what, NEXT(pwrite)(fd, bytes, count, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return pwrite(fd, bytes, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  char path[4096];
  if (fd <= 2 || !is_under_descriptor(fd, path, sizeof path)) return NEXT(write)(fd, bytes, count);
  harm what = next_harm("write", path, -1, count, 1);
  if (what == fails) return -1;
  if ((what == halves || what == ends_halfway) && count > 1) count /= 2;
  return finished(what, NEXT(write)(fd, bytes, count));
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
  if (only_changes) return NEXT(pread)(fd, bytes, count, offset);
  char path[4096];
  if (!is_under_descriptor(fd, path, sizeof path)) return NEXT(pread)(fd, bytes, count, offset);
  harm what = next_harm("pread", path, offset, count, 0);
  if (what == fails) return -1;
  return finished(what, NEXT(pread)(fd, bytes, count, offset));
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) {
  return pread(fd, bytes, count, offset);
}

int fsync(int fd) { ON_DESCRIPTOR(fd, "fsync", NEXT(fsync)(fd)); }

int fdatasync(int fd) { ON_DESCRIPTOR(fd, "fdatasync", NEXT(fdatasync)(fd)); }

int ftruncate(int fd, off_t length) { ON_DESCRIPTOR(fd, "ftruncate", NEXT(ftruncate)(fd, length)); }

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
  ON_DESCRIPTOR(fd, "fallocate", NEXT(fallocate)(fd, mode, offset, length));
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  return fallocate(fd, mode, offset, length);
}

// This one returns the error instead of setting errno.
int posix_fallocate(int fd, off_t offset, off_t length) {
  char path[4096];
  if (!is_under_descriptor(fd, path, sizeof path)) return NEXT(posix_fallocate)(fd, offset, length);
  harm what = next_harm("posix_fallocate", path, offset, (size_t)length, 0);
  if (what == fails) return errno;
  return (int)finished(what, NEXT(posix_fallocate)(fd, offset, length));
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  return posix_fallocate(fd, offset, length);
}

// A map tells no path, so every msync counts.
int msync(void *start, size_t length, int flags) {
  harm what = next_harm("msync", "", 0, length, 0);
  if (what == fails) return -1;
  return (int)finished(what, NEXT(msync)(start, length, flags));
}

int unlink(const char *path) { ON_PATH(path, "unlink", NEXT(unlink)(path)); }

int rmdir(const char *path) { ON_PATH(path, "rmdir", NEXT(rmdir)(path)); }

int mkdir(const char *path, mode_t mode) { ON_PATH(path, "mkdir", NEXT(mkdir)(path, mode)); }

int link(const char *path, const char *other) { ON_PATH(other, "link", NEXT(link)(path, other)); }

int rename(const char *path, const char *other) { ON_PATH(other, "rename", NEXT(rename)(path, other)); }

static int opens(int folder, const char *path, int flags, mode_t mode) {
  if (!is_under(path)) return NEXT(openat)(folder, path, flags, mode);
  struct stat there;
  int is_change = (flags & O_TRUNC) || ((flags & O_CREAT) && stat(path, &there) != 0);
  if (only_changes && !is_change) return NEXT(openat)(folder, path, flags, mode);
  harm what = next_harm(is_change ? "create" : "open", path, 0, 0, 0);
  if (what == fails) return -1;
  return (int)finished(what, NEXT(openat)(folder, path, flags, mode));
}

#define MODE(mode, flags)         \
  mode_t mode = 0;                \
  if ((flags) & O_CREAT) {        \
    va_list rest;                 \
    va_start(rest, flags);        \
    mode = va_arg(rest, mode_t);  \
    va_end(rest);                 \
  }

int open(const char *path, int flags, ...) {
  MODE(mode, flags)
  return opens(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(mode, flags)
  return opens(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  MODE(mode, flags)
  return opens(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
  MODE(mode, flags)
  return opens(folder, path, flags, mode);
}
