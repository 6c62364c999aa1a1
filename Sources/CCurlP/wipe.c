#include "curlp.h"

void curlp_wipe(void *memory, size_t count) {
    volatile unsigned char *bytes = memory;
    while (count--) *bytes++ = 0;
}
