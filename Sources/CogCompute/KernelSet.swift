import CKernels
import CogBase
import Glibc

/// The kernels of one instruction set that this processor has.
///
/// All sets give the same bits for quantized weights and for elementwise operations. The environment variable
/// `COGVLM_KERNELS` (portable, avx2, avx-vnni, avx512-vnni, avx512-pairs or neon) chooses a set other than
/// the fastest.
package struct KernelSet: @unchecked Sendable {
  /// The environment variable that restricts the choice.
  package static let environmentVariable = "COGVLM_KERNELS"

  let table: UnsafePointer<CogKernels>

  /// The name, as the environment variable spells it.
  package var name: String { String(cString: table.pointee.name) }

  /// The sets of this processor, the portable one first and the fastest last.
  package static var available: [KernelSet] {
    let sets = (0..<COG_INSTRUCTION_SET_COUNT).compactMap { index in
      cog_kernels(CogInstructionSet(UInt32(index))).map(KernelSet.init(table:))
    }
    return sets.filter { $0.table != fastest.table } + [fastest]
  }

  /// The fastest set of this processor.
  ///
  /// Asked for once: a virtual machine leaves its processor for every question about what it can do, some
  /// microseconds each.
  package static let fastest = KernelSet(table: cog_best_kernels())

  /// The fastest set, or the one that `COGVLM_KERNELS` names.
  ///
  /// - Throws: ``CogError`` when the variable names no set, or one that this processor lacks.
  package static func best() throws -> KernelSet {
    guard let wanted = getenv(environmentVariable).map({ String(cString: $0) }), !wanted.isEmpty else {
      return fastest
    }
    return try named(wanted)
  }

  /// The set with a name.
  ///
  /// - Throws: ``CogError`` when there is no such set, or this processor lacks it.
  package static func named(_ name: String) throws -> KernelSet {
    let sets = available
    if let set = sets.first(where: { $0.name == name }) { return set }
    let names = (0..<COG_INSTRUCTION_SET_COUNT).compactMap { index in
      cog_instruction_set_name(CogInstructionSet(UInt32(index))).map { String(cString: $0) }
    }
    throw CogError(
      names.contains(name) ? "this processor lacks the instruction set" : "there is no such instruction set",
      subject: environmentVariable, expected: "one of \(sets.map(\.name).joined(separator: ", "))",
      found: name,
      advice: "Unset \(environmentVariable) to use the fastest.")
  }
}
