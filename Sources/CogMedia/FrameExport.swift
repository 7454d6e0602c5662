package import CogBase
import Glibc

/// Writes what a model is shown of a video into a folder: the chosen frames, the prepared images, and a
/// table.
package enum FrameExport {
  /// The name of the table.
  package static let tableName = "frames.csv"
  /// The first line of the table: the place of a frame among the chosen ones, its number in the video, its
  /// start time in seconds, and the two files.
  package static let tableHeader = "position,index,seconds,frame,prepared"

  /// Writes `frame-PP.png`, `prepared-PP.png` (PP the place among the chosen frames, from 00) and
  /// `frames.csv`.
  ///
  /// Each file appears only when it is whole, the table last; files of these names are replaced.
  ///
  /// - Parameters:
  ///   - sampled: the chosen frames.
  ///   - folder: made when it does not exist; its parent must.
  ///   - preparation: the size of the prepared images.
  ///   - cancellation: asked before every frame.
  /// - Returns: the paths of the written files, the table last.
  /// - Throws: `CogError` when a file cannot be written; what `cancellation` throws.
  @discardableResult
  package static func write(
    _ sampled: SampledFrames, to folder: String, preparation: ImagePreparation,
    cancellation: any Cancellation = NeverCancelled()
  ) throws -> [String] {
    if mkdir(folder, 0o755) != 0 && errno != EEXIST {
      throw CogError.system("cannot create the folder", file: folder, code: errno)
    }
    var table = tableHeader + "\n"
    var written: [String] = []
    for (position, image) in sampled.images.enumerated() {
      try cancellation.check()
      let place = position < 10 ? "0\(position)" : "\(position)"
      let (frameName, preparedName) = ("frame-\(place).png", "prepared-\(place).png")
      try PNGWriter.write(image, to: "\(folder)/\(frameName)")
      try PNGWriter.write(
        preparation.picture(of: preparation.prepare(image)), to: "\(folder)/\(preparedName)")
      written += ["\(folder)/\(frameName)", "\(folder)/\(preparedName)"]
      let seconds = (sampled.selection.times[position] * 1_000_000).rounded() / 1_000_000
      table += "\(position),\(sampled.selection.indices[position]),\(seconds),\(frameName),\(preparedName)\n"
    }
    let file = try AtomicFile(path: "\(folder)/\(tableName)")
    try file.write(Array(table.utf8))
    try file.commit()
    return written + [file.path]
  }
}
