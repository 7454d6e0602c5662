import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Testing

@Suite("Video files")
struct VideoFileTests {
  @Test("numbers, times, sizes and pictures are those of decord", arguments: try ExtraClip.load())
  func extraClip(_ clip: ExtraClip) throws {
    let video = try VideoFile(path: clip.path)
    #expect(video.width == clip.width && video.height == clip.height)
    #expect(video.frameCount == clip.frames)
    for (time, expected) in zip(video.times, clip.timestamps) { #expect(abs(Double(time) - expected) < 2e-6) }
    let images = try decodeAll(clip.path)
    #expect(images.count == clip.frames)
    // Neighboring frames of the ramps are 1.5 levels or more apart.
    for (image, mean) in zip(images, clip.mean) { #expect(abs(image.meanLevel - mean) < 0.6) }
    let first = images[0]
    let rows = [0..<clip.height / 2, clip.height / 2..<clip.height]
    let columns = [0..<clip.width / 2, clip.width / 2..<clip.width]
    guard clip.file != "edit_list.mp4" else { return }
    for row in 0..<2 {
      for column in 0..<2 {
        let color = first.meanColor(rows: rows[row], columns: columns[column])
        for (level, expected) in zip(color, clip.firstQuadrants[row][column]) {
          #expect(abs(level - expected) < 1.0)
        }
      }
    }
  }

  @Test(
    "a frame that is sought is the frame that decoding from the start gives",
    arguments: try ExtraClip.load().map(\.path) + ReferenceClip.load().filter { $0.error == nil }.map(\.path))
  func seekingIsExact(path: String) throws {
    let images = try decodeAll(path)
    let video = try VideoFile(path: path)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<3 {
      let wanted = (0..<4).map { _ in Int.random(in: 0..<video.frameCount, using: &generator) }
      var delivered: [Int] = []
      try video.decode(frames: wanted) { number, image in
        delivered.append(number)
        #expect(image == images[number], "frame \(number)")
      }
      #expect(delivered == Set(wanted).sorted())
    }
  }

  @Test("frames that are cut away by an edit list show the first picture that is left")
  func editList() throws {
    let images = try decodeAll("\(clipsFolder)/extra/edit_list.mp4")
    #expect(try VideoFile(path: "\(clipsFolder)/extra/edit_list.mp4").times[9] == 0)
    for index in 0..<9 { #expect(images[index] == images[9]) }
    #expect(images[9] != images[10])
    let ramp = try decodeAll("\(clipsFolder)/extra/ramp.mp4")
    #expect(Array(images[9...]) == Array(ramp[24...]))
  }

  @Test("pictures are turned as the display matrix says")
  func rotation() throws {
    let right = try decodeAll("\(clipsFolder)/extra/turned_right.mp4")[0]
    let left = try decodeAll("\(clipsFolder)/extra/turned_left.mp4")[0]
    let upright = try decodeAll("\(clipsFolder)/extra/ramp.mp4")[0]
    let down = try decodeAll("\(clipsFolder)/extra/turned_over.mp4")[0]
    for row in 0..<upright.height {
      let mirrored = upright.height - 1 - row
      for column in 0..<upright.width {
        let pixel = upright[row, column]
        try #require(right[column, mirrored] == pixel)
        try #require(left[upright.width - 1 - column, row] == pixel)
        try #require(down[mirrored, upright.width - 1 - column] == pixel)
      }
    }
  }

  @Test("frames that are not there are errors", arguments: [-1, 175, Int.max, Int.min])
  func numberOutOfRange(number: Int) throws {
    let path = "\(clipsFolder)/h264_25fps_7s.mp4"
    let video = try VideoFile(path: path)
    let error = errorNaming(path) { try video.decode(frames: [0, number]) { _, _ in } }
    #expect(error?.expected == "0 to 174")
  }

  @Test("what the receiver of frames throws ends the decoding")
  func receiverThrows() throws {
    struct Enough: Error {}
    let video = try VideoFile(path: "\(clipsFolder)/h264_25fps_7s.mp4")
    var received = 0
    #expect(throws: Enough.self) {
      try video.decode(frames: 0..<100) { _, _ in
        received += 1
        if received == 3 { throw Enough() }
      }
    }
    #expect(received == 3)
  }

  @Test(
    "streaming hands over each chosen frame once, with all its places",
    arguments: FrameSampling.published + [.uniform(3)])
  func streams(_ sampling: FrameSampling) throws {
    let path = "\(clipsFolder)/h264_half_second.mp4"
    let sampled = try VideoInput(path: path).sample(sampling)
    let source = try VideoInput(path: path).open()
    let selection = try source.select(sampling)
    #expect(selection == sampled.selection)
    #expect(selection.times == selection.indices.map { Double(Float($0) / 10) })
    var filled: [Int] = []
    try source.stream(selection) { places, frame in
      filled += places
      #expect(frame.damage == nil)
      let image = try frame.image()
      for place in places { #expect(image == sampled.images[place]) }
    }
    #expect(filled.sorted() == Array(selection.indices.indices))
    #expect(throws: CogError.self) { try source.select(.chat, maximumFrames: 0) }
  }

  @Test("a frame that the source does not deliver is an error that names it")
  func missingFrame() throws {
    struct Holes: FrameSource {
      let path = "holes"
      let width = 2
      let height = 1
      let averageFrameRate = 1.0
      let times: [Float] = [0, 1, 2]
      func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws {
        let image = try RGBImage(width: 2, height: 1, pixels: [UInt8](repeating: 0, count: 6))
        for number in Set(numbers).sorted() where number != 1 {
          try body(DecodedFrame(number: number, image: image))
        }
      }
    }
    let error = #expect(throws: CogError.self) { try Holes().stream(Holes().select(.chat)) { _, _ in } }
    #expect(error?.file == "holes" && error?.subject == "frame 1")
  }

  @Test("a cancellation ends the reading of packets and of frames, whatever libav makes of it")
  func cancellation() throws {
    let path = "\(clipsFolder)/h264_25fps_7s.mp4"
    #expect(throws: Countdown.Ended.self) {
      try VideoInput(path: path).sample(.chat, cancellation: Countdown(0))
    }
    // Enough to read the packets, not enough to decode the frames.
    let whole = Countdown(1 << 30)
    _ = try VideoInput(path: path).open(cancellation: whole)
    #expect(whole.asked > 175)
    let part = Countdown(whole.asked + 20)
    let source = try VideoInput(path: path).open(cancellation: part)
    #expect(throws: Countdown.Ended.self) { try source.stream(source.select(.chat)) { _, _ in } }
  }

  @Test(
    "every video of the sample data can be sampled",
    .enabled(if: Fixtures.sharedFolder != nil, "the shared reference data is not here"))
  func sampleVideos() throws {
    let folder = try #require(Fixtures.sharedFolder).appending(path: "sample/videos").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(names.count == 25)
    for name in names {
      let sampled = try VideoInput(path: "\(folder)/\(name)").sample(.chat)
      #expect(!sampled.images.isEmpty && sampled.images.count <= 24)
      for (second, time) in sampled.selection.times.enumerated() { #expect(abs(time - Double(second)) <= 1) }
    }
  }
}
