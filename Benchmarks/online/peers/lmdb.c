// LMDB: one tree, a read transaction that is renewed for each query.
#include "engine.h"

#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  MDB_env *env;
  MDB_dbi tree;
} lmdb_store;

typedef struct {
  MDB_txn *txn;
  MDB_dbi tree;
} lmdb_reader;

static void check(int code, const char *what) {
  if (code) fail(what, mdb_strerror(code));
}

static void *open_store(const char *directory, int durable) {
  lmdb_store *store = malloc(sizeof *store);
  check(mdb_env_create(&store->env), "lmdb create");
  check(mdb_env_set_mapsize(store->env, 64ull << 30), "lmdb map size");
  unsigned flags = durable ? 0 : MDB_NOSYNC;
  check(mdb_env_open(store->env, directory, flags | MDB_NORDAHEAD | MDB_NOTLS, 0600), "lmdb open");
  MDB_txn *txn;
  check(mdb_txn_begin(store->env, NULL, 0, &txn), "lmdb begin");
  check(mdb_dbi_open(txn, NULL, MDB_CREATE, &store->tree), "lmdb tree");
  check(mdb_txn_commit(txn), "lmdb commit");
  return store;
}

static void load(void *handle, const uint8_t *keys, const row *rows, uint64_t count) {
  lmdb_store *store = handle;
  MDB_txn *txn;
  check(mdb_txn_begin(store->env, NULL, 0, &txn), "lmdb begin");
  for (uint64_t i = 0; i < count; i++) {
    MDB_val key = {KEY_BYTES, (void *)(keys + i * KEY_BYTES)}, value = {ROW_BYTES, (void *)&rows[i]};
    check(mdb_put(txn, store->tree, &key, &value, MDB_APPEND), "lmdb append");
  }
  check(mdb_txn_commit(txn), "lmdb commit");
  check(mdb_env_sync(store->env, 1), "lmdb sync");
}

static void *begin_reader(void *handle) {
  lmdb_store *store = handle;
  lmdb_reader *reader = malloc(sizeof *reader);
  reader->tree = store->tree;
  check(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &reader->txn), "lmdb read");
  mdb_txn_reset(reader->txn);
  return reader;
}

static void end_reader(void *handle) {
  lmdb_reader *reader = handle;
  mdb_txn_abort(reader->txn);
  free(reader);
}

static int batch(void *handle, const uint8_t *keys, int count, row *out) {
  lmdb_reader *reader = handle;
  int found = 0;
  check(mdb_txn_renew(reader->txn), "lmdb renew");
  for (int i = 0; i < count; i++) {
    MDB_val key = {KEY_BYTES, (void *)(keys + (size_t)i * KEY_BYTES)}, value;
    if (mdb_get(reader->txn, reader->tree, &key, &value) == 0) {
      memcpy(&out[i], value.mv_data, ROW_BYTES);
      found++;
    }
  }
  mdb_txn_reset(reader->txn);
  return found;
}

static int get(void *reader, const uint8_t *key, row *out) { return batch(reader, key, 1, out); }

static void upsert(void *handle, const uint8_t *keys, const row *rows, int count) {
  lmdb_store *store = handle;
  MDB_txn *txn;
  check(mdb_txn_begin(store->env, NULL, 0, &txn), "lmdb begin");
  for (int i = 0; i < count; i++) {
    MDB_val key = {KEY_BYTES, (void *)(keys + (size_t)i * KEY_BYTES)}, value;
    if (mdb_get(txn, store->tree, &key, &value) == 0 &&
        ((const row *)value.mv_data)->event > rows[i].event)
      continue;
    value = (MDB_val){ROW_BYTES, (void *)&rows[i]};
    check(mdb_put(txn, store->tree, &key, &value, 0), "lmdb put");
  }
  check(mdb_txn_commit(txn), "lmdb commit");
}

static void close_store(void *handle) {
  lmdb_store *store = handle;
  mdb_env_close(store->env);
  free(store);
}

const engine lmdb_engine = {"LMDB", open_store, load, begin_reader, end_reader,
                            get,    batch,      upsert, close_store, 1};
