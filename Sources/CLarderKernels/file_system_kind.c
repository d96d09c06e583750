#include "CLarderKernels.h"

#include <errno.h>
#include <sys/vfs.h>

int64_t larder_file_system_kind(const char *path) {
  struct statfs found;
  while (statfs(path, &found) != 0) {
    if (errno != EINTR) return -1;
  }
  // The kinds are 32-bit numbers, some with the top bit set.
  return (int64_t)(uint32_t)found.f_type;
}
