package import CogBase
import Glibc

/// A parser of files that come from strangers, with an entry that takes any bytes.
///
/// The fuzzers (`Tests/Fuzzers`, built by `Tools/fuzz`) and the replay of their corpora in the tests call the
/// same entries. Readers take files: the bytes go into a file in a scratch folder, which `Tools/fuzz` puts
/// into memory.
package enum FuzzTarget: String, CaseIterable, Sendable {
  case safetensors, zip, pickle, index, native, journal, calibration, config, tokenizer, questions, run,
    videos

  /// What became of an input.
  package enum Outcome: Sendable {
    /// It was read.
    case read
    /// It was refused.
    case refused(CogError)
  }

  /// Gives bytes to the parser and uses what it makes of them as the toolkit does.
  ///
  /// - Throws: ``ContractBroken`` when the parser throws anything but a ``CogError``, or one that does not
  ///   name the file or is too long to be read.
  package func run(_ bytes: UnsafeRawBufferPointer) throws -> Outcome {
    let scratch = try Scratch.shared.get()
    do {
      switch self {
      case .safetensors: try ContainerTargets.checkpoint(bytes, scratch)
      case .zip: try ContainerTargets.checkpoint(bytes, scratch)
      case .pickle: try ContainerTargets.pickle(bytes, scratch)
      case .index: try ContainerTargets.index(bytes, scratch)
      case .native: try NativeTargets.native(bytes, scratch)
      case .journal: try NativeTargets.journal(bytes, scratch)
      case .calibration: try CalibrationTarget.calibration(bytes, scratch)
      case .config: try TextTargets.config(bytes)
      case .tokenizer: try TextTargets.tokenizer(bytes)
      case .questions: try TextTargets.questions(bytes)
      case .run: try RunTarget.run(bytes, scratch)
      case .videos: try TextTargets.videos(bytes, scratch)
      }
      return .read
    } catch let error as CogError {
      return .refused(try Self.checked(error))
    } catch let error as ContractBroken {
      throw error
    } catch {
      throw ContractBroken(what: "an error that is no CogError: \(error)")
    }
  }

  /// The entry of libFuzzer: ends the process where the contract is broken, as a trap does.
  package func test(_ start: UnsafeRawPointer?, _ count: Int) -> Int32 {
    do {
      _ = try run(UnsafeRawBufferPointer(start: start, count: count))
    } catch {
      let text = Array("\(self): \(error)\n".utf8)
      _ = write(STDERR_FILENO, text, text.count)
      abort()
    }
    return 0
  }

  /// The longest message that a person reads to its end, in bytes.
  private static let longestMessage = 8192

  private static func checked(_ error: CogError) throws -> CogError {
    guard error.file != nil else { throw ContractBroken(what: "no file is named: \(error)") }
    let length = error.description.utf8.count
    guard length <= longestMessage else { throw ContractBroken(what: "a message of \(length) bytes") }
    return error
  }
}

/// What no input may bring about.
package struct ContractBroken: Error {
  /// What it was.
  package let what: String
}
