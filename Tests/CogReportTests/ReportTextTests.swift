import CogReport
import CogTestSupport
import CogVerify
import Foundation
import Testing

/// The texts and documents of all reports, from small ones that are written down.
@Suite struct ReportTextTests {
  private static func text(_ schema: String) throws -> String {
    let document = try #require(ReportDocument.all.first { $0.schema == schema })
    return try document.text(Data(document.json.utf8))
  }

  @Test("A document that is read and written again is the same", arguments: ReportDocument.all)
  func roundTrip(_ document: ReportDocument) throws {
    let again = try document.again(Data(document.json.utf8))
    let objects = try [document.json, again].map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? NSDictionary)
    }
    #expect(objects[0] == objects[1], "\(again)")
  }

  @Test("A document has the keys that its schema requires", arguments: ReportDocument.all)
  func schema(_ document: ReportDocument) throws {
    let path = Fixtures.packageFolder.appending(path: "Formats/json/\(document.schema).schema.json")
    let schema = try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any]
    let required = try #require(schema?["required"] as? [String])
    let known = try #require(schema?["properties"] as? [String: Any])
    let written = try document.again(Data(document.json.utf8))
    let keys = try #require(JSONSerialization.jsonObject(with: Data(written.utf8)) as? [String: Any]).keys
    #expect(Set(required).subtracting(keys) == [] && Set(keys).subtracting(known.keys) == [])
  }

  @Test("No text has spaces at the end of a line", arguments: ReportDocument.all)
  func spaces(_ document: ReportDocument) throws {
    let lines = try document.text(Data(document.json.utf8)).split(separator: "\n")
    #expect(!lines.isEmpty && lines.allSatisfy { !$0.hasSuffix(" ") })
  }

  @Test("The page of a report holds its document", arguments: ReportDocument.all.filter { $0.page != nil })
  func page(_ document: ReportDocument) throws {
    let make = try #require(document.page)
    let page = try make(Data(document.json.utf8))
    let html = try page.html()
    #expect(PageReading.unbalanced(html) == nil)
    #expect(try PageReading.document(of: html) == document.again(Data(document.json.utf8)))
  }

  @Test("verify: taps, prompt, answer and the fault of each reference, then the verdict")
  func verification() throws {
    #expect(
      try Self.text("verify") == """
        a.f32.safetensors  (float32; tolerance float32 (given; the model's own is bfloat16): \
        isolated 0.5 (given; the profile has 1e-05), in the vision part 1e-05, accumulated 1e-05)
          tap             isolated    accumulated  max abs    cosine
          model.vision    -           1.25e-06     2.44e-04   1.000000
          model.layers.0  7.50e-01    nan          1.20e+01   0.500000  OUT OF TOLERANCE
          prompt: ids, types and positions equal
          answer: 1 of 2 tokens equal, FAILED: "red!"
          first at fault: model.layers.0
          FAILED

        not compared: b.f32.safetensors: the bundle has no frames

        FAILED  m.cogvlm
        """)
  }

  @Test("verify --against: taps, parts, tensors, predictions, answers, and what a reader should know")
  func comparison() throws {
    let figures =
      "910 positions, top-1 agreement 99.9 %, KL divergence mean 1.70e-03, 99 % 6.90e-02, max 2.20e-01 nats"
    #expect(
      try Self.text("verify-against") == """
        a.cogvlm (fast) against b.cogvlm (bfloat16); tolerance int4: isolated 0.22, \
        in the vision part 0.22, accumulated 0.48
          tap      isolated     accumulated  worst iso.   worst acc.   max abs      cosine
          lm_head  6.25e-02     1.00e-01     7.03e-02     1.25e-01     1.50e+00     0.997000
          part         bits/weight  reference    weights      isolated     accumulated
          embedding    4.50         16.00        7.00e-02     -            -
          tensors: 1 of 2 equal to the bit
          all answers: \(figures)
          predictions      value     5 to 95 % of 2000 draws of 2 videos
          mean KL          1.70e-03  1.00e-03 to 2.50e-03
          capped mean KL   1.60e-03  1.00e-03 to 2.50e-03
          median KL        0         1.00e-03 to 2.50e-03
          99 % KL          6.90e-02  1.00e-03 to 2.50e-03
          99.9 % KL        1.50e-01  1.00e-03 to 2.50e-03
          maximum KL       2.20e-01
          PPL ratio        1.00250   0.00100 to 0.00250
          RMS \u{394}p           1.25 %    0.10 % to 0.25 %
          top-1 agreement  99.90 %   99.80 % to 100.00 %
          task     questions  positions   mean KL   99 % KL   top-1  flips  largest gap
          color            1        910  1.70e-03  6.90e-02  99.9 %      0            -
          reasons         12        910  1.70e-03  6.90e-02  99.9 %      1         0.75
          features: cosine mean 0.999500, least 0.990000, over 1 frames; least in frame 1 of v.mp4
          flips: 1 of 2 answers differ
            gap 0.75: "Why?": "Yes." to "No."
          v.mp4: "Which color?": \(figures)
            both: "Red."
          "Why?": \(figures)
            reference: "Yes."
            this:      "No."  MISMATCH
          lm_head.weight: elements that are not finite on one side only: 2
          w.mp4: "What?": could not be asked: cannot open

        PASSED  a.cogvlm
        """)
  }

  @Test("diff: the tensors that differ, parts, what one side lacks, notes, and the verdict")
  func diff() throws {
    #expect(
      try Self.text("diff") == """
        tensor that differs  A        B     relative L2  SQNR dB    max abs  at         cosine  worst group
        x                    int4/64  BF16    1.250e-01    18.06  5.000e-01  [1, 2]  0.9900000  \
        2.500e-01 row 1, columns 0-63

        part      tensors  identical  relative L2  SQNR dB    max abs     cosine
        language        2          1    1.250e-01    18.06  5.000e-01  0.9900000
        total           2          1    1.250e-01    18.06  5.000e-01  0.9900000

        1 only in a.safetensors:
          only.a

        1 of different shapes:
          shape  [9], [3, 3]

        v and w: swapped, each has the values of the other one

        note: a note

        FAILED  tensors: 1 over 0.1, 1 missing, 1 of different shapes
        """)
  }

  @Test("bench: the model, the machine, the figures with their shares, and the memory")
  func bench() throws {
    #expect(
      try Self.text("bench") == """
        Model      full: 12.5 billion parameters, 5.00 GB (int4/64 4.50 GB)
        Language   32 layers, width 4096, MLP 14336, vocabulary 128256, 4.50 bits per weight
        Vision     63 layers, width 1792, MLP 15360
        Processor  A processor, 2 threads, kernels amx, load average 0.500 0.250 0.0
        Runs       3, mode fast

        What                                     Unit      Median  Minimum  Maximum
        memory read                              GB/s        40.0     40.0     40.0
        int8 peak                                TOPS       0.930    0.930    0.930
        tiles' peak                              TOPS        4.00     4.00     4.00
        float32 peak                             TFLOPS     0.250    0.250    0.250
        load                                     s         0.0312   0.0312   0.0312
        prefill, 512 tokens                      tokens/s    62.5     62.5     62.5
          products with weights                  TOPS       0.500    0.500    0.500
          share of the tiles' and float32 peaks  %           50.0     50.0     50.0
        decode, 32 tokens after 512              tokens/s    11.5     11.5     11.5
          weights, 4.50 GB per token             GB/s        30.0     30.0     30.0
          share of the memory read               %           75.0     75.0     75.0

        Peak memory, file pages included: 6.25 GB
        """)
  }

  @Test("eval and frames: a line for each task, for each frame")
  func tables() throws {
    #expect(
      try Self.text("eval") == """
        task   right  questions  accuracy  failed
        color      1          1   100.0 %       0
        count      0          1     0.0 %       1
        all        1          2    50.0 %       1
        2 of 3 questions were asked
        """)
    #expect(
      try Self.text("frames") == """
        index  seconds
            0      0.0
           25     1.04
        1 files written to out
        """)
  }

  @Test("The limits are named where they are not the model's own")
  func tolerance() {
    let own = Tolerance(.bfloat16).summary
    #expect(own == "tolerance bfloat16: isolated 0.004, in the vision part 0.001, accumulated 0.015")
    let wide = Tolerance(.int4, own: .bfloat16).overriding([.isolated: 0.5]).summary
    #expect(
      wide
        == "tolerance int4 (given; the model's own is bfloat16): isolated 0.5 (given; the profile has 0.22), "
        + "in the vision part 0.22, accumulated 0.48")
  }
}
