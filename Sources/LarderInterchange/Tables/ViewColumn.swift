import LarderColumns
import LarderContract

/// A column that a view takes from files.
struct ViewColumn {
  /// What the column is to the view.
  enum Role {
    case key(JoinKeyType)
    case time
    case feature
  }

  var name: String
  var type: DataType
  var role: Role
  /// Whether the file must have it.
  var isRequired: Bool
  /// Whether its cells may be null although the file must have it.
  var mayBeNull = false

  /// The columns of a view: keys, times, features.
  static func all(of view: FeatureView) -> [ViewColumn] {
    var columns: [ViewColumn] = []
    if !view.isEntityless {
      columns += view.joinKeys.map {
        ViewColumn(
          name: $0.name, type: $0.type.dataType, role: .key($0.type), isRequired: true)
      }
    }
    let time = DataType.timestamp(view.timeUnit)
    columns.append(
      ViewColumn(name: view.eventTimestamp, type: time, role: .time, isRequired: true))
    if let created = view.createdTimestamp {
      columns.append(
        ViewColumn(name: created, type: time, role: .time, isRequired: true, mayBeNull: true))
    }
    return columns
      + view.features.map {
        ViewColumn(name: $0.name, type: $0.type, role: .feature, isRequired: false)
      }
  }

  /// How a file's column of a type becomes it.
  func conversion(of type: DataType, integers: TimeUnit?) -> LosslessConversion {
    switch role {
    case .feature: return LosslessConversion(to: self.type, integers: integers)
    case .time:
      return LosslessConversion(to: self.type, integers: integers, role: "the time column")
    case .key(let key):
      // What keys take as it is, value by value, the store converts.
      let target = key.canHold(type) ? type : self.type
      return LosslessConversion(to: target, integers: integers, role: "the join key")
    }
  }

  /// Refuses a type that cannot become it.
  ///
  /// - Throws: `invalidInput` that names both; for integers that should be times, the option.
  func check(_ type: DataType, _ conversion: LosslessConversion) throws(LarderError) {
    guard LosslessConversion.allows(type, conversion.target) else {
      throw LarderError(
        .invalidInput, "It holds \(type) where \(conversion.role) is \(self.type).")
    }
    switch (type, conversion.target) {
    case (.int32, .timestamp), (.int64, .timestamp):
      guard conversion.integers == nil else { return }
      throw .timesWithoutUnit(type)
    default: return
    }
  }
}

extension LarderError {
  /// Integers where instants are expected, and nobody said what they count.
  static func timesWithoutUnit(_ type: DataType) -> LarderError {
    LarderError(
      .invalidInput,
      "It holds \(type), which does not say its unit; say it with --time-unit s, ms, us or ns.")
  }
}
