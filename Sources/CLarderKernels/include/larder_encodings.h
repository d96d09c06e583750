// Kernels of the segment encodings.
#ifndef LARDER_ENCODINGS_H
#define LARDER_ENCODINGS_H

#include <stddef.h>
#include <stdint.h>

/// 32 doubles: 10 to the powers 0 to 22, each exact, then ones.
const double *larder_powers_of_ten(void);

#endif
