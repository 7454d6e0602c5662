/// Which pictures are hurt, told by the packets that they come from.
///
/// Decoders hand pictures out later than they decode them, and in another order. So what goes wrong while a
/// packet is decoded is kept under the packet's presentation time, and so is what later packets inherit from
/// it: each one builds on those before, until a keyframe.
struct DamageTracker {
  /// Whether packets have presentation times of their own; without, a picture is held for what the last
  /// packet is.
  private let hasTimes: Bool
  /// What is wrong with the last packet.
  private var current: String?
  /// What was wrong before the last keyframe: pictures that are shown before it may build on that.
  private var beforeKeyframe: String?
  private var keyframeTime = Int64.min
  private var time = Int64.min
  private var damageByTime: [Int64: String] = [:]
  /// In files without times a packet that gave no picture shifts the numbers of all later ones.
  private var lost: String?

  /// Nothing is wrong yet.
  init(hasTimes: Bool) { self.hasTimes = hasTimes }

  /// A packet is decoded next.
  mutating func begin(time: Int64, isKeyframe: Bool) {
    self.time = time
    if isKeyframe {
      (beforeKeyframe, keyframeTime, current) = (current, time, nil)
    } else if let inherited = time < keyframeTime ? current ?? beforeKeyframe : current {
      damageByTime[time] = inherited
    }
  }

  /// Something is wrong with the packet that was begun.
  mutating func note(_ damage: String) {
    current = current ?? damage
    if damageByTime[time] == nil { damageByTime[time] = damage }
  }

  /// The packet that was begun gave no picture, or none was expected of it.
  mutating func noteFailure(_ damage: String) {
    note(damage)
    if !hasTimes { lost = lost ?? damage }
  }

  /// What is wrong with the picture of a presentation time, or of the last packet where there are no times.
  func damage(at time: Int64) -> String? { hasTimes ? damageByTime[time] : lost ?? current }
}
