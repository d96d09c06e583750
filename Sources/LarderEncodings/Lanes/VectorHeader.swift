/// How one vector of up to 1,024 lanes is packed: 16 bytes, as they lie in the file.
///
/// A *lane* is the 64-bit integer a value is stored as. The headers of a column are one contiguous
/// array, so that a reader can fetch the header of any row without a page in between.
package struct VectorHeader: BitwiseCopyable, Sendable, Hashable {
  /// Added to every unpacked number: the vector's least lane; 0 where `width` is 64.
  package var base: Int64
  /// Where the vector's body starts, in units of 8 bytes from the start of the column's bodies.
  package var offset: UInt32
  /// Bits of one packed number: 0 to 57, or 64.
  package var width: UInt8
  /// The codec and its flags; see `VectorKind`.
  package var kind: VectorKind
  /// Bits 0 to 10: patches or runs (0 to 1,024); bits 11 to 15: the decimal exponent.
  package var aux: UInt16

  package init(
    base: Int64, offset: UInt32, width: UInt8, kind: VectorKind = [], aux: UInt16 = 0
  ) {
    self.base = base
    self.offset = offset
    self.width = width
    self.kind = kind
    self.aux = aux
  }

  /// How many patches or runs follow the packed numbers.
  @inlinable package var extraCount: Int { Int(aux & 0x7FF) }
  /// The power of ten a decimal vector's integers are divided by.
  @inlinable package var exponent: Int { Int(aux >> 11) }
  /// The codec.
  @inlinable package var codec: UInt8 { kind.rawValue & 3 }
  /// Bytes of the base in front of each frame of 64: 1, 2, 4 or 8.
  @inlinable package var frameBaseBytes: Int { 1 &<< Int(kind.rawValue >> 4 & 3) }
}

/// The codec of a vector (bits 0 and 1) and its flags.
package struct VectorKind: OptionSet, BitwiseCopyable, Sendable, Hashable {
  package let rawValue: UInt8
  @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Codec 0, frame of reference: lane = base + packed; raw is width 64, a constant width 0.
  package static let frameOfReference: VectorKind = []
  /// Codec 1: lane = base + the base of the row's frame of 64 + packed.
  package static let frames = VectorKind(rawValue: 1)
  /// Codec 2: runs of equal lanes.
  package static let runs = VectorKind(rawValue: 2)
  /// Codec 3: deltas, with an absolute lane each 64 rows.
  package static let delta = VectorKind(rawValue: 3)
  /// A packed number of all ones stands for a lane kept aside in a sorted list of patches.
  package static let patched = VectorKind(rawValue: 4)
  /// Patches are 32-bit differences from `base` rather than 64-bit lanes.
  package static let narrowPatches = VectorKind(rawValue: 8)
  /// The value is lane / 10^exponent, correctly rounded (ALP); patches are the value's own bits.
  package static let decimal = VectorKind(rawValue: 64)
  /// The value is a binary64 that is exactly the binary32 whose bits the lane holds.
  package static let single = VectorKind(rawValue: 128)
}

/// What occurs anywhere in a column's vectors, so that a loop can be chosen once.
package struct LaneTraits: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Some vector has frames.
  package static let frames = LaneTraits(rawValue: 1)
  /// Some vector has runs.
  package static let runs = LaneTraits(rawValue: 2)
  /// Some vector has deltas.
  package static let delta = LaneTraits(rawValue: 4)
  /// Some vector has patches.
  package static let patches = LaneTraits(rawValue: 8)
  /// Some page's lanes are to be multiplied by a scale other than 1.
  package static let scaled = LaneTraits(rawValue: 16)
  /// Some vector holds decimals.
  package static let decimal = LaneTraits(rawValue: 32)
  /// Some vector holds binary32 bits of binary64 values.
  package static let single = LaneTraits(rawValue: 64)

  /// The traits of one vector's kind.
  package init(_ kind: VectorKind) {
    var traits: LaneTraits = []
    switch kind.rawValue & 3 {
    case 1: traits.insert(.frames)
    case 2: traits.insert(.runs)
    case 3: traits.insert(.delta)
    default: break
    }
    if kind.contains(.patched) { traits.insert(.patches) }
    if kind.contains(.decimal) { traits.insert(.decimal) }
    if kind.contains(.single) { traits.insert(.single) }
    self = traits
  }
}

#if _endian(big)
  #error("Segments are little endian and read in place.")
#endif
