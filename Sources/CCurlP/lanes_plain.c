/* For any CPU that has vectors of 16 bytes, as x86-64 and arm64 do; others get by without. */

#define COLUMN_BYTES 16
#define LANES_PATH lanes_plain
#include "lanes_path.h"
