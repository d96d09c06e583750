// Larder from C: the whole interface of liblarder.so. This header is its manual.
//
// Larder keeps the history of features in columnar files in one directory, answers what was known
// at past times, and serves the latest values. `docs/` of the project explains the terms.
//
// RESULTS. Every function that can fail returns a code: 0 (LARDER_OK), or one of larder_code. The
// numbers never change between releases. Where an `error` may be passed and is not NULL, it is the
// caller's own struct, filled on failure only. On failure, outputs are left as they were; nothing
// needs to be freed, and nothing was written to the store unless the code says that the outcome is
// unknown.
//
// TEXT. All text is UTF-8 that ends in a 0 byte. Text that comes out (`char **`) belongs to the
// caller and goes back to larder_text_free.
//
// OPTIONS AND REPORTS are JSON objects. NULL or "" stands for {}. A member that is not listed at
// the function is an error that names it. Times are texts of ISO 8601, UTC unless they name a zone,
// to the nanosecond: "2026-03-01T12:00:00Z"; null stands for no bound. Durations are numbers of
// seconds, or texts of a whole number and a unit as definitions write them: "90s", "2d".
//
// ROWS go in and out as Arrow's C structs. Whoever is handed an array or a stream owns it:
//   - An input is moved from as the specification says: it is marked released when the function
//     returns, whether it failed or not, and its release callback runs exactly once, when the last
//     of its buffers is no longer needed. A schema beside an array stays the caller's.
//   - An output is overwritten and must be released once by the caller. It shares memory with the
//     engine, stays valid after its job and its store are freed, and must not be changed.
//   Buffers are read in place where they are aligned to the width of their values; others are
//   copied. Read are: bool, integers and floats of every width, utf8, binary, their large and view
//   forms, fixed-size binary, decimals, dates, times, timestamps of every unit and zone, durations,
//   dictionaries of these, lists, large lists and fixed-size lists of these, and null. Refused
//   by name (LARDER_UNSUPPORTED): structs as columns, lists of lists, maps, unions, run-end encoded
//   columns, list views, and rows that are null as a whole.
//
// HANDLES. A `larder_store *` or `larder_job *` is a number that is looked up, not an address: never
// dereference one. It may be kept, copied, and used after it was given back, also by another thread
// at that moment: what was begun is done, what comes later fails with LARDER_CLOSED. A number is
// never given twice. What is no handle of the process, or of the other kind, fails with
// LARDER_INVALID_ARGUMENT; larder_close, larder_job_free and larder_job_cancel do nothing then.
//
// THREADS. All functions may be called from any thread, several at a time with one handle. Arrow's
// streams are for one thread at a time, as their specification says; here others wait their turn.
// Handles do not survive fork: a child process gets LARDER_FORKED and must open its own. It may do so
// whatever its parent was doing: the engine's threads and locks are made again. Streams of the
// parent's fail in the child; rows that were handed out may be read and released there.
#ifndef CLARDER_H
#define CLARDER_H

#include <stdint.h>

#include "larder_arrow.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What a function came to.
typedef enum larder_code {
  LARDER_OK = 0,
  /// An argument that no store could accept: a negative duration, an unknown option.
  LARDER_INVALID_ARGUMENT = 1,
  /// Rows or files of the caller's that the view or the format does not allow.
  LARDER_INVALID_INPUT = 2,
  /// A definition that contradicts what the store holds.
  LARDER_INCOMPATIBLE_DEFINITION = 3,
  /// A view, feature, column, entity, service, commit or store of that name does not exist.
  LARDER_NOT_FOUND = 4,
  /// Bytes on disk contradict their checksum, their bounds or one another.
  LARDER_CORRUPT = 5,
  /// A file written by a later version.
  LARDER_UNSUPPORTED_VERSION = 6,
  /// Another process holds the lock, and did so for the whole lock time-out.
  LARDER_LOCKED = 7,
  /// A limit of the engine or a budget of the caller's would be exceeded.
  LARDER_LIMIT_EXCEEDED = 8,
  /// A system call failed.
  LARDER_IO = 9,
  /// The disk is full.
  LARDER_NO_SPACE = 10,
  /// The process may not read or write there.
  LARDER_PERMISSION_DENIED = 11,
  /// The store was opened read-only, or is an earlier state.
  LARDER_READ_ONLY = 12,
  /// A sync failed: the commit may or may not survive a crash. Reopen to learn which.
  LARDER_OUTCOME_UNKNOWN = 13,
  /// An earlier sync failed and the store must be reopened for writing.
  LARDER_POISONED = 14,
  /// larder_job_cancel was called.
  LARDER_CANCELLED = 15,
  /// The store was opened by the parent of this forked process.
  LARDER_FORKED = 16,
  /// The handle was given back.
  LARDER_CLOSED = 17,
  /// The path holds something that is not a Larder store.
  LARDER_NOT_A_STORE = 18,
  /// A store exists where a new one was asked for.
  LARDER_ALREADY_EXISTS = 19,
  /// The request is understood and not offered.
  LARDER_UNSUPPORTED = 20,
  /// What a command had read changed before it could commit; nothing was written. Try again.
  LARDER_CONFLICT = 21
} larder_code;

/// What went wrong and where. The caller's own; functions fill it on failure.
typedef struct larder_error {
  /// One of larder_code.
  int32_t code;
  /// The zero-based row of the caller's rows, or -1.
  int64_t row;
  /// The column it happened in, or "". Longer names are cut at a character.
  char column[256];
  /// What was found, what was expected, what to do, led by the place. Cut at a character if longer.
  char message[2048];
} larder_error;

/// An open store.
typedef struct larder_store larder_store;
/// A query whose names are resolved and which has not run yet.
typedef struct larder_job larder_job;

// MARK: Plain things

/// The library's version, as "0.1.0". Belongs to the library.
const char *larder_version(void);

/// The name of a code: "NotFoundError", as pylarder calls its exception; NULL for an unknown one.
/// Belongs to the library.
const char *larder_code_name(int32_t code);

/// Frees text that the library handed out. NULL is allowed.
void larder_text_free(char *text);

// MARK: Stores

/// Opens a store in a directory of a local file system.
///
/// Options: "access": "create" (default: the store is made if there is none), "readWrite" or
/// "readOnly" (makes nothing, needs read permission only); "lockTimeout": seconds to wait for
/// another process's lock, 10; "keepSnapshots": seconds that an overtaken state stays readable,
/// 3600; "folds": whether small segments are merged after appends, true; "allowsSharedDirectory":
/// whether a directory that group or others may write is accepted, false; "appendBufferBytes";
/// "threads": null for all cores; "onlineDurability": "batch" (default) or "process".
///
/// Fails with NOT_FOUND, NOT_A_STORE, PERMISSION_DENIED, CORRUPT, UNSUPPORTED_VERSION, UNSUPPORTED
/// (network file systems, for writing), LOCKED, NO_SPACE, IO. O(1) in the rows of the store.
int32_t larder_open(const char *path, const char *options, larder_store **store,
                    larder_error *error);

/// Opens the store as of an earlier commit: read-only, kept as long as the handle lives.
///
/// Fails with NOT_FOUND if there is no such commit or it is no longer kept.
int32_t larder_snapshot(larder_store *store, uint64_t commit, larder_store **past,
                        larder_error *error);

/// Opens the store as of the commit of a tag (see larder_tag): otherwise as larder_snapshot.
///
/// Fails with NOT_FOUND with the nearest name.
int32_t larder_snapshot_tagged(larder_store *store, const char *tag, larder_store **past,
                               larder_error *error);

/// Closes a store. Jobs and rows that came from it stay valid, and calls that are under way in other
/// threads are done. NULL is allowed, and so is a store that was closed.
void larder_close(larder_store *store);

// MARK: Definitions

/// Makes entities, views and services known, in one commit. Idempotent.
///
/// `definitions` is the JSON of `larder apply`. Options: "dropping": whether features that the
/// store has and an applied view lacks are dropped; "dryRun": whether only to say what would
/// change. `changes` (may be NULL): an array of {"kind", "name", "feature", "detail", "text"}.
///
/// Fails with INVALID_INPUT with line and character of the JSON, INCOMPATIBLE_DEFINITION.
int32_t larder_apply(larder_store *store, const char *definitions, const char *options,
                     char **changes, larder_error *error);

/// What the store knows, as the JSON that larder_apply reads.
int32_t larder_definitions(larder_store *store, char **definitions, larder_error *error);

/// Drops a view, and its history as of later commits. Options: "dryRun". `changes` may be NULL.
int32_t larder_drop(larder_store *store, const char *view, const char *options, char **changes,
                    larder_error *error);

// MARK: Writing history

/// Adds rows to a view's history, in one commit that is durable on return: all of them or none.
///
/// Columns, by name in any order: the join keys, the event time, the created time if the view has
/// one, features. A feature that is missing is null. The stream is read batch by batch in bounded
/// memory. `commit` (may be NULL): {"commit", "time", "chainHash", "rows"}.
///
/// Fails with INVALID_INPUT with column and row (counted from the stream's first), NOT_FOUND,
/// LOCKED, NO_SPACE, IO, OUTCOME_UNKNOWN.
int32_t larder_append(larder_store *store, const char *view, struct ArrowArrayStream *rows,
                      char **commit, larder_error *error);

/// Replaces the rows of a range of event times, or of the whole view, in one commit.
///
/// Options: "from", "through": the first and last event time, inclusive. Otherwise as
/// larder_append; a row outside the range is INVALID_INPUT.
int32_t larder_replace(larder_store *store, const char *view, const char *options,
                       struct ArrowArrayStream *rows, char **commit, larder_error *error);

/// Adds the rows of files to a view's history, or puts them in the place of all its rows, in one
/// commit: the files are read by the engine, row groups at a time on all cores, in bounded memory.
///
/// Options: "paths": Parquet, Arrow IPC and CSV files, told by their first bytes; a folder stands
/// for those in it and below, by name; "columns": {column of the view: column of the files}, where
/// they differ; "timeUnit": "s", "ms", "us" or "ns", of times that are integers; "replace": true
/// for replacing. Columns that the view does not have are left out, features that a file does not
/// have are null. `commit` (may be NULL): as larder_append.
///
/// Fails with NOT_FOUND, INVALID_INPUT with file, column and row, UNSUPPORTED for a wanted column
/// of a type that is not read; else as larder_append.
int32_t larder_import_files(larder_store *store, const char *view, const char *options,
                            char **commit, larder_error *error);

// MARK: Queries

/// Features as they were at the time of each row of a spine.
///
/// A view answers a spine row (key, t) with its row of that key with the greatest event time in
/// [t - timeToLive, t], both ends inclusive; ties go to the greater created time (null least), then
/// to the row committed last. The result has the spine's rows in the spine's order, the spine's
/// columns, then the features in the order asked for.
///
/// `spine` may be NULL; then the distinct keys and event times of the views from "from" through
/// "through" make it. Query: "features": array of "view:feature" or "view:*", or "service": a
/// feature service; "timestamp": the spine's time column, "event_timestamp"; "projections": array
/// of {"view", "as", "joinKeys": {join key: spine column}}; "fullFeatureNames"; "asKnown": only
/// rows that were created by then; "withEventTimes": adds `<view>__event_timestamp`; "withStatus":
/// adds `<view>__status`; "from", "through"; "dictionaryStrings": text features as dictionaries;
/// "memoryBytes"; "threads".
///
/// Fails with NOT_FOUND with the nearest name, INVALID_INPUT for a spine that does not fit. Nothing
/// is read yet; the job is pinned to the newest commit.
int32_t larder_historical_features(larder_store *store, struct ArrowArrayStream *spine,
                                   const char *query, larder_job **job, larder_error *error);

/// The latest row of each entity in a range of event times, or every row of it.
///
/// Query: "latest": true for the latest row of each entity; "features": array of names, null for
/// all; "from", "through": inclusive; "memoryBytes". Columns: join keys, features, event time,
/// created time.
int32_t larder_pull(larder_store *store, const char *view, const char *query,
                    larder_job **job, larder_error *error);

/// How the query will be answered, for people. Touches no data.
int32_t larder_job_explain(larder_job *job, char **text, larder_error *error);

/// The type of the job's rows.
int32_t larder_job_schema(larder_job *job, struct ArrowSchema *schema, larder_error *error);

/// Answers the query as one array. May be called again, with the same answer.
///
/// Fails with LIMIT_EXCEEDED if "memoryBytes" does not suffice, CANCELLED, CORRUPT, IO.
int32_t larder_job_collect(larder_job *job, struct ArrowSchema *schema, struct ArrowArray *rows,
                           larder_error *error);

/// Answers the query as a stream of batches, in order and in bounded memory.
///
/// A thread of the library answers one batch ahead of its consumer. Failures come out of the
/// stream. Releasing the stream early ends the work.
int32_t larder_job_stream(larder_job *job, struct ArrowArrayStream *rows, larder_error *error);

/// What the last run of a point-in-time query did, as JSON; "null" before the first.
int32_t larder_job_report(larder_job *job, char **report, larder_error *error);

/// Ends what the job is doing, from any thread: it fails with CANCELLED, now and later.
void larder_job_cancel(larder_job *job);

/// Frees a job; streams made of it go on, and so do calls that are under way in other threads. NULL
/// is allowed, and so is a job that was freed.
void larder_job_free(larder_job *job);

/// Why a view answers a key at a time as it does.
///
/// Query: "key": {join key: value}, integers and texts as JSON has them, bytes in base 64 and
/// instants in ISO 8601; "at": the time asked for; "asKnown"; "limit": rows to list, 20. `report`:
/// {"view", "time", "status", "rule", "candidates": [{"event", "created", "commits", "verdict",
/// "values"}], "counts"}.
int32_t larder_why(larder_store *store, const char *view, const char *query, char **report,
                   larder_error *error);

// MARK: Online

/// Brings a view's online table up to date with its history.
///
/// Options: "through": the last event time, never later than now; "full": take every answer from
/// history again; "from": if given, the range is written as it is, and the watermark of incremental
/// runs stays. `report` (may be NULL): {"view", "rows", "changedKeys", "lateRows", "watermark":
/// {"commit", "chainHash", "through"}, "isRebuilt", "leftOut": array of {"view", "key", "column",
/// "reason"}, "seconds"}.
int32_t larder_materialize(larder_store *store, const char *view, const char *options,
                           char **report, larder_error *error);

/// Writes rows straight to a view's online table. Each batch of the stream is written whole or not
/// at all; `rows_written` (may be NULL) counts the rows of those written, on failure too.
///
/// Of two rows of one key that with the greater event time stays, then that with the greater
/// created time, then the later one. A row of some of the features keeps the others.
int32_t larder_write_online(larder_store *store, const char *view, struct ArrowArrayStream *rows,
                            int64_t *rows_written, larder_error *error);

/// Ends writing to online tables: what was written is durable, and other processes may write. A
/// handle that writes online holds the lock of the table from its first write until this call or
/// larder_close; the next write takes it again.
///
/// Fails with OUTCOME_UNKNOWN if the disk failed to say whether all of it is there.
int32_t larder_end_writing(larder_store *store, larder_error *error);

/// Removes the online tables of views, and only these; twice is no error. Options: "views": array
/// of names.
int32_t larder_tear_down(larder_store *store, const char *options, larder_error *error);

/// The latest features of keys, of one view or several in one call.
///
/// `keys`: a struct array with the join keys of all views asked for, one row for each answer;
/// null for a view without entities is no key at all, so it takes a struct without columns.
/// Query: "features": array of "view:feature" or "view:*"; "projections" as above;
/// "fullFeatureNames"; "at": when the time to live is judged, null for now; "includeExpired":
/// values past the time to live too.
/// Columns: the features in the order asked for, then for each view `<view>__event_timestamp` and
/// `<view>__status`, a dictionary of "present", "nullValue", "notFound" and "outsideMaxAge".
///
/// Fails with NOT_FOUND before anything was written online, INVALID_INPUT for a key column of
/// another kind.
int32_t larder_read_online(larder_store *store, const char *query,
                           const struct ArrowSchema *keys_schema, struct ArrowArray *keys,
                           struct ArrowSchema *schema, struct ArrowArray *rows,
                           larder_error *error);

/// The latest features of keys as messages of Feast's, for a server that hands them on.
///
/// `keys` and query as larder_read_online; besides, "valueFields": for each feature, which is
/// named one by one, the field of Feast's `Value` message it goes to, or 0 for a feature of bytes
/// that are such messages. `messages` are the `results` of a GetOnlineFeaturesResponse in the wire
/// format of protocol buffers: a FeatureVector for each feature in the order asked for, with the
/// statuses PRESENT and NOT_FOUND (past the time to live too, unless "includeExpired") and the
/// event times. They go back to larder_text_free, and have `length` bytes, 0 among them.
///
/// Fails as larder_read_online, with UNSUPPORTED for a type that `Value` has no field for, and with
/// INVALID_ARGUMENT for 0 for a feature that holds neither texts nor bytes.
int32_t larder_read_online_messages(larder_store *store, const char *query,
                                    const struct ArrowSchema *keys_schema, struct ArrowArray *keys,
                                    char **messages, int64_t *length, larder_error *error);

/// Keys as Feast serializes them (entity-key serialization version 3): the bytes by which Larder,
/// Redis and SQLite find a row.
///
/// `keys`: a struct array with a column for each join key: string, binary, 32- or 64-bit integers,
/// or timestamps of whole seconds. Out comes one column, "entity_key".
int32_t larder_entity_keys(const struct ArrowSchema *keys_schema, struct ArrowArray *keys,
                           struct ArrowSchema *schema, struct ArrowArray *rows,
                           larder_error *error);

// MARK: Inspection

// Reports have one form, which the command prints too with --json. A commit in them is {"commit",
// "time", "chainHash"}, times are texts in ISO 8601, and what is not there is null.

/// What the store holds: rows, keys, times, segments, bytes by column. O(segments x columns).
int32_t larder_info(larder_store *store, char **report, larder_error *error);

/// Checks every checksum, order, count and reference: {"commit", "files", "bytes", "rows",
/// "findings": [{"code", "message", "file", "offset", "affects"}], "notes", "lastGood"}. Findings are
/// no failure.
/// Notes tell what is no damage: an erasure that is not finished, commits that the next writer
/// settles. "lastGood": the newest commit of which nothing was found wrong, if something was found.
///
/// Options: "deep": every value is decoded too, and what was said of it computed again.
/// O(bytes); deep O(values).
int32_t larder_verify(larder_store *store, const char *options, char **report,
                      larder_error *error);

// MARK: Snapshots

/// The commits that can still be looked at, oldest first: an array of {"commit", "time",
/// "chainHash", "tags", "isHead", "isPinned"}.
int32_t larder_snapshots(larder_store *store, char **report, larder_error *error);

/// The commit that a text names: its number, a tag, or a time in ISO 8601, which means the last commit
/// that is not later; a day means its beginning in UTC. `commit`: {"commit", "time", "chainHash"}.
///
/// Fails with NOT_FOUND, with the nearest tag, or if the commit is no longer kept.
int32_t larder_find_commit(larder_store *store, const char *name, char **commit,
                           larder_error *error);

/// Gives a commit a name, by which it is kept until the tag is removed. A tag that exists moves.
///
/// `tag`: 1 to 255 bytes, without spaces and '@', not a number. Options: "commit": its number, or
/// text as larder_find_commit takes it; the newest commit if none is given. `commit` (may be NULL): {"commit", "time", "chainHash"}.
///
/// Fails with INVALID_ARGUMENT for a name that is none, NOT_FOUND if the commit is no longer kept,
/// READ_ONLY, LOCKED, NO_SPACE, IO.
int32_t larder_tag(larder_store *store, const char *tag, const char *options, char **commit,
                   larder_error *error);

/// Removes a tag; its commit is kept no longer than others then.
///
/// Fails with NOT_FOUND with the nearest name; else as larder_tag.
int32_t larder_remove_tag(larder_store *store, const char *tag, larder_error *error);

/// Makes the state of an earlier commit the newest again, definitions included, in one commit.
///
/// The commits in between stay for as long as others do, and a rollback can be rolled back; what is
/// online stays as it is. Options: "dryRun". `report` (may be NULL): {"from", "to", "commit": null
/// for a dry run or where nothing changed, "views": [{"name", "rowsBefore", "rowsAfter"}],
/// "tablesBehind": views whose online tables `larder_materialize` recomputes, "dryRun"}.
///
/// Fails with NOT_FOUND, naming the commits that are kept, READ_ONLY, LOCKED, NO_SPACE, IO.
int32_t larder_rollback(larder_store *store, uint64_t commit, const char *options, char **report,
                        larder_error *error);

// MARK: Maintenance

/// Brings the rows of partitions of time together in few segments; others may go on writing.
///
/// Options: "views": names, all if none are given; "partitions": such as "2026-03"; "cold":
/// smaller and slower to read; "dedupe": drops rows whose key and times a later one repeats;
/// "maxSeconds"; "dryRun". `report` (may be NULL): {"views": [{"name", "before", "after", each
/// {"segments", "rows", "bytes", "debtRows"}, "partitions", "rowsWritten", "bytesWritten",
/// "rowsRepeated", "commit", "seconds", "note"}], "dryRun", "bytesReturned", "bytesWaiting",
/// "waitingUntil", "erasure": as larder_finish_erasures}.
int32_t larder_compact(larder_store *store, const char *options, char **report,
                       larder_error *error);

/// Takes rows of a view away that are older than an age, which counts from the view's newest event
/// that is not in the future. Earlier commits still show them, for as long as they are kept.
///
/// Options: "olderThan": a duration, required; "dryRun". `report` (may be NULL): {"view",
/// "reference", "cutoff", "rows", "rowsLeft", "segmentsRemoved", "segmentsRewritten", "commit",
/// "space": as larder_vacuum, "isTableBehind", "dryRun"}.
int32_t larder_expire(larder_store *store, const char *view, const char *options, char **report,
                      larder_error *error);

/// Ends the keeping of earlier commits, once, and removes the files that only they name. The newest
/// stays, and so do those with tags and those that readers hold.
///
/// Options: "keep": how long a commit stays after a newer one took its place, 0; "dryRun". `report`
/// (may be NULL): {"filesRemoved", "bytesReturned", "bytesWaiting", "waitingUntil", "oldest",
/// "dryRun", "erasure": as larder_finish_erasures}.
int32_t larder_vacuum(larder_store *store, const char *options, char **report,
                      larder_error *error);

/// Rebuilds what is derived from the store's truth and does not hold: key maps, online indexes.
/// Nothing that was committed is touched.
///
/// Options: "dryRun". `report` (may be NULL): {"steps": [{"path", "action", "reason"}],
/// "findings": what only a backup can mend, as larder_verify has it}.
int32_t larder_repair(larder_store *store, const char *options, char **report,
                      larder_error *error);

/// Copies the store as of its newest commit to a directory that does not exist or is empty, beside
/// running writers, and verifies the copy, which is a store of its own. Files that never change are
/// hard links where the file system allows it.
///
/// `report` (may be NULL): {"path", "commit", "linkedFiles", "linkedBytes", "copiedFiles",
/// "copiedBytes", "rows"}. Fails with ALREADY_EXISTS, NO_SPACE, IO, CORRUPT if the copy does not
/// verify.
int32_t larder_backup(larder_store *store, const char *path, char **report, larder_error *error);

// MARK: Erasure

/// Erases entities: hidden in every commit at once, then gone from every file, online tables
/// included. Covered is every set of join keys that includes the entity's. Rows of these keys that
/// are appended later are visible again.
///
/// `keys`: a struct array with the entity's join keys, a row for each entity to be erased. Options:
/// "timeout": how long to wait for readers of earlier commits and for merges under way; "dryRun".
/// `certificate` (may be NULL): {"store", "entity", "requested", "dryRun", "keys": [{"joinKeys",
/// "count"}], "maskedSince", "finished": commits or null, "complete": whether nothing is left
/// within reach, "files": [{"path", "inode", "device", "kind", "rows", "substitutes", "removed"}],
/// "pending", "searched": {"files", "bytes", "places"}, "outOfReach"}. It holds no key and no value.
///
/// Fails with NOT_FOUND with the nearest name, INVALID_INPUT for keys that are missing or null,
/// READ_ONLY, LOCKED, NO_SPACE, IO, OUTCOME_UNKNOWN. The same call again finishes what was begun.
int32_t larder_forget(larder_store *store, const char *entity, const char *options,
                      const struct ArrowSchema *keys_schema, struct ArrowArray *keys,
                      char **certificate, larder_error *error);

/// Finishes erasures that a crash, a reader or another process kept from being finished.
///
/// Options: "timeout". `certificate` (may be NULL): as larder_forget; null if none was pending.
int32_t larder_finish_erasures(larder_store *store, const char *options, char **certificate,
                               larder_error *error);

#ifdef __cplusplus
}
#endif

#endif
