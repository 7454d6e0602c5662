package import CogBase
import CogCheckpoint
package import CogCompute
import Crypto
import Synchronization

/// Compares the files of a checkpoint with the checksums that a download left beside them.
package struct DownloadCheck: Sendable {
  /// How many files have the checksum of their download.
  package private(set) var intactCount = 0
  /// The files that have another one.
  package private(set) var damage: [CogError] = []
  /// What a reader should know besides, one sentence each.
  package private(set) var notes: [String] = []

  /// Bytes between two looks at whether to stop.
  private static let chunkBytes = 4 << 20

  /// Reads the files for which there is a checksum, on all threads.
  ///
  /// - Parameters:
  ///   - weights: files of tensors: one that differs is damage.
  ///   - settings: files of text, which people edit: one that differs and was changed later is noted.
  /// - Throws: ``CogError`` when a file cannot be read; what the context's cancellation throws.
  package init(weights: [String], settings: [String], _ context: RunContext) throws {
    let records = (weights + settings).compactMap(DownloadRecord.init)
    guard !records.isEmpty else { return }
    let bytes = try records.map { try FileStatus(path: $0.file).byteCount }
    let progress = context.progress.begin("Comparing checksums of the download", total: bytes.reduce(0, +))
    defer { progress.finish() }
    let results = Mutex<[Int: Result<String, any Error>]>([:])
    let passed = Mutex(())
    context.threads.parallelFor(records.count) { index in
      let digest = Result {
        try Self.digest(records[index]) { count in
          try passed.withLock { _ in
            try context.cancellation.check()
            progress.advance(by: count, records[index].file)
          }
        }
      }
      results.withLock { $0[index] = digest }
    }
    for (index, record) in records.enumerated() {
      guard let found = try results.withLock({ $0[index] })?.get() else { continue }
      judge(record, found: found, isSettings: settings.contains(record.file))
    }
    if intactCount > 0 { notes.append("\(intactCount) files have the checksums of their download") }
  }

  private mutating func judge(_ record: DownloadRecord, found: String, isSettings: Bool) {
    let expected =
      switch record.checksum {
      case .sha256(let digits): digits
      case .gitBlob(let digits): digits
      }
    if found == expected {
      intactCount += 1
    } else if isSettings, record.isOutdated {
      notes.append("\(record.file): was changed after its download")
    } else {
      damage.append(
        CogError(
          "the file is not the one that was downloaded", code: .damaged, file: record.file,
          expected: "\(record.checksumName) \(expected)", found: found,
          advice: record.isOutdated
            ? "It was changed later, or damaged: download it again." : "It is damaged: download it again."))
    }
  }

  private static func digest(_ record: DownloadRecord, passed: (Int) throws -> Void) throws -> String {
    func hex(_ bytes: some Sequence<UInt8>) -> String {
      bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    guard try FileStatus(path: record.file).byteCount > 0 else {
      switch record.checksum {
      case .sha256: return hex(SHA256.hash(data: [UInt8]()))
      case .gitBlob: return hex(Insecure.SHA1.hash(data: Array("blob 0\0".utf8)))
      }
    }
    let file = try MappedFile(path: record.file)
    return try withExtendedLifetime(file) {
      switch record.checksum {
      case .sha256:
        var hash = SHA256()
        try feed(file, to: &hash, passed)
        return hex(hash.finalize())
      case .gitBlob:
        var hash = Insecure.SHA1()
        hash.update(data: Array("blob \(file.bytes.count)\0".utf8))
        try feed(file, to: &hash, passed)
        return hex(hash.finalize())
      }
    }
  }

  private static func feed(
    _ file: MappedFile, to hash: inout some HashFunction, _ passed: (Int) throws -> Void
  ) throws {
    for start in stride(from: 0, to: file.bytes.count, by: chunkBytes) {
      let range = start..<min(start + chunkBytes, file.bytes.count)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: file.bytes[range]))
      file.advise(.done, range)
      try passed(range.count)
    }
  }
}

extension DownloadRecord {
  fileprivate var checksumName: String {
    switch checksum {
    case .sha256: "SHA-256"
    case .gitBlob: "git blob SHA-1"
    }
  }
}
