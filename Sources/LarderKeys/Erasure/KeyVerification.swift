import CLarderKernels
import LarderColumns
import LarderFiles

extension KeyLog {
  /// Checks every chunk and goes on behind damage.
  ///
  /// - Returns: what does not hold, and the ids whose keys are lost by it.
  /// - Complexity: O(bytes of the log).
  package func findings() -> [(error: LarderError, ids: Range<UInt32>)] {
    var findings: [(error: LarderError, ids: Range<UInt32>)] = []
    for index in 0..<runs.count {
      do throws(LarderError) { try verify(run: index) } catch {
        let run = unsafe runs.runs[index]
        let ids = unsafe run.first..<run.first + run.count
        findings.append((error, ids))
      }
    }
    return findings
  }
}

extension KeyFolder {
  /// Checks every key map of a folder that belongs to a log.
  ///
  /// - Returns: the maps that do not hold, with one finding for each damaged block. All of them are
  ///   derived: without them the keys are read from the log.
  /// - Throws: `io`.
  /// - Complexity: O(bytes of the maps).
  package static func damagedMaps(
    in files: any FileSystem, directory: String, for log: KeyLog
  ) throws(LarderError) -> [(path: String, findings: [LarderError])] {
    let tags = KeyTags(log.schema, hashMask: .max)
    var damaged: [(path: String, findings: [LarderError])] = []
    for path in try maps(in: files, directory: directory) {
      do throws(LarderError) {
        let map = try KeyMap.open(in: files, path: path, for: log, tags: tags)
        var findings: [LarderError] = []
        for block in 0..<map.header.blocks {
          do throws(LarderError) { try map.verify(block: block) } catch { findings.append(error) }
        }
        if !findings.isEmpty { damaged.append((path, findings)) }
      } catch {
        switch error.code {
        case .corrupt: damaged.append((path, [error]))
        case .notFound, .incompatibleDefinition: continue
        default: throw error
        }
      }
    }
    return damaged
  }

  /// The paths of all key maps of a folder, in order.
  ///
  /// - Throws: `io`.
  package static func maps(
    in files: any FileSystem, directory: String
  ) throws(LarderError) -> [String] {
    do {
      return try files.names(in: directory).filter { $0.hasSuffix(".map") }.sorted()
        .map { "\(directory)/\($0)" }
    } catch  where error.code == .notFound {
      return []
    }
  }
}
