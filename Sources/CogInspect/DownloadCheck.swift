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
    if found == record.checksum.digits {
      intactCount += 1
    } else if isSettings, record.isOutdated {
      notes.append("\(record.file): was changed after its download")
    } else {
      damage.append(
        CogError(
          "the file is not the one that was downloaded", code: .damaged, file: record.file,
          expected: "\(record.checksum.name) \(record.checksum.digits)", found: found,
          advice: record.isOutdated
            ? "It was changed later, or damaged: download it again." : "It is damaged: download it again."))
    }
  }

  private static func digest(_ record: DownloadRecord, passed: (Int) throws -> Void) throws -> String {
    let byteCount = try FileStatus(path: record.file).byteCount
    switch record.checksum {
    case .sha256:
      return try digest(SHA256(), record.file, byteCount, passed)
    case .gitBlob:
      var hash = Insecure.SHA1()
      hash.update(data: Array("blob \(byteCount)\0".utf8))
      return try digest(hash, record.file, byteCount, passed)
    }
  }

  /// The digest of what a hash has seen and all bytes of a file.
  private static func digest(
    _ begun: some HashFunction, _ path: String, _ byteCount: Int, _ passed: (Int) throws -> Void
  ) throws -> String {
    var hash = begun
    // An empty file has no bytes to map.
    if byteCount > 0 {
      try MappedFile(path: path).readOnce {
        hash.update(bufferPointer: $0)
      } passed: {
        try passed($0.count)
      }
    }
    return hash.finalize().hexadecimal
  }
}
