import CogBench
import CogEvaluate
import CogInspect
import CogReport
import CogVerify
import Foundation
import Testing

/// A small document of each command's `--json`, as it is printed.
enum ReportDocuments {
  static let tolerance = """
    {
      "accumulated" : 1e-05, "isolated" : 0.5, "isolatedVision" : 1e-05, "overridden" : ["isolated"],
      "ownProfile" : "bfloat16", "profile" : "float32"
    }
    """

  static let steps = """
    [
      {
        "agreement" : "equal", "gap" : 2.5, "id" : 7, "referenceId" : 7, "referenceText" : " red",
        "text" : " red"
      },
      {
        "agreement" : "mismatch", "gap" : null, "id" : 8, "referenceId" : 9, "referenceText" : ".",
        "text" : "!"
      }
    ]
    """

  static let verification = """
    {
      "failed" : [
        {"error" : "b.f32.safetensors: the bundle has no frames", "file" : "b.f32.safetensors"}
      ],
      "lossyTensors" : [
        {
          "bitsPerWeight" : 4.5, "encoding" : "int4/64",
          "name" : "model.layers.0.mlp.language_mlp.up_proj.weight", "part" : "language",
          "relativeRMS" : 0.07, "worstGroup" : 0.125, "worstRow" : 3
        }
      ],
      "model" : "m.cogvlm",
      "parts" : [{"bitsPerWeight" : 16, "largestRelativeRMS" : 0.07, "part" : "language"}],
      "passed" : false,
      "references" : [
        {
          "answer" : {
            "comparedTokens" : 2, "ids" : [7, 8], "logitError" : 0.25, "passed" : false,
            "referenceIds" : [7, 9], "steps" : \(steps), "text" : "red!"
          },
          "computeMode" : "float32", "file" : "a.f32.safetensors", "firstAtFault" : "model.layers.0",
          "frames" : [{"index" : 3, "seconds" : null}], "passed" : false, "promptMatches" : true,
          "taps" : [
            {
              "cosine" : 1, "isolatedPassed" : true, "isolatedRelativeL2" : null, "maxAbs" : 0.000244140625,
              "name" : "model.vision", "passed" : true, "relativeL2" : 1.25e-06, "shape" : [1, 66, 8]
            },
            {
              "cosine" : 0.5, "isolatedPassed" : false, "isolatedRelativeL2" : 0.75, "maxAbs" : 12,
              "name" : "model.layers.0", "passed" : false, "relativeL2" : "nan", "shape" : [9, 8]
            }
          ],
          "tolerance" : \(tolerance)
        }
      ]
    }
    """

  static let divergence = """
    {
      "cappedMeanKL" : 0.0016, "maxKL" : 0.22, "meanKL" : 0.0017, "medianKL" : 0, "percentile999KL" : 0.15,
      "percentile99KL" : 0.069, "perplexityRatio" : 1.0025, "positions" : 910, "rmsDeltaP" : 0.0125,
      "top1Agreement" : 0.999
    }
    """

  private static let interval = #"{"high" : 0.0025, "low" : 0.001}"#

  /// Two questions, so that the worst prompts have their columns.
  static let comparison = """
    {
      "against" : "b.cogvlm", "againstComputeMode" : "bfloat16", "computeMode" : "fast",
      "divergence" : \(divergence),
      "features" : {
        "frames" : 1, "leastCosine" : 0.99, "leastFrame" : 0, "leastVideo" : "v.mp4", "meanCosine" : 0.9995
      },
      "firstAtFault" : null,
      "intervals" : {
        "cappedMeanKL" : \(interval), "meanKL" : \(interval), "medianKL" : \(interval),
        "percentile999KL" : \(interval), "percentile99KL" : \(interval), "perplexityRatio" : \(interval),
        "resamples" : 2000, "rmsDeltaP" : \(interval), "top1Agreement" : {"high" : 1, "low" : 0.998},
        "videos" : 2
      },
      "model" : "a.cogvlm",
      "parts" : [
        {
          "againstBitsPerWeight" : 16, "bitsPerWeight" : 4.5, "isolatedRelativeL2" : null,
          "part" : "embedding", "relativeL2" : null, "weightRelativeL2" : 0.07
        }
      ],
      "passed" : true,
      "questions" : [
        {
          "answer" : "Red.", "divergence" : \(divergence), "flip" : null, "ids" : [7, 8],
          "klDivergences" : [0, 0.22], "logProbabilities" : [-0.25, "-inf"], "logitError" : 0.25,
          "passed" : true, "question" : "Which color?", "referenceAnswer" : "Red.",
          "referenceIds" : [7, 8], "referenceLogProbabilities" : [0, -0.5], "steps" : \(steps),
          "task" : "color", "video" : "v.mp4"
        },
        {
          "answer" : "No.", "divergence" : \(divergence), "flip" : {"gap" : 0.75, "position" : 0},
          "ids" : [7], "klDivergences" : [0], "logProbabilities" : [-1], "logitError" : 0.25,
          "passed" : false, "question" : "Why?", "referenceAnswer" : "Yes.", "referenceIds" : [9],
          "referenceLogProbabilities" : [0], "steps" : [], "task" : null, "video" : null
        }
      ],
      "taps" : [
        {
          "cosine" : 0.997, "isolatedPassed" : true, "isolatedRelativeL2" : 0.0625, "maxAbs" : 1.5,
          "name" : "lm_head", "passed" : true, "relativeL2" : 0.1, "values" : 512,
          "worstIsolatedRelativeL2" : 0.0703125, "worstPrompt" : "v.mp4: Which color?",
          "worstRelativeL2" : 0.125
        }
      ],
      "tasks" : [
        {
          "divergence" : \(divergence), "flips" : 0, "largestFlipGap" : null, "questions" : 1,
          "task" : "color"
        },
        {
          "divergence" : \(divergence), "flips" : 1, "largestFlipGap" : 0.75, "questions" : 12,
          "task" : "reasons"
        }
      ],
      "tensors" : [
        {
          "againstEncoding" : "BF16", "bitsPerWeight" : 4.5, "encoding" : "int4/64", "isIdentical" : false,
          "name" : "lm_head.weight", "notFinite" : 2, "part" : "head", "recordedRelativeRMS" : 0.07,
          "relativeL2" : "nan", "worstGroup" : 0.125, "worstRow" : 3
        },
        {
          "againstEncoding" : "BF16", "bitsPerWeight" : 16, "encoding" : "BF16", "isIdentical" : true,
          "name" : "model.norm.weight", "notFinite" : 0, "part" : "language", "recordedRelativeRMS" : 0,
          "relativeL2" : 0, "worstGroup" : null, "worstRow" : null
        }
      ],
      "tolerance" : {
        "accumulated" : 0.48, "isolated" : 0.22, "isolatedVision" : 0.22, "overridden" : [],
        "ownProfile" : "int4", "profile" : "int4"
      },
      "videos" : [
        {
          "features" : [{"leastCosine" : 0.99, "meanCosine" : 0.9995}],
          "frames" : [{"index" : 0, "seconds" : 0.5}], "video" : "v.mp4"
        }
      ],
      "failed" : [{"error" : "cannot open", "question" : "What?", "video" : "w.mp4"}]
    }
    """

  static let diff = """
    {
      "a" : "a.safetensors", "b" : "b.safetensors",
      "misshapen" : [{"name" : "shape", "shapeA" : [9], "shapeB" : [3, 3]}], "missingInA" : [],
      "missingInB" : ["only.a"], "notes" : ["a note"],
      "parts" : [
        {
          "cosine" : 0.99, "identicalCount" : 1, "maxAbs" : 0.5, "name" : "language", "relativeL2" : 0.125,
          "sqnr" : 18.0618, "tensorCount" : 2
        }
      ],
      "swapped" : [{"first" : "v", "second" : "w"}],
      "tensors" : [
        {
          "cosine" : 0.99, "isIdentical" : false, "maxAbs" : 0.5, "maxAbsAt" : [1, 2],
          "name" : "x", "notFinite" : 0, "part" : "language", "relativeL2" : 0.125, "shape" : [2, 64],
          "sqnr" : 18.0618, "typeA" : "int4/64", "typeB" : "BF16",
          "worstGroup" : {"group" : 0, "relativeL2" : 0.25, "row" : 1, "size" : 64}
        },
        {
          "cosine" : 1, "isIdentical" : true, "maxAbs" : 0, "name" : "y", "notFinite" : 0,
          "part" : "language", "relativeL2" : 0, "shape" : [2], "sqnr" : "inf", "typeA" : "F8_E4M3",
          "typeB" : "F8_E4M3"
        }
      ],
      "total" : {
        "cosine" : 0.99, "identicalCount" : 1, "maxAbs" : 0.5, "name" : "total", "relativeL2" : 0.125,
        "sqnr" : 18.0618, "tensorCount" : 2
      }
    }
    """

  static let inspection = """
    {
      "files" : [{"byteCount" : 4096, "kind" : "safetensors", "path" : "m/model.safetensors"}],
      "metadata" : {"config.hidden_size" : "8", "format" : "pt"}, "notes" : ["a note"],
      "parts" : [
        {
          "bitsPerWeight" : 16, "byteCount" : 2048, "name" : "language", "parameterCount" : 1024,
          "tensorCount" : 1
        }
      ],
      "path" : "m",
      "tensors" : [
        {
          "byteCount" : 2048, "file" : "m/model.safetensors", "name" : "x.weight", "offset" : 1024,
          "parameterCount" : 1024, "part" : "language", "role" : "mlpGate", "shape" : [32, 32],
          "type" : "BF16"
        }
      ],
      "total" : {
        "bitsPerWeight" : 16, "byteCount" : 2048, "name" : "total", "parameterCount" : 1024, "tensorCount" : 1
      }
    }
    """

  static let evaluation = """
    {
      "accuracy" : {"byTask" : {"color" : 1, "count" : 0}, "overall" : 0.5},
      "answers" : [
        {
          "answer" : "red", "correct" : true, "expected" : "red", "ids" : [7], "question" : "Which?",
          "status" : "ok", "task" : "color", "video" : "v.mp4"
        },
        {
          "answer" : null, "correct" : false, "error" : "cannot open", "expected" : "3", "ids" : [],
          "question" : "How many?", "status" : "failed", "task" : "count", "video" : ""
        }
      ],
      "failed" : 1, "questions" : 3
    }
    """

  static let frames = """
    {
      "averageFrameRate" : 25, "files" : ["out/frame-00000.png"], "frameCount" : 50, "height" : 48,
      "indices" : [0, 25], "times" : [0, 1.04], "video" : "v.mp4", "width" : 64
    }
    """

  static let ask = """
    {
      "ending" : "endOfText", "frameIndices" : [0, 25], "frameTimes" : [0, 1.04], "ids" : [7, 2],
      "margins" : [1.5, 0.25], "mode" : "fast", "newTokens" : 2, "promptTokens" : 90,
      "seconds" : {"decode" : 0.5, "load" : 0.25, "prefill" : 1.5, "video" : 0.125, "vision" : 2},
      "text" : "red"
    }
    """

  static let bench = """
    {
      "decode" : {
        "bytesPerSecond" : \(spread(30e9)), "bytesPerToken" : 4500000000, "contextTokens" : 512,
        "seconds" : \(spread(2)), "shareOfReadBandwidth" : \(spread(0.75)), "tokens" : 32,
        "tokensPerSecond" : \(spread(11.5))
      },
      "limits" : {
        "floatOperationsPerSecond" : \(spread(0.25e12)), "int8OperationsPerSecond" : \(spread(0.93e12)),
        "readBytesPerSecond" : \(spread(40e9)), "tileOperationsPerSecond" : \(spread(4e12))
      },
      "loadSeconds" : \(spread(0.03125)),
      "machine" : {
        "kernels" : "amx", "loadAverages" : [0.5, 0.25, 0], "processor" : "A processor",
        "threads" : 2
      },
      "mode" : "fast",
      "model" : {
        "encodings" : [
          {"bytes" : 4500000000, "encoding" : "int4/64", "parameters" : 8000000000, "tensors" : 224}
        ],
        "fileBytes" : 5000000000, "language" : [32, 4096, 14336, 128256], "languageBitsPerWeight" : 4.5,
        "name" : "full", "parameters" : 12500000000, "vision" : [63, 1792, 15360]
      },
      "peakMemoryBytes" : 6250000000, "peakMemoryIsExact" : true,
      "prefill" : {
        "int8Share" : 0.75, "operationsPerSecond" : \(spread(0.5e12)), "seconds" : \(spread(8)),
        "shareOfPeak" : \(spread(0.5)), "tokens" : 512, "tokensPerSecond" : \(spread(62.5))
      },
      "runs" : 3
    }
    """

  private static func spread(_ value: Double) -> String {
    #"{"maximum" : \#(value), "median" : \#(value), "minimum" : \#(value)}"#
  }
}

/// A document of a command with its schema, read and written by the type that the command prints.
struct ReportDocument: CustomTestStringConvertible {
  /// The schema's name in `Formats/json`.
  let schema: String
  let json: String
  /// Reads the document, and writes it again.
  let again: @Sendable (Data) throws -> String
  /// Reads the document, and renders it as text.
  let text: @Sendable (Data) throws -> String
  /// Reads the document, and makes its page; nil where it has none, or needs the files as well.
  let page: (@Sendable (Data) throws -> Page)?

  var testDescription: String { schema }

  init<Report: Codable & Sendable>(
    _ schema: String, _ json: String, _ type: Report.Type, text: @escaping @Sendable (Report) -> String,
    page: (@Sendable (Report) throws -> Page)? = nil
  ) {
    (self.schema, self.json) = (schema, json)
    again = { try JSONOutput.encode(Self.read(type, $0)) }
    self.text = { try text(Self.read(type, $0)) }
    if let page {
      self.page = { try page(Self.read(type, $0)) }
    } else {
      self.page = nil
    }
  }

  private static func read<Report: Decodable & Sendable>(_ type: Report.Type, _ data: Data) throws -> Report {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: data)
  }

  /// Every report that has a text, or is read by programs alone.
  static let all: [ReportDocument] = [
    .init("ask", ReportDocuments.ask, AskReport.self, text: \.text),
    .init("bench", ReportDocuments.bench, BenchReport.self, text: \.text),
    .init("diff", ReportDocuments.diff, TensorDiff.self) { TensorDiffReport($0, failOver: 0.1).text },
    .init("eval", ReportDocuments.evaluation, EvaluationResult.self, text: \.text),
    .init("frames", ReportDocuments.frames, FramesReport.self) { $0.text(output: "out") },
    .init("inspect", ReportDocuments.inspection, Inspection.self) { $0.listing() },
    .init(
      "verify", ReportDocuments.verification, VerificationReport.self, text: \.text,
      page: { try VerificationPage.page($0, pictures: []) }),
    .init(
      "verify-against", ReportDocuments.comparison, ModelComparisonReport.self, text: \.text,
      page: { try ModelComparisonPage.page($0, pictures: []) }),
  ]
}
