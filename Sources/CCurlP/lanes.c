#include "lanes.h"

#include <stdlib.h>
#include <string.h>

/* `other` is where a pass writes to; then the two change places. */
struct curlp_lanes {
    const lanes_path *path;
    unsigned words;
    uint64_t *planes, *other;
};

bool curlp_path_runs(curlp_path path) {
    switch (path) {
    case CURLP_PLAIN: return true;
#if defined(__x86_64__)
    case CURLP_AVX2: return __builtin_cpu_supports("avx2");
    case CURLP_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl");
#endif
    default: return false;
    }
}

curlp_path curlp_best_path(void) {
    static const struct {
        const char *name;
        curlp_path path;
    } paths[] = {{"avx512", CURLP_AVX512}, {"avx2", CURLP_AVX2}, {"plain", CURLP_PLAIN}};
    enum { COUNT = sizeof paths / sizeof paths[0] };
    const char *wanted = getenv("PERMANODE_CURLP");
    for (int i = 0; wanted != NULL && i < COUNT; i++) {
        if (strcmp(wanted, paths[i].name) == 0 && curlp_path_runs(paths[i].path)) {
            return paths[i].path;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        if (curlp_path_runs(paths[i].path)) return paths[i].path;
    }
    return CURLP_PLAIN;
}

/* A vector of AVX-512 is more than 256 lanes; whatever has it has AVX2 too. */
static const lanes_path *path_for(curlp_path path, unsigned lanes) {
#if defined(__x86_64__)
    if (path == CURLP_AVX512 && lanes == 512) return &lanes_avx512;
    if (path != CURLP_PLAIN) return &lanes_avx2;
#endif
    (void)path;
    (void)lanes;
    return &lanes_plain;
}

static size_t state_bytes(unsigned words) {
    return (size_t)STATE * 2 * words * sizeof(uint64_t);
}

curlp_lanes *curlp_lanes_create(curlp_path path, unsigned lanes) {
    if ((lanes != 256 && lanes != 512) || !curlp_path_runs(path)) return NULL;
    unsigned words = lanes / 64;
    curlp_lanes *new = malloc(sizeof *new);
    uint64_t *memory = aligned_alloc(64, 2 * state_bytes(words));
    if (new == NULL || memory == NULL) {
        free(new);
        free(memory);
        return NULL;
    }
    *new = (curlp_lanes){
        path_for(path, lanes), words, memory, memory + state_bytes(words) / sizeof *memory
    };
    curlp_lanes_reset(new);
    return new;
}

void curlp_lanes_reset(curlp_lanes *lanes) {
    memset(lanes->planes, 0xFF, state_bytes(lanes->words));
}

void curlp_lanes_release(curlp_lanes *lanes) {
    if (lanes == NULL) return;
    uint64_t *memory = lanes->planes < lanes->other ? lanes->planes : lanes->other;
    curlp_wipe(memory, 2 * state_bytes(lanes->words));
    free(memory);
    free(lanes);
}

void curlp_lanes_load(curlp_lanes *lanes, const curlp_rows *rows, size_t from, size_t count) {
    lanes->path->load(lanes->planes, lanes->words, rows, from, count);
}

/* 27 rounds are 3 + 6 * 4; of the multiples of 27, none takes more than three times 3. */
void curlp_lanes_permute(curlp_lanes *lanes, unsigned rounds) {
    while (rounds > 0) {
        unsigned fused = rounds % 4 == 0 ? 4 : 3;
        lanes->path->rounds(lanes->planes, lanes->other, lanes->words, fused);
        uint64_t *old = lanes->planes;
        lanes->planes = lanes->other;
        lanes->other = old;
        rounds -= fused;
    }
}

void curlp_lanes_absorb(
    curlp_lanes *lanes, unsigned rounds, const curlp_rows *rows, size_t count
) {
    for (size_t from = 0; from < count; from += RATE) {
        curlp_lanes_load(lanes, rows, from, count - from < RATE ? count - from : RATE);
        curlp_lanes_permute(lanes, rounds);
    }
}

void curlp_lanes_read(const curlp_lanes *lanes, uint8_t *trytes, size_t length, size_t rows) {
    lanes->path->read(lanes->planes, lanes->words, trytes, length, rows);
}
