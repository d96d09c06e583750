import LarderColumns

/// A fixed run of numbers that kernels read and write by position; positions are checked in debug
/// builds only.
///
/// Valid while the arena or buffer it came from lives.
@safe struct Lanes<Element: BitwiseCopyable>: @unchecked Sendable {
  let base: UnsafeMutablePointer<Element>
  let count: Int

  init(_ base: UnsafeMutablePointer<Element>, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  /// Numbers of a buffer, from one of them on.
  init(_ buffer: Buffer, from start: Int = 0) {
    unsafe base = buffer.base.assumingMemoryBound(to: Element.self) + start
    count = buffer.count / MemoryLayout<Element>.stride - start
  }

  @inline(__always) subscript(index: Int) -> Element {
    get {
      assert(index >= 0 && index < count)
      return unsafe base[index]
    }
    nonmutating set {
      assert(index >= 0 && index < count)
      unsafe base[index] = newValue
    }
  }

  /// The same memory as numbers of another type.
  func bound<Other: BitwiseCopyable>(to type: Other.Type) -> Lanes<Other> {
    unsafe Lanes<Other>(
      UnsafeMutableRawPointer(base).assumingMemoryBound(to: Other.self),
      count: count * MemoryLayout<Element>.stride / MemoryLayout<Other>.stride)
  }

  /// Sets the first numbers to one value.
  func fill(_ value: Element, _ count: Int) {
    assert(count <= self.count)
    unsafe base.update(repeating: value, count: count)
  }
}

extension Lanes {
  /// Sets some numbers to one value.
  func fill(_ value: Element, in range: Range<Int>) {
    assert(range.lowerBound >= 0 && range.upperBound <= count)
    unsafe (base + range.lowerBound).update(repeating: value, count: range.count)
  }
}

/// Owns the lanes of one worker, so that nothing is allocated while it works.
final class LaneArena {
  private var buffers: [Buffer] = []

  /// Lanes of zeros.
  func lanes<Element: BitwiseCopyable>(
    of type: Element.Type = Element.self, _ count: Int
  ) -> Lanes<Element> {
    let buffer = Buffer(zeroedBytes: count * MemoryLayout<Element>.stride)
    buffers.append(buffer)
    return Lanes(buffer)
  }

  /// Bytes taken.
  var bytes: Int { buffers.reduce(0) { $0 + $1.count } }
}
