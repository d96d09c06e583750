import LarderColumns

/// A column of fixed-width values without nulls.
func fixedColumn<T: BitwiseCopyable>(_ type: DataType, _ values: [T]) -> Column {
  Column(
    type: type, count: values.count, nullCount: 0, validity: nil, values: Buffer(copying: values))
}

/// The key columns of entities; ids are spread over 48 bits by a bijective mix.
func keyColumns(
  _ shape: Workload.Shape, _ name: String, _ owners: [Int]
) -> [(String, Column)] {
  let offset: UInt64 = name == "item_id" ? 7_000_000 : 1
  let ids = owners.map { Int64(((UInt64($0) &+ offset) &* 0x9E37_79B9_7F4A_7C15) >> 16) }
  guard shape == .text else { return [(name, fixedColumn(.int64, ids))] }
  let tenants = (0..<40).map { "tenant-" + padded($0, 3) }
  return [
    ("tenant", textColumn(owners.lazy.map { Array(tenants[$0 % 40].utf8) })),
    ("user", textColumn(ids.lazy.map { Array("user-".utf8) + Array(padded(Int($0), 15).utf8) })),
  ]
}

private func padded(_ number: Int, _ digits: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

private func textColumn(_ values: some Collection<[UInt8]>) -> Column {
  var offsets: [Int32] = [0]
  var bytes: [UInt8] = []
  for value in values {
    bytes += value
    offsets.append(Int32(bytes.count))
  }
  return Column(
    type: .string, count: values.count, nullCount: 0, validity: nil,
    values: Buffer(copying: offsets), bytes: Buffer(copying: bytes))
}

/// Five features, or ten: the first is different in every row, so that it tells rows apart.
func featureColumns(
  _ events: [Int64], isMixed: Bool, _ random: inout SeededRandom
) -> [Column] {
  let rows = events.count
  var columns = [
    fixedColumn(.int64, (0..<rows).map { Int64($0) * 7 + 11 }),
    fixedColumn(.float64, (0..<rows).map { _ in unit(&random) * 6 - 3 }),
    nullable(
      .float64, (0..<rows).map { _ in (unit(&random) * 40_000).rounded() / 100 }, 0.05, &random),
    flags(rows, 0.3, &random),
    coded((0..<24).map { "cat_" + padded($0, 2) }, rows, 0.02, &random),
  ]
  if isMixed {
    columns += [
      nullable(.float64, (0..<rows).map { _ in unit(&random) }, 0.2, &random),
      fixedColumn(.int64, (0..<rows).map { _ in Int64(random.next() % 1_000) }),
      nullable(
        .int64, (0..<rows).map { _ in Int64(random.next() % (1 << 41)) - (1 << 40) }, 0.01,
        &random),
      nullable(
        .timestamp(.microseconds),
        events.map { $0 - Int64(random.next() % (30 * 86_400_000_000)) }, 0.1, &random),
      coded(["ios", "android", "web", "kiosk", "other"], rows, 0, &random),
    ]
  }
  return columns
}

private func unit(_ random: inout SeededRandom) -> Double {
  Double(random.next() >> 11) / 9_007_199_254_740_992
}

private func bits(_ rows: Int, _ share: Double, _ random: inout SeededRandom) -> (Buffer, Int) {
  var bytes = [UInt8](repeating: 0, count: (rows + 7) / 8)
  var set = 0
  for row in 0..<rows where unit(&random) < share {
    bytes[row >> 3] |= 1 << UInt8(row & 7)
    set += 1
  }
  return (Buffer(copying: bytes), set)
}

private func flags(_ rows: Int, _ share: Double, _ random: inout SeededRandom) -> Column {
  Column(
    type: .bool, count: rows, nullCount: 0, validity: nil, values: bits(rows, share, &random).0)
}

private func nullable<T: BitwiseCopyable>(
  _ type: DataType, _ values: [T], _ nulls: Double, _ random: inout SeededRandom
) -> Column {
  let (validity, valid) = bits(values.count, 1 - nulls, &random)
  return Column(
    type: type, count: values.count, nullCount: values.count - valid, validity: validity,
    values: Buffer(copying: values))
}

private func coded(
  _ words: [String], _ rows: Int, _ nulls: Double, _ random: inout SeededRandom
) -> Column {
  let codes = (0..<rows).map { _ in Int32(random.next() % UInt64(words.count)) }
  let (validity, valid) = bits(rows, 1 - nulls, &random)
  return Column(
    type: .string, count: rows, nullCount: rows - valid, validity: validity,
    values: Buffer(copying: codes), child: textColumn(words.map { Array($0.utf8) }),
    isDictionary: true)
}
