// The kernels in plain C, compiled once for each instruction set: the including file defines COG_KERNEL
// (storage class and target attribute).

#include "elementwise.h"
// After elementwise.h:
#include "conversions.h"
#include "panels.h"
#include "activations.h"
#include "plain_matvec.h"
#include "plain_attention.h"
// After panels.h:
#include "panel_tile.h"
// After panel_tile.h:
#include "panel_rounding.h"
// After panel_rounding.h:
#include "panel_packing.h"
#include "panel_scales.h"
// After both:
#include "panel_quantizer.h"
// After panel_tile.h:
#include "attention_products.h"
#include "block_attention.h"
// After block_attention.h:
#include "short_attention.h"
