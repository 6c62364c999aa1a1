#pragma once

#include <sodium.h>

/* prctl takes a variable number of arguments, which Swift cannot call. */
#if defined(__linux__)
#include <sys/prctl.h>
static inline int pmn_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
#else
static inline int pmn_forbid_dumps(void) { return 0; }
#endif
