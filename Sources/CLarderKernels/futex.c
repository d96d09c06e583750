// Waiting for a word of memory, which Swift cannot call the kernel for: its arguments vary in number.

#ifdef __linux__
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif

#include <stddef.h>

#include "CLarderKernels.h"

void larder_futex_wait(const uint32_t *word, uint32_t value) {
#ifdef __linux__
  // Whatever it returns, the caller looks at the word again.
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#else
  (void)word, (void)value;
  sched_yield();
#endif
}

void larder_futex_wake(const uint32_t *word) {
#ifdef __linux__
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#else
  (void)word;
#endif
}
