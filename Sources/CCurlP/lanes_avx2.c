#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define COLUMN_BYTES 32
#define KEEP_IN_MEMORY
#define LANES_PATH lanes_avx2
#include "lanes_path.h"
#pragma clang attribute pop

#endif
