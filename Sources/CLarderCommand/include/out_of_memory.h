// What the command does where the system gives no memory.
#ifndef CLARDERCOMMAND_OUT_OF_MEMORY_H
#define CLARDERCOMMAND_OUT_OF_MEMORY_H

#include <stddef.h>

/// Ends the process with exit code 7, which is that of a limit, and says why. It takes no memory and
/// no lock.
_Noreturn void larder_out_of_memory(size_t bytes);

#endif
