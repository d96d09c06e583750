// What the peers have in common: 39-byte keys as Feast serializes them, rows of ten doubles, and the
// few things that a store of the latest values does.
#ifndef ENGINE_H
#define ENGINE_H

#include <stdint.h>

enum { KEY_BYTES = 39, FEATURES = 10, ROW_BYTES = 104 };

// A row: event time, created time, null bits, ten doubles.
typedef struct {
  int64_t event;
  int64_t created;
  uint64_t nulls;
  double features[FEATURES];
} row;

_Static_assert(sizeof(row) == ROW_BYTES, "rows have no gaps");

typedef struct {
  const char *name;
  // Opens a store, or makes it; exits if it cannot. `durable`: each batch is synced.
  void *(*open)(const char *directory, int durable);
  // Writes all rows of an empty store in the engine's best way, sorted by key.
  void (*load)(void *store, const uint8_t *keys, const row *rows, uint64_t count);
  // A handle for one thread's reads.
  void *(*reader)(void *store);
  void (*end_reader)(void *reader);
  // Copies a row out; 0 if it is not there.
  int (*get)(void *reader, const uint8_t *key, row *out);
  // Copies `count` rows out under one state of the store; returns how many were found.
  int (*batch)(void *reader, const uint8_t *keys, int count, row *out);
  // Writes the rows that are newer than what is there, as one transaction.
  void (*upsert)(void *store, const uint8_t *keys, const row *rows, int count);
  void (*close)(void *store);
  // Whether one process may read while another one writes.
  int is_shared;
} engine;

extern const engine lmdb_engine, rocksdb_engine, sqlite_engine, sqlite_feast_engine;

// Ends the program with a message.
_Noreturn void fail(const char *what, const char *why);

// The key of a number, scrambled, so that neighbours lie apart.
void make_key(uint64_t number, uint8_t *key);

#endif
