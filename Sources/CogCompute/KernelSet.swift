package import CKernels
import CogBase
package import CogModel

/// The kernels of one backend, an instruction set that this processor has, with its ways to multiply.
///
/// All sets give the same bits for quantized weights and for elementwise operations. `avx512-pairs` is the
/// backend `avx512-vnni` with a product more, for processors that add faster than they multiply;
/// `portable-tiles` is `portable` with the twin of the products of `amx`.
package struct KernelSet: @unchecked Sendable {
  /// The functions that the backend compiled.
  let table: UnsafePointer<CogKernels>
  private let backend: UnsafePointer<CogBackend>
  /// Whether its optional products are in use.
  private let withOption: Bool

  private init(_ backend: UnsafePointer<CogBackend>, withOption: Bool = false) {
    table = backend.pointee.kernels
    self.backend = backend
    self.withOption = withOption
  }

  /// The name: portable, portable-tiles, avx2, avx-vnni, avx512-vnni, avx512-pairs, amx, neon or
  /// neon-i8mm.
  package var name: String { (withOption ? backend.optionName : nil) ?? backend.name }

  /// The loops that reach the machine's limits in this instruction set.
  package var limits: CogLimits { backend.pointee.limits.pointee }

  /// The loops of statistics and comparisons of this instruction set.
  package var statistics: CogStatisticsKernels { backend.pointee.statistics.pointee }

  /// The ways to multiply that are in use, the ones to be preferred first.
  package var products: [CogProduct] {
    UnsafeBufferPointer(start: backend.pointee.products, count: backend.pointee.product_count)
      .map(\.pointee).filter { withOption || !$0.is_optional }
  }

  /// The kernels that multiply `tokens` tokens with weights of `layout`, the first of the backend's list that
  /// fits; nil for weights that it does not multiply.
  package func product(for layout: PanelLayout, tokens: Int) -> CogProduct? {
    cog_product(backend, withOption, UInt32(layout.codes.bits), layout.groupSize, tokens)?.pointee
  }

  /// The sets of this processor, the portable one first and the fastest last.
  package static var available: [KernelSet] {
    let sets = backends.filter { cog_runs_here($0) }.flatMap { backend in
      [KernelSet(backend)] + (backend.optionName == nil ? [] : [KernelSet(backend, withOption: true)])
    }
    return sets.filter { $0.name != fastest.name } + [fastest]
  }

  /// The names of all sets, whether this processor has them or not.
  package static var names: [String] { backends.flatMap { [$0.name] + ($0.optionName.map { [$0] } ?? []) } }

  /// The fastest set of this processor.
  ///
  /// Asked for once: a virtual machine leaves its processor for every question about what it can do, some
  /// microseconds each.
  package static let fastest: KernelSet = {
    let backend = backends.last { cog_runs_here($0) } ?? backends[0]
    return KernelSet(backend, withOption: backend.pointee.option_pays_here?() ?? false)
  }()

  private static var backends: [UnsafePointer<CogBackend>] {
    Array(
      sequence(state: 0) { index in
        defer { index += 1 }
        return cog_backend(index)
      })
  }

  /// The set with a name.
  ///
  /// - Throws: ``CogError`` when there is no such set, or this processor lacks it.
  package static func named(_ name: String) throws -> KernelSet {
    let sets = available
    if let set = sets.first(where: { $0.name == name }) { return set }
    throw CogError(
      names.contains(name) ? "this processor lacks the instruction set" : "there is no such instruction set",
      expected: "one of \(sets.map(\.name).joined(separator: ", "))", found: name)
  }
}

extension UnsafePointer<CogBackend> {
  fileprivate var name: String { String(cString: pointee.name) }

  fileprivate var optionName: String? { pointee.option_name.map { String(cString: $0) } }
}
