import CogBase
import CogEvaluate
import Crypto
import Glibc

/// The folder of a run: `header.json`, `items.jsonl` and one part, with a byte of zero between them.
///
/// Digests keep a fuzzer out: where the input has zeros as the digest of the list, or as the identity of the
/// run, the right ones take their place.
enum RunTarget {
  private static let unknownDigest = [UInt8](repeating: UInt8(ascii: "0"), count: 64)
  private static let unknownIdentity = Array(#""run":"0000000000000000""#.utf8)

  static func run(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    let files = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map(Array.init)
    let (header, items) = (files[0], files.count > 1 ? files[1] : [])
    let part = files.count > 2 ? files[2] : []
    let digest = Array(SHA256.hash(data: items).hexadecimal.utf8)
    _ = try scratch.write(replace(unknownDigest, by: digest, in: header), as: "header.json")
    _ = try scratch.write(items, as: "items.jsonl")
    let folder = try RunFolder(path: scratch.folder)
    let identity = Array("\"run\":\"\(folder.header.identity)\"".utf8)
    let parts = scratch.path("parts")
    mkdir(parts, 0o700)
    defer { rmdir(parts) }
    let path = try scratch.write(
      replace(unknownIdentity, by: identity, in: part), as: "parts/part-00000-of-00001.0.jsonl")
    defer { unlink(path) }
    try use(MergedRun([scratch.folder]))
  }

  private static func use(_ run: MergedRun) throws {
    var lines = 0
    try run.results { _ in lines += 1 }
    guard lines + run.missing.count == run.list.items.count, run.failed.count <= lines else {
      throw ContractBroken(what: "\(lines) results and \(run.missing.count) missing of a run")
    }
    guard run.conflicts.allSatisfy({ (run.lines.attempts[$0.key] ?? 0) > 1 }) else {
      throw ContractBroken(what: "one line is in conflict with itself")
    }
    guard try RunFolder(path: run.folders[0].path).list() == run.list else {
      throw ContractBroken(what: "the list is another one when it is read again")
    }
  }

  /// All occurrences of some bytes replaced by as many others.
  private static func replace(_ old: [UInt8], by new: [UInt8], in bytes: [UInt8]) -> [UInt8] {
    var (bytes, start) = (bytes, 0)
    while start + old.count <= bytes.count {
      if bytes[start] == old[0], bytes[start..<start + old.count].elementsEqual(old) {
        bytes.replaceSubrange(start..<start + old.count, with: new)
        start += new.count
      } else {
        start += 1
      }
    }
    return bytes
  }
}
