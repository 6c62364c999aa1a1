#include "lanes.h"

#include <stdlib.h>
#include <string.h>

struct curlp_lanes {
    lanes_state state;
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
const lanes_path *lanes_path_for(curlp_path path, unsigned lanes) {
#if defined(__x86_64__)
    if (path == CURLP_AVX512 && lanes == 512) return &lanes_avx512;
    if (path != CURLP_PLAIN) return &lanes_avx2;
#endif
    (void)path;
    (void)lanes;
    return &lanes_plain;
}

size_t lanes_state_bytes(unsigned words) {
    return (size_t)STATE * 2 * words * sizeof(uint64_t);
}

lanes_state lanes_state_create(const lanes_path *path, unsigned lanes) {
    unsigned words = lanes / 64;
    uint64_t *memory = aligned_alloc(64, 2 * lanes_state_bytes(words));
    lanes_state state = {path, words, memory, NULL};
    if (memory == NULL) return state;
    state.other = memory + lanes_state_bytes(words) / sizeof *memory;
    lanes_state_reset(&state);
    return state;
}

void lanes_state_reset(lanes_state *state) {
    memset(state->planes, 0xFF, lanes_state_bytes(state->words));
}

void lanes_state_release(lanes_state *state) {
    if (state->planes == NULL) return;
    uint64_t *memory = state->planes < state->other ? state->planes : state->other;
    curlp_wipe(memory, 2 * lanes_state_bytes(state->words));
    free(memory);
}

static void swap_planes(lanes_state *state) {
    uint64_t *old = state->planes;
    state->planes = state->other;
    state->other = old;
}

/* 27 rounds are 3 + 6 * 4; of the multiples of 27, none takes more than three times 3. */
static unsigned fused(unsigned rounds) {
    return rounds % 4 == 0 ? 4 : 3;
}

static void pass(lanes_state *state, unsigned rounds, unsigned from, unsigned end) {
    state->path->rounds(state->planes, state->other, state->words, rounds, from, end);
    swap_planes(state);
}

void lanes_permute(lanes_state *state, unsigned rounds, lanes_needed needed) {
    while (rounds > 0) {
        unsigned together = fused(rounds);
        rounds -= together;
        /* Whole rows of sixteen are faster than single trits. */
        unsigned from = needed == ALL_BUT_RATE && rounds == 0 ? RATE / 16 * 16 : 0;
        pass(state, together, from, STATE);
    }
}

/*
 * To write new[from] to new[end - 1], four rounds read y_k from k = from - 2 to end + 4, which
 * are u_k from k = from - 10 on in strides of 319. Of sixteen of these, each is the next place of
 * what one sixteen before it was: so they lie in sixteen runs, and the pass before needs to write
 * no more than these. For a rate of 243, where they have 16 or 17 places, the two passes cost a
 * third and less than a half of whole ones; for its end alone next to nothing.
 */
static void pass_for_strided(lanes_state *state, unsigned from, unsigned end) {
    enum { STREAMS = 16, BEFORE = 10, AFTER = 4 };
    for (unsigned stream = 0; stream < STREAMS; stream++) {
        /* k = stream + 16 q; the least q is -1 or more, so that one more is no less than 0. */
        unsigned least = (from + STREAMS - BEFORE + STREAMS - 1 - stream) / STREAMS;
        unsigned beyond = (end + STREAMS + AFTER - stream) / STREAMS + 1;
        unsigned place = stream * 319 % STATE + STATE - 1;
        if (least >= beyond) continue;
        /* No run crosses the end of the state: the last places are 684 and 16 more. */
        unsigned first = (place + least) % STATE;
        state->path->rounds(
            state->planes, state->other, state->words, 4, first, first + beyond - least);
    }
    swap_planes(state);
}

void lanes_permute_for_part(
    lanes_state *state, const uint64_t *start, uint64_t *result, unsigned rounds, unsigned from,
    unsigned end
) {
    unsigned together = fused(rounds);
    state->path->rounds(start, state->planes, state->words, together, 0, STATE);
    for (rounds -= together; rounds > 8; rounds -= together) {
        together = fused(rounds);
        pass(state, together, 0, STATE);
    }
    pass_for_strided(state, from, end);
    state->path->rounds(state->planes, result, state->words, 4, from, end);
}

void lanes_permute_for_rate(lanes_state *state, uint64_t *start, unsigned rounds) {
    lanes_permute_for_part(state, start, start, rounds, 0, RATE);
}

curlp_lanes *curlp_lanes_create(curlp_path path, unsigned lanes) {
    if ((lanes != 256 && lanes != 512) || !curlp_path_runs(path)) return NULL;
    curlp_lanes *new = malloc(sizeof *new);
    if (new == NULL) return NULL;
    new->state = lanes_state_create(lanes_path_for(path, lanes), lanes);
    if (new->state.planes == NULL) {
        free(new);
        return NULL;
    }
    return new;
}

void curlp_lanes_reset(curlp_lanes *lanes) {
    lanes_state_reset(&lanes->state);
}

void curlp_lanes_release(curlp_lanes *lanes) {
    if (lanes == NULL) return;
    lanes_state_release(&lanes->state);
    free(lanes);
}

void curlp_lanes_load(curlp_lanes *lanes, const curlp_rows *rows, size_t from, size_t count) {
    const uint8_t *bytes[MOST_LANES];
    if (rows->count == 0) return;
    for (size_t lane = 0; lane < 64 * lanes->state.words; lane++) {
        /* Lanes without a row get the last one. */
        size_t row = lane < rows->count ? lane : rows->count - 1;
        bytes[lane] = rows->bytes + row * rows->length;
    }
    lane_rows all = {bytes, rows->length, rows->format};
    lanes->state.path->load(lanes->state.planes, lanes->state.words, &all, from, count);
}

void curlp_lanes_permute(curlp_lanes *lanes, unsigned rounds) {
    lanes_permute(&lanes->state, rounds, ALL_TRITS);
}

void curlp_lanes_absorb(
    curlp_lanes *lanes, unsigned rounds, const curlp_rows *rows, size_t count
) {
    for (size_t from = 0; from < count; from += RATE) {
        curlp_lanes_load(lanes, rows, from, count - from < RATE ? count - from : RATE);
        /* The next block overwrites the rate, if it is a whole one. */
        bool whole = from + 2 * RATE <= count;
        lanes_permute(&lanes->state, rounds, whole ? ALL_BUT_RATE : ALL_TRITS);
    }
}

void curlp_lanes_read(const curlp_lanes *lanes, uint8_t *trytes, size_t length, size_t rows) {
    uint8_t *places[MOST_LANES];
    for (size_t lane = 0; lane < 64 * lanes->state.words; lane++) {
        places[lane] = lane < rows ? trytes + lane * length : NULL;
    }
    lanes->state.path->read(lanes->state.planes, lanes->state.words, places, length);
}
