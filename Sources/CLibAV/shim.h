#ifndef COGVLM_LIBAV_SHIM_H
#define COGVLM_LIBAV_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

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

// What differs between FFmpeg 5.1 and 9 is told apart here, so that Swift sees one of it.

// Whether decoding can start from a frame: a field of its own until libavutil 58.7, a flag since.
static inline bool libav_frame_is_keyframe(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (frame->flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame->key_frame != 0;
#endif
}

// Makes a frame begin a number of rows further down; the caller sets its height. The number is a multiple of
// what chroma planes are divided by.
static inline void libav_frame_skip_rows(AVFrame *frame, int rows) {
  const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
  if (format == NULL) return;
  for (int plane = 0; plane < 4 && frame->data[plane] != NULL; plane++) {
    const bool is_palette = plane == 1 && (format->flags & AV_PIX_FMT_FLAG_PAL) != 0;
    const bool is_chroma = (plane == 1 || plane == 2) && (format->flags & AV_PIX_FMT_FLAG_RGB) == 0;
    if (is_palette) continue;
    const int own_rows = rows >> (is_chroma ? format->log2_chroma_h : 0);
    frame->data[plane] += (ptrdiff_t)frame->linesize[plane] * own_rows;
  }
}

// The payload of a kind of side data that a file has for a whole stream, or NULL: kept with the stream until
// libavformat 60.15, with its codec parameters since.
static inline const uint8_t *libav_stream_side_data(
    const AVStream *stream, enum AVPacketSideDataType type, size_t *size) {
  *size = 0;
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData *found =
      av_packet_side_data_get(stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, type);
  if (found == NULL) return NULL;
  *size = found->size;
  return found->data;
#else
  return av_stream_get_side_data(stream, type, size);
#endif
}

// Takes the EXIF data out of a PNG file: since libavcodec 62 its decoder refuses a picture for such that make
// no sense. What they say is read elsewhere.
static inline void libav_png_drop_exif(AVPacket *packet) {
#if LIBAVCODEC_VERSION_MAJOR >= 62
  const int signature = 8, frame = 12;
  if (packet->size < signature || av_packet_make_writable(packet) < 0) return;
  uint8_t *data = packet->data;
  int kept = signature, next = signature;
  while (packet->size - next >= frame) {
    const uint8_t *chunk = data + next;
    const uint32_t length = (uint32_t)chunk[0] << 24 | chunk[1] << 16 | chunk[2] << 8 | chunk[3];
    if (length > (uint32_t)(packet->size - next - frame)) break;
    const int size = (int)length + frame;
    if (memcmp(chunk + 4, "eXIf", 4) != 0) {
      if (kept != next) memmove(data + kept, chunk, (size_t)size);
      kept += size;
    }
    next += size;
  }
  if (kept == next) return;
  memmove(data + kept, data + next, (size_t)(packet->size - next));
  av_shrink_packet(packet, packet->size - (next - kept));
#endif
}

// Whether a reader of containers logs a message.
static inline bool libav_log_is_container(void *source) {
  return source != NULL && *(const AVClass **)source == avformat_get_class();
}

// A context of libswscale. Its struct is known since libswscale 8.3 and its flags have a type since 9.0: here
// it is always opaque, and what is set are numbers.
typedef struct libav_scaler libav_scaler;

static inline struct SwsContext *libav_scaler_context(libav_scaler *scaler) {
  return (struct SwsContext *)scaler;
}

static inline libav_scaler *libav_scaler_alloc(void) { return (libav_scaler *)sws_alloc_context(); }

static inline void libav_scaler_free(libav_scaler *scaler) { sws_freeContext(libav_scaler_context(scaler)); }

static inline int libav_scaler_set(libav_scaler *scaler, const char *option, int64_t value) {
  return av_opt_set_int(scaler, option, value, 0);
}

static inline int64_t libav_scaler_bilinear(void) { return SWS_BILINEAR; }

// Where the chroma rows of a format lie, for the option "src_v_chr_pos".
//
// Until libswscale 9, an image whose rows are not scaled gets from the nearest chroma row, or the mean of
// two, and decord with it; since then from both by their distance. From this position that is the same, but
// for the last row, and odd numbers of rows.
static inline int64_t libav_scaler_chroma_rows(enum AVPixelFormat format, bool scales_rows) {
#if LIBSWSCALE_VERSION_MAJOR >= 9
  const AVPixFmtDescriptor *known = av_pix_fmt_desc_get(format);
  if (!scales_rows && known != NULL && known->log2_chroma_h == 1) return 256;
#endif
  // As vf_scale does: chroma rows lie half way between luma rows in 4:2:0. -513 stands for "not known".
  return format == AV_PIX_FMT_YUV420P ? 128 : -513;
}

static inline int libav_scaler_open(libav_scaler *scaler) {
  return sws_init_context(libav_scaler_context(scaler), NULL, NULL);
}

// Sets the matrix that pixels are converted by (`AVColorSpace`), and whether they take the full range, or
// with -1 leaves the range. Returns a negative number for formats that have no matrix, such as RGB.
static inline int libav_scaler_set_colors(libav_scaler *scaler, int matrix, int is_full_range) {
  struct SwsContext *context = libav_scaler_context(scaler);
  int *inverse, *table;
  int source_range, target_range, brightness, contrast, saturation;
  const int status = sws_getColorspaceDetails(
      context, &inverse, &source_range, &table, &target_range, &brightness, &contrast, &saturation);
  if (status < 0) return status;
  const int *coefficients = sws_getCoefficients(matrix);
  if (is_full_range >= 0) source_range = is_full_range;
  return sws_setColorspaceDetails(
      context, coefficients, source_range, coefficients, target_range, brightness, contrast, saturation);
}

static inline int libav_scaler_scale(libav_scaler *scaler, AVFrame *target, const AVFrame *source) {
  return sws_scale_frame(libav_scaler_context(scaler), target, source);
}

#endif
