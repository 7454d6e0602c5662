import Glibc

/// The most memory that this process had resident, pages of mapped files included (`VmHWM`), with the
/// benchmark's own buffers left out where the system lets the mark be set back.
struct ProcessMemory {
  private(set) var peakBytes = 0
  /// Whether every mark could be set back; if not, the peak may be that of making the model or of the limits.
  private(set) var isExact = true

  /// Forgets what the process had resident until now.
  mutating func start() {
    // 5 resets the mark: Linux, Documentation/filesystems/proc.rst.
    guard let file = fopen("/proc/self/clear_refs", "w") else { return isExact = false }
    let written = fputs("5\n", file)
    if fclose(file) != 0 || written < 0 { isExact = false }
  }

  /// Takes the mark since ``start()`` into the peak.
  mutating func stop() { peakBytes = max(peakBytes, Self.highWaterMark() ?? 0) }

  /// `VmHWM` in bytes, or nil where the system does not tell.
  static func highWaterMark() -> Int? {
    guard let line = SystemText.lines(of: "/proc/self/status").first(where: { $0.hasPrefix("VmHWM:") }) else {
      return nil
    }
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
    return words.count >= 2 ? Int(words[1]).map { $0 * 1024 } : nil
  }
}

/// Small text files of the system.
enum SystemText {
  /// The lines of a file, none when it cannot be read.
  static func lines(of path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    // Enough for the processors of a large machine; the lines that are asked for stand near the start.
    while bytes.count < 1 << 20 {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The processor's name, or "unknown".
  static var processorName: String {
    let line = lines(of: "/proc/cpuinfo").first { $0.hasPrefix("model name") || $0.hasPrefix("CPU part") }
    return line?.split(separator: ":").dropFirst().first.map { String($0.drop { $0 == " " }) } ?? "unknown"
  }

  /// The machine's load averages over 1, 5 and 15 minutes.
  static var loadAverages: [Double] {
    var values = [Double](repeating: 0, count: 3)
    let count = getloadavg(&values, 3)
    return Array(values.prefix(max(0, Int(count))))
  }
}
