extension Column {
  /// A bool column.
  public static func bool(_ values: [Bool?]) -> Column {
    build(.bool, values) { $0.append($1) }
  }
  /// An int32 column.
  public static func int32(_ values: [Int32?]) -> Column {
    build(.int32, values) { $0.append($1) }
  }
  /// An int64 column.
  public static func int64(_ values: [Int64?]) -> Column {
    build(.int64, values) { $0.append($1) }
  }
  /// A float32 column.
  public static func float32(_ values: [Float?]) -> Column {
    build(.float32, values) { $0.append($1) }
  }
  /// A float64 column.
  public static func float64(_ values: [Double?]) -> Column {
    build(.float64, values) { $0.append($1) }
  }
  /// A column of days since 1970-01-01.
  public static func date(_ days: [Int32?]) -> Column {
    build(.date, days) { $0.append($1) }
  }
  /// A column of instants, given as ticks of the unit since 1970-01-01T00:00:00Z.
  public static func timestamp(_ ticks: [Int64?], unit: TimeUnit = .microseconds) -> Column {
    build(.timestamp(unit), ticks) { $0.append($1) }
  }
  /// A text column: string, json, uuid or decimal.
  ///
  /// - Throws: `limitExceeded` if the text is 2 GiB or more; `invalidArgument` if the type is not
  ///   text.
  public static func string(
    _ values: [String?], type: DataType = .string
  ) throws(LarderError) -> Column {
    guard type.isText else {
      throw LarderError(.invalidArgument, "\(type) is not text.")
    }
    var builder = ColumnBuilder(type)
    for value in values {
      if let value { try builder.append(value) } else { builder.appendNull() }
    }
    return builder.finish()
  }
  /// A column of any type from values in the form for people.
  ///
  /// - Throws: `invalidInput` for a value of another type, with its row.
  public static func of(_ type: DataType, _ values: [Value]) throws(LarderError) -> Column {
    var builder = ColumnBuilder(type)
    for value in values { try builder.append(value) }
    return builder.finish()
  }

  private static func build<T>(
    _ type: DataType, _ values: [T?], _ append: (inout ColumnBuilder, T) -> Void
  ) -> Column {
    var builder = ColumnBuilder(type)
    for value in values {
      if let value { append(&builder, value) } else { builder.appendNull() }
    }
    return builder.finish()
  }
}
