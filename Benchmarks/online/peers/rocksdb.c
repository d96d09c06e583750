// RocksDB: bloom filters, mapped reads, no compression, no checksums on reads, fully compacted.
#include "engine.h"

#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000 };

typedef struct {
  rocksdb_t *db;
  rocksdb_options_t *options;
  rocksdb_readoptions_t *reads;
  rocksdb_writeoptions_t *writes;
} rocks_store;

static void check(char *error, const char *what) {
  if (error) fail(what, error);
}

static void *open_store(const char *directory, int durable) {
  rocks_store *store = malloc(sizeof *store);
  char *error = NULL;
  rocksdb_options_t *options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(options, 1);
  rocksdb_options_increase_parallelism(options, 2);
  rocksdb_options_set_compression(options, rocksdb_no_compression);
  rocksdb_options_set_allow_mmap_reads(options, 1);
  rocksdb_options_set_write_buffer_size(options, 256u << 20);
  rocksdb_options_set_max_open_files(options, -1);
  rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
  rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
  rocksdb_block_based_options_set_block_size(table, 1024);
  rocksdb_block_based_options_set_data_block_index_type(table, 1);
  rocksdb_options_set_block_based_table_factory(options, table);
  store->db = rocksdb_open(options, directory, &error);
  check(error, "rocksdb open");
  store->options = options;
  store->reads = rocksdb_readoptions_create();
  rocksdb_readoptions_set_verify_checksums(store->reads, 0);
  store->writes = rocksdb_writeoptions_create();
  rocksdb_writeoptions_set_sync(store->writes, (unsigned char)durable);
  return store;
}

static void load(void *handle, const uint8_t *keys, const row *rows, uint64_t count) {
  rocks_store *store = handle;
  char *error = NULL;
  rocksdb_writeoptions_t *writes = rocksdb_writeoptions_create();
  rocksdb_writeoptions_disable_WAL(writes, 1);
  rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
  for (uint64_t i = 0; i < count; i++) {
    rocksdb_writebatch_put(batch, (const char *)keys + i * KEY_BYTES, KEY_BYTES,
                           (const char *)&rows[i], ROW_BYTES);
    if (i % BATCH != BATCH - 1 && i + 1 < count) continue;
    rocksdb_write(store->db, writes, batch, &error);
    check(error, "rocksdb write");
    rocksdb_writebatch_clear(batch);
  }
  rocksdb_writebatch_destroy(batch);
  rocksdb_writeoptions_destroy(writes);
  rocksdb_compact_range(store->db, NULL, 0, NULL, 0);
}

static void *begin_reader(void *handle) { return handle; }
static void end_reader(void *reader) { (void)reader; }

static int get(void *handle, const uint8_t *key, row *out) {
  rocks_store *store = handle;
  char *error = NULL;
  rocksdb_pinnableslice_t *value =
      rocksdb_get_pinned(store->db, store->reads, (const char *)key, KEY_BYTES, &error);
  check(error, "rocksdb get");
  if (!value) return 0;
  size_t bytes;
  memcpy(out, rocksdb_pinnableslice_value(value, &bytes), ROW_BYTES);
  rocksdb_pinnableslice_destroy(value);
  return 1;
}

static int batch(void *handle, const uint8_t *keys, int count, row *out) {
  rocks_store *store = handle;
  const char *names[BATCH] = {0};
  size_t lengths[BATCH] = {0}, bytes[BATCH];
  char *values[BATCH], *errors[BATCH];
  int found = 0;
  for (int i = 0; i < count; i++) {
    names[i] = (const char *)keys + (size_t)i * KEY_BYTES;
    lengths[i] = KEY_BYTES;
  }
  rocksdb_multi_get(store->db, store->reads, (size_t)count, names, lengths, values, bytes, errors);
  for (int i = 0; i < count; i++) {
    check(errors[i], "rocksdb multi get");
    if (!values[i]) continue;
    memcpy(&out[i], values[i], ROW_BYTES);
    free(values[i]);
    found++;
  }
  return found;
}

static void upsert(void *handle, const uint8_t *keys, const row *rows, int count) {
  rocks_store *store = handle;
  char *error = NULL;
  static row before[BATCH];
  memset(before, 0, sizeof before);
  batch(store, keys, count, before);
  rocksdb_writebatch_t *writes = rocksdb_writebatch_create();
  for (int i = 0; i < count; i++)
    if (before[i].event <= rows[i].event)
      rocksdb_writebatch_put(writes, (const char *)keys + (size_t)i * KEY_BYTES, KEY_BYTES,
                             (const char *)&rows[i], ROW_BYTES);
  rocksdb_write(store->db, store->writes, writes, &error);
  check(error, "rocksdb write");
  rocksdb_writebatch_destroy(writes);
}

static void close_store(void *handle) {
  rocks_store *store = handle;
  rocksdb_close(store->db);
  free(store);
}

const engine rocksdb_engine = {"RocksDB", open_store, load,   begin_reader, end_reader,
                               get,       batch,      upsert, close_store,  0};
