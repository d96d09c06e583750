#ifdef __linux__
#define _GNU_SOURCE
#include <fcntl.h>
#endif

#include "CLarderKernels.h"

void larder_begin_write(int descriptor, int64_t offset, int64_t count) {
#ifdef __linux__
  // Starts the writing and waits for none of it. What fails is reported by the sync that follows.
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}
