import LarderColumns

/// Decodes the hybrid of run lengths and bit-packed runs that holds levels, dictionary indexes and
/// bools; goes on where the call before ended.
///
/// The bytes stay valid while the decoder is used, and 8 readable bytes follow them.
@safe struct HybridDecoder {
  private let bytes: UnsafeRawBufferPointer
  /// How many bytes there are.
  private let end: Int
  private let width: Int
  private var position = 0
  /// Values left in the current run.
  private var left = 0
  private var isPacked = false
  /// The value of a repeated run.
  private var value: UInt32 = 0
  /// The bit at which the next value of a packed run starts.
  private var bitPosition = 0

  /// The greatest width of an index.
  static let widthLimit = 32

  /// Starts at the first run.
  ///
  /// - Parameter width: bits of a value, 0 to 32.
  /// - Throws: `invalidInput` for a greater width.
  init(_ bytes: UnsafeRawBufferPointer, width: Int) throws(LarderError) {
    guard width >= 0, width <= HybridDecoder.widthLimit else {
      throw .malformed("Values of \(width) bits are announced; at most 32 are allowed.")
    }
    unsafe self.bytes = bytes
    end = bytes.count
    self.width = width
    if width == 0 { left = Int.max }
  }

  /// Reads the header of the next run that has values.
  private mutating func nextRun() throws(LarderError) {
    while left == 0 {
      var header: UInt64 = 0
      var shift: UInt64 = 0
      while true {
        guard position < end, shift < 35 else {
          throw .malformed("Levels, indexes or bools end before the last value of their page.")
        }
        let next = unsafe bytes[position]
        position &+= 1
        header |= UInt64(next & 0x7F) &<< shift
        if next < 0x80 { break }
        shift &+= 7
      }
      isPacked = header & 1 == 1
      let run = Int(header &>> 1)
      if isPacked {
        // Some writers leave out the padding of the last group.
        let available = (end &- position) &* 8 / width
        left = min(run &* 8, available)
        bitPosition = position &* 8
        position = min(position &+ run &* width, end)
        if left == 0, run > 0 {
          throw .malformed("Levels, indexes or bools end inside a run.")
        }
      } else {
        let size = (width &+ 7) &>> 3
        guard size <= end &- position else {
          throw .malformed("Levels, indexes or bools end inside a run.")
        }
        value = 0
        for byte in 0..<size {
          value |= unsafe UInt32(bytes[position &+ byte]) &<< UInt32(byte &* 8)
        }
        position &+= size
        left = run
      }
    }
  }

  /// Decodes indexes.
  ///
  /// - Parameter bound: what each must be less than.
  /// - Throws: `invalidInput` if one is not, or if the values end before.
  mutating func decode(
    into target: UnsafeMutablePointer<UInt32>, count: Int, bound: Int
  ) throws(LarderError) {
    var done = 0
    var greatest: UInt32 = 0
    while done < count {
      if left == 0 { try nextRun() }
      let span = min(left, count &- done)
      if isPacked {
        guard let base = unsafe bytes.baseAddress else { break }
        greatest = max(greatest, unsafe unpack(base, bitPosition, width, target + done, span))
        bitPosition &+= span &* width
      } else {
        unsafe (target + done).update(repeating: value, count: span)
        greatest = max(greatest, value)
      }
      left &-= span
      done &+= span
    }
    guard count == 0 || Int(greatest) < bound else {
      throw .malformed("Index or level \(greatest) stands where less than \(bound) is expected.")
    }
  }

  /// Decodes levels, which fit a byte.
  ///
  /// - Parameter greatest: the greatest level allowed.
  mutating func decodeLevels(
    into target: UnsafeMutablePointer<UInt8>, count: Int, greatest: UInt8
  ) throws(LarderError) {
    try unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1_024) {
      scratch throws(LarderError) in
      guard let words = scratch.baseAddress else { return }
      var done = 0
      while done < count {
        let span = min(1_024, count &- done)
        unsafe try decode(into: words, count: span, bound: Int(greatest) + 1)
        for index in 0..<span {
          unsafe target[done &+ index] = UInt8(truncatingIfNeeded: words[index])
        }
        done &+= span
      }
    }
  }

  /// Decodes values of one bit into a bitmap.
  ///
  /// - Returns: how many are 1.
  /// - Throws: `invalidInput` if a run repeats a value above 1, or if the values end before.
  mutating func decodeBits(
    into target: UnsafeMutableRawPointer, at first: Int, count: Int
  ) throws(LarderError) -> Int {
    var done = 0
    var ones = 0
    while done < count {
      if left == 0 { try nextRun() }
      let span = min(left, count &- done)
      if isPacked {
        guard let base = unsafe bytes.baseAddress else { break }
        ones &+= unsafe copyBits(
          base, from: bitPosition, to: target, at: first &+ done, count: span)
        bitPosition &+= span
      } else {
        guard value <= 1 else {
          throw .malformed("A level of \(value) stands where at most 1 is expected.")
        }
        unsafe fillBits(target, at: first &+ done, count: span, with: value == 1)
        ones &+= value == 1 ? span : 0
      }
      left &-= span
      done &+= span
    }
    return ones
  }

  /// Decodes levels into a bitmap that says which are the greatest.
  ///
  /// - Returns: how many are.
  /// - Throws: `invalidInput` for a level above it, or if the levels end before.
  mutating func decodePresence(
    into target: UnsafeMutableRawPointer, at first: Int, count: Int, greatest: UInt8
  ) throws(LarderError) -> Int {
    if greatest == 1 { return unsafe try decodeBits(into: target, at: first, count: count) }
    return try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) {
      scratch throws(LarderError) in
      guard let levels = scratch.baseAddress else { return 0 }
      var done = 0
      var present = 0
      while done < count {
        let span = min(1_024, count &- done)
        unsafe try decodeLevels(into: levels, count: span, greatest: greatest)
        for index in 0..<span {
          let isPresent = unsafe levels[index] == greatest
          unsafe fillBits(target, at: first &+ done &+ index, count: 1, with: isPresent)
          present &+= isPresent ? 1 : 0
        }
        done &+= span
      }
      return present
    }
  }

  /// Passes over a run of the greatest level, if the current run is one.
  ///
  /// Columns that may be null and are not are the common case; this tells them apart before a
  /// bitmap is made.
  ///
  /// - Returns: how many values were passed over, at most `count`.
  mutating func passPresent(_ count: Int, greatest: UInt8) throws(LarderError) -> Int {
    guard count > 0 else { return 0 }
    if left == 0 { try nextRun() }
    guard !isPacked, value == UInt32(greatest) else { return 0 }
    let span = min(left, count)
    left &-= span
    return span
  }
}

/// Unpacks values of 1 to 32 bits, least significant first.
///
/// - Returns: the greatest of them.
@inline(__always)
func unpack(
  _ base: UnsafeRawPointer, _ firstBit: Int, _ width: Int, _ target: UnsafeMutablePointer<UInt32>,
  _ count: Int
) -> UInt32 {
  let mask = UInt64(1) &<< UInt64(width) &- 1
  var greatest: UInt32 = 0
  var at = firstBit
  for index in 0..<count {
    let word = unsafe base.loadUnaligned(fromByteOffset: at &>> 3, as: UInt64.self)
    let value = UInt32(truncatingIfNeeded: word &>> UInt64(at & 7) & mask)
    unsafe target[index] = value
    greatest = max(greatest, value)
    at &+= width
  }
  return greatest
}
