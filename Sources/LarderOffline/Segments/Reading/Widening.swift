import LarderColumns

extension Column {
  /// A column of nothing but nulls.
  package static func nulls(of type: DataType, count: Int) -> Column {
    let validity = Buffer(zeroedBytes: (count + 63) / 64 * 8)
    let values: Buffer
    var bytes: Buffer?
    var child: Column?
    switch type.layout {
    case .bits: values = Buffer(zeroedBytes: (count + 7) / 8)
    case .fixed(let width): values = Buffer(zeroedBytes: count * width)
    case .variable:
      values = Buffer(zeroedBytes: (count + 1) * 4)
      bytes = Buffer(zeroedBytes: 0)
    case .list:
      values = Buffer(zeroedBytes: (count + 1) * 4)
      child = Column.nulls(of: type.element ?? .bytes, count: 0)
    }
    return Column(
      type: type, count: count, nullCount: count, validity: validity, values: values, bytes: bytes,
      child: child)
  }

  /// The same values in a wider type: int32 as int64 or float64, float32 as float64.
  ///
  /// - Throws: `incompatibleDefinition` for any other change of type.
  package func widened(to wanted: DataType) throws(LarderError) -> Column {
    if wanted == type { return self }
    let values = Buffer(uninitializedBytes: count * 8)
    switch (type, wanted) {
    case (.int32, .int64):
      let source = unsafe fixedValues(as: Int32.self)
      let target = unsafe values.mutableValues(as: Int64.self)
      for row in 0..<count { unsafe target[row] = Int64(source[row]) }
    case (.int32, .float64):
      let source = unsafe fixedValues(as: Int32.self)
      let target = unsafe values.mutableValues(as: Double.self)
      for row in 0..<count { unsafe target[row] = Double(source[row]) }
    case (.float32, .float64):
      let source = unsafe fixedValues(as: Float.self)
      let target = unsafe values.mutableValues(as: Double.self)
      for row in 0..<count { unsafe target[row] = Double(source[row]) }
    default:
      throw LarderError(
        .incompatibleDefinition, "The segment holds \(type), which cannot be read as \(wanted).")
    }
    assert(offset == 0 || validity == nil, "Only whole columns are widened.")
    return Column(
      type: wanted, count: count, nullCount: nullCount, validity: validity, values: values)
  }
}
