import Larder
import LarderColumns
import LarderContract

extension RetrievalReport {
  /// The report as JSON.
  var json: JSONValue {
    let views = self.views.map { view in
      JSONValue.object([
        "name": .text(view.name), "matchedRows": .integer(view.matchedRows),
        "segments": .integer(view.segments),
      ])
    }
    let steps = seconds.sorted { $0.key < $1.key }.map { step in
      JSONValue.Member(step.key, .double(step.value))
    }
    return .object([
      "rows": .integer(rows), "views": .array(views), "threads": .integer(threads),
      "seconds": JSONValue(.object(steps)), "bytesTouched": .integer(bytesTouched),
    ])
  }
}

extension MaterializationReport {
  /// The report as JSON.
  var json: JSONValue {
    .object([
      "view": .text(view), "rows": .integer(rows), "lateRows": .integer(lateRows),
      "changedKeys": .integer(changedKeys), "isRebuilt": .bool(isRebuilt),
      "leftOut": .array(
        leftOut.map { row in
          let key = row.key.sorted { $0.key < $1.key }.map {
            JSONValue.Member($0.key, .text("\($0.value)"))
          }
          return .object([
            "key": JSONValue(.object(key)), "column": row.column.map { .text($0) } ?? .null,
            "reason": .text(row.reason),
          ])
        }),
      "watermark": watermark.map { mark in
        .object([
          "commit": .integer(mark.commit), "through": .text("\(mark.through)"),
        ])
      } ?? .null,
    ])
  }
}

extension VerificationReport {
  /// The report as JSON.
  var json: JSONValue {
    .object([
      "commit": commitJSON(commit), "files": .integer(files), "bytes": .integer(bytes),
      "rows": .integer(rows),
      "findings": .array(findings.map(\.json)), "notes": .array(notes.map { .text($0) }),
      "lastGood": lastGood.map { .integer($0.id) } ?? .null,
    ])
  }
}

extension Finding {
  /// The finding as JSON.
  var json: JSONValue {
    .object([
      "code": .integer(error.code.rawValue), "message": .text("\(error)"),
      "affects": .text(affects),
    ])
  }
}

extension SpaceReport {
  /// The report as JSON.
  var json: JSONValue {
    .object([
      "filesRemoved": .integer(filesRemoved), "bytesReturned": .integer(bytesReturned),
      "bytesWaiting": .integer(bytesWaiting),
      "waitingUntil": waitingUntil.map { .text("\($0)") } ?? .null, "oldest": .integer(oldest),
      "dryRun": .bool(isDryRun),
    ])
  }
}

extension StoreReport {
  /// The report as JSON.
  var json: JSONValue {
    .object(["commit": commitJSON(commit), "views": .array(views.map(\.json))])
  }
}

extension StoreReport.View {
  fileprivate var json: JSONValue {
    .object([
      "name": .text(name), "rows": .integer(rows), "keys": .integer(keys),
      "firstEvent": firstEvent.map { .text("\($0)") } ?? .null,
      "lastEvent": lastEvent.map { .text("\($0)") } ?? .null,
      "segments": .integer(segments), "partitions": .integer(partitions),
      "bytes": .integer(bytes), "debtRows": .integer(debtRows),
      "parts": .array(
        parts.map { part in
          .object([
            "name": .text(part.name), "bytes": .integer(part.bytes),
            "encodings": .array(part.encodings.map { .text($0) }),
          ])
        }),
    ])
  }
}
