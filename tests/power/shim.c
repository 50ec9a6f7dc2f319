/* Stands between the appliance and its disk and clock (LD_PRELOAD), for the tests of power loss, disk faults and clocks.
 *
 * SHIM_DIR      the data directory; calls about anything else go straight through
 * SHIM_CONTROL  a file of sizeof(struct control), mapped by both sides: the test orders faults, the shim counts
 * SHIM_LOG      optional; every change of the directory is appended here, in order, one record each
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum op { OPEN = 1, WRITE, TRUNCATE, SYNC, SYNC_FAILED, RENAME, UNLINK, SYNC_DIR };
enum kind { DATABASE = 1, WAL = 2, OTHER = 4, DIRECTORY = 8 };
enum call { ON_OPEN, ON_READ, ON_WRITE, ON_SYNC, ON_TRUNCATE, CALLS };

struct fault {
  int32_t number; /* errno; 0 in ON_WRITE: write only half */
  int32_t left;   /* so many calls fail; -1: all */
  int32_t kinds;  /* of these files */
  int32_t hits;
};

struct control {
  int64_t clock_offset_ms;
  int64_t logged; /* bytes in the log: where a cut can be */
  int32_t sync_delay_ms;
  int32_t sync_delay_kinds;
  struct fault faults[CALLS];
};

struct record {
  uint32_t op, length;
  uint64_t inode, offset;
};

static struct control idle, *control = &idle;
static char directory[PATH_MAX];
static size_t directory_length;
static int log_file = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define FILES 65536
static struct { uint8_t kind; uint64_t inode; } files[FILES];

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

/* Called in the process that is to be watched, whose environment has these by now. */
void shim_start(void) {
  const char *dir = getenv("SHIM_DIR"), *shared = getenv("SHIM_CONTROL"), *log = getenv("SHIM_LOG");
  if (!dir || !shared) return;
  int file = REAL(open)(shared, O_RDWR | O_CLOEXEC);
  void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) { perror(shared); _exit(97); }
  REAL(close)(file);
  control = mapped;
  if (log && (log_file = REAL(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) < 0) { perror(log); _exit(97); }
  directory_length = strlen(dir);
  memcpy(directory, dir, directory_length + 1);
}

/* The name inside the data directory ("" for itself), or NULL for anything else. */
static const char *inside(const char *path) {
  if (!directory_length || !path || strncmp(path, directory, directory_length)) return NULL;
  return path[directory_length] == '/' ? path + directory_length + 1 : path[directory_length] ? NULL : "";
}

static int ends(const char *name, const char *with) {
  size_t length = strlen(name), tail = strlen(with);
  return length >= tail && !strcmp(name + length - tail, with);
}

static int kind_of(const char *name) {
  return !*name ? DIRECTORY : ends(name, ".db") ? DATABASE : ends(name, "-wal") ? WAL : ends(name, "-shm") ? 0 : OTHER;
}

static int kind(int file) { return file >= 0 && file < FILES ? files[file].kind : 0; }

/* Whether this call is to fail now; takes one off the count. */
static int fails(enum call call, int kind) {
  struct fault *fault = &control->faults[call];
  if (!(fault->kinds & kind)) return 0;
  int32_t left = __atomic_load_n(&fault->left, __ATOMIC_SEQ_CST);
  do {
    if (!left) return 0;
  } while (left > 0 && !__atomic_compare_exchange_n(&fault->left, &left, left - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  __atomic_add_fetch(&fault->hits, 1, __ATOMIC_SEQ_CST);
  return 1;
}

static void note(enum op op, uint64_t inode, uint64_t offset, const void *data, size_t length) {
  if (log_file < 0) return;
  int before = errno;
  struct record record = {op, (uint32_t)length, inode, offset};
  struct iovec parts[2] = {{&record, sizeof record}, {(void *)data, length}};
  if (writev(log_file, parts, 2) != (ssize_t)(sizeof record + length)) _exit(98);
  __atomic_add_fetch(&control->logged, (int64_t)(sizeof record + length), __ATOMIC_SEQ_CST);
  errno = before;
}

/* While recording, what is done and what is noted are one step. */
#define HELD(call) ({ pthread_mutex_lock(&lock); __typeof__(call) r_ = (call); pthread_mutex_unlock(&lock); r_; })

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  const char *name = inside(path);
  if (!name) return real(path, flags, mode);
  if (fails(ON_OPEN, kind_of(name))) { errno = control->faults[ON_OPEN].number; return -1; }
  struct stat found;
  int made = stat(path, &found) != 0, file = real(path, flags, mode);
  if (file < 0 || file >= FILES) return file;
  fstat(file, &found);
  files[file].inode = found.st_ino;
  files[file].kind = kind_of(name);
  if (files[file].kind && files[file].kind != DIRECTORY && (made || flags & O_TRUNC))
    note(OPEN, found.st_ino, made, name, strlen(name));
  return file;
}

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return HELD(opened(REAL(open), path, flags, mode)); }
int open64(const char *path, int flags, ...) { MODE(flags) return HELD(opened(REAL(open64), path, flags, mode)); }

int close(int file) {
  if (kind(file)) files[file].kind = 0;
  return REAL(close)(file);
}

static ssize_t written(int file, const void *data, size_t length, off_t offset) {
  struct fault *fault = &control->faults[ON_WRITE];
  if (fails(ON_WRITE, kind(file))) {
    if (fault->number) { errno = fault->number; return -1; }
    length = (length + 1) / 2;
  }
  ssize_t done = offset < 0 ? REAL(write)(file, data, length) : REAL(pwrite64)(file, data, length, offset);
  if (done > 0) note(WRITE, files[file].inode, offset < 0 ? lseek(file, 0, SEEK_CUR) - done : offset, data, done);
  return done;
}

ssize_t write(int file, const void *data, size_t length) {
  return kind(file) ? HELD(written(file, data, length, -1)) : REAL(write)(file, data, length);
}
ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
  return kind(file) ? HELD(written(file, data, length, offset)) : REAL(pwrite64)(file, data, length, offset);
}
ssize_t pwrite(int file, const void *data, size_t length, off_t offset) { return pwrite64(file, data, length, offset); }

static int refused_read(int file) {
  if (!kind(file) || !fails(ON_READ, kind(file))) return 0;
  errno = control->faults[ON_READ].number;
  return 1;
}
ssize_t read(int file, void *data, size_t length) { return refused_read(file) ? -1 : REAL(read)(file, data, length); }
ssize_t pread64(int file, void *data, size_t length, off64_t offset) {
  return refused_read(file) ? -1 : REAL(pread64)(file, data, length, offset);
}
ssize_t pread(int file, void *data, size_t length, off_t offset) { return pread64(file, data, length, offset); }

static int truncated(int file, off_t size) {
  if (fails(ON_TRUNCATE, kind(file))) { errno = control->faults[ON_TRUNCATE].number; return -1; }
  int result = REAL(ftruncate64)(file, size);
  if (!result) note(TRUNCATE, files[file].inode, size, NULL, 0);
  return result;
}
int ftruncate64(int file, off64_t size) {
  return kind(file) ? HELD(truncated(file, size)) : REAL(ftruncate64)(file, size);
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

static int synced(int (*real)(int), int file) {
  int refused = fails(ON_SYNC, kind(file)), result = refused ? -1 : real(file);
  if (refused) errno = control->faults[ON_SYNC].number;
  note(kind(file) == DIRECTORY ? SYNC_DIR : result ? SYNC_FAILED : SYNC, files[file].inode, 0, NULL, 0);
  return result;
}
static int delayed(int (*real)(int), int file) {
  if (!kind(file)) return real(file);
  if (kind(file) & control->sync_delay_kinds)
    for (int waited = 0; waited < control->sync_delay_ms; waited += 10) usleep(10000);
  return HELD(synced(real, file));
}
int fsync(int file) { return delayed(REAL(fsync), file); }
int fdatasync(int file) { return delayed(REAL(fdatasync), file); }

static int renamed(const char *from, const char *to) {
  char names[2 * NAME_MAX + 2];
  int result = REAL(rename)(from, to);
  if (!result && inside(from) && inside(to)) {
    int length = snprintf(names, sizeof names, "%s/%s", inside(from), inside(to));
    note(RENAME, 0, 0, names, length);
  }
  return result;
}
int rename(const char *from, const char *to) { return HELD(renamed(from, to)); }

static int unlinked(const char *path) {
  int result = REAL(unlink)(path);
  if (!result && inside(path)) note(UNLINK, 0, 0, inside(path), strlen(inside(path)));
  return result;
}
int unlink(const char *path) { return HELD(unlinked(path)); }

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = REAL(clock_gettime)(clock, now);
  if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += control->clock_offset_ms / 1000;
    now->tv_nsec += control->clock_offset_ms % 1000 * 1000000;
    if (now->tv_nsec >= 1000000000) { now->tv_nsec -= 1000000000; now->tv_sec++; }
    if (now->tv_nsec < 0) { now->tv_nsec += 1000000000; now->tv_sec--; }
  }
  return result;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *store) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (store) *store = now.tv_sec;
  return now.tv_sec;
}
