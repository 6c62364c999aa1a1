#ifndef CURLP_H
#define CURLP_H

#include <stddef.h>

/* Overwrites memory that held a secret, in a way the compiler may not leave out. */
void curlp_wipe(void *memory, size_t count);

#endif
