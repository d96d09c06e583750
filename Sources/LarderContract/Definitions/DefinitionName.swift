import LarderColumns

/// What a name may be: 1 to 255 bytes of UTF-8 without `:`, control characters or a leading `__`.
package enum DefinitionName {
  /// What is wrong with a name, as a sentence about it; nil for a good one.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - kind: what it names, such as `feature`.
  package static func flaw(_ name: String, as kind: String) -> String? {
    let bytes = name.utf8
    if bytes.isEmpty { return "A \(kind) has an empty name." }
    if bytes.count > Limits.nameBytes {
      return
        "A \(kind) has a name of \(bytes.count) bytes; at most \(Limits.nameBytes) are allowed."
    }
    if bytes.contains(UInt8(ascii: ":")) {
      return "\"\(name)\" cannot name a \(kind): the colon separates views from features."
    }
    let isControl = { (scalar: Unicode.Scalar) in
      scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0)
    }
    if name.unicodeScalars.contains(where: isControl) {
      return "The name of a \(kind) holds a control character."
    }
    if name.hasPrefix("__") {
      return "\"\(name)\" cannot name a \(kind): names that begin with __ are the store's own."
    }
    return nil
  }

  static func check(
    _ name: String, as kind: String, at step: DefinitionStep
  ) throws(DefinitionFlaw) {
    if let flaw = flaw(name, as: kind) { throw DefinitionFlaw(flaw, at: step) }
  }
}
