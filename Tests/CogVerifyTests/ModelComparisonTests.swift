import CogBase
import CogCompute
import CogEngine
import CogInspect
import CogModel
import CogNative
import CogTestSupport
import CogVerify
import Foundation
import Testing

/// Comparisons of two models, beside the bundles of PyTorch and plain twins.
@Suite struct ModelComparisonTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let bundle = Fixtures.path("tiny/references/chat-7s.f32.safetensors")

  /// The tiny model in float, with a chance to damage it.
  private func model(_ name: String, alter: (String, inout StoredTensor) throws -> Void = { _, _ in }) throws
    -> String
  {
    let path = folder.path(name)
    try NativeFixture.write(checkpoint: Fixtures.path("tiny/checkpoint"), to: path, alter: alter)
    return path
  }

  /// Compares over the question and the frames of the bundle, in float32.
  private func compare(_ model: String, _ other: String, questions: [String]? = nil) throws
    -> ModelComparisonReport
  {
    let engine = try Engine(file: NativeFile(path: model), mode: .float32)
    let reference = try Engine(file: NativeFile(path: other), mode: .float32)
    let bundle = try ReferenceBundle(path: Self.bundle, configuration: engine.configuration)
    var inputs = VerificationInputs(file: engine.file)
    let video = try #require(try inputs.frames(of: bundle))
    var run = try ModelComparison(
      engine: engine, reference: reference, maximumNewTokens: 8, template: bundle.template)
    let clip = try run.encode(video, name: "clip")
    for question in try questions ?? [#require(bundle.query)] { try run.ask(question, about: clip) }
    return run.report(
      model: model, against: other,
      weights: try TensorDiffPass.run(
        NativeFile(path: model), NativeFile(path: other), RunContext()))
  }

  @Test("A comparison with the sound model finds the errors that PyTorch's bundle finds")
  func agreesWithBundle() throws {
    // Three rows of a weight scaled: an error in the middle of the model, far above float32's own.
    let broken = try model("broken.cogvlm") { name, tensor in
      guard name == "model.layers.1.mlp.language_mlp.down_proj.weight" else { return }
      tensor.swapRows(3, 70)
    }
    let report = try compare(broken, model("sound.cogvlm"))
    let expected = try ReferenceRun.verify(model: broken, bundle: Self.bundle)
    let (fault, expectedFault) = (report.firstAtFault, expected.firstAtFault)
    #expect(fault == .layer(1) && fault == expectedFault)
    #expect(report.taps.map(\.point) == expected.taps.map(\.point))
    for (tap, other) in zip(report.taps, expected.taps) {
      // The sound model itself is within 1e-5 of PyTorch, the float32 profile.
      let (accumulated, isolated) = (tap.relativeL2, tap.isolatedRelativeL2)
      #expect(abs(accumulated - other.relativeL2) <= 1e-5 + 1e-4 * other.relativeL2, "\(tap.point.name)")
      #expect(
        abs(isolated - (other.isolatedRelativeL2 ?? .nan)) <= 1e-5 + 1e-4 * accumulated, "\(tap.point.name)")
    }
  }

  @Test("Errors over several prompts are those of their values as one tensor, and the worst prompt is named")
  func severalPrompts() throws {
    let broken = try model("broken.cogvlm") { name, tensor in
      if name == "model.layers.0.mlp.language_mlp.down_proj.weight" { tensor.swapRows(3, 70) }
    }
    let sound = try model("sound.cogvlm")
    let questions = ["What is the man doing?", "Where?"]
    let single = try questions.map { try compare(broken, sound, questions: [$0]) }
    let both = try compare(broken, sound, questions: questions)
    for (place, tap) in both.taps.enumerated() where tap.point.part == .language && tap.point != .finalNorm {
      let parts = single.map { $0.taps[place] }
      let (values, worst) = (tap.values, tap.worstRelativeL2)
      #expect(values == parts.reduce(0) { $0 + $1.values })
      #expect(worst == parts.map(\.relativeL2).max())
      let range = (parts.map(\.relativeL2).min() ?? 0)...(parts.map(\.relativeL2).max() ?? 0)
      let (isBetween, maxAbs) = (range.contains(tap.relativeL2), tap.maxAbs)
      #expect(isBetween && maxAbs == parts.map(\.maxAbs).max())
      let name = tap.worstPrompt
      #expect(name == parts.max { $0.relativeL2 < $1.relativeL2 }?.worstPrompt)
    }
    let positions = both.divergence.positions
    #expect(positions == single.reduce(0) { $0 + $1.divergence.positions })
  }

  @Test("A model and itself agree to the bit, whatever the profile")
  func itself() throws {
    let sound = try model("sound.cogvlm")
    let report = try compare(sound, sound)
    let (passed, maxKL) = (report.passed, report.divergence.maxKL)
    #expect(passed && maxKL == 0)
    let errors = report.taps.flatMap { [$0.relativeL2, $0.isolatedRelativeL2, 1 - $0.cosine] }
    #expect(errors.allSatisfy { $0 == 0 })
    let same = report.questions.allSatisfy { $0.answer == $0.referenceAnswer && $0.ids == $0.referenceIds }
    #expect(same)
  }

  // MARK: Divergence

  /// `sum_i q_i (log q_i - log r_i)` as the formula stands, in the plainest way.
  private func plainDivergence(_ tested: [Float], _ reference: [Float]) -> Double {
    func softmax(_ logits: [Float]) -> [Double] {
      let powers = logits.map { exp(Double($0)) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
    let (r, q) = (softmax(tested), softmax(reference))
    return zip(q, r).reduce(0) { $0 + $1.0 * (log($1.0) - log($1.1)) }
  }

  private func matrix(_ values: [Float]) -> FloatMatrix {
    FloatMatrix(values, rows: 1, columns: values.count)
  }

  @Test("The divergence is the formula's, is not negative, and does not change when all logits are shifted")
  func divergence() throws {
    var generator = SystemRandomNumberGenerator()
    for count in [1, 2, 17, 500] {
      let a = (0..<count).map { _ in Float.random(in: -6...6, using: &generator) }
      let b = (0..<count).map { _ in Float.random(in: -6...6, using: &generator) }
      let found = Divergence.ofLogits(matrix(a), reference: matrix(b))
      let plain = plainDivergence(a, b)
      #expect(found >= 0 && abs(found - plain) <= 1e-9 * max(1, plain), "\(a), \(b)")
      let own = Divergence.ofLogits(matrix(a), reference: matrix(a))
      #expect(own == 0)
      // Far above what exp takes.
      let far = Divergence.ofLogits(matrix(a.map { $0 + 1024 }), reference: matrix(b.map { $0 + 2048 }))
      #expect(abs(far - plain) <= 1e-3 * max(1, plain))
    }
    // ln 2 between a fair and a certain choice; nothing usable where a logit is no number.
    let certain = Divergence.ofLogits(matrix([0, 0]), reference: matrix([0, -.infinity]))
    let broken = Divergence.ofLogits(matrix([.nan, 0]), reference: matrix([0, 0]))
    #expect(abs(certain - log(2)) < 1e-12 && broken.isNaN)
  }

  @Test("Mean, tail and agreement are over positions, and one that is no number makes the divergences none")
  func figures() {
    let values = (0...200).map { Double($0) }
    let figures = Divergence(divergences: values.reversed(), agreements: 67)
    let (mean, tail, largest, agreement) = (
      figures.meanKL, figures.percentile99KL, figures.maxKL, figures.top1Agreement
    )
    #expect(mean == 100 && tail == 198 && largest == 200 && abs(agreement - 67.0 / 201) < 1e-15)
    // numpy.percentile([1, 2, 4, 8], 99) = 4 + 4 * 0.97
    let few = Divergence(divergences: [8, 1, 4, 2], agreements: 4).percentile99KL
    #expect(abs(few - 7.88) < 1e-12)
    let broken = Divergence(divergences: [1, .nan], agreements: 2)
    let isBroken = broken.meanKL.isNaN && broken.percentile99KL.isNaN && broken.maxKL.isNaN
    #expect(isBroken)
  }

  // MARK: Tolerance

  @Test("A model's own profile is that of its coarsest quantized weights, or of its mode")
  func ownProfile() {
    let float = TensorEncoding.plain(.bfloat16)
    for mode in ComputeMode.allCases {
      let (eight, mixed) = (
        [float, .int8(groupSize: 64)], [float, .int8(groupSize: 32), .int4(groupSize: 64)]
      )
      #expect(ToleranceProfile(weights: eight, mode: mode) == .int8)
      #expect(ToleranceProfile(weights: mixed, mode: mode) == .int4)
      #expect(ToleranceProfile(weights: [float], mode: mode) == (mode == .bfloat16 ? .bfloat16 : .float32))
    }
  }

  @Test("Profiles go from the tightest to the widest", arguments: ToleranceLimit.allCases)
  func order(_ limit: ToleranceLimit) {
    let limits = ToleranceProfile.allCases.map { $0.limit(limit) }
    #expect(limits == limits.sorted() && limits.first == 0)
  }

  @Test("Limits given by hand replace the profile's, and are named")
  func tolerance() {
    let wide = Tolerance(.int4, own: .bfloat16).overriding([.isolated: 0.5])
    let (isolated, vision, accumulated, overridden) = (
      wide.isolated, wide.isolatedVision, wide.accumulated, wide.overridden
    )
    #expect(isolated == 0.5 && vision == 0.22 && accumulated == 0.48 && overridden == [.isolated])
  }
}
