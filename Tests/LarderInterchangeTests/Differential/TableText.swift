import Glibc
import LarderColumns
import LarderInterchange
import Testing

/// A table as text in which no two different tables look alike: floats by their bits, text and
/// bytes in hexadecimal.
///
/// `generate.py` writes the same.
enum TableText {
  static func lines(of reader: any TableReader, rowLimit: Int = .max) throws -> [String] {
    var texts = reader.schema.fields.map { _ in [String]() }
    var rows = 0
    while rows < rowLimit, let batch = try reader.nextBatch() {
      for (index, column) in batch.columns.enumerated() {
        #expect(column.count == batch.count)
        for row in 0..<batch.count { texts[index].append(text(column[row])) }
      }
      rows += batch.count
    }
    return zip(reader.schema.fields, texts).map { field, values in
      "\(field.name)\t\(field.type)\t\(values.joined(separator: " "))"
    }
  }

  static func text(_ value: Value) -> String {
    switch value {
    case .null: "N"
    case .bool(let x): x ? "T" : "F"
    case .int32(let x), .date(let x): "\(x)"
    case .int64(let x): "\(x)"
    case .float32(let x): x.isNaN ? "nan" : "f" + String(x.bitPattern, radix: 16)
    case .float64(let x): x.isNaN ? "nan" : "d" + String(x.bitPattern, radix: 16)
    case .string(let x): "s" + hexadecimal(Array(x.utf8))
    case .bytes(let x): "b" + hexadecimal(x)
    case .timestamp(let x): "\(x.ticks)"
    case .list(let x): "[" + x.map(text).joined(separator: ",") + "]"
    }
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    for byte in bytes { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: out, as: UTF8.self)
  }
}

/// Files of a directory beside which `.expected` lies.
struct ExpectedFiles {
  var directory: String

  /// The golden files of the repository.
  static func golden(_ folder: String, from file: String = #filePath) -> ExpectedFiles {
    let root = file.split(separator: "/").dropLast(4).joined(separator: "/")
    return ExpectedFiles(directory: "/\(root)/fixtures/\(folder)")
  }

  func names() -> [String] {
    guard let handle = opendir(directory) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix("."), !name.hasSuffix(".expected") { names.append(name) }
    }
    return names.sorted()
  }

  func bytes(_ name: String) -> [UInt8] {
    let path = "\(directory)/\(name)"
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = fread(&chunk, 1, chunk.count, file)
      if got == 0 { return bytes }
      bytes += chunk[..<got]
    }
  }

  func expected(_ name: String) -> [String] {
    let text = String(decoding: bytes(name + ".expected"), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }
}

/// Opens bytes as what they are.
func openTable(
  _ bytes: [UInt8], name: String, options: TableReadOptions
) throws -> any TableReader {
  let source = RandomAccessBytes(bytes, name: name)
  guard let reader = try LarderInterchange.openTable(source, options: options) else {
    throw LarderError(.unsupported, "It is no known format.", file: name)
  }
  return reader
}
