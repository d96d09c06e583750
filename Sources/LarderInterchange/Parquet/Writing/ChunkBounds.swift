import Glibc
import LarderColumns

/// The least and the greatest value of a chunk, in PLAIN encoding; nil where there is none or none
/// that statistics may hold.
///
/// By the format's rules NaNs are left out, and a zero is -0.0 as the least and +0.0 as the
/// greatest.
func bounds(
  of values: ChunkValues, type: DataType
) -> (minimum: [UInt8]?, maximum: [UInt8]?) {
  guard values.present > 0 else { return (nil, nil) }
  switch type {
  case .int32, .date: return range(values, Int32.self)
  case .int64, .timestamp: return range(values, Int64.self)
  case .float32:
    return floatRange(values, Float.self)
  case .float64: return floatRange(values, Double.self)
  case .string, .bytes, .json: return textRange(values)
  default: return (nil, nil)
  }
}

private func littleEndian<T: BitwiseCopyable>(_ value: T) -> [UInt8] {
  unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}

private func range<T: FixedWidthInteger & BitwiseCopyable>(
  _ values: ChunkValues, _ type: T.Type
) -> ([UInt8]?, [UInt8]?) {
  let words = unsafe UnsafeBufferPointer(
    start: values.fixed.base.assumingMemoryBound(to: T.self), count: values.present)
  var least = T.max
  var greatest = T.min
  for index in 0..<words.count {
    let value = unsafe words[index]
    least = min(least, value)
    greatest = max(greatest, value)
  }
  return (littleEndian(least), littleEndian(greatest))
}

private func floatRange<T: BinaryFloatingPoint & BitwiseCopyable>(
  _ values: ChunkValues, _ type: T.Type
) -> ([UInt8]?, [UInt8]?) {
  let words = unsafe UnsafeBufferPointer(
    start: values.fixed.base.assumingMemoryBound(to: T.self), count: values.present)
  var least = T.infinity
  var greatest = -T.infinity
  var any = false
  for index in 0..<words.count {
    let value = unsafe words[index]
    if value.isNaN { continue }
    any = true
    if value < least { least = value }
    if value > greatest { greatest = value }
  }
  guard any else { return (nil, nil) }
  if least == 0 { least = -0.0 }
  if greatest == 0 { greatest = 0.0 }
  return (littleEndian(least), littleEndian(greatest))
}

/// Texts compare as unsigned bytes; long ones are left out.
private func textRange(_ values: ChunkValues) -> ([UInt8]?, [UInt8]?) {
  var least = 0
  var greatest = 0
  for index in 1..<max(values.present, 1) {
    if isLess(values, index, least) { least = index }
    if isLess(values, greatest, index) { greatest = index }
  }
  let low = unsafe Array(values.value(least))
  let high = unsafe Array(values.value(greatest))
  return low.count <= 64 && high.count <= 64 ? (low, high) : (nil, nil)
}

private func isLess(_ values: ChunkValues, _ a: Int, _ b: Int) -> Bool {
  let x = unsafe values.value(a)
  let y = unsafe values.value(b)
  guard let p = x.baseAddress, let q = y.baseAddress else {
    return x.count < y.count
  }
  let order = unsafe memcmp(p, q, min(x.count, y.count))
  return order != 0 ? order < 0 : x.count < y.count
}
