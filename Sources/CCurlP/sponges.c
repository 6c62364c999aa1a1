#include "sponges.h"

#include <stdlib.h>
#include <string.h>

static size_t rates_bytes(const curlp_sponges *sponges) {
    return sponges->width * sizeof(curlp_block);
}

curlp_sponges *curlp_sponges_create(curlp_path path, unsigned width) {
    if ((width != 1 && width != 256 && width != 512) || !curlp_path_runs(path)) return NULL;
    curlp_sponges *new = malloc(sizeof *new);
    if (new == NULL) return NULL;
    *new = (curlp_sponges){.path = lanes_path_for(path, width), .width = width};
    curlp_reset(&new->one);
    if (width == 1) return new;
    new->lanes = lanes_state_create(new->path, width);
    size_t state = lanes_state_bytes(new->lanes.words);
    new->rates = aligned_alloc(64, rates_bytes(new));
    new->fresh = aligned_alloc(64, state);
    if (new->lanes.planes == NULL || new->rates == NULL || new->fresh == NULL) {
        lanes_state_release(&new->lanes);
        free(new->rates);
        free(new->fresh);
        free(new);
        return NULL;
    }
    memset(new->rates, 0xFF, rates_bytes(new));
    memset(new->fresh, 0xFF, state);
    return new;
}

void curlp_sponges_release(curlp_sponges *sponges) {
    if (sponges == NULL) return;
    if (sponges->width > 1) {
        lanes_state_release(&sponges->lanes);
        curlp_wipe(sponges->rates, rates_bytes(sponges));
        curlp_wipe(sponges->fresh, lanes_state_bytes(sponges->lanes.words));
        free(sponges->rates);
        free(sponges->fresh);
    }
    curlp_wipe(sponges, sizeof *sponges);
    free(sponges);
}

/* The rate of one state, and back. */
static curlp_block rate_of_one(const curlp_sponges *sponges) {
    curlp_block rate;
    memcpy(rate.low, sponges->one.low, sizeof rate.low);
    memcpy(rate.high, sponges->one.high, sizeof rate.high);
    return rate;
}

static void take_in_one(curlp_sponges *sponges, unsigned rounds, const curlp_block *rate) {
    curlp_state_set_rate(&sponges->one, rate);
    sponges->path->permute(&sponges->one, rounds);
}

static void run_one(curlp_sponges *sponges, unsigned rounds, curlp_run *run) {
    if (run->fresh) curlp_reset(&sponges->one);
    run->fresh = false;
    while (run->count > 0) {
        curlp_block rate = rate_of_one(sponges);
        sponges->path->next_block(run, &rate);
        take_in_one(sponges, rounds, &rate);
    }
}

static void read_rates(curlp_sponges *sponges) {
    if (sponges->rates_are_read) return;
    sponges->path->to_blocks(sponges->lanes.planes, sponges->rates, sponges->lanes.words);
    sponges->rates_are_read = true;
}

/* Makes the states of the lanes zero whose runs say so. */
static void start_fresh(curlp_sponges *sponges, curlp_run *runs) {
    unsigned words = sponges->lanes.words;
    uint64_t mask[8] = {0};
    bool any = false;
    for (unsigned lane = 0; lane < sponges->width; lane++) {
        mask[lane / 64] |= (uint64_t)runs[lane].fresh << lane % 64;
        any |= runs[lane].fresh;
        runs[lane].fresh = false;
    }
    if (!any) return;
    for (size_t row = 0; row < 2 * STATE; row++) {
        for (unsigned word = 0; word < words; word++) {
            sponges->lanes.planes[row * words + word] |= mask[word];
        }
    }
    sponges->rates_are_read = false;
}

/* Lanes that are not among those alike take in a block each. */
static void take_apart(curlp_sponges *sponges, const alike_runs *alike, curlp_run *runs) {
    unsigned words = sponges->lanes.words;
    bool rates = false;
    /* The rates of those alike have to be there, too: planes are written whole. */
    for (unsigned word = 0; word < words; word++) rates |= alike->mask[word] != 0;
    for (unsigned lane = 0; lane < sponges->width; lane++) rates |= needs_rate(&runs[lane]);
    if (rates) read_rates(sponges);
    sponges->path->next_blocks(runs, sponges->rates, words, alike->mask);
    sponges->path->to_planes(sponges->rates, sponges->lanes.planes, words);
}

void curlp_sponges_run(curlp_sponges *sponges, unsigned rounds, curlp_run *runs) {
    if (sponges->width == 1) {
        run_one(sponges, rounds, runs);
        return;
    }
    start_fresh(sponges, runs);
    size_t blocks = SIZE_MAX;
    for (unsigned lane = 0; lane < sponges->width; lane++) {
        size_t count = (runs[lane].count + RATE - 1) / RATE;
        if (count > 0 && count < blocks) blocks = count;
    }
    if (blocks == SIZE_MAX) return;
    alike_runs alike;
    for (size_t block = 0; block < blocks; block++) {
        /* Only their last blocks can differ in length. */
        if (block == 0 || block + 1 == blocks) alike_find(&alike, sponges, runs);
        if (alike.others) take_apart(sponges, &alike, runs);
        if (alike.count > 0) alike_take(&alike, sponges, runs);
        lanes_permute(&sponges->lanes, rounds, ALL_TRITS);
        sponges->rates_are_read = false;
    }
}

/* A lane's words, as lanes_turn.h has them. */
static void get_block(const curlp_sponges *sponges, unsigned lane, curlp_block *block) {
    unsigned words = sponges->lanes.words;
    const uint64_t *from = sponges->rates + lane % 64 * words + lane / 64;
    for (size_t i = 0; i < 4; i++) {
        block->low[i] = from[i * 64 * words];
        block->high[i] = from[(4 + i) * 64 * words];
    }
}

static void set_block(curlp_sponges *sponges, unsigned lane, const curlp_block *block) {
    unsigned words = sponges->lanes.words;
    uint64_t *to = sponges->rates + lane % 64 * words + lane / 64;
    for (size_t i = 0; i < 4; i++) {
        to[i * 64 * words] = block->low[i];
        to[(4 + i) * 64 * words] = block->high[i];
    }
}

void curlp_sponges_rate(curlp_sponges *sponges, unsigned sponge, curlp_block *rate) {
    if (sponges->width == 1) {
        *rate = rate_of_one(sponges);
        return;
    }
    read_rates(sponges);
    get_block(sponges, sponge, rate);
}

static void chain_one(curlp_sponges *sponges, unsigned rounds, const curlp_chain *chain) {
    for (size_t time = 0; time < chain->times; time++) {
        curlp_reset(&sponges->one);
        take_in_one(sponges, rounds, chain->block);
        *chain->block = rate_of_one(sponges);
    }
}

/* Chains whose blocks are on their way from memory while one is taken in. */
enum { FETCHED_AHEAD = 16 };

/* As many chains as there are lanes, or fewer. */
static void chain_lanes(
    curlp_sponges *sponges, unsigned rounds, const curlp_chain *chains, unsigned count
) {
    unsigned words = sponges->lanes.words;
    for (unsigned lane = 0; lane < count; lane++) {
        /* Chains of one length lie far apart. */
        if (lane + FETCHED_AHEAD < count) __builtin_prefetch(chains[lane + FETCHED_AHEAD].block);
        set_block(sponges, lane, chains[lane].block);
    }
    sponges->path->to_planes(sponges->rates, sponges->fresh, words);
    /* The shortest chains are the last ones. */
    while (count > 0 && chains[count - 1].times == 0) count--;
    for (size_t time = 1; count > 0; time++) {
        lanes_permute_for_rate(&sponges->lanes, sponges->fresh, rounds);
        if (chains[count - 1].times > time) continue;
        sponges->path->to_blocks(sponges->fresh, sponges->rates, words);
        for (; count > 0 && chains[count - 1].times <= time; count--) {
            get_block(sponges, count - 1, chains[count - 1].block);
        }
    }
}

void curlp_sponges_chain(
    curlp_sponges *sponges, unsigned rounds, const curlp_chain *chains, size_t count
) {
    for (size_t from = 0; from < count; from += sponges->width) {
        size_t rest = count - from;
        if (sponges->width == 1) chain_one(sponges, rounds, &chains[from]);
        else chain_lanes(
            sponges, rounds, chains + from,
            rest < sponges->width ? (unsigned)rest : sponges->width);
    }
    sponges->rates_are_read = false;
}
