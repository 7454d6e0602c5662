// The processor at hand: what it is called, and what fits its family.

#ifndef COG_PROCESSOR_H
#define COG_PROCESSOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum CogVendor { COG_OTHER_VENDOR = 0, COG_INTEL = 1, COG_AMD = 2 } CogVendor;

/// A family of processors, as x86 names them.
typedef struct CogProcessorFamily {
  CogVendor vendor;
  unsigned number;  ///< base and extended family together: AMD's Zen 4 is 25, Zen 5 26; 0 elsewhere
} CogProcessorFamily;

/// The one that this process runs on.
CogProcessorFamily cog_processor_family(void);

/// How many bytes before their use a family wants weights to be asked for, where a product has few tokens and
/// memory is what limits it; 0 where nothing is to be asked for.
size_t cog_bytes_ahead(CogProcessorFamily family);

/// Processors that this process may run on, at least 1.
size_t cog_processor_count(void);

/// Lets a thread that waits in a loop leave the processor's execution units to others for a moment.
static inline void cog_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#endif
