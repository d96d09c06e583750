import LarderColumns

// Structures that may grow: a length, the fields that the structure always had, one after the other, and
// behind them fields that came later, each with a number, a flag that says whether who does not know it
// may pass it over, and its length.

/// The head of a field that a structure gained after it was first written.
package struct LaterField: Sendable, Hashable {
  /// Its number within the structure; never used for another.
  package var number: UInt16
  /// Whether who does not know it may pass it over.
  package var isSkippable: Bool

  package init(_ number: UInt16, isSkippable: Bool) {
    self.number = number
    self.isSkippable = isSkippable
  }
}

extension RecordWriter {
  /// Writes a structure that may grow.
  ///
  /// - Parameter body: writes the structure's fields, those that came later last.
  package mutating func writeStructure(_ body: (inout RecordWriter) -> Void) {
    let start = written.count
    write(UInt32(0))
    body(&self)
    let count = UInt32(truncatingIfNeeded: written.count - start - 4)
    unsafe withUnsafeBytes(of: count.littleEndian) { bytes in
      for (offset, byte) in unsafe bytes.enumerated() { written[start + offset] = byte }
    }
  }

  /// Writes a field that the structure around it gained later.
  package mutating func writeLater(
    _ field: LaterField, _ body: (inout RecordWriter) -> Void
  ) {
    write(field.number)
    write(UInt16(field.isSkippable ? 1 : 0))
    writeStructure(body)
  }
}

extension RecordReader {
  /// Reads a structure that may have grown since this version.
  ///
  /// Version 1 of a format has no lengths, and nothing that came later.
  ///
  /// - Parameters:
  ///   - what: what it is, for messages.
  ///   - body: reads the fields that the structure always had.
  ///   - later: takes a field that came later; false for one that it does not know.
  /// - Throws: `unsupportedVersion` for a field that is not known and must not be passed over;
  ///   `corrupt`.
  package mutating func readStructure<Result>(
    _ what: String, _ body: (inout RecordReader) throws(LarderError) -> Result,
    later: (LaterField, inout RecordReader, inout Result) throws(LarderError) -> Bool = {
      _, _, _ throws(LarderError) in false
    }
  ) throws(LarderError) -> Result {
    if version == 1 { return try body(&self) }
    var inner = try readNested()
    var result = try body(&inner)
    while inner.remaining > 0 {
      let number = try inner.read(UInt16.self)
      let flags = try inner.read(UInt16.self)
      var content = try inner.readNested()
      let field = LaterField(number, isSkippable: flags & 1 != 0)
      if try later(field, &content, &result) || field.isSkippable { continue }
      throw laterVersion(
        "The \(what) has the field \(number), which a later version of Larder wrote and which must not "
          + "be passed over. Use that version.")
    }
    return result
  }

  /// An `unsupportedVersion` error for what a later version wrote.
  package func laterVersion(_ message: String) -> LarderError {
    LarderError(.unsupportedVersion, message, file: file)
  }
}
