// A guard against files that somebody else cuts short while they are mapped.
#ifndef LARDER_MAP_GUARD_H
#define LARDER_MAP_GUARD_H

#include <stddef.h>
#include <stdint.h>

/// Names a map to the guard.
///
/// @return its number, to be given to the other functions; -1 if there are too many.
int larder_map_guard_enter(const void *start, size_t bytes);

/// Forgets a map; called before it is unmapped.
void larder_map_guard_leave(int number);

/// How many pages of a map were found missing.
uint32_t larder_map_guard_hits(int number);

/// How many pages of any map were found missing.
uint64_t larder_map_guard_all_hits(void);

/// From now on, a missing page of a named map reads as zeros instead of ending the process; other
/// SIGBUS go to whoever handled them before. Twice is once.
///
/// @return 0, or errno.
int larder_map_guard_install(void);

#endif
