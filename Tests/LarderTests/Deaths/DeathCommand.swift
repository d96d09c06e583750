import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline

/// Which of the two processes of a case a command belongs to: it decides the values it writes.
enum DeathRole: Int, Sendable {
  /// Who wrote the store that a case begins with.
  case builder = 0
  case first = 1
  case second = 2

  var uid: Int { 1_000 + rawValue * 10_000 }
  /// Drivers that nobody wrote before.
  var newcomers: [String] {
    switch self {
    case .builder: ["gus", "hal"]
    case .first: ["anna", "abel"]
    case .second: ["bert", "bea"]
    }
  }
}

/// What a process does to a store.
enum DeathCommand: String, CaseIterable, Sendable {
  case append, feed, replace, put, materialize, compact, cold, fold, expire, forget, forgetNobody
  case rollback, vacuum, backup, repair, applyAdd, applyWiden, dropFeature, returnFeature
  case drop, tag

  /// The driver that is forgotten; the name occurs nowhere else.
  static let forgettable = "zoe-Q7X"

  /// The rows that the command writes, in a view of these features.
  func rows(_ role: DeathRole, _ features: [DeathFeature]) -> [DeathRow] {
    var uid = role.uid
    func row(_ driver: String, _ event: Int) -> DeathRow {
      uid += 1
      return DeathRow(
        driver: driver, shop: 0, event: event, uid: uid,
        written: features.reduce(0) { $0 | 1 << UInt8($1.rawValue) })
    }
    let shift = role.rawValue
    switch self {
    case .append, .feed:
      return [row("bob", 40 + shift), row("ada", 4 + shift)]
        + role.newcomers.map { row($0, 50 + shift) }
    case .replace: return [row("bob", 24 + shift), row(role.newcomers[0], 26 + shift)]
    case .put:
      let event = 500 + 1_000 * shift
      return [row("bob", event), row(role.newcomers[1], event + 1)]
    default: return []
    }
  }

  static let replacedRange = 20...45
  /// How far a materialization goes.
  static func through(_ role: DeathRole) -> Int { 35 + 65 * role.rawValue }
  static let expiry = 120

  /// Does it, as a process that then ends.
  ///
  /// - Returns: whether it says that an erasure is complete.
  func run(_ store: FeatureStore, _ role: DeathRole) throws -> Bool {
    func view(_ view: DeathView) throws -> FeatureView { try store.view(named: view.name) }
    func batch(_ view: DeathView) throws -> RecordBatch {
      try rows(role, []).batch(try store.view(named: view.name))
    }
    switch self {
    case .append: try store.append(try batch(.stats), to: "stats")
    case .feed:
      // New rows, and online at once.
      try store.append(try batch(.stats), to: "stats")
      try store.materialize("stats", through: Timestamp(seconds: Int64(Self.through(role))))
    case .replace:
      try store.replace(
        [try batch(.stats)], in: "stats",
        from: Timestamp(seconds: Int64(Self.replacedRange.lowerBound)),
        through: Timestamp(seconds: Int64(Self.replacedRange.upperBound)))
    case .put: try store.online("stats").write(try batch(.stats))
    case .materialize:
      try store.materialize("stats", through: Timestamp(seconds: Int64(Self.through(role))))
    case .compact: try store.compact("stats", CompactionOptions(partitions: ["all"]))
    case .cold: try store.compact(nil, CompactionOptions(partitions: ["all"], isCold: true))
    case .fold: try store.fold()
    case .expire: try store.expire("stats", olderThan: .seconds(Self.expiry))
    case .forget, .forgetNobody:
      let name = self == .forget ? Self.forgettable : "nobody"
      let keys = try RecordBatch(["driver_id": .string([name])])
      return try store.erase("driver", keys: keys).isComplete && self == .forget
    case .rollback: try store.rollback(to: try store.commit(named: "kept").id)
    case .vacuum: try store.vacuum()
    case .backup: try store.backup(to: "/copy")
    case .repair:
      if let finding = try store.repair().findings.first {
        throw DeathFinding("repair finds \(finding.error)")
      }
    case .applyAdd:
      var view = try view(.stats)
      if !view.features.contains(where: { $0.name == "more" }) {
        view.features.append(Field("more", .int64))
      }
      try store.apply(view)
    case .applyWiden:
      var view = try view(.stats)
      for index in view.features.indices where view.features[index].name == "extra" {
        view.features[index].type = .int64
      }
      try store.apply(view)
    case .dropFeature:
      var view = try view(.stats)
      view.features.removeAll { $0.name == "extra" }
      try store.apply(view, dropping: true)
    case .returnFeature:
      // In one process: dropped, and there again under the same name.
      var view = try view(.stats)
      view.features.removeAll { $0.name == "extra" }
      try store.apply(view, dropping: true)
      view.features.append(Field("extra", .int32))
      try store.apply(view)
    case .drop: try store.drop(view: "stats")
    case .tag: try store.tag("by\(role.rawValue)")
    }
    return false
  }
}

/// Something that must not be.
struct DeathFinding: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
