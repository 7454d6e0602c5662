import CLibAV
import CogBase

/// The end that the file's header states, against the end of the packets that are there: a file that was cut
/// off reads without an error in formats such as Matroska and AVI.
struct StatedEnd {
  private let stated: Double?
  private var first = Double.infinity
  private var last = -Double.infinity

  init(_ input: MediaInput) {
    let context = input.context.pointee
    let isStated = context.duration_estimation_method == AVFMT_DURATION_FROM_STREAM && context.duration > 0
    stated = isStated ? Double(context.duration) / Double(AV_TIME_BASE) : nil
  }

  /// Counts in a packet of any stream.
  mutating func include(_ packet: AVPacket, of input: MediaInput) {
    let context = input.context.pointee
    guard stated != nil, packet.stream_index >= 0, packet.stream_index < context.nb_streams,
      let base = context.streams[Int(packet.stream_index)]?.pointee.time_base, base.num > 0, base.den > 0
    else { return }
    let time = packet.pts != libav_no_timestamp() ? packet.pts : packet.dts
    guard time != libav_no_timestamp() else { return }
    let start = Double(time) * Double(base.num) / Double(base.den)
    first = min(first, start)
    last = max(last, start + Double(max(0, packet.duration)) * Double(base.num) / Double(base.den))
  }

  /// What is missing: more than a twentieth of the stated time, and more than a frame that lasts long could
  /// explain. Nil where nothing is, or where the container knows that all of its bytes are there: then the
  /// last picture stays on display until the end.
  func missing(longestFrame: Double, of input: MediaInput) -> CogError? {
    guard let stated, last >= first else { return nil }
    let present = max(last, last - first)
    guard stated - present > max(0.05 * stated, 0.2, 1.5 * longestFrame), input.isWhole != true else {
      return nil
    }
    return CogError(
      "the file ends too early", file: input.path, expected: "\(Self.seconds(stated)) s of video",
      found: "\(Self.seconds(present)) s",
      advice: "Download it again, keep what is there with `ffmpeg -i IN -c copy OUT`, or show it as it is "
        + "with --tolerate-damage.")
  }

  private static func seconds(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
