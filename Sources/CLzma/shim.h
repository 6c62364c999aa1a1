#pragma once

#include <lzma.h>

/* The flag and the presets are macros that Swift does not see. Streams that follow each other, and the
   padding after them, are read as one. */
static inline lzma_ret xz_read_start(lzma_stream *stream, uint64_t memory_limit) {
    return lzma_stream_decoder(stream, memory_limit, LZMA_CONCATENATED);
}

static inline lzma_ret xz_write_start(lzma_stream *stream, uint32_t preset) {
    return lzma_easy_encoder(stream, preset, LZMA_CHECK_CRC64);
}
