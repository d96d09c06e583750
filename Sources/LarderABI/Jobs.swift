import CLarder
import LarderColumns
import LarderContract
import LarderInterchange

/// Tells how a query will be answered; see `larder.h`.
@c @implementation public func larder_job_explain(
  _ job: OpaquePointer?, _ text: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let handle = try unsafe object(job, JobHandle.self, "job")
    let words = try handle.job.explain()
    try unsafe handOut(Array(words.utf8), to: text)
  }
}

/// Tells the type of the rows of an answer; see `larder.h`.
@c @implementation public func larder_job_schema(
  _ job: OpaquePointer?, _ schema: UnsafeMutablePointer<ArrowSchema>?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let handle = try unsafe object(job, JobHandle.self, "job")
    let place = try unsafe required(schema, "place for the schema")
    unsafe exportArrow(handle.job.schema, dictionaries: handle.dictionaries, to: place)
  }
}

/// Answers a query in one array; see `larder.h`.
@c @implementation public func larder_job_collect(
  _ job: OpaquePointer?, _ schema: UnsafeMutablePointer<ArrowSchema>?,
  _ rows: UnsafeMutablePointer<ArrowArray>?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let handle = try unsafe object(job, JobHandle.self, "job")
    let schemaPlace = try unsafe required(schema, "place for the schema")
    let place = try unsafe required(rows, "place for the rows")
    try handle.cancellation.check()
    let batch = try handle.job.collect()
    try handle.cancellation.check()
    unsafe exportArrow(
      batch.schema, dictionaries: batch.columns.map(\.isDictionary), to: schemaPlace)
    unsafe exportArrow(batch, to: place)
  }
}

/// Answers a query in a stream; see `larder.h`.
@c @implementation public func larder_job_stream(
  _ job: OpaquePointer?, _ rows: StreamPointer?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let handle = try unsafe object(job, JobHandle.self, "job")
    let place = try unsafe required(rows, "place for the rows")
    unsafe exportArrow(JobStream(handle), to: place)
  }
}

/// Tells what the last run did; see `larder.h`.
@c @implementation public func larder_job_report(
  _ job: OpaquePointer?, _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let handle = try unsafe object(job, JobHandle.self, "job")
    try unsafe handOut(report: handle.job.report, to: report)
  }
}

/// Ends what a job is doing; see `larder.h`.
@c @implementation public func larder_job_cancel(_ job: OpaquePointer?) {
  // One that was freed has nothing left to end.
  do throws(LarderError) {
    try unsafe object(job, JobHandle.self, "job").cancellation.cancel()
  } catch {}
}

/// Frees a job; see `larder.h`.
@c @implementation public func larder_job_free(_ job: OpaquePointer?) {
  unsafe takeBack(job, JobHandle.self)
}
