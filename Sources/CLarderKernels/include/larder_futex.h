#ifndef LARDER_FUTEX_H
#define LARDER_FUTEX_H

#include <stdint.h>

// Waits in the kernel for as long as a word has a value; may come back without reason.
void larder_futex_wait(const uint32_t *word, uint32_t value);

// Wakes one of those that wait for a word.
void larder_futex_wake(const uint32_t *word);

#endif
