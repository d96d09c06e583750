import LarderColumns
import LarderContract
import LarderEncodings

/// What a checkpoint says of the versions of Larder that may read the store, and write to it.
///
/// A feature is a change of the format that has a name, such as "windows". A writer whose record needs
/// one begins a new manifest file that names it first, so that a version which does not know it refuses
/// by that name, and takes nothing for damage.
package struct StoreFeatures: Sendable, Hashable {
  /// The version that wrote the checkpoint; empty in a manifest of version 1.
  package var writer = ""
  /// What a version must know to read the store.
  package var reading: [String] = []
  /// What it must know to write to it.
  package var writing: [String] = []

  /// The features that this version knows.
  static let known: Set<String> = []

  package init() {}

  /// - Throws: `unsupportedVersion` for a feature of reading that this version does not know.
  init(from reader: inout RecordReader) throws(LarderError) {
    writer = try reader.readText()
    for _ in 0..<(try reader.readCount("features of reading", each: 2)) {
      reading.append(try reader.readText())
    }
    for _ in 0..<(try reader.readCount("features of writing", each: 2)) {
      writing.append(try reader.readText())
    }
    if let unknown = Self.unknown(among: reading) {
      throw reader.laterVersion(refusal(of: unknown, to: "read"))
    }
  }

  func encode(into record: inout RecordWriter) {
    record.write(text: LarderVersion.current)
    for names in [reading, writing] {
      record.write(UInt32(names.count))
      for name in names { record.write(text: name) }
    }
  }

  /// Refuses to write to a store that needs a feature for it which this version does not know.
  ///
  /// - Throws: `unsupportedVersion`.
  func checkWriting(_ directory: String) throws(LarderError) {
    guard let unknown = Self.unknown(among: writing) else { return }
    throw LarderError(
      .unsupportedVersion, refusal(of: unknown, to: "write to"), file: directory)
  }

  private static func unknown(among names: [String]) -> String? {
    names.first { !known.contains($0) }
  }

  private func refusal(of feature: String, to act: String) -> String {
    "Larder \(writer) wrote this store, and to \(act) it a version must know \"\(feature)\"; this is "
      + "\(LarderVersion.current). Use \(writer) or a later one."
  }
}
