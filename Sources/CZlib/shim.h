#pragma once

#include <zlib.h>

/* deflateInit2 is a macro. 16 more than the window's bits stand for a gzip header and trailer. */
static inline int gzip_start(
    z_stream *stream, int level, int window_bits, int memory_level) {
    return deflateInit2(
        stream, level, Z_DEFLATED, window_bits + 16, memory_level, Z_DEFAULT_STRATEGY);
}

/* The same for inflateInit2; the window is as large as a member says. */
static inline int gunzip_start(z_stream *stream) { return inflateInit2(stream, MAX_WBITS + 16); }

/* Goes on to the next member. */
static inline int gunzip_again(z_stream *stream) { return inflateReset(stream); }
