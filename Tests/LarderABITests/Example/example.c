// A feature store from C: define, append, ask, read.
//
//   cc example.c -I Sources/CLarder/include -L DIRECTORY -llarder -o example && ./example STORE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder.h"

static larder_error error;

static void check(int32_t code, const char *what) {
  if (code == LARDER_OK) return;
  fprintf(stderr, "%s: %s: %s\n", what, larder_code_name(code), error.message);
  exit(1);
}

// Arrow arrays over memory of this program's own: nothing is copied, so nothing is freed.

static int released;

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }
static void release_array(struct ArrowArray *array) {
  array->release = NULL;
  released++;
}
static void release_child(struct ArrowArray *array) { array->release = NULL; }

static struct ArrowSchema column_type(const char *name, const char *format) {
  return (struct ArrowSchema){
      .format = format, .name = name, .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
}

static struct ArrowArray column(const void **buffers, int64_t rows) {
  return (struct ArrowArray){
      .length = rows, .n_buffers = 2, .buffers = buffers, .release = release_child};
}

// A table of three columns: two of 64 bits and a time.
typedef struct table {
  struct ArrowSchema types[3], *type_list[3], type;
  struct ArrowArray columns[3], *column_list[3], rows;
  const void *buffers[3][2], *none[1];
  int sent;
} table;

static void fill(table *t, int64_t count, const char *const *names, const char *const *formats,
                 const void *const *values, int columns) {
  memset(t, 0, sizeof *t);
  for (int i = 0; i < columns; i++) {
    t->types[i] = column_type(names[i], formats[i]);
    t->type_list[i] = &t->types[i];
    t->buffers[i][1] = values[i];
    t->columns[i] = column(t->buffers[i], count);
    t->column_list[i] = &t->columns[i];
  }
  t->type = column_type("", "+s");
  t->type.n_children = columns;
  t->type.children = t->type_list;
  t->rows = (struct ArrowArray){.length = count, .n_buffers = 1, .buffers = t->none,
                                .n_children = columns, .children = t->column_list,
                                .release = release_array};
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
  *out = ((table *)stream->private_data)->type;
  return 0;
}
static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
  table *t = stream->private_data;
  if (t->sent++) *out = (struct ArrowArray){0};
  else *out = t->rows;
  return 0;
}
static const char *stream_error(struct ArrowArrayStream *stream) { return NULL; }
static void release_stream(struct ArrowArrayStream *stream) { stream->release = NULL; }

static struct ArrowArrayStream stream_of(table *t) {
  return (struct ArrowArrayStream){stream_schema, stream_next, stream_error, release_stream, t};
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  larder_store *store;
  check(larder_open(argv[1], NULL, &store, &error), "open");
  check(larder_apply(store,
                     "{\"entities\": [{\"name\": \"driver\", \"joinKeys\": "
                     "[{\"name\": \"driver_id\", \"type\": \"int64\"}]}],"
                     " \"featureViews\": [{\"name\": \"stats\", \"entities\": [\"driver\"],"
                     " \"features\": [{\"name\": \"trips\", \"type\": \"int64\"}]}]}",
                     NULL, NULL, &error),
        "apply");

  // History: driver 7 made 10 trips by second 100 and 20 by second 200.
  const int64_t drivers[] = {7, 7}, times[] = {100, 200}, trips[] = {10, 20};
  table history;
  fill(&history, 2, (const char *const[]){"driver_id", "event_timestamp", "trips"},
       (const char *const[]){"l", "tss:UTC", "l"}, (const void *const[]){drivers, times, trips}, 3);
  struct ArrowArrayStream rows = stream_of(&history);
  char *commit;
  check(larder_append(store, "stats", &rows, &commit, &error), "append");
  printf("commit %s\n", strstr(commit, "\"rows\""));
  larder_text_free(commit);

  // The spine: what was known of drivers 7 and 8 at some times?
  const int64_t asked[] = {7, 7, 7, 8}, when[] = {99, 100, 1000, 1000};
  table spine;
  fill(&spine, 4, (const char *const[]){"driver_id", "event_timestamp"},
       (const char *const[]){"l", "tss:UTC"}, (const void *const[]){asked, when}, 2);
  struct ArrowArrayStream query = stream_of(&spine);
  larder_job *job;
  check(larder_historical_features(store, &query, "{\"features\": [\"stats:trips\"]}", &job,
                                   &error),
        "ask");
  struct ArrowSchema schema;
  struct ArrowArray answer;
  check(larder_job_collect(job, &schema, &answer, &error), "collect");
  larder_job_free(job);

  const struct ArrowArray *found = answer.children[2];
  const uint8_t *valid = found->buffers[0];
  const int64_t *values = found->buffers[1];
  for (int64_t i = 0; i < found->length; i++) {
    const int64_t row = i + found->offset;
    printf("driver %" PRId64 " at %" PRId64 ": ", asked[i], when[i]);
    if (valid && !(valid[row / 8] >> (row % 8) & 1)) printf("null\n");
    else printf("%" PRId64 "\n", values[row]);
  }
  answer.release(&answer);
  schema.release(&schema);

  // The latest values, for serving.
  check(larder_materialize(store, "stats", NULL, NULL, &error), "materialize");
  table keys;
  fill(&keys, 2, (const char *const[]){"driver_id"}, (const char *const[]){"l"},
       (const void *const[]){(const int64_t[]){8, 7}}, 1);
  check(larder_read_online(store, "{\"features\": [\"stats:trips\"]}", &keys.type, &keys.rows,
                           &schema, &answer, &error),
        "read online");
  const int64_t *latest = answer.children[0]->buffers[1];
  printf("driver 7 now: %" PRId64 "\n", latest[1 + answer.children[0]->offset]);
  answer.release(&answer);
  schema.release(&schema);

  if (larder_append(store, "stast", &rows, NULL, &error) != LARDER_INVALID_ARGUMENT) return 1;
  printf("%s\n", error.message);
  larder_close(store);
  printf("%d arrays released\n", released);
  return 0;
}
