import CogCompute
import Testing

@Suite struct BLASCoreTests {
  @Test(
    "Kernels from before AVX2 are replaced by those that this processor has, others stay",
    arguments: [
      ("Prescott", "avx512-vnni", "SkylakeX"), ("Prescott", "avx512-pairs", "SkylakeX"),
      ("Prescott", "amx", "SkylakeX"),
      ("Nehalem", "avx2", "Haswell"), ("Sandybridge", "avx-vnni", "Haswell"),
      ("unknown", "avx2", "Haswell"), ("Prescott", "portable", nil), ("Haswell", "avx512-vnni", nil),
      ("SkylakeX", "avx512-vnni", nil), ("Zen", "avx512-pairs", nil), ("Cooperlake", "avx512-vnni", nil),
      ("neoversen1", "neon", nil), ("neoversev1", "neon-i8mm", nil),
    ] as [(String, String, String?)])
  func better(name: String, kernels: String, expected: String?) {
    #expect(BLASCore.better(than: name, kernels: kernels) == expected)
  }

  @Test("The library says which processor it has chosen")
  func name() { #expect(!BLASCore.name.isEmpty) }
}
