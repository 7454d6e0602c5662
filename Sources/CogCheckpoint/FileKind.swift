package import CogBase
import CogModel

/// What a file is, told by its content and never by its name.
package enum FileKind: String, Sendable, Codable, CaseIterable {
  /// A safetensors file.
  case safetensors
  /// A PyTorch file in zip form, of `torch.save` since 1.6.
  case torchZip
  /// A PyTorch file in the form before 1.6 (several pickles one after another).
  case torchLegacy
  /// The index of a sharded checkpoint (`*.index.json`).
  case shardIndex
  /// Another JSON document, such as `config.json`.
  case json
  /// The toolkit's own `.cogvlm` file.
  case native
  /// A llama.cpp model.
  case gguf
  /// The text that git-LFS keeps in place of a large file.
  case lfsPointer
  /// A web page, usually an error page saved in place of a download.
  case html
  /// A pickle that is not a PyTorch file.
  case pickle
  /// A zip archive that is not a PyTorch file.
  case zip
  /// A file of 0 bytes.
  case empty
  /// A file of zero bytes only: space that a download reserved and never filled.
  case zeros
  /// Anything else.
  case unknown

  /// What the file is, in words that follow "this is".
  package var description: String {
    switch self {
    case .safetensors: "a safetensors file"
    case .torchZip: "a PyTorch file"
    case .torchLegacy: "a PyTorch file in the legacy form (before 1.6, not zip)"
    case .shardIndex: "the index of a sharded checkpoint"
    case .json: "a JSON document without a weight_map"
    case .native: "a native .cogvlm file"
    case .gguf: "a GGUF file (llama.cpp)"
    case .lfsPointer: "a git-LFS pointer, a few lines of text in place of the file"
    case .html: "an HTML page, saved in place of the file"
    case .pickle: "a Python pickle, but no PyTorch file"
    case .zip: "a zip archive, but no PyTorch file"
    case .empty: "an empty file"
    case .zeros: "a file of zero bytes"
    case .unknown: "of a kind that is not known"
    }
  }

  /// What to do with a file that no reader takes.
  var advice: String {
    switch self {
    case .safetensors, .torchZip, .shardIndex: "Give this file itself, or the folder that holds it."
    case .torchLegacy:
      "Load it with PyTorch and save it again (torch.save writes the zip form), "
        + "or take the safetensors download."
    case .json: "Give the folder that holds the weights, their index, or a file of weights."
    case .native: "It needs no conversion: give it to a command that runs or reads native files."
    case .gguf: "Take the original checkpoint: safetensors, or PyTorch files."
    case .lfsPointer: "Run `git lfs pull` in its folder, or download the file itself."
    case .html: "Open it to see what the server said (often: log in first), then download the file again."
    case .pickle: "It was not run. Take the checkpoint as safetensors or as a file of torch.save."
    case .zip: "If the weights are inside, unpack it first."
    case .empty, .zeros: "The download did not finish: download it again."
    case .unknown: "Checkpoints are safetensors or PyTorch files; if this should be one, download it again."
    }
  }

  /// The error for a file that is of this kind where something else is wanted, weights of a checkpoint by
  /// default.
  package func refusal(
    of path: String, expected: String = "a checkpoint: safetensors or a PyTorch zip file"
  ) -> CogError {
    if Part.isUnfinished(path) {
      return CogError(
        "this is unfinished work", code: .incomplete, file: path, expected: expected,
        advice: "Give the command that began it once more, with --resume.")
    }
    return CogError(
      "this is \(description)", code: .unsupported, file: path, expected: expected, advice: advice)
  }

  /// The kind of a file, from its first bytes and, for a zip archive, its directory.
  init(of file: MappedFile) {
    self = withExtendedLifetime(file) {
      let kind = Self.sniff(start: file.bytes)
      if kind == .zip { return Self.sniffZip(file) }
      if kind == .unknown, Self.isZeroFilled(file.bytes) { return .zeros }
      return kind
    }
  }

  private static func sniff(start bytes: UnsafeRawBufferPointer) -> FileKind {
    let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(4096))
    if head.starts(with: NativeFormat.magic) { return .native }
    if head.starts(with: "GGUF".utf8) { return .gguf }
    if head.starts(with: "PK\u{3}\u{4}".utf8) || head.starts(with: "PK\u{5}\u{6}".utf8) { return .zip }
    if head.count >= 2, head[0] == 0x80, (2...5).contains(head[1]) {
      return contains(legacyTorchMagic, in: head.prefix(32)) ? .torchLegacy : .pickle
    }
    if head.starts(with: "version https://git-lfs.github.com/".utf8) { return .lfsPointer }
    // The first 8 bytes of a safetensors file are a length; a text of 8 printable bytes is a length beyond
    // belief.
    if head.count >= 9, !head.prefix(8).allSatisfy(isPrintable),
      bytes.dropFirst(8).prefix(1 << 10).first(where: { !SafetensorsHeader.isSpace($0) }) == UInt8(ascii: "{")
    {
      return .safetensors
    }
    return sniffText(bytes)
  }

  private static func sniffText(_ bytes: UnsafeRawBufferPointer) -> FileKind {
    var text = bytes.prefix(1 << 20)
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    text = text.drop { isSpace($0) }
    switch text.first {
    case UInt8(ascii: "{"): return contains(Array("\"weight_map\"".utf8), in: text) ? .shardIndex : .json
    case UInt8(ascii: "["): return .json
    case UInt8(ascii: "<"):
      let start = String(decoding: text.prefix(256), as: UTF8.self).lowercased()
      let isPage = ["<!doctype html", "<html", "<head", "<?xml", "<!--", "<error"].contains {
        start.hasPrefix($0)
      }
      return isPage ? .html : .unknown
    default: return .unknown
    }
  }

  /// A zip archive is a PyTorch file when it has a `data.pkl`; where the directory is lost (a truncated
  /// download), when its first entry lies in a folder as PyTorch's do.
  private static func sniffZip(_ file: MappedFile) -> FileKind {
    if let directory = try? ZipDirectory(archive: file.bytes) {
      return directory.entries.contains { TorchLayout.folder(ofPickle: $0.name) != nil } ? .torchZip : .zip
    }
    var reader = ByteReader(file.bytes, what: "zip archive")
    guard (try? reader.skip(26)) != nil, let length = try? reader.read(UInt16.self),
      (try? reader.skip(2)) != nil,
      let name = try? reader.readText(Int(length))
    else { return .zip }
    return TorchLayout.folder(ofPickle: name) != nil ? .torchZip : .zip
  }

  /// Whether the file holds nothing but zeros: small files are read whole, large ones at 64 places.
  private static func isZeroFilled(_ bytes: UnsafeRawBufferPointer) -> Bool {
    func isZero(_ range: Range<Int>) -> Bool { bytes[range].allSatisfy { $0 == 0 } }
    guard bytes.count > 16 << 20 else { return isZero(0..<bytes.count) }
    let (places, length) = (64, 4096)
    let step = (bytes.count - length) / (places - 1)
    return (0..<places).allSatisfy { isZero($0 * step..<$0 * step + length) }
      && isZero(bytes.count - length..<bytes.count)
  }

  /// The number 0x1950a86a20f9469cfc6c as the first pickle of a legacy file writes it.
  private static let legacyTorchMagic: [UInt8] = [
    0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func isPrintable(_ byte: UInt8) -> Bool { isSpace(byte) || (0x21...0x7E).contains(byte) }

  private static func contains(_ pattern: [UInt8], in bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    guard let first = pattern.first else { return true }
    var rest = bytes
    while let start = rest.firstIndex(of: first) {
      rest = rest[start...]
      if rest.starts(with: pattern) { return true }
      rest = rest.dropFirst()
    }
    return false
  }
}
