import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite("What may be written where")
struct OutputPlaceTests {
  private let folder: TemporaryFolder
  private let page = OutputKind("a page", endings: [".html"], beginning: Array("<!D".utf8))

  init() throws { folder = try TemporaryFolder() }

  private func link(_ name: String, to target: String) throws -> String {
    try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
    return folder.path(name)
  }

  @Test("none of the files that are read, under whatever name, and no folder (report 13d)")
  func inputs() throws {
    let source = try folder.write([1], as: "source")
    let hard = folder.path("hard")
    try FileManager.default.linkItem(atPath: source, toPath: hard)
    try OutputPlace(folder.path("new")).require(.file, besides: [source])
    try OutputPlace(folder.write([2], as: "old")).require(.file, besides: [source])
    for path in [source, hard, try link("link", to: source), folder.path("./source"), folder.url.path] {
      let error = #expect(throws: CogError.self) {
        try OutputPlace(path).require(.file, besides: ["no such input", source])
      }
      #expect(error?.file == path)
    }
  }

  @Test("nothing in a folder that is read but what looks like an earlier output")
  func folders() throws {
    let inner = folder.path("in")
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
    let outside = try folder.write(Array("blob".utf8), as: "blob")
    _ = try link("in/shard", to: "../blob")
    for (name, content) in [("config.json", "{}"), ("x.bin", "abc"), ("short", "<!")] {
      let path = try folder.write(content.utf8, as: "in/\(name)")
      #expect(throws: CogError.self) { try OutputPlace(path).require(page, besides: [inner]) }
    }
    #expect(throws: CogError.self) { try OutputPlace(outside).require(page, besides: [inner]) }
    for (name, content) in [("r.html", "x"), ("R.HTML", "x"), ("empty", ""), ("earlier", "<!DOCTYPE")] {
      try OutputPlace(folder.write(content.utf8, as: "in/\(name)")).require(page, besides: [inner])
    }
    try OutputPlace(folder.path("in/new")).require(page, besides: [inner])
    try OutputPlace(folder.write("x".utf8, as: "other")).require(page, besides: [inner])
  }

  @Test("a link is followed, also one that points nowhere yet, and one in a circle is refused (report 1)")
  func links() throws {
    let far = folder.path("far")
    try FileManager.default.createDirectory(atPath: far, withIntermediateDirectories: false)
    for (name, target) in [("relative", "far/a"), ("absolute", far + "/b"), ("chain", "relative")] {
      let link = try link(name, to: target)
      let file = try AtomicFile(path: link)
      try file.write(Array(name.utf8))
      try file.commit()
      let landed = target == "relative" ? "far/a" : target.replacing(folder.url.path + "/", with: "")
      #expect(try String(contentsOfFile: folder.path(landed), encoding: .utf8) == name)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    }
    _ = try link("left", to: "right")
    let circle = try link("right", to: "left")
    let error = #expect(throws: CogError.self) { try AtomicFile(path: circle) }
    #expect((error?.cause as? SystemError)?.number == ELOOP && error?.file == circle)
    #expect(try FileManager.default.contentsOfDirectory(atPath: far).sorted() == ["a", "b"])
  }

  @Test("standard output under all its names, other descriptors, pipes and sockets are refused (report 1)")
  func devices() throws {
    let linked = try link("out", to: "/dev/stdout")
    for name in [
      "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/\(getpid())/fd/1", "/dev/../dev/stdout",
      linked,
    ] {
      #expect(OutputPlace(name).isStandardOutput, "\(name)")
      let error = #expect(throws: CogError.self) { try OutputPlace(name).require(page) }
      #expect(error?.problem.contains("standard output") == true && error?.file == name)
    }
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    for name in ["/dev/fd/0", "/dev/stderr", "/proc/self/fd/2", pipe, try link("to pipe", to: pipe)] {
      #expect(!OutputPlace(name).isStandardOutput)
      let error = #expect(throws: CogError.self) { try OutputPlace(name).require(page) }
      #expect(error?.file == name && error?.found != nil, "\(name)")
    }
    // Not the name of standard output.
    #expect(!OutputPlace("./-").isStandardOutput && !OutputPlace(folder.path("1")).isStandardOutput)
    #expect(throws: CogError.self) { try OutputPlace("").require(page) }
  }

  @Test("unfinished work is not begun on what is read, nor on what is no such work")
  func parts() throws {
    let input = try folder.write("input".utf8, as: "out.part")
    for kind in [Part.Kind.file, .folder] {
      let part = Part(path: folder.path("out"), kind: kind)
      #expect(throws: CogError.self) { try part.requirePlace(besides: [input]) }
      for resumes in [true, false] {
        #expect(throws: CogError.self) { try part.open(resuming: resumes) }
      }
    }
    let notes = try folder.write("my notes\n".utf8, as: "other.part.journal")
    for resumes in [true, false] {
      let error = #expect(throws: CogError.self) {
        try Part(path: folder.path("other"), kind: .file).open(resuming: resumes)
      }
      #expect(error?.file == notes)
    }
    _ = try link("third.part", to: input)
    #expect(throws: CogError.self) { try Part(path: folder.path("third"), kind: .file).open(resuming: false) }
    #expect(try folder.contents() == ["other.part.journal", "out.part", "third.part"])
    #expect(try String(contentsOfFile: input, encoding: .utf8) == "input")
    #expect(try String(contentsOfFile: notes, encoding: .utf8) == "my notes\n")
  }
}
