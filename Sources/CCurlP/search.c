/*
 * Proof of work in lanes. All lanes have the same state but for their nonces: the first trits of
 * the nonce tell the lanes apart, the last ones the parts of a search, and those between are a
 * counter that is the same in all lanes, so that going on costs a trit or two in all.
 *
 * Of what the permutation gives, only the last few trits of the rate are looked at. What these
 * depend on lies close together in the order of lanes_rounds.h, so that of the last rounds
 * nearly nothing is computed.
 */

#include "lanes.h"

#include <stdlib.h>
#include <string.h>

/* Trits that tell 512 lanes apart, and 27 parts. */
enum { LANE_TRITS = 6, PART_TRITS = 3 };

struct curlp_search {
    lanes_state state;
    /* What is permuted, `state` being where that goes on, and what comes out. */
    uint64_t *start, *result;
    unsigned nonce, zeros;
    int8_t counter[CURLP_RATE_TRITS];
};

static void set_trit(curlp_search *search, unsigned place, unsigned lane, int8_t trit) {
    uint64_t *low = search->start + (size_t)place * 2 * search->state.words + lane / 64;
    uint64_t *high = low + search->state.words, bit = UINT64_C(1) << lane % 64;
    *low = trit > 0 ? *low & ~bit : *low | bit;
    *high = trit < 0 ? *high & ~bit : *high | bit;
}

static void set_trit_of_all(curlp_search *search, unsigned place, int8_t trit) {
    size_t size = search->state.words * sizeof(uint64_t);
    uint64_t *low = search->start + (size_t)place * 2 * search->state.words;
    memset(low, trit > 0 ? 0 : 0xFF, size);
    memset(low + search->state.words, trit < 0 ? 0 : 0xFF, size);
}

/* The digit of a number in base 3, one less. */
static int8_t digit(unsigned number, unsigned place) {
    while (place-- > 0) number /= 3;
    return (int8_t)(number % 3) - 1;
}

static unsigned nonce_start(const curlp_search *search) {
    return RATE - search->nonce;
}

/* The trits between those of lanes and of parts. */
static unsigned counter_count(const curlp_search *search) {
    return search->nonce - LANE_TRITS - PART_TRITS;
}

static void begin(curlp_search *search, const int8_t *state, unsigned part) {
    for (unsigned place = 0; place < STATE; place++) set_trit_of_all(search, place, state[place]);
    unsigned lanes = 64 * search->state.words, first = nonce_start(search);
    for (unsigned lane = 0; lane < lanes; lane++) {
        for (unsigned i = 0; i < LANE_TRITS; i++) {
            set_trit(search, first + i, lane, digit(lane, i));
        }
    }
    for (unsigned i = 0; i < counter_count(search); i++) {
        set_trit_of_all(search, first + LANE_TRITS + i, 0);
    }
    for (unsigned i = 0; i < PART_TRITS; i++) {
        set_trit_of_all(search, RATE - PART_TRITS + i, digit(part, i));
    }
}

/* Balanced ternary counting; after the largest number comes the smallest. */
static void count_on(curlp_search *search) {
    unsigned first = nonce_start(search) + LANE_TRITS;
    for (unsigned i = 0; i < counter_count(search); i++) {
        bool carries = search->counter[i] == 1;
        search->counter[i] = carries ? -1 : (int8_t)(search->counter[i] + 1);
        set_trit_of_all(search, first + i, search->counter[i]);
        if (!carries) return;
    }
}

/* The first lane whose rate ends as it should; as many as there are lanes if none does. */
static unsigned find(const curlp_search *search) {
    unsigned words = search->state.words;
    for (unsigned word = 0; word < words; word++) {
        uint64_t fit = ~UINT64_C(0);
        for (unsigned place = RATE - search->zeros; place < RATE && fit != 0; place++) {
            const uint64_t *low = search->result + (size_t)place * 2 * words + word;
            fit &= low[0] & low[words];
        }
        if (fit != 0) return 64 * word + (unsigned)__builtin_ctzll(fit);
    }
    return 64 * words;
}

static void read_nonce(const curlp_search *search, unsigned lane, int8_t *nonce) {
    unsigned words = search->state.words;
    for (unsigned i = 0; i < search->nonce; i++) {
        const uint64_t *low =
            search->start + (size_t)(nonce_start(search) + i) * 2 * words + lane / 64;
        int high = (int)(low[words] >> lane % 64 & 1);
        nonce[i] = (int8_t)(high - (int)(low[0] >> lane % 64 & 1));
    }
}

curlp_search *curlp_search_create(
    curlp_path path, unsigned lanes, const int8_t *state, unsigned nonce, unsigned zeros,
    unsigned part
) {
    if ((lanes != 256 && lanes != 512) || !curlp_path_runs(path)) return NULL;
    if (nonce < CURLP_SEARCH_LEAST_NONCE || nonce > RATE || zeros > RATE) return NULL;
    if (part >= CURLP_SEARCH_PARTS) return NULL;
    curlp_search *search = calloc(1, sizeof *search);
    if (search == NULL) return NULL;
    search->state = lanes_state_create(lanes_path_for(path, lanes), lanes);
    search->start = aligned_alloc(64, 2 * lanes_state_bytes(lanes / 64));
    if (search->state.planes == NULL || search->start == NULL) {
        curlp_search_release(search);
        return NULL;
    }
    search->result = search->start + lanes_state_bytes(lanes / 64) / sizeof *search->start;
    search->nonce = nonce;
    search->zeros = zeros;
    begin(search, state, part);
    return search;
}

void curlp_search_release(curlp_search *search) {
    if (search == NULL) return;
    lanes_state_release(&search->state);
    free(search->start);
    free(search);
}

bool curlp_search_run(curlp_search *search, unsigned rounds, size_t times, int8_t *found) {
    for (size_t i = 0; i < times; i++) {
        lanes_permute_for_part(
            &search->state, search->start, search->result, rounds, RATE - search->zeros, RATE);
        unsigned lane = find(search);
        if (lane < 64 * search->state.words) {
            read_nonce(search, lane, found);
            count_on(search);
            return true;
        }
        count_on(search);
    }
    return false;
}
