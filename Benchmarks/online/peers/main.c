// Measures one engine and prints a JSON line per figure:
//
//   peers ENGINE DIR KEYS      ENGINE: lmdb, rocksdb, sqlite, sqlite-feast; DIR is made
#include "engine.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 200000, BATCH = 100, BATCHES = 10000, WRITTEN = 1000 };

static const engine *tested;
static const char *directory;
static uint64_t keys;

_Noreturn void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
static double wall(void) { return seconds(CLOCK_MONOTONIC); }
static double processor(void) { return seconds(CLOCK_THREAD_CPUTIME_ID); }

static void tell(const char *what, double value, const char *unit) {
  printf("{\"engine\": \"%s\", \"keys\": %llu, \"what\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n",
         tested->name, (unsigned long long)keys, what, value, unit);
  fflush(stdout);
}

static uint64_t scrambled(uint64_t number) { return number * 0x9E3779B97F4A7C15; }

void make_key(uint64_t number, uint8_t *key) {
  static const uint32_t head[] = {1, 2, 11}, tail[] = {4, 8};
  uint64_t id = scrambled(number);
  memcpy(key, head, 12);
  memcpy(key + 12, "customer_id", 11);
  memcpy(key + 23, tail, 8);
  memcpy(key + 31, &id, 8);
}

static row make_row(uint64_t number, int64_t event) {
  row made = {.event = event, .created = event};
  for (int i = 0; i < FEATURES; i++) made.features[i] = (double)(number + (uint64_t)i) + (double)event;
  return made;
}

static uint64_t next(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 20;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int by_key(const void *a, const void *b) {
  uint64_t x = scrambled(*(const uint64_t *)a), y = scrambled(*(const uint64_t *)b);
  return memcmp(&x, &y, 8);
}

static void load(void *store) {
  uint64_t *order = malloc(keys * sizeof *order);
  uint8_t *names = malloc(keys * KEY_BYTES);
  row *rows = malloc(keys * sizeof *rows);
  double start = wall(), began = processor();
  for (uint64_t i = 0; i < keys; i++) order[i] = i;
  qsort(order, keys, sizeof *order, by_key);
  for (uint64_t i = 0; i < keys; i++) {
    make_key(order[i], names + i * KEY_BYTES);
    rows[i] = make_row(order[i], 1000);
  }
  tested->load(store, names, rows, keys);
  tell("load", (double)keys / (wall() - start) / 1e6, "M rows/s");
  tell("load, processor", (double)keys / (processor() - began) / 1e6, "M rows/s");
  free(order), free(names), free(rows);
}

static void points(void *reader, const char *suffix) {
  static double times[POINTS];
  uint64_t state = 5;
  double sum = 0;
  char what[64];
  for (int i = 0; i < POINTS; i++) {
    uint8_t key[KEY_BYTES];
    row found;
    make_key(next(&state) % keys, key);
    double start = wall();
    if (!tested->get(reader, key, &found)) fail("point", "a row is missing");
    for (int feature = 0; feature < FEATURES; feature++) sum += found.features[feature];
    times[i] = wall() - start;
  }
  qsort(times, POINTS, sizeof *times, by_value);
  static const struct { const char *name; double part; } parts[] = {
      {"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
  for (int i = 0; i < 3; i++) {
    snprintf(what, sizeof what, "point %s%s", parts[i].name, suffix);
    tell(what, times[(int)(POINTS * parts[i].part)] * 1e9, "ns");
  }
  if (sum == 1) puts("");
}

typedef struct {
  void *store;
  uint64_t seed;
  double wall, processor;
} batch_job;

// The clocks are read once for each hundred batches: asking for a thread's processor time is a call
// into the kernel, which would cost as much as some keys.
static void *batches(void *argument) {
  enum { GROUP = 100 };
  batch_job *job = argument;
  void *reader = tested->reader(job->store);
  uint8_t *names = malloc((size_t)GROUP * BATCH * KEY_BYTES);
  double sum = 0;
  job->wall = job->processor = 0;
  for (int i = 0; i < BATCHES; i += GROUP) {
    for (int k = 0; k < GROUP * BATCH; k++)
      make_key(next(&job->seed) % keys, names + (size_t)k * KEY_BYTES);
    double start = wall(), began = processor();
    for (int group = 0; group < GROUP; group++) {
      row rows[BATCH];
      const uint8_t *asked = names + (size_t)group * BATCH * KEY_BYTES;
      if (tested->batch(reader, asked, BATCH, rows) != BATCH) fail("batch", "a row is missing");
      for (int k = 0; k < BATCH; k++)
        for (int feature = 0; feature < FEATURES; feature++) sum += rows[k].features[feature];
    }
    job->wall += wall() - start;
    job->processor += processor() - began;
  }
  tested->end_reader(reader);
  free(names);
  if (sum == 1) puts("");
  return NULL;
}

static void read_batches(void *store) {
  batch_job one = {.store = store, .seed = 6};
  batches(&one);
  tell("batch of 100, per key", one.wall * 1e9 / BATCHES / BATCH, "ns");
  tell("batch of 100, per key, processor", one.processor * 1e9 / BATCHES / BATCH, "ns");
  batch_job two[2] = {{.store = store, .seed = 7}, {.store = store, .seed = 8}};
  pthread_t threads[2];
  double start = wall();
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, batches, &two[i]);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  tell("batches of 100, 2 threads", 2.0 * BATCHES * BATCH / (wall() - start) / 1e6, "M keys/s");
}

static void write_batch(void *store, uint64_t *state, int64_t event) {
  static uint8_t names[WRITTEN * KEY_BYTES];
  static row rows[WRITTEN];
  for (int k = 0; k < WRITTEN; k++) {
    uint64_t number = next(state) % keys;
    make_key(number, names + k * KEY_BYTES);
    rows[k] = make_row(number, event);
  }
  tested->upsert(store, names, rows, WRITTEN);
}

// Upserts for so many rounds, or five seconds; all rows are newer than what is there.
static void upserts(void *store, int64_t event, int rounds, const char *name) {
  uint64_t state = 99;
  double *times = malloc((size_t)rounds * sizeof *times), sum = 0;
  char what[64];
  int done = 0;
  for (int round = 0; round < rounds && (round < 5 || sum < 5); round++, done++) {
    double start = wall();
    write_batch(store, &state, event + round);
    sum += times[round] = wall() - start;
  }
  qsort(times, (size_t)done, sizeof *times, by_value);
  tell(name, (double)done * WRITTEN / sum / 1e6, "M rows/s");
  snprintf(what, sizeof what, "%s, p50 of a batch", name);
  tell(what, times[done / 2] * 1e3, "ms");
  snprintf(what, sizeof what, "%s, worst batch", name);
  tell(what, times[done - 1] * 1e3, "ms");
  free(times);
}

// Reads while another process writes, and then opens what that one left when it was killed.
static void beside_a_writer(void) {
  int ready[2];
  char byte;
  if (pipe(ready)) fail("pipe", "cannot be made");
  pid_t child = fork();
  if (child == 0) {
    void *store = tested->open(directory, 0);
    uint64_t state = 77;
    for (int64_t event = 10000;; event++) {
      write_batch(store, &state, event);
      if (event == 10000 && write(ready[1], "", 1) != 1) _exit(1);
    }
  }
  if (read(ready[0], &byte, 1) != 1) fail("writer", "did not start");
  if (tested->is_shared) {
    void *store = tested->open(directory, 0), *reader = tested->reader(store);
    points(reader, " beside a writer");
    tested->end_reader(reader);
    tested->close(store);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static void open_and_read(const char *what) {
  uint8_t key[KEY_BYTES];
  row found;
  make_key(1, key);
  double start = wall();
  void *store = tested->open(directory, 0), *reader = tested->reader(store);
  if (!tested->get(reader, key, &found)) fail(what, "a row is missing");
  tell(what, (wall() - start) * 1e3, "ms");
  tested->end_reader(reader);
  tested->close(store);
}

static double bytes_on_disk(void) {
  double bytes = 0;
  DIR *files = opendir(directory);
  for (struct dirent *entry; files && (entry = readdir(files));) {
    char path[8192];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) bytes += (double)status.st_blocks * 512;
  }
  if (files) closedir(files);
  return bytes;
}

int main(int count, char **words) {
  static const struct { const char *name; const engine *engine; } engines[] = {
      {"lmdb", &lmdb_engine}, {"rocksdb", &rocksdb_engine}, {"sqlite", &sqlite_engine},
      {"sqlite-feast", &sqlite_feast_engine}};
  if (count == 4)
    for (int i = 0; i < 4; i++)
      if (strcmp(words[1], engines[i].name) == 0) tested = engines[i].engine;
  if (!tested) fail("usage", "peers lmdb|rocksdb|sqlite|sqlite-feast DIR KEYS");
  directory = words[2];
  keys = strtoull(words[3], NULL, 10);
  signal(SIGPIPE, SIG_IGN);
  mkdir(directory, 0700);
  void *store = tested->open(directory, 0);
  load(store);
  tested->close(store);
  tell("bytes per row", bytes_on_disk() / (double)keys, "B");
  open_and_read("open after close");
  store = tested->open(directory, 0);
  void *reader = tested->reader(store);
  points(reader, "");
  tested->end_reader(reader);
  read_batches(store);
  upserts(store, 2000, 300, "upserts");
  tested->close(store);
  store = tested->open(directory, 1);
  upserts(store, 5000, 50, "durable upserts");
  tested->close(store);
  beside_a_writer();
  open_and_read("open after a kill");
  return 0;
}
