// The command's own malloc and its kin: those of the C library, but that they never return NULL.
//
// Swift's runtime ends a process by a signal where it gets no memory, which looks like a defect and
// tells nobody what to do. A command has nothing to give up but itself: what it committed is on
// disk, what it did not commit is not there. The library that other programs load has none of this.
#include "out_of_memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void larder_out_of_memory(size_t bytes) {
  static const char before[] = "error: There is no memory for ";
  static const char after[] =
      " bytes more (ulimit -v, or the machine's). Allow more, or use --memory or --threads where "
      "there are such options. The store is as it was after its last commit.\n";
  char text[sizeof before + sizeof after + 24];
  size_t length = sizeof before - 1;
  memcpy(text, before, length);
  char digits[24];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + bytes % 10);
    bytes /= 10;
  } while (bytes > 0);
  while (count > 0) text[length++] = digits[--count];
  memcpy(text + length, after, sizeof after - 1);
  length += sizeof after - 1;
  ssize_t written = write(2, text, length);
  (void)written;
  _exit(7);
}

// Sanitizers bring a malloc of their own; other C libraries than glibc name theirs otherwise.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LARDER_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(LARDER_SANITIZED)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t bytes) {
  void *memory = __libc_malloc(bytes);
  if (memory == NULL) larder_out_of_memory(bytes);
  return memory;
}

void *calloc(size_t count, size_t bytes) {
  void *memory = __libc_calloc(count, bytes);
  if (memory == NULL) larder_out_of_memory(count * bytes);
  return memory;
}

void *realloc(void *old, size_t bytes) {
  void *memory = __libc_realloc(old, bytes);
  // Of no bytes the C library frees it and returns NULL.
  if (memory == NULL && bytes > 0) larder_out_of_memory(bytes);
  return memory;
}

void *memalign(size_t alignment, size_t bytes) {
  void *memory = __libc_memalign(alignment, bytes);
  if (memory == NULL) larder_out_of_memory(bytes);
  return memory;
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **place, size_t alignment, size_t bytes) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  *place = memalign(alignment, bytes);
  return 0;
}

#endif
