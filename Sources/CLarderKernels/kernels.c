#include "CLarderKernels.h"
