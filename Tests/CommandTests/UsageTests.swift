import CogTestSupport
import Foundation
import Testing

/// How the command is called: help, version, wrong usage, and what goes where.
@Suite struct UsageTests {
  @Test("--help and --version leave with 0 and print to standard output")
  func help() throws {
    let commands = try Documentation.commandNames().map { [$0, "--help"] }
    for arguments in [["--help"], ["help"], ["-h"], ["--version"]] + commands {
      let outcome = try Command.run(arguments)
      #expect(outcome.status == 0, "\(arguments)")
      #expect(!outcome.output.isEmpty, "\(arguments)")
      #expect(outcome.errors == "", "\(arguments)")
    }
    #expect(try Command.run(["--version"]).output.hasPrefix("cogvlm 0."))
  }

  @Test(
    "Wrong usage leaves with 64, names what is wrong on standard error, and prints nothing else",
    arguments: [
      (["nonsense"], "nonsense"), (["inspect"], "source"), (["inspect", "a", "b"], "b"),
      (["inspect", "a", "--wrong"], "--wrong"), (["convert", "a"], "--output"),
      (["convert", "a", "-o"], "-o"), (["convert", "a", "-o", "b", "--dtype", "int4"], "int4"),
      (["quantize", "a"], "--output"), (["frames", "a"], "--output"),
      (["frames", "a", "-o", "b", "--fps", "fast"], "fast"), (["tokenize", "a"], "--json"),
      (["tokenize", "a", "text", "--json"], "--json"), (["ask", "a"], "question"),
      (["ask", "a", "q", "--mode", "float64"], "float64"),
      (["ask", "a", "q", "--history", "x"], "QUESTION=>ANSWER"),
      (["ask", "a", "q", "--max-new-tokens", "0"], "--max-new-tokens"), (["verify", "a"], "--reference"),
      (["verify", "a", "--against", "b"], "--ask"),
      (["verify", "a", "--reference", "b", "--limit", "3"], "--against"),
      (["verify", "a", "--reference", "b", "--split", "1/2"], "--against"),
      (["verify", "a", "--against", "b", "--ask", "c", "--every-question"], "--questions"),
      (["verify", "a", "--reference", "b", "--isolated=-1"], "0 or more"),
      (["eval", "a", "--questions", "b", "--split", "3/2"], "--split takes a part"),
      (["eval", "a", "--questions", "b", "--shard", "0/2"], "--run"),
      (["eval", "a", "--questions", "b", "--run", "c", "--shard", "2/2"], "--shard takes a part"),
      (["eval", "a", "--questions", "b", "--run", "c", "--plan", "--json"], "--plan"),
      (["merge", "a"], "--output"), (["merge", "-o", "b"], "run"),
      (["eval", "a"], "--questions"), (["ask", "a", "q", "--template", "song"], "song"),
      (["frames", "a", "-o", "b", "--template", "Chat"], "Chat"),
      (["eval", "a", "--questions", "b", "--max-new-tokens", "0"], "--max-new-tokens"),
      (["frames", "a", "-o", "b", "--size", "0"], "--size"),
      (["frames", "a", "-o", "b", "--fps", "0"], "--fps"),
      (["ask", "a", "q", "--video", "b", "--fps", "0"], "--fps"),
      (["ask", "a", "q", "--top-p", "2"], "top-p"),
      (["ask", "a", "q", "--temperature=-1"], "temperature"),
      (["ask", "a", "q", "--video", "b", "--frames", "2000"], "uniform:N with N from 1 to 1024"),
      (["quantize", "a", "-o", "b", "--preset", "int5"], "--preset: no such preset"),
      (["quantize", "a", "-o", "b", "--method", "magic"], "--method: there is no such method"),
      (["quantize", "a", "-o", "b", "--linear", "int5"], "--linear: no such encoding"),
      (["quantize", "a", "-o", "b", "--set", "x=int5"], "--set x: no such encoding"),
      (["quantize", "a", "-o", "b", "--damping", "0.2"], "--damping"),
      (["bench", "--recipe", "int5"], "--recipe takes int4, int4-small, int4-fine, int8, bf16, f16 or f32"),
      (["bench", "--set", "int5"], "--set"),
      (["eval", "a", "--questions", "b", "--run", "c", "--prompt-profile", "song"], "--prompt-profile"),
      (["inspect", "a", "--allow-extra"], "--check"), (["inspect", "a", "--threads", "2"], "--check"),
      (["convert", "a", "-o", "b", "--shard-size", "1GB"], "--to safetensors"),
      (["convert", "a", "-o", "b", "--allow-overflow"], "--dtype f16"),
    ])
  func usage(_ arguments: [String], _ words: String) throws {
    let outcome = try Command.run(arguments)
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(outcome.output == "")
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test("quantize --help has the defaults of what gptq is given")
  func defaults() throws {
    let help = try Command.run(["quantize", "--help"]).output.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    for text in ["mean; 0.1 by default", "counts for; 4 by default", "at a time; 8GiB by default"] {
      #expect(help.contains(text), "\(text)")
    }
  }

  @Test("Without a terminal there is no color and no progress, and an answer is all of standard output")
  func noColors() throws {
    let folder = try TemporaryFolder()
    let model = try SampleModel.float.get()
    for arguments in [
      ["inspect", "--check", model], ["quantize", model, "-o", folder.path("out.cogvlm")],
      ["ask", model, "--video", SampleModel.video("v22_h264.mp4"), "What color is the circle?"],
      [
        "verify", model, "--reference",
        Fixtures.path("sample/references/v22_h264-direction.f32.safetensors"),
      ],
    ] {
      let outcome = try Command.run(arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors == "")
      #expect(!outcome.output.contains("\u{1B}") && !outcome.output.contains("\r"))
    }
  }

  @Test("Names with control characters are shown harmlessly")
  func controlCharacters() throws {
    let outcome = try Command.run(["inspect", "no\u{1B}[31m\nsuch"])
    #expect(outcome.status == 2)
    #expect(!outcome.errors.contains("\u{1B}"))
    #expect(outcome.errors.count(where: { $0 == "\n" }) == 1)
  }
}
