import LarderColumns

/// What a Parquet file's footer says, as far as reading needs it.
struct FileMetadata {
  var elements: [SchemaElement] = []
  var rowCount: Int = 0
  var rowGroups: [RowGroup] = []
  /// Whether each leaf's `min_value` and `max_value` follow the order its type defines.
  var typeOrders: [Bool] = []
  var createdBy = ""
}

/// The types that Parquet stores.
enum PhysicalType: Int32 {
  case boolean = 0
  case int32 = 1
  case int64 = 2
  case int96 = 3
  case float = 4
  case double = 5
  case byteArray = 6
  case fixedLengthByteArray = 7

  /// The bytes of a value in PLAIN encoding; nil where it varies.
  var width: Int? {
    switch self {
    case .int32, .float: 4
    case .int64, .double: 8
    case .int96: 12
    case .boolean, .byteArray, .fixedLengthByteArray: nil
    }
  }
}

enum Repetition: Int32 {
  case required = 0
  case optional = 1
  case repeated = 2
}

/// One node of the schema tree, in depth-first order.
struct SchemaElement {
  var name = ""
  var type: PhysicalType?
  /// A physical type that is not known.
  var unknownType: Int32?
  /// Whether it is a column, and no group.
  var isLeaf: Bool { type != nil || unknownType != nil }
  var typeLength = 0
  var repetition: Repetition?
  var children = 0
  var scale = 0
  var annotation: Annotation = .none
}

/// What a column's bytes mean: Parquet's logical type, or the converted type of older files.
enum Annotation: Equatable {
  case none
  /// Nothing is there, whatever is stored.
  case null
  case string
  case map
  case list
  case decimal(scale: Int)
  case date
  case time(TimeUnit)
  case timestamp(TimeUnit, isInstant: Bool)
  case integer(bits: Int, signed: Bool)
  case json
  case bson
  case uuid
  case float16
  case interval
  case variant
  case geospatial
}

enum CompressionCodec: Int32 {
  case uncompressed = 0
  case snappy = 1
  case gzip = 2
  case lzo = 3
  case brotli = 4
  case lz4Hadoop = 5
  case zstd = 6
  case lz4Raw = 7
}

enum Encoding: Int32 {
  case plain = 0
  case plainDictionary = 2
  case rle = 3
  case bitPacked = 4
  case deltaBinaryPacked = 5
  case deltaLengthByteArray = 6
  case deltaByteArray = 7
  case rleDictionary = 8
  case byteStreamSplit = 9
  case alp = 10
}

/// A run of rows whose columns lie in chunks.
struct RowGroup {
  var chunks: [ColumnChunk] = []
  var rowCount = 0
  /// Its place in the file, from 1, for messages.
  var ordinal = 0
}

/// Where a column of a row group lies and how it is compressed.
struct ColumnChunk {
  var type: PhysicalType?
  var codec: Int32 = 0
  var valueCount = 0
  var uncompressedBytes = 0
  var compressedBytes = 0
  var dataPageOffset = 0
  var dictionaryPageOffset: Int?
  var statistics: ChunkStatistics?
  var isEncrypted = false
  var hasMetadata = false
  var externalFile: String?
}

/// The least and greatest value of a chunk, in PLAIN encoding.
struct ChunkStatistics {
  var nullCount: Int?
  /// Of the order that the column's type defines.
  var minimum: [UInt8]?
  var maximum: [UInt8]?
  /// Of older files: of signed order.
  var signedMinimum: [UInt8]?
  var signedMaximum: [UInt8]?
}

/// What stands before each page.
struct PageHeader {
  enum Kind: Int32 {
    case data = 0
    case index = 1
    case dictionary = 2
    case dataV2 = 3
  }

  var kind: Kind?
  var uncompressedBytes = 0
  var compressedBytes = 0
  var checksum: UInt32?
  var valueCount = -1
  var encoding: Int32 = 0
  var definitionEncoding = Encoding.rle.rawValue
  var repetitionEncoding = Encoding.rle.rawValue
  /// Version 2 only.
  var definitionBytes = 0
  var repetitionBytes = 0
  var isCompressed = true
}
