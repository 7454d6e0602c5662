// The x86 intrinsics. A scratch build that defines COG_SIMDE supplies them itself (-include), as SIMDe's
// plain C: so a machine without VNNI can still compare these sources with the portable ones. The package
// never defines it.

#if defined(COG_SIMDE)
#define COG_TARGET(features)
#else
#include <immintrin.h>
#define COG_TARGET(features) __attribute__((target(features)))
#endif
