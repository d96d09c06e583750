import LarderColumns

/// A spine's times in the order of history.
///
/// They are copied in one go, before history is read: what is read from anywhere then competes with
/// nothing else for the caches.
@safe struct OrderedTimes: @unchecked Sendable {
  private let times: Column
  private let order: SpineOrder
  private let first: Int
  private let values: Buffer
  /// A byte for each position, 1 where the time is not null; nil if none is.
  private let valid: Buffer?

  /// - Parameters:
  ///   - times: the spine's time column.
  ///   - first: the spine row that the order counts from.
  init(_ times: Column, _ order: SpineOrder, from first: Int) {
    self.times = times
    self.order = order
    self.first = first
    values = Buffer(uninitializedBytes: order.count * OrderedTimes.width(times))
    valid = times.nullCount > 0 ? Buffer(uninitializedBytes: order.count) : nil
  }

  /// Bytes that so many times take.
  static func bytes(_ times: Column, _ rows: Int) -> Int {
    rows * (width(times) + (times.nullCount > 0 ? 2 : 0))
  }

  private static func width(_ times: Column) -> Int { times.type == .date ? 4 : 8 }

  /// Copies the times of some positions.
  func copy(_ positions: Range<Int>) {
    if times.type == .date {
      unsafe copy(positions, from: times.fixedValues(as: Int32.self))
    } else {
      unsafe copy(positions, from: times.fixedValues(as: Int64.self))
    }
    guard let valid else { return }
    let bytes = Lanes<UInt8>(valid)
    for position in positions {
      bytes[position] = times.isValid(first &+ order.row(at: position)) ? 1 : 0
    }
  }

  @inline(__always) private func copy<T: BitwiseCopyable>(
    _ positions: Range<Int>, from source: UnsafeBufferPointer<T>
  ) {
    let target = Lanes<T>(values)
    for position in positions {
      target[position] = unsafe source[first &+ order.row(at: position)]
    }
  }

  /// The column of the copies, once all are made.
  func finish() -> Column {
    guard let valid else {
      return Column(
        type: times.type, count: order.count, nullCount: 0, validity: nil, values: values)
    }
    let bits = Buffer(uninitializedBytes: (order.count + 63) / 64 * 8)
    packBits(Lanes(valid), 0..<order.count, into: bits)
    let nulls = order.count - countOnes(Lanes(bits), (order.count + 63) / 64)
    return Column(
      type: times.type, count: order.count, nullCount: nulls, validity: bits, values: values)
  }
}
