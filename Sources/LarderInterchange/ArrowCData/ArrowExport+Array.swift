import CLarder
import LarderColumns

/// Exports a batch as a struct array that shares the batch's buffers.
///
/// - Parameters:
///   - batch: its columns stay in memory until the array, and every child moved out of it, was
///     released.
///   - target: overwritten; its `release` must be called once.
/// - Complexity: O(columns).
package func exportArrow(_ batch: RecordBatch, to target: UnsafeMutablePointer<ArrowArray>) {
  var children: [UnsafeMutablePointer<ArrowArray>] = unsafe []
  for column in batch.columns {
    let place = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
    unsafe export(column, to: place)
    unsafe children.append(place)
  }
  unsafe fill(
    target, count: batch.count, nulls: 0, offset: 0, buffers: [nil], children: children,
    dictionary: nil, holding: nil)
}

/// What an exported array owns besides its children.
@safe private final class ExportedArray {
  let column: Column?
  let buffers: UnsafeMutablePointer<UnsafeRawPointer?>
  let children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>

  init(
    column: Column?, buffers: [UnsafeRawPointer?], children: [UnsafeMutablePointer<ArrowArray>]
  ) {
    self.column = column
    unsafe self.buffers = .allocate(capacity: max(1, buffers.count))
    for index in 0..<(unsafe buffers.count) {
      unsafe (self.buffers + index).initialize(to: buffers[index])
    }
    unsafe self.children = .allocate(capacity: max(1, children.count))
    for index in 0..<(unsafe children.count) {
      unsafe (self.children + index).initialize(to: children[index])
    }
  }

  deinit {
    unsafe buffers.deallocate()
    unsafe children.deallocate()
  }
}

private func export(_ column: Column, to target: UnsafeMutablePointer<ArrowArray>) {
  let validity = unsafe column.validity.map { unsafe UnsafeRawPointer($0.base) }
  let values = unsafe UnsafeRawPointer(column.values.base)
  var buffers: [UnsafeRawPointer?] = unsafe [validity, values]
  var children: [UnsafeMutablePointer<ArrowArray>] = unsafe []
  var dictionary: UnsafeMutablePointer<ArrowArray>?
  if column.isDictionary {
    let place = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
    if let distinct = column.dictionary { unsafe export(distinct, to: place) }
    unsafe dictionary = place
  } else {
    switch column.type.layout {
    case .variable:
      // Consumers want a pointer even where there are no bytes.
      unsafe buffers.append(column.bytes.map { unsafe UnsafeRawPointer($0.base) } ?? values)
    case .list:
      let place = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
      if let elements = column.sharedElements { unsafe export(elements, to: place) }
      unsafe children.append(place)
    case .bits, .fixed: break
    }
  }
  unsafe fill(
    target, count: column.count, nulls: column.nullCount, offset: column.offset,
    buffers: buffers, children: children, dictionary: dictionary, holding: column)
}

private func fill(
  _ target: UnsafeMutablePointer<ArrowArray>, count: Int, nulls: Int, offset: Int,
  buffers: [UnsafeRawPointer?], children: [UnsafeMutablePointer<ArrowArray>],
  dictionary: UnsafeMutablePointer<ArrowArray>?, holding column: Column?
) {
  let owned = unsafe ExportedArray(column: column, buffers: buffers, children: children)
  var array = unsafe ArrowArray()
  unsafe array.length = Int64(count)
  unsafe array.null_count = Int64(nulls)
  unsafe array.offset = Int64(offset)
  unsafe array.n_buffers = Int64(buffers.count)
  unsafe array.buffers = owned.buffers
  unsafe array.n_children = Int64(children.count)
  unsafe array.children = children.isEmpty ? nil : owned.children
  unsafe array.dictionary = dictionary
  unsafe array.release = releaseArray
  unsafe array.private_data = Unmanaged.passRetained(owned).toOpaque()
  unsafe target.initialize(to: array)
}

/// Lets go of an array and of those below it that nobody moved away.
private func releaseArray(_ target: UnsafeMutablePointer<ArrowArray>?) {
  guard let target = unsafe target, unsafe target.pointee.release != nil else { return }
  let array = unsafe target.pointee
  func drop(_ child: UnsafeMutablePointer<ArrowArray>?) {
    guard let child = unsafe child else { return }
    if let release = unsafe child.pointee.release { unsafe release(child) }
    unsafe child.deallocate()
  }
  if let children = unsafe array.children {
    for index in 0..<Int(unsafe array.n_children) { unsafe drop(children[index]) }
  }
  unsafe drop(array.dictionary)
  if let owned = unsafe array.private_data {
    unsafe Unmanaged<ExportedArray>.fromOpaque(owned).release()
  }
  unsafe target.pointee.release = nil
}
