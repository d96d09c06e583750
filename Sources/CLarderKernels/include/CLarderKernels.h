// Small kernels that Swift cannot express: prefetch, branch-free selection, hardware checksums.
// Each has a portable Swift twin and a test that the two agree.
#ifndef CLARDER_KERNELS_H
#define CLARDER_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Asks the processor to bring the cache line at `address` closer, for reading. Never faults.
static inline void larder_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

#endif
