// The table of each instruction set; a file that does not fit the processor family defines none.

#include "CKernels.h"

extern const CogKernels cog_portable_kernels;
#if defined(__x86_64__)
extern const CogKernels cog_avx2_kernels;
extern const CogKernels cog_avx_vnni_kernels;
extern const CogKernels cog_avx512_vnni_kernels;
#elif defined(__aarch64__)
extern const CogKernels cog_neon_kernels;
#endif
