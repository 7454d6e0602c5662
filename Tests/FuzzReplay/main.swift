import CogBase
import CogFuzzing
import Foundation

// fuzz-replay PARSER FILE...: gives each file to a parser and says what became of it, how long that took and
// how much memory. Exit status: 0 all were read or refused in time and within memory, 1 one was not, 64
// usage. A trap ends it by a signal: the last line then names the file.

/// What a hostile file takes at most.
enum Bounds {
  /// Seconds of processor time: on a busy machine the clock says less about the parser.
  static let seconds = 2.0
  /// Bytes of memory above its size.
  static let bytes = 256 << 20
  /// Under AddressSanitizer (`Tools/sanitize`) everything takes several times as much.
  static let areMeasured = getenv("ASAN_OPTIONS") == nil
}

/// Writes at once: a trap would lose what is kept back.
func say(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

/// A field of `/proc/self/status` that counts kilobytes, in bytes.
func memory(_ field: String) -> Int {
  let status = FileHandle(forReadingAtPath: "/proc/self/status").flatMap { try? $0.readToEnd() } ?? Data()
  let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first {
    $0.hasPrefix("\(field):")
  }
  return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) << 10
}

/// Lets the peak begin anew at what is resident now.
func resetPeak() {
  guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
  try? file.write(contentsOf: Data("5".utf8))
}

/// Seconds of processor time that the process has used.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Replays one file; whether it kept within its bounds.
func replay(_ path: String, _ target: FuzzTarget) throws -> Bool {
  let input = try Data(contentsOf: URL(filePath: path))
  say("\(URL(filePath: path).lastPathComponent): ")
  resetPeak()
  let before = memory("VmRSS")
  let start = processorSeconds()
  let outcome = try input.withUnsafeBytes { try target.run($0) }
  let seconds = processorSeconds() - start
  let bytes = max(memory("VmHWM") - before, 0)
  let isInBounds =
    !Bounds.areMeasured || seconds <= Bounds.seconds && bytes <= Bounds.bytes + input.count
  let result =
    switch outcome {
    case .read: "read"
    case .refused(let error): "refused: \(error)"
    }
  let excess = isInBounds ? "" : "TOO MUCH: "
  say("\(excess)\(Int(seconds * 1000)) ms, \(bytes >> 10) KB, \(result)\n")
  return isInBounds
}

let arguments = CommandLine.arguments.dropFirst()
guard let target = arguments.first.flatMap(FuzzTarget.init(rawValue:)), arguments.count > 1 else {
  say("usage: fuzz-replay \(FuzzTarget.allCases.map(\.rawValue).joined(separator: "|")) FILE...\n")
  exit(64)
}
var isGood = true
for path in arguments.dropFirst() {
  do {
    if try !replay(path, target) { isGood = false }
  } catch {
    say("BROKEN: \(error)\n")
    isGood = false
  }
}
exit(isGood ? 0 : 1)
