import LarderColumns

/// How a row comes of a row of a batch and the one before it: feature by feature.
struct RowMerge {
  /// What a batch brings.
  enum Incoming {
    /// What somebody wrote directly.
    case direct
    /// History's answers.
    case history
    /// That history has no answer.
    case nothing
  }

  /// A bit per feature whose value is that of the row before.
  var taken: [UInt64]
  /// A bit per feature that was written directly.
  var origins: [UInt64]
  /// Whether all were.
  var isAllDirect: Bool

  /// The flags and bytes that say so.
  var originFlags: UInt16 { isAllDirect ? 0 : Record.hasOrigins }
}

/// What a batch's rows are merged with.
struct RowBefore {
  var record: Record
  /// The schema of its features; without any for a deletion.
  var schema: RowSchema
  /// Whether its direct writes are past the time to live, so that a direct write keeps none.
  var isForgotten: Bool

  /// Whether a feature of the row is to be in the new one, if that does not have it already.
  func keeps(_ position: Int, under incoming: RowMerge.Incoming) -> Bool {
    let isDirect = record.isDirect(position, fixedBytes: schema.fixedBytes)
    switch incoming {
    case .direct: return isDirect ? !isForgotten : record.isValid(position)
    case .history, .nothing: return isDirect
    }
  }

  /// Whether there are features to be taken from it.
  var hasFeatures: Bool { !record.isDeletion && !record.isStub }
}

extension RowEncoder {
  /// Plans a row, after `prepare`.
  func merge(_ before: RowBefore, with incoming: RowMerge.Incoming) -> RowMerge {
    let count = schema.fields.count
    var taken = [Bool](repeating: false, count: count)
    var direct = [Bool](repeating: false, count: count)
    let wipes =
      incoming == .direct && before.record.isDeletion && !before.record.isAbsence
      && !before.isForgotten
    for position in 0..<count {
      if incoming == .direct {
        // Behind a deletion the others are null, not history's.
        if wipes || brought?.marks(position) ?? true {
          direct[position] = true
          continue
        }
      }
      guard before.hasFeatures, let kept, kept.positions[position] >= 0 else { continue }
      let old = kept.positions[position]
      if before.keeps(old, under: incoming) {
        taken[position] = true
        direct[position] = before.record.isDirect(old, fixedBytes: before.schema.fixedBytes)
      }
    }
    return RowMerge(
      taken: [UInt64](marking: taken), origins: [UInt64](marking: direct),
      isAllDirect: !direct.contains(false))
  }
}
