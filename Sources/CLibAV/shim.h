#ifndef COGVLM_LIBAV_SHIM_H
#define COGVLM_LIBAV_SHIM_H

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

// Macros that Swift cannot see, as constants: libav's own return codes and the mark of a missing timestamp.
static inline int libav_error_end_of_file(void) { return AVERROR_EOF; }
static inline int libav_error_try_again(void) { return AVERROR(EAGAIN); }
static inline int libav_error_out_of_memory(void) { return AVERROR(ENOMEM); }
static inline int libav_error_invalid_argument(void) { return AVERROR(EINVAL); }
static inline int libav_error_input_output(void) { return AVERROR(EIO); }
static inline int libav_error_not_permitted(void) { return AVERROR(EPERM); }
static inline int libav_error_exit(void) { return AVERROR_EXIT; }
static inline int64_t libav_no_timestamp(void) { return AV_NOPTS_VALUE; }

#endif
