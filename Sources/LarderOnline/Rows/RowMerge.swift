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

  /// Whether values are in it; one that housekeeping emptied only says what was written directly.
  var hasValues: Bool { !record.isDeletion && !record.isStub }

  /// Whether it says anything of features.
  var hasFeatures: Bool { !record.isDeletion }

  /// Whether a feature was written directly.
  func isDirect(_ position: Int) -> Bool {
    record.isDirect(position, fixedBytes: schema.fixedBytes)
  }

  /// Whether the new row has to say something of a feature that the batch does not bring.
  func concerns(_ position: Int, under incoming: RowMerge.Incoming) -> Bool {
    isDirect(position) || incoming == .direct && hasValues && record.isValid(position)
  }

  /// Whether a feature's value goes on: history's under direct writes, and direct ones unless they
  /// are past the time to live when somebody writes.
  ///
  /// Of a row without values it is null that goes on, and no value of the batch's.
  func gives(_ position: Int, under incoming: RowMerge.Incoming) -> Bool {
    if isDirect(position) { return incoming != .direct || !isForgotten }
    return incoming == .direct
  }

  /// The row whose values go on; nil if it has none.
  var values: Record? { hasValues ? record : nil }
}

extension RowEncoder {
  /// Plans a row, after `prepare`.
  func merge(_ before: RowBefore, with incoming: RowMerge.Incoming) -> RowMerge {
    let count = schema.fields.count
    var taken = [Bool](repeating: false, count: count)
    var direct = [Bool](repeating: false, count: count)
    let wipes = incoming == .direct && before.record.isDeletion && !before.record.isAbsence
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
      taken[position] = before.gives(old, under: incoming)
      direct[position] = before.isDirect(old)
    }
    return RowMerge(
      taken: [UInt64](marking: taken), origins: [UInt64](marking: direct),
      isAllDirect: !direct.contains(false))
  }
}
