// Touching a mapped page behind the end of its file raises SIGBUS. The handler puts a page of zeros
// there, which no checksum takes for a row, and counts. It calls mmap alone, by the system call.

#define _GNU_SOURCE
#include "CLarderKernels.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAPS = 1 << 14, PAGE = 4096 };

typedef struct {
  // 0: free; 1: taken, not known yet.
  _Atomic uintptr_t start;
  _Atomic uintptr_t end;
  _Atomic uint32_t hits;
} guarded_map;

static guarded_map maps[MAPS];
// All numbers ever given are below.
static _Atomic int reach;
static _Atomic uint64_t all_hits;
static _Atomic int installed;
static struct sigaction before;

int larder_map_guard_enter(const void *start, size_t bytes) {
  for (int number = 0; number < MAPS; number++) {
    uintptr_t expected = 0;
    if (!atomic_compare_exchange_strong(&maps[number].start, &expected, 1)) continue;
    int highest = atomic_load(&reach);
    while (highest <= number && !atomic_compare_exchange_weak(&reach, &highest, number + 1)) {
    }
    atomic_store(&maps[number].hits, 0);
    atomic_store(&maps[number].end, (uintptr_t)start + bytes);
    atomic_store(&maps[number].start, (uintptr_t)start);
    return number;
  }
  return -1;
}

void larder_map_guard_leave(int number) {
  if (number < 0) return;
  atomic_store(&maps[number].end, 0);
  atomic_store(&maps[number].start, 0);
}

uint32_t larder_map_guard_hits(int number) {
  return number < 0 ? 0 : atomic_load_explicit(&maps[number].hits, memory_order_acquire);
}

uint64_t larder_map_guard_all_hits(void) {
  return atomic_load_explicit(&all_hits, memory_order_acquire);
}

// Hands the signal to whoever had it before.
static void pass_on(int number, siginfo_t *info, void *context) {
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  } else {
    // The instruction is repeated and the signal does what it did without us.
    sigaction(SIGBUS, &before, NULL);
  }
}

static void handle(int number, siginfo_t *info, void *context) {
  int error = errno;
  uintptr_t address = (uintptr_t)info->si_addr;
  int known = atomic_load(&reach);
  for (int map = 0; map < known; map++) {
    uintptr_t start = atomic_load(&maps[map].start), end = atomic_load(&maps[map].end);
    if (start <= 1 || address < start || address >= end) continue;
    void *page = (void *)(address & ~(uintptr_t)(PAGE - 1));
    long zeros = syscall(SYS_mmap, page, PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == -1) break;
    atomic_fetch_add(&maps[map].hits, 1);
    atomic_fetch_add(&all_hits, 1);
    errno = error;
    return;
  }
  errno = error;
  pass_on(number, info, context);
}

int larder_map_guard_install(void) {
  int expected = 0;
  if (!atomic_compare_exchange_strong(&installed, &expected, 1)) return 0;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &before) == 0) return 0;
  atomic_store(&installed, 0);
  return errno;
}
