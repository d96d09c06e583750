// Holds the compiler to the layouts that larder.h promises: bindings without a C compiler, such as
// ctypes, count on them.
#include "larder.h"

#include <stddef.h>

_Static_assert(offsetof(larder_error, code) == 0, "layout of larder_error");
_Static_assert(offsetof(larder_error, row) == 8, "layout of larder_error");
_Static_assert(offsetof(larder_error, column) == 16, "layout of larder_error");
_Static_assert(offsetof(larder_error, message) == 272, "layout of larder_error");
_Static_assert(sizeof(larder_error) == 2320, "layout of larder_error");
_Static_assert(sizeof(struct ArrowSchema) == 72, "layout of ArrowSchema");
_Static_assert(sizeof(struct ArrowArray) == 80, "layout of ArrowArray");
_Static_assert(sizeof(struct ArrowArrayStream) == 40, "layout of ArrowArrayStream");
