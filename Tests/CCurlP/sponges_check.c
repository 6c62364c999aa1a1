/*
 * Compares sponges that go their own way, on every path that this CPU can take, with the truth
 * table of Curl-P. Run by check.sh under the address and undefined-behaviour sanitizers; all
 * that is read or written stands in memory of just its size.
 */

#include "curlp.h"

#include "check.h"

enum { MOST_TRITS = 1000 };

/* What is given to a sponge, and what must come out. */
typedef struct {
    uint8_t *bytes, *trytes;
    curlp_block *blocks;
    int8_t plain[MOST_TRITS], rate[RATE];
    size_t count;
} expectation;

static curlp_block block_of(const int8_t *trits) {
    curlp_block block = {0};
    for (size_t i = 0; i < RATE; i++) {
        block.low[i / 64] |= (uint64_t)(trits[i] <= 0) << i % 64;
        block.high[i / 64] |= (uint64_t)(trits[i] >= 0) << i % 64;
    }
    return block;
}

/* What runs can have in common. */
typedef struct {
    curlp_format format;
    size_t from, count;
    bool masked, fresh;
} form;

/* Any format, offset and length. */
static form any_form(void) {
    static const curlp_format formats[] = {CURLP_TRYTES, CURLP_T5B1, CURLP_BLOCKS};
    form any = {
        .format = formats[random_below(3)], .from = random_below(20),
        .count = 1 + random_below(random_below(2) ? 300 : 730), .masked = random_below(2) == 1,
        .fresh = random_below(4) == 0,
    };
    if (any.format == CURLP_BLOCKS) {
        any.from = RATE * random_below(2);
        any.count = RATE * (1 + random_below(2));
    }
    return any;
}

static curlp_run begin(expectation *expected, int8_t state[STATE], form form) {
    curlp_format format = form.format;
    size_t from = form.from, count = form.count;
    bool masked = form.masked, fresh = form.fresh;
    int8_t trits[MOST_TRITS + STATE] = {0};
    for (size_t i = 0; i < from + count; i++) trits[i] = (int8_t)((int)random_below(3) - 1);
    size_t length = (from + count + (size_t)format - 1) / (size_t)format;
    if (format == CURLP_BLOCKS) length *= sizeof(curlp_block);
    expected->bytes = malloc(length);
    if (format == CURLP_BLOCKS) {
        for (size_t i = 0; i * RATE < from + count; i++) {
            curlp_block block = block_of(trits + i * RATE);
            memcpy(expected->bytes + i * sizeof block, &block, sizeof block);
        }
    } else {
        bytes_of(trits, from + count, format, expected->bytes);
    }
    expected->trytes = malloc((count + 2) / 3);
    expected->blocks = malloc((count + RATE - 1) / RATE * sizeof(curlp_block));
    expected->count = count;
    if (fresh) memset(state, 0, STATE);
    for (size_t start = 0; start < count; start += RATE) {
        size_t size = count - start < RATE ? count - start : RATE;
        for (size_t i = 0; i < size; i++) {
            int trit = trits[from + start + i] - (masked ? state[i] : 0);
            state[i] = (int8_t)(trit > 1 ? trit - 3 : trit < -1 ? trit + 3 : trit);
        }
        memcpy(expected->plain + start, state, size);
        permute_by_table(state, 27);
    }
    memcpy(expected->rate, state, RATE);
    return (curlp_run){
        .bytes = expected->bytes, .length = length, .from = from, .count = count,
        .format = format, .fresh = fresh, .masked = masked, .trytes = expected->trytes,
        .blocks = expected->blocks,
    };
}

static void compare(const expectation *expected, const curlp_block *rate, unsigned width) {
    int8_t trits[RATE];
    curlp_block_trits(rate, 0, trits, RATE);
    if (memcmp(trits, expected->rate, RATE) != 0) fail("a rate", 0, width, 0, expected->count);
    size_t count = expected->count;
    for (size_t i = 0; i < count; i += 3) {
        if (expected->trytes[i / 3] != character(expected->plain + i, count - i)) {
            fail("a character", 0, width, i, count);
        }
    }
    for (size_t i = 0; i < count; i++) {
        int8_t trit;
        curlp_block_trits(&expected->blocks[i / RATE], i % RATE, &trit, 1);
        if (trit != expected->plain[i]) fail("a block", 0, width, i, count);
    }
    free(expected->bytes);
    free(expected->trytes);
    free(expected->blocks);
}

/* With `alike`, most sponges take in runs of the same forms, one after the other. */
static void check_runs(curlp_path path, unsigned width, unsigned each, bool alike) {
    curlp_sponges *sponges = curlp_sponges_create(path, width);
    curlp_run *runs = calloc(width, sizeof *runs);
    expectation *expected = calloc(width, sizeof *expected);
    int8_t(*states)[STATE] = calloc(width, STATE);
    unsigned *left = calloc(width, sizeof *left), busy = width;
    form *forms = calloc(each + 1, sizeof *forms);
    for (unsigned i = 0; i <= each; i++) forms[i] = any_form();
    if (sponges == NULL) fail("creation", (int)path, width, 0, 0);
    for (unsigned i = 0; i < width; i++) {
        left[i] = alike ? each : 1 + random_below(each);
        form first = alike && random_below(8) > 0 ? forms[left[i]] : any_form();
        first.fresh = true;
        runs[i] = begin(&expected[i], states[i], first);
    }
    while (busy > 0) {
        curlp_sponges_run(sponges, 27, runs);
        for (unsigned i = 0; i < width; i++) {
            if (left[i] == 0 || runs[i].count > 0) continue;
            curlp_block rate;
            curlp_sponges_rate(sponges, i, &rate);
            compare(&expected[i], &rate, width);
            if (--left[i] == 0) {
                busy--;
                continue;
            }
            form next = alike && random_below(16) > 0 ? forms[left[i]] : any_form();
            runs[i] = begin(&expected[i], states[i], next);
        }
    }
    curlp_sponges_release(sponges);
    free(runs);
    free(expected);
    free(states);
    free(left);
    free(forms);
}

static void check_chains(curlp_path path, unsigned width, size_t count) {
    curlp_sponges *sponges = curlp_sponges_create(path, width);
    curlp_block *blocks = malloc(count * sizeof *blocks);
    curlp_chain *chains = malloc(count * sizeof *chains);
    int8_t(*states)[STATE] = calloc(count, STATE);
    if (sponges == NULL) fail("creation", (int)path, width, 0, 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < RATE; j++) states[i][j] = (int8_t)((int)random_below(3) - 1);
        blocks[i] = block_of(states[i]);
        chains[i] = (curlp_chain){&blocks[i], (count - i) * 26 / count};
        for (size_t time = 0; time < chains[i].times; time++) {
            memset(states[i] + RATE, 0, STATE - RATE);
            permute_by_table(states[i], 27);
        }
    }
    curlp_sponges_chain(sponges, 27, chains, count);
    for (size_t i = 0; i < count; i++) {
        int8_t trits[RATE];
        curlp_block_trits(&blocks[i], 0, trits, RATE);
        if (memcmp(trits, states[i], RATE) != 0) fail("a chain", (int)path, width, i, count);
    }
    curlp_sponges_release(sponges);
    free(blocks);
    free(chains);
    free(states);
}

int main(void) {
    unsigned checks = 0;
    for (curlp_path path = CURLP_PLAIN; path <= CURLP_AVX512; path++) {
        if (!curlp_path_runs(path)) continue;
        check_runs(path, 1, 200, false);
        check_runs(path, 256, 3, false);
        check_runs(path, 512, 2, false);
        for (unsigned time = 0; time < 4; time++) check_runs(path, 256, 4, true);
        check_runs(path, 512, 3, true);
        check_chains(path, 1, 20);
        check_chains(path, 256, 270);
        check_chains(path, 512, 100);
        checks += 11;
    }
    printf("%u comparisons of sponges agree\n", checks);
    return checks > 0 ? 0 : 1;
}
