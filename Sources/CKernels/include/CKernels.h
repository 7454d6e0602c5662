// The kernels' interface, one header for each subject.
//
// Pointers to bytes of a file may be unaligned.

#ifndef CKERNELS_H
#define CKERNELS_H

#include "CogAttention.h"
#include "CogBackends.h"
#include "CogFeedback.h"
#include "CogKernels.h"
#include "CogLimits.h"
#include "CogPanels.h"
#include "CogProcessor.h"
#include "CogProducts.h"
#include "CogStatistics.h"

#endif
