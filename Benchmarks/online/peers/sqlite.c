// SQLite in WAL mode with prepared statements: a row per entity, and Feast's row per feature.
#include "engine.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  sqlite3 *db;
  sqlite3_stmt *select, *write, *begin, *commit;
  char path[4096];
  int is_feast;
} lite_store;

static void check(sqlite3 *db, int code, const char *what) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) fail(what, sqlite3_errmsg(db));
}

static void run(sqlite3 *db, const char *text) {
  check(db, sqlite3_exec(db, text, NULL, NULL, NULL), text);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text) {
  sqlite3_stmt *statement;
  check(db, sqlite3_prepare_v2(db, text, -1, &statement, NULL), text);
  return statement;
}

static lite_store *connect(const char *path, int durable, int is_feast) {
  lite_store *store = calloc(1, sizeof *store);
  snprintf(store->path, sizeof store->path, "%s", path);
  store->is_feast = is_feast;
  check(NULL, sqlite3_open(path, &store->db), "sqlite open");
  run(store->db, "PRAGMA journal_mode=WAL");
  run(store->db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
  run(store->db, "PRAGMA mmap_size=68719476736");
  run(store->db, "PRAGMA cache_size=-262144");
  sqlite3_busy_timeout(store->db, 10000);
  if (is_feast) {
    run(store->db, "CREATE TABLE IF NOT EXISTS t (entity_key BLOB, feature_name TEXT, value BLOB,"
                   " event_ts INTEGER, created_ts INTEGER, PRIMARY KEY(entity_key, feature_name))");
    run(store->db, "CREATE INDEX IF NOT EXISTS t_ek ON t (entity_key)");
    store->select = prepare(store->db, "SELECT feature_name, value, event_ts, created_ts FROM t"
                                       " WHERE entity_key = ?1");
    store->write = prepare(store->db, "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)"
                                      " ON CONFLICT(entity_key, feature_name) DO UPDATE SET"
                                      " value = excluded.value, event_ts = excluded.event_ts,"
                                      " created_ts = excluded.created_ts");
  } else {
    run(store->db, "CREATE TABLE IF NOT EXISTS t (k BLOB PRIMARY KEY, event INTEGER, v BLOB)"
                   " WITHOUT ROWID");
    store->select = prepare(store->db, "SELECT v FROM t WHERE k = ?1");
    store->write = prepare(store->db, "INSERT INTO t VALUES (?1, ?2, ?3) ON CONFLICT(k) DO UPDATE"
                                      " SET event = excluded.event, v = excluded.v"
                                      " WHERE excluded.event >= event");
  }
  store->begin = prepare(store->db, "BEGIN");
  store->commit = prepare(store->db, "COMMIT");
  return store;
}

static void step(lite_store *store, sqlite3_stmt *statement) {
  check(store->db, sqlite3_step(statement), "sqlite step");
  sqlite3_reset(statement);
}

static void *open_named(const char *directory, int durable, int is_feast) {
  char path[4096];
  snprintf(path, sizeof path, "%s/store.db", directory);
  return connect(path, durable, is_feast);
}

static void *open_plain(const char *directory, int durable) {
  return open_named(directory, durable, 0);
}
static void *open_feast(const char *directory, int durable) {
  return open_named(directory, durable, 1);
}

static void put(lite_store *store, const uint8_t *key, const row *value) {
  sqlite3_stmt *write = store->write;
  sqlite3_bind_blob(write, 1, key, KEY_BYTES, SQLITE_STATIC);
  if (!store->is_feast) {
    sqlite3_bind_int64(write, 2, value->event);
    sqlite3_bind_blob(write, 3, value, ROW_BYTES, SQLITE_STATIC);
    step(store, write);
    return;
  }
  for (int feature = 0; feature < FEATURES; feature++) {
    char name[16];
    int length = snprintf(name, sizeof name, "feature_%d", feature);
    sqlite3_bind_text(write, 2, name, length, SQLITE_STATIC);
    sqlite3_bind_blob(write, 3, &value->features[feature], 8, SQLITE_STATIC);
    sqlite3_bind_int64(write, 4, value->event);
    sqlite3_bind_int64(write, 5, value->created);
    step(store, write);
  }
}

static void write_all(void *handle, const uint8_t *keys, const row *rows, uint64_t count) {
  lite_store *store = handle;
  step(store, store->begin);
  for (uint64_t i = 0; i < count; i++) put(store, keys + i * KEY_BYTES, &rows[i]);
  step(store, store->commit);
}

static void load(void *handle, const uint8_t *keys, const row *rows, uint64_t count) {
  lite_store *store = handle;
  write_all(store, keys, rows, count);
  run(store->db, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void upsert(void *store, const uint8_t *keys, const row *rows, int count) {
  write_all(store, keys, rows, (uint64_t)count);
}

// Each thread has a connection of its own.
static void *begin_reader(void *handle) {
  lite_store *store = handle;
  return connect(store->path, 0, store->is_feast);
}

static int get(void *handle, const uint8_t *key, row *out) {
  lite_store *store = handle;
  int found = 0;
  sqlite3_bind_blob(store->select, 1, key, KEY_BYTES, SQLITE_STATIC);
  while (sqlite3_step(store->select) == SQLITE_ROW) {
    if (!store->is_feast) {
      memcpy(out, sqlite3_column_blob(store->select, 0), ROW_BYTES);
    } else {
      const char *name = (const char *)sqlite3_column_text(store->select, 0);
      memcpy(&out->features[name[8] - '0'], sqlite3_column_blob(store->select, 1), 8);
      out->event = sqlite3_column_int64(store->select, 2);
      out->created = sqlite3_column_int64(store->select, 3);
    }
    found = 1;
  }
  sqlite3_reset(store->select);
  return found;
}

static int batch(void *handle, const uint8_t *keys, int count, row *out) {
  lite_store *store = handle;
  int found = 0;
  step(store, store->begin);
  for (int i = 0; i < count; i++) found += get(store, keys + (size_t)i * KEY_BYTES, &out[i]);
  step(store, store->commit);
  return found;
}

static void close_store(void *handle) {
  lite_store *store = handle;
  sqlite3_finalize(store->select);
  sqlite3_finalize(store->write);
  sqlite3_finalize(store->begin);
  sqlite3_finalize(store->commit);
  check(store->db, sqlite3_close(store->db), "sqlite close");
  free(store);
}

const engine sqlite_engine = {"SQLite", open_plain, load,   begin_reader, close_store,
                              get,      batch,      upsert, close_store,  1};
const engine sqlite_feast_engine = {"SQLite, row per feature", open_feast, load, begin_reader,
                                    close_store, get, batch, upsert, close_store, 1};
