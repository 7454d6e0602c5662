import COpenBLAS

/// Which processor OpenBLAS has chosen its kernels for. It does so when it is loaded, by lists of models: one
/// that is newer than the library gets kernels of 2004, which take five times as long.
package enum BLASCore {
  /// The environment variable that decides in the library's place.
  package static let variable = "OPENBLAS_CORETYPE"

  /// The name of the processor, as the variable takes it; "unknown" where the library does not say.
  package static var name: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

  /// Names of processors without AVX2.
  private static let older: Set<String> = [
    "prescott", "northwood", "katmai", "coppermine", "banias", "atom", "core2", "penryn", "dunnington",
    "nehalem", "sandybridge", "athlon", "opteron", "opteron_sse3", "barcelona", "bobcat", "bulldozer",
    "piledriver", "steamroller", "nano", "generic", "unknown",
  ]

  /// The name of a processor whose kernels run here and are newer, or nil where the library has chosen as
  /// well as it can.
  ///
  /// - Parameters:
  ///   - name: what it has chosen.
  ///   - kernels: the name of the fastest kernels of this processor (``KernelSet/fastest``).
  package static func better(than name: String, kernels: String) -> String? {
    guard older.contains(name.lowercased()) else { return nil }
    return switch kernels {
    case "avx512-vnni", "avx512-pairs", "amx": "SkylakeX"
    case "avx2", "avx-vnni": "Haswell"
    default: nil
    }
  }
}
