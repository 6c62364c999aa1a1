/*
 * For 512 lanes: only AVX-512 has vectors of 64 bytes, and an instruction for any logic of
 * three operands, which the s-box takes two of.
 */

#if defined(__x86_64__)

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl"))), apply_to = function)
#define COLUMN_BYTES 64
#define LANES_PATH lanes_avx512
#include "lanes_path.h"
#pragma clang attribute pop

#endif
