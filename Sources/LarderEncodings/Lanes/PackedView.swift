import CLarderKernels

/// The packed lanes of a column, read in place: plain pointers for hot loops.
///
/// Valid while the segment it came from lives. Nothing here checks: the reader validates headers
/// when the column is opened and bodies when their page is verified, so a page must be verified
/// before one of its rows is touched, and rows must lie in `0..<count`.
@safe package struct PackedView: @unchecked Sendable {
  /// One header for each 1,024 lanes.
  package let headers: UnsafePointer<VectorHeader>
  /// What the headers' offsets count from; 8 bytes past any body can be read.
  package let body: UnsafeRawPointer
  /// One factor for each page of 65,536 lanes, 1 where lanes are not scaled.
  package let scales: UnsafePointer<Int64>
  /// How many lanes there are.
  package let count: Int
  /// What occurs in the headers; empty means that `plainLane` may be used for all rows.
  package let traits: LaneTraits

  package init(
    headers: UnsafePointer<VectorHeader>, body: UnsafeRawPointer, scales: UnsafePointer<Int64>,
    count: Int, traits: LaneTraits
  ) {
    unsafe self.headers = headers
    unsafe self.body = body
    unsafe self.scales = scales
    self.count = count
    self.traits = traits
  }
}

/// The low `width` bits set, for a width of 0 to 57 or 64, without a branch.
@inlinable package func laneMask(_ width: Int) -> UInt64 {
  ((1 as UInt64) &<< UInt64(width) &- 1) | (0 &- UInt64(width &>> 6))
}

extension PackedView {
  /// The lane of a row of a column without traits: one header and one 8-byte load.
  @inlinable @unsafe package func plainLane(at row: Int) -> Int64 {
    let header = unsafe headers[row &>> 10]
    let word = unsafe Self.packed(body, header, row & 1_023)
    return header.base &+ Int64(bitPattern: word)
  }

  /// The number packed at an index of a vector without frames, base not added.
  @inlinable @unsafe package static func packed(
    _ body: UnsafeRawPointer, _ header: VectorHeader, _ index: Int
  ) -> UInt64 {
    let width = Int(header.width)
    let bit = index &* width
    let address = unsafe body + (Int(header.offset) &<< 3 &+ bit &>> 3)
    let word = unsafe address.loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7)
    return word & laneMask(width)
  }

  /// The address of the 8 bytes that hold a row's packed number, for prefetching; where a vector
  /// has frames or deltas, of a byte near them.
  @inlinable @unsafe package func address(of row: Int) -> UnsafeRawPointer {
    let header = unsafe headers[row &>> 10]
    let bit = (row & 1_023) &* Int(header.width)
    return unsafe body + (Int(header.offset) &<< 3 &+ bit &>> 3)
  }

  /// The lane of a row, whatever its vector's codec, not scaled.
  @inlinable @unsafe package func unscaledLane(at row: Int) -> Int64 {
    let header = unsafe headers[row &>> 10]
    if header.kind.rawValue & 7 == 0 {
      return unsafe header.base &+ Int64(bitPattern: Self.packed(body, header, row & 1_023))
    }
    return unsafe uncommonLane(header, row)
  }

  /// The integer of a row: its lane times its page's scale.
  @inlinable @unsafe package func lane(at row: Int) -> Int64 {
    unsafe unscaledLane(at: row) &* scales[row &>> 16]
  }

  /// The binary64 of a row of a float64 column.
  @inlinable @unsafe package func double(at row: Int) -> Double {
    let header = unsafe headers[row &>> 10]
    if header.kind.rawValue == 0 {
      let lane = unsafe plainLane(at: row)
      return Double(bitPattern: UInt64(bitPattern: lane))
    }
    if header.kind == .decimal {
      let word = unsafe Self.packed(body, header, row & 1_023)
      let integer = header.base &+ Int64(bitPattern: word)
      return Double(integer) / powerOfTen(header.exponent)
    }
    return unsafe uncommonDouble(header, row)
  }

  /// The binary32 of a row of a float32 column.
  @inlinable @unsafe package func float(at row: Int) -> Float {
    let header = unsafe headers[row &>> 10]
    if header.kind.rawValue == 0 {
      let lane = unsafe plainLane(at: row)
      return Float(bitPattern: UInt32(truncatingIfNeeded: lane))
    }
    return unsafe uncommonFloat(header, row)
  }
}

/// 10 to a power of 0 to 22, exactly; 1 for 23 to 31.
@inlinable package func powerOfTen(_ exponent: Int) -> Double {
  unsafe larder_powers_of_ten()[exponent & 31]
}
