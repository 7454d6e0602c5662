// swift-tools-version: 6.1
import PackageDescription

// The order below is the order in which data flows: a target imports only targets above it.
// Tools/check enforces it with `swift build --explicit-target-dependency-import-check error`.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

/// A library target of the toolkit with its dependencies, all built with the same strict settings.
func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// The test target of a library: `Tests/<name>Tests`.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.target(name: name), "CogTestSupport"] + dependencies,
    swiftSettings: strict)
}

let package = Package(
  name: "cogvlm-toolkit",
  products: [
    .executable(name: "cogvlm", targets: ["cogvlm"]),
    .library(name: "CogVLM", targets: ["CogVLM"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // System libraries and C kernels.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CLibAV", pkgConfig: "libavformat libavcodec libavutil libswscale",
      providers: [.apt(["libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswscale-dev"])]),
    .target(name: "CKernels"),
    // What a signal handler does in C.
    .target(name: "CSignals"),

    // Foundations.
    library("CogBase", ["CZlib"]),
    library("CogModel", ["CogBase"]),

    // Files in, files out.
    library("CogCheckpoint", ["CogBase", "CogModel", "CZlib"]),
    library("CogNative", ["CogBase", "CogModel", crypto]),

    // What the engine computes with.
    library("CogCompute", ["CogBase", "CogModel", "CKernels", "COpenBLAS"]),
    library("CogMedia", ["CogBase", "CogModel", "CLibAV"]),
    library("CogText", ["CogBase", "CogModel"]),

    // The one door for what a user names.
    library("CogSources", ["CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogText"]),

    // The jobs.
    library(
      "CogQuantize",
      [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogText", "CogSources", crypto,
      ]),
    library(
      "CogInspect",
      ["CogBase", "CogModel", "CogCheckpoint", "CogNative", "CKernels", "CogCompute", crypto]),
    library(
      "CogEngine",
      ["CogBase", "CogModel", "CogNative", "CogCompute", "CogMedia", "CogText", crypto]),
    library(
      "CogVerify",
      [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogMedia", "CogText",
        "CogInspect", "CogEngine",
      ]),
    library(
      "CogEvaluate", ["CogBase", "CogModel", "CogCompute", "CogMedia", "CogEngine", crypto],
      resources: [.embedInCode("Prompts/Profiles")]),
    library(
      "CogCalibrate",
      [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogMedia", "CogText",
        "CogQuantize", "CogEngine", "CogEvaluate", crypto,
      ]),
    library(
      "CogBench",
      [
        "CogBase", "CogModel", "CogNative", "CKernels", "CogCompute", "CogText", "CogQuantize", "CogEngine",
      ]),
    library(
      "CogReport",
      [
        "CogBase", "CogModel", "CogCompute", "CogMedia", "CogQuantize", "CogInspect", "CogEngine",
        "CogVerify", "CogEvaluate", "CogCalibrate", "CogBench", mustache, crypto,
      ]),

    // The public face.
    library(
      "CogVLM",
      [
        "CogBase", "CogModel", "CogNative", "CogCompute", "CogMedia", "CogText", "CogSources", "CogQuantize",
        "CogInspect", "CogEngine", "CogVerify",
      ]),

    // The command line.
    .executableTarget(
      name: "cogvlm",
      dependencies: [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogMedia", "CogText",
        "CogSources", "CogQuantize", "CogInspect", "CogEngine", "CogVerify", "CogEvaluate", "CogCalibrate",
        "CogBench", "CogReport", "CSignals",
        argumentParser,
      ],
      swiftSettings: strict),

    // A program that uses the public face; the README shows it.
    .executableTarget(
      name: "AskAboutAVideo", dependencies: ["CogVLM"], path: "Examples/AskAboutAVideo", swiftSettings: strict
    ),

    // Tests.
    .target(
      name: "CogTestSupport", dependencies: ["CogBase", "CogModel"], path: "Tests/Support",
      swiftSettings: strict),
    tests("CogBase"),
    tests("CogModel"),
    tests("CogCheckpoint", ["CogBase", "CogModel"]),
    tests("CogNative", ["CogBase", "CogModel"]),
    tests("CogCompute", ["CogBase", "CogModel", "CKernels"]),
    tests("CogMedia", ["CogBase", "CogModel", "CLibAV"]),
    tests("CogText", ["CogBase", "CogModel"]),
    tests("CogSources", ["CogBase", "CogModel", "CogCheckpoint"]),
    tests("CogQuantize", ["CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute"]),
    tests(
      "CogInspect",
      [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CKernels", "CogCompute", "CogSources",
        "CogQuantize",
      ]),
    tests(
      "CogEngine",
      ["CogBase", "CogModel", "CogNative", "CogCompute", "CogMedia", "CogText", "CogQuantize"]),
    tests(
      "CogVerify",
      [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogText", "CogQuantize",
        "CogInspect",
        "CogEngine",
      ]),
    tests("CogEvaluate", ["CogBase", "CogCompute", "CogMedia", "CogEngine"]),
    tests(
      "CogCalibrate",
      [
        "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogMedia", "CogQuantize",
        "CogEngine", "CogEvaluate", crypto,
      ]),
    tests(
      "CogReport",
      [
        "CogBase", "CogModel", "CogMedia", "CogInspect", "CogEngine", "CogVerify", "CogEvaluate", "CogBench",
      ]),
    tests(
      "CogBench",
      ["CogBase", "CogModel", "CogNative", "CKernels", "CogCompute", "CogQuantize", "CogEngine"]),
    tests("CogVLM", ["AskAboutAVideo"]),
    .testTarget(
      name: "CommandTests", dependencies: ["CogTestSupport", "CogBase", "cogvlm", crypto],
      swiftSettings: strict),
    .testTarget(name: "LayeringTests", dependencies: ["CogTestSupport", "CogBase"], swiftSettings: strict),
  ]
)

// Fuzzing: entries that give any bytes to a parser, and a program that replays what fuzzers found. The
// fuzzers themselves need libFuzzer, and are there for Tools/fuzz alone, which asks for them.
package.targets += [
  .target(
    name: "CogFuzzing",
    dependencies: [
      "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogText", "CogQuantize", "CogEvaluate",
      "CogCalibrate", crypto,
    ],
    path: "Tests/Fuzzing", swiftSettings: strict),
  .executableTarget(
    name: "fuzz-replay", dependencies: ["CogFuzzing", "CogBase"], path: "Tests/FuzzReplay",
    swiftSettings: strict),
  .testTarget(
    name: "FuzzTests", dependencies: ["CogFuzzing", "CogTestSupport", "fuzz-replay"], swiftSettings: strict),
]
if Context.environment["COGVLM_FUZZERS"] != nil {
  let parsers = [
    "safetensors", "zip", "pickle", "index", "native", "journal", "calibration", "config", "tokenizer",
    "questions", "run", "videos",
  ]
  package.targets += parsers.map { parser in
    .executableTarget(
      name: "fuzz-\(parser)", dependencies: ["CogFuzzing"], path: "Tests/Fuzzers/\(parser)",
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
  }
}
