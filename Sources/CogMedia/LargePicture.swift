import CLibAV
import CogBase

/// A frame too large to be held as an image beside what the decoder holds: a photo of 108 million pixels has
/// 324 MB as RGB. Its rows are converted in bands, and what is wanted is taken from them.
struct LargePicture {
  /// Columns as shown.
  var width: Int { orientation.swapsSides ? Int(frame.pointee.height) : Int(frame.pointee.width) }
  /// Rows as shown.
  var height: Int { orientation.swapsSides ? Int(frame.pointee.width) : Int(frame.pointee.height) }
  private let frame: UnsafeMutablePointer<AVFrame>
  private let orientation: Orientation

  /// Pixels from which on a frame counts as large.
  private static let leastPixels = 1 << 24
  /// Rows of a band.
  private static let bandRows = 256
  /// Rows around a band that its first and last rows may be interpolated with. Bands begin at multiples of
  /// it, so that chroma rows and patterns of dithering lie as in the whole picture.
  private static let margin = 16

  /// The frame, or nil where it is not large, is scaled when it is converted, or has an odd number of rows
  /// and chroma for every second one: libswscale converts those in another way, which depends on all rows.
  init?(
    _ frame: UnsafeMutablePointer<AVFrame>, _ converter: ColorConverter, _ orientation: Orientation,
    leastPixels: Int = leastPixels
  ) {
    guard Int(frame.pointee.width) * Int(frame.pointee.height) >= leastPixels,
      frame.pointee.width == converter.width, frame.pointee.height == converter.height,
      frame.pointee.height.isMultiple(of: 2) || !Self.sharesChroma(frame.pointee.format)
    else { return nil }
    self.frame = frame
    self.orientation = orientation
  }

  private static func sharesChroma(_ format: Int32) -> Bool {
    av_pix_fmt_desc_get(AVPixelFormat(format)).map { $0.pointee.log2_chroma_h > 0 } ?? false
  }

  /// The image of the pixels in the given rows and columns as shown, which ascend.
  ///
  /// - Throws: ``CogError`` when the colors cannot be converted.
  func image(rows: [Int], columns: [Int]) throws -> RGBImage {
    let (sourceRows, sourceColumns) = orientation.swapsSides ? (columns, rows) : (rows, columns)
    let stored = try storedImage(
      rows: orientation.flipsRows
        ? sourceRows.reversed().map { Int(frame.pointee.height) - 1 - $0 } : sourceRows,
      columns: orientation.flipsColumns
        ? sourceColumns.reversed().map { Int(frame.pointee.width) - 1 - $0 } : sourceColumns)
    return try stored.oriented(orientation)
  }

  /// The whole picture as shown, for an encoder: the colors lie in memory once.
  ///
  /// - Throws: ``CogError`` when they cannot be converted.
  func colors() throws -> FrameHolder {
    let shown = try FrameHolder(width: Int32(width), height: Int32(height))
    guard let (target, stride) = shown.rows else { throw LibAV.outOfMemory("an image") }
    let size = (width: Int(frame.pointee.width), height: Int(frame.pointee.height))
    for first in Swift.stride(from: 0, to: size.height, by: Self.bandRows) {
      let band = try convert(first)
      band.pixels.withUnsafeBufferPointer { pixels in
        guard let pixels = pixels.baseAddress else { return }
        let above = (first - max(0, first - Self.margin)) * size.width * 3
        orientation.place(
          first..<min(first + Self.bandRows, size.height), pixels + above, size: size, into: target,
          stride: stride)
      }
    }
    return shown
  }

  /// The pixels in rows and columns as stored, which ascend.
  private func storedImage(rows: [Int], columns: [Int]) throws -> RGBImage {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(rows.count * columns.count * 3)
    var band: (first: Int, image: RGBImage)?
    for row in rows {
      let first = row / Self.bandRows * Self.bandRows
      if band?.first != first { band = (first, try convert(first)) }
      guard let band else { continue }
      let start = (row - max(0, first - Self.margin)) * band.image.width
      for column in columns {
        let pixel = (start + column) * 3
        pixels += band.image.pixels[pixel..<pixel + 3]
      }
    }
    return try RGBImage(width: columns.count, height: rows.count, pixels: pixels)
  }

  /// The band that begins at a row, with the rows around it that there are.
  private func convert(_ first: Int) throws -> RGBImage {
    let height = Int(frame.pointee.height)
    let start = max(0, first - Self.margin)
    let view = try FrameHolder()
    guard av_frame_ref(view.pointer, frame) >= 0 else { throw LibAV.outOfMemory("an image") }
    view.pointer.pointee.height = Int32(min(height, first + Self.bandRows + Self.margin) - start)
    libav_frame_skip_rows(view.pointer, Int32(start))
    return try ColorConverter(width: view.pointer.pointee.width, height: view.pointer.pointee.height)
      .image(of: view.pointer)
  }
}
