import Foundation
import Larder

extension FeatureStore {
  /// Opens a store in a directory; see `init(at:access:options:)` for a path.
  ///
  /// - Parameter directory: a URL of a file.
  /// - Throws: `invalidArgument` for a URL of another kind; else as for a path.
  public convenience init(
    at directory: URL, access: StoreAccess = .readWrite, options: StoreOptions = StoreOptions()
  ) throws(LarderError) {
    try self.init(at: try directory.filePath(), access: access, options: options)
  }
}

extension RetrievalJob {
  /// Runs the query and writes the answer to a file; see `write(to:)` for a path.
  ///
  /// - Parameter file: a URL of a file.
  /// - Throws: `invalidArgument` for a URL of another kind; else as for a path.
  @discardableResult
  public func write(to file: URL) throws -> Int { try write(to: try file.filePath()) }
}

extension URL {
  /// The path of a URL of a file.
  fileprivate func filePath() throws(LarderError) -> String {
    guard isFileURL else {
      throw LarderError(
        .invalidArgument, "\(absoluteString) is no URL of a file; give one such as file:///path.")
    }
    return path
  }
}
