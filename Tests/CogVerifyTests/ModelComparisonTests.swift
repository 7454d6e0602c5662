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

  /// Compares over the question and the frames of the bundle, in float32. Questions have two tasks in turn.
  private func compare(
    _ model: String, _ other: String, questions: [String]? = nil, mode: ComputeMode = .float32,
    readsFramesOnce: Bool = false
  ) throws -> ModelComparisonReport {
    let engine = try Engine(file: NativeFile(path: model), mode: mode)
    let reference = try Engine(file: NativeFile(path: other), mode: mode)
    let bundle = try ReferenceBundle(path: Self.bundle, configuration: engine.configuration)
    var inputs = VerificationInputs(file: engine.file)
    let video = try #require(try inputs.frames(of: bundle))
    var run = try ModelComparison(
      engine: engine, reference: reference, maximumNewTokens: 8, template: bundle.template)
    let clip = try run.encode(video, name: "clip")
    for (place, question) in try (questions ?? [#require(bundle.query)]).enumerated() {
      let task = "task \(place % 2)"
      if readsFramesOnce, place > 0 {
        try run.askAgain(question, task: task, about: clip)
      } else {
        try run.ask(question, task: task, about: clip)
      }
    }
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

  @Test("More questions about a video give what each gives alone, in every mode, and the layers of the first")
  func everyQuestion() throws {
    let broken = try model("broken.cogvlm") { name, tensor in
      if name == "model.layers.0.mlp.language_mlp.down_proj.weight" { tensor.swapRows(3, 70) }
    }
    let sound = try model("sound.cogvlm")
    // The longest last: it does not fit what was made for the first.
    let questions = [
      "Where?", "What is the man doing?", "What is " + String(repeating: "this ", count: 90) + "?",
    ]
    for mode in ComputeMode.allCases {
      let alone = try compare(broken, sound, questions: questions, mode: mode)
      let again = try compare(broken, sound, questions: questions, mode: mode, readsFramesOnce: true)
      for (one, other) in zip(alone.questions, again.questions) {
        #expect(one.referenceIds == other.referenceIds && one.ids == other.ids, "\(mode)")
        // The frames' keys and values are those of a pass of fewer tokens: float32 sums in another order.
        let limit = mode == .bfloat16 ? 2e-2 : 1e-4
        for (a, b) in zip(one.predictions, other.predictions) {
          #expect(abs(a.divergence - b.divergence) <= limit * max(a.divergence, 1e-2), "\(mode)")
          #expect(abs(a.logProbability - b.logProbability) <= limit, "\(mode)")
        }
      }
      let first = try compare(broken, sound, questions: [questions[0]], mode: mode)
      #expect(again.taps == first.taps)
    }
  }

  @Test("Flips have the reference's gap, and the sums by task are those of their questions")
  func tasks() throws {
    let broken = try model("broken.cogvlm") { name, tensor in
      if name == "lm_head.weight" { tensor.swapRows(3, 70) }
      if name == "model.layers.1.mlp.language_mlp.down_proj.weight" { tensor.swapRows(3, 70) }
    }
    let report = try compare(
      broken, model("sound.cogvlm"), questions: ["What is the man doing?", "Where?", "Who?", "Why?"])
    for question in report.questions {
      let parting = question.steps.firstIndex { $0.id != $0.referenceId }
      #expect((question.ids == question.referenceIds) == (parting == nil))
      #expect(question.flip?.position == parting)
      #expect(question.flip?.gap == parting.flatMap { question.steps[$0].gap })
    }
    let gaps = report.flips.compactMap { $0.flip?.gap }
    #expect(gaps == report.questions.compactMap { $0.flip?.gap }.sorted(by: >))
    #expect(report.tasks.map(\.task) == ["task 0", "task 1"])
    for (place, task) in report.tasks.enumerated() {
      let asked = [report.questions[place], report.questions[place + 2]]
      #expect(task.questions == 2 && task.flips == asked.count { $0.flip != nil })
      #expect(task.largestFlipGap == asked.compactMap { $0.flip?.gap }.max())
      #expect(task.divergence == Divergence(asked.flatMap(\.predictions)))
    }
    // One video says nothing about others.
    #expect(report.intervals == nil)
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
