package import CogBase

/// A folder whose images, in the natural order of their names, are the frames of a video.
///
/// Hidden files, folders and files whose names do not end like an image's are passed over, and of a folder
/// that ``FrameExport`` wrote the prepared images: its frames are the video.
package final class ImageFolder {
  /// The path as it was given.
  package let path: String
  /// The names of the images in the order of their frames.
  package let names: [String]
  /// Columns of the first image.
  package let width: Int
  /// Rows of the first image.
  package let height: Int
  /// Images for each second, as given.
  package let averageFrameRate: Double
  /// The start time of each image in seconds: its number divided by the rate.
  package let times: [Float]
  private let toleratesDamage: Bool
  private let cancellation: any Cancellation

  /// Name endings of images, in lower case.
  package static let nameEndings = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "ppm", "pgm"]

  /// Lists the folder and reads its first image.
  ///
  /// - Throws: `CogError` when the folder cannot be read or has no image, or the rate is not positive;
  ///   what `cancellation` throws.
  package init(
    path: String, imagesPerSecond: Double, toleratesDamage: Bool = false,
    cancellation: any Cancellation = NeverCancelled()
  ) throws {
    guard imagesPerSecond.isFinite, imagesPerSecond > 0 else {
      throw CogError(
        "the frame rate of a folder of images is out of range", file: path, expected: "more than 0",
        found: "\(imagesPerSecond)")
    }
    self.path = path
    self.toleratesDamage = toleratesDamage
    self.cancellation = cancellation
    averageFrameRate = imagesPerSecond
    let prepared = FrameTable(of: path)?.prepared ?? []
    names = try FolderListing.visibleNames(in: path)
      .filter { Self.isImageName($0) && !prepared.contains($0) }
      .sorted(by: Self.naturallyPrecedes)
    guard let first = names.first else {
      throw CogError(
        "the folder has no image", file: path,
        expected: "files ending in \(Self.nameEndings.joined(separator: ", "))")
    }
    (width, height) = try StillPicture("\(path)/\(first)", cancellation: cancellation).size
    times = names.indices.map { Float(Double($0) / imagesPerSecond) }
  }

  /// Decodes the images with the given numbers in ascending order, each number once.
  ///
  /// - Throws: `CogError` when a number is out of range or an image cannot be decoded, or is damaged and that
  ///   is not tolerated; what `cancellation` and `body` throw.
  package func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws {
    for number in Set(numbers).sorted() {
      guard names.indices.contains(number) else {
        throw CogError("no such frame", file: path, expected: "0 to \(names.count - 1)", found: "\(number)")
      }
      let picture = try StillPicture("\(path)/\(names[number])", cancellation: cancellation)
      if let damage = picture.damage, !toleratesDamage {
        throw picture.refusal(damage, subject: "frame \(number) at \(times[number]) s")
      }
      try picture.withFrame(number: number, body)
    }
  }

  /// Reads one image of any format that libavcodec knows.
  ///
  /// - Throws: `CogError` when it is not an image or is damaged; what `cancellation` throws.
  package static func readImage(
    _ path: String, cancellation: any Cancellation = NeverCancelled()
  ) throws -> RGBImage {
    let picture = try StillPicture(path, cancellation: cancellation)
    if let damage = picture.damage { throw picture.refusal(damage) }
    var image: RGBImage?
    try picture.withFrame(number: 0) { image = try $0.image() }
    guard let image else { throw LibAV.outOfMemory("an image") }
    return image
  }

  private static func isImageName(_ name: String) -> Bool {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
    return nameEndings.contains(name[name.utf8.index(after: dot)...].lowercased())
  }

  /// Whether a name comes before another when runs of digits count as numbers: `frame9` before `frame10`.
  static func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
    var (a, b) = (Array(left.utf8)[...], Array(right.utf8)[...])
    while let x = a.first, let y = b.first {
      if isDigit(x) && isDigit(y) {
        let (p, q) = (takeNumber(&a), takeNumber(&b))
        if p.count != q.count { return p.count < q.count }
        if p != q { return p.lexicographicallyPrecedes(q) }
      } else {
        if x != y { return x < y }
        a.removeFirst()
        b.removeFirst()
      }
    }
    if a.isEmpty && b.isEmpty { return left.utf8.lexicographicallyPrecedes(right.utf8) }
    return a.isEmpty
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// The run of digits at the front, without leading zeros; it is taken away.
  private static func takeNumber(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = text.prefix(while: isDigit)
    text = text.dropFirst(digits.count)
    return digits.drop { $0 == UInt8(ascii: "0") }
  }
}
