/* The kernels for any processor: NEON on ARM, single floats elsewhere. */
#define RUN bytesim_run_plain
#include "ops.h"
