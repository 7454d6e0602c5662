import CogBase
import CKernels
import CogCompute
import CogModel
import Testing

/// What the lists of all backends say of their products; a new one is tested by being there.
struct ProductTests {
  static let encodings = QuantizerTests.encodings

  @Test("Every backend multiplies every encoding, from one token on", arguments: encodings)
  func complete(encoding: TensorEncoding) throws {
    let layout = try PanelLayout(encoding: encoding, rows: 16, columns: 256)
    for kernels in KernelSet.available {
      for tokens in [1, 2, 31, 32, 1_000] {
        let product = try #require(kernels.product(for: layout, tokens: tokens), "\(kernels.name)")
        #expect(product.bits == layout.codes.bits && product.fewest_tokens <= tokens)
        #expect(Int(product.group_sizes) & layout.groupSize != 0)
      }
    }
  }

  @Test(
    "Every product of every backend has the bits of the format's page, around its fewest and a tile's tokens")
  func matchesTwin() throws {
    var random = SplitMix64(seed: 41)
    for kernels in KernelSet.available {
      for product in kernels.products {
        let (fewest, tile) = (product.fewest_tokens, product.tile_tokens)
        for groupSize in [32, 64, 128] where Int(product.group_sizes) & groupSize != 0 {
          let twin = PanelTwin(
            rows: 37, columns: 333, groupSize: groupSize, isInt4: product.bits == 4, random: &random)
          let weight = try twin.weight()
          var chosen = 0
          for tokens in [fewest, fewest + 1, fewest + tile - 1, fewest + tile, fewest + 2 * tile + 1] {
            let layout = try PanelLayout(encoding: weight.encoding, rows: 37, columns: 333)
            let choice = try #require(kernels.product(for: layout, tokens: tokens))
            if choice.fewest_tokens == fewest { chosen += 1 }
            let x = random.normals(tokens * 333)
            let expected = twin.product(x, tokens: tokens, bias: nil)
            let compute = Compute(mode: .fast, kernels: kernels)
            let result = try Linear(weight, compute: compute)(FloatMatrix(x, rows: tokens, columns: 333))
            let isEqual = result.values == expected
            #expect(isEqual, "\(kernels.name), \(weight.encoding.label), \(tokens) tokens")
          }
          #expect(chosen > 0, "a product of \(kernels.name) that is never chosen")
        }
      }
    }
  }
}
