// Small kernels that Swift cannot express: prefetch, branch-free selection, hardware checksums.
// Each has a portable Swift twin and a test that the two agree.
#ifndef CLARDER_KERNELS_H
#define CLARDER_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "larder_encodings.h"
#include "larder_join.h"
#include "larder_keys.h"
#include "larder_futex.h"
#include "larder_map_guard.h"
#include "larder_online.h"

/// Asks the processor to bring the cache line at `address` closer, for reading. Never faults.
static inline void larder_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

// Files and checksums.

/// The kind of file system a path lies on, as statfs(2) numbers them; -1 and errno on failure.
/// Swift's module of the C library leaves statfs out.
int64_t larder_file_system_kind(const char *path);

/// Begins to write a file's changed pages of a range to the disk, without waiting: a hint.
void larder_begin_write(int descriptor, int64_t offset, int64_t count);

/// The 192 bytes that XXH3's specification mixes into every input.
extern const uint8_t larder_xxh3_secret_bytes[192];
static inline const uint8_t *larder_xxh3_secret(void) { return larder_xxh3_secret_bytes; }

/// XXH3-64 of an input of more than 240 bytes.
uint64_t larder_xxh3_long(const void *input, size_t length, uint64_t seed);

/// Whether larder_crc32c may be called: the processor has the instruction.
int larder_has_crc32c(void);

/// Continues a CRC-32C over bytes by the processor's instruction.
///
/// @param state the register: the complement of the checksum of what came before.
/// @return the register after the bytes.
uint32_t larder_crc32c(uint32_t state, const void *bytes, size_t count);

#endif
