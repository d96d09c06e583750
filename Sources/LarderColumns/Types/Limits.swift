/// Every limit of the engine, in one place.
///
/// Each is tested at one below, at, and one above.
public enum Limits {
  /// Bytes of UTF-8 in a name of a view, entity, feature or column.
  public static let nameBytes = 255
  /// Features of one view.
  public static let featuresPerView = 4_096
  /// Join keys of one entity-key set.
  public static let joinKeys = 32
  /// Bytes of one serialized entity key.
  public static let keyBytes = 65_536
  /// Distinct entities of one join-key set; ids are dense UInt32 and the last is kept free.
  public static let entities = Int(UInt32.max) - 1
  /// Bytes of one string or bytes value.
  public static let valueBytes = 64 << 20
  /// Bytes of the variable-width data of one column of one batch (Int32 offsets).
  public static let columnBytes = Int(Int32.max)
  /// Rows of one batch.
  public static let batchRows = Int(Int32.max) - 1
  /// Rows of one segment.
  public static let segmentRows = 4 << 20
  /// Rows of one page: 64 vectors.
  public static let pageRows = 65_536
  /// Rows of one vector.
  public static let vectorRows = 1_024
  /// Bytes of texts of one page that is compressed.
  public static let packedTextBytes = 64 << 20
  /// Bytes of one segment file.
  public static let segmentBytes: UInt64 = 1 << 40
  /// Live segments of one store.
  public static let segments = 1 << 20
  /// Distinct values of a segment's dictionary.
  public static let dictionaryEntries = 1 << 24
  /// Bytes of one manifest record.
  public static let manifestRecordBytes = 256 << 20
  /// Bytes of one manifest file; its length shares a word with the file number.
  public static let manifestBytes = UInt64(UInt32.max)
  /// Bytes of one JSON text.
  public static let jsonBytes = 64 << 20
  /// Arrays and objects around a JSON value.
  public static let jsonDepth = 64
  /// Types around a type in its name, such as `list<`.
  public static let typeDepth = 64
  /// Columns of one CSV file.
  public static let csvColumns = 16_384
  /// Feature references of one query.
  public static let featuresPerQuery = 65_536
}
