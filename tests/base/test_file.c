/* Files: views of anything readable, replacement that leaves the old or the new whole, directories, the lock.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scratch.h"

#include <cmocka.h> /* last: it defines fail() */

static void put(const char *name, const char *text) {
  assert_true(file_replace(in_scratch(name), text, strlen(text), NULL));
}

static void check_contents(const char *name, const char *expected) {
  FileView view;
  Error err = {0};
  assert_true(file_view(in_scratch(name), &view, &err));
  assert_int_equal(view.size, strlen(expected));
  if (view.size) assert_memory_equal(view.data, expected, view.size);
  file_view_close(&view);
}

static size_t files_in_scratch(void) {
  Names names;
  assert_true(dir_list(scratch, &names, NULL));
  const size_t count = names.count;
  names_free(&names);
  return count;
}

static void views(void **state) {
  put("empty", "");
  put("text", "some text");
  check_contents("empty", "");
  check_contents("text", "some text");
  FileView view;
  assert_true(file_view("/proc/self/status", &view, NULL)); /* its size is said to be 0 */
  assert_true(view.size > 100 && !view.mapped);
  file_view_close(&view);
  file_view_close(&view); /* twice is fine */
}

static void a_view_of_a_pipe(void **state) {
  int ends[2];
  FileView view;
  char big[100000];
  memset(big, 'b', sizeof big);
  assert_int_equal(pipe(ends), 0);
  const int standard_input = dup(STDIN_FILENO);
  const pid_t child = fork();
  if (!child) _exit(write(ends[1], big, sizeof big) == (ssize_t)sizeof big ? 0 : 1);
  close(ends[1]);
  dup2(ends[0], STDIN_FILENO);
  assert_true(file_view("-", &view, NULL));
  assert_int_equal(view.size, sizeof big);
  assert_memory_equal(view.data, big, sizeof big);
  file_view_close(&view);
  dup2(standard_input, STDIN_FILENO);
  close(standard_input);
  close(ends[0]);
  waitpid(child, NULL, 0);
}

static void check_view_fails(const char *path, const char *reason) {
  FileView view;
  Error err = {0};
  assert_false(file_view(path, &view, &err));
  assert_int_equal(err.code, strstr(reason, "No such") ? INK_NOT_FOUND : INK_FAILED);
  assert_non_null(strstr(err.text, path));
  assert_non_null(strstr(err.text, reason));
  assert_null(view.data);
}

static void what_cannot_be_viewed(void **state) {
  check_view_fails(in_scratch("absent"), "No such file");
  check_view_fails(scratch, "is a directory");
}

static void replacing(void **state) {
  put("file", "old");
  put("file", "new, and longer");
  check_contents("file", "new, and longer");
  assert_int_equal(files_in_scratch(), 1); /* no temporary is left */
}

static void abandoned_writing_changes_nothing(void **state) {
  FileWriter writer;
  put("file", "old");
  assert_true(file_writer_open(&writer, in_scratch("file"), NULL));
  assert_true(file_writer_put(&writer, "new", 3, NULL));
  check_contents("file", "old");
  file_writer_abandon(&writer);
  file_writer_abandon(&writer);
  check_contents("file", "old");
  assert_int_equal(files_in_scratch(), 1);
}

/* What another process made while the contents were written stays. */
static void a_file_made_meanwhile_stays(void **state) {
  FileWriter writer;
  Error err = {0};
  assert_true(file_writer_open(&writer, in_scratch("file"), NULL));
  writer.create = true;
  assert_true(file_writer_put(&writer, "mine", 4, NULL));
  put("file", "theirs");
  assert_false(file_writer_commit(&writer, &err));
  assert_non_null(strstr(err.text, "another process made this file meanwhile"));
  check_contents("file", "theirs");
  assert_true(file_create(in_scratch("other"), "new", 3, NULL));
  check_contents("other", "new");
  assert_int_equal(files_in_scratch(), 2);
}

/* A file size limit is the nearest thing to a full disk that needs no disk. */
static void a_full_disk_leaves_the_old_file(void **state) {
  static char big[1 << 20];
  struct rlimit before;
  put("file", "old");
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, before.rlim_max});
  Error err = {0}, small = {0};
  const bool replaced = file_replace(in_scratch("file"), big, sizeof big, &err);
  const bool buffered = file_replace(in_scratch("file"), big, 1001, &small); /* fails only when flushed */
  setrlimit(RLIMIT_FSIZE, &before);
  assert_false(replaced);
  assert_false(buffered);
  assert_non_null(strstr(err.text, "File too large"));
  assert_non_null(strstr(small.text, "File too large"));
  assert_non_null(strstr(err.text, "/file"));
  check_contents("file", "old");
  assert_int_equal(files_in_scratch(), 1);
}

static void a_target_that_cannot_be_replaced_stays(void **state) {
  Error err = {0};
  dir_make(in_scratch("target/inside"), NULL);
  assert_false(file_replace(in_scratch("target"), "x", 1, &err));
  assert_non_null(strstr(err.text, "is a directory"));
  assert_true(dir_exists(in_scratch("target/inside")));
  assert_int_equal(files_in_scratch(), 1);
}

/* Permissions do not hold for root: the attempt is made by a child that is nobody. */
static int replace_as_nobody(Error *err) {
  if (!geteuid() && setuid(65534)) return 2;
  return file_replace(in_scratch("locked/file"), "new", 3, err) ? 1
         : strstr(err->text, "Permission denied")               ? 0
                                                                : 3;
}

static void an_unwritable_directory_leaves_the_old_file(void **state) {
  chmod(scratch, 0755);
  dir_make(in_scratch("locked"), NULL);
  put("locked/file", "old");
  chmod(in_scratch("locked"), 0555);
  Error err = {0};
  const pid_t child = fork();
  if (!child) _exit(replace_as_nobody(&err));
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  chmod(in_scratch("locked"), 0755);
  check_contents("locked/file", "old");
}

static void directories(void **state) {
  Error err = {0};
  assert_true(dir_make(in_scratch("a/b/c"), &err));
  assert_true(dir_make(in_scratch("a/b/c/"), &err));
  assert_true(dir_exists(in_scratch("a/b/c")));
  assert_true(file_exists(in_scratch("a/b/c"))); /* reading it says that it is a directory */
  assert_false(file_exists(in_scratch("a/b/d")));
  put("a/z", "");
  put("a/.hidden", "");
  put("a/b2", "");
  assert_true(file_exists(in_scratch("a/z")));
  Names names;
  assert_true(dir_list(in_scratch("a"), &names, &err));
  const char *const expected[] = {".hidden", "b", "b2", "z"};
  assert_int_equal(names.count, 4);
  for (size_t i = 0; i < 4; i++) assert_string_equal(names.items[i], expected[i]);
  names_free(&names);
  assert_true(dir_rename(in_scratch("a"), in_scratch("moved"), &err));
  assert_true(dir_sync(scratch, &err));
  assert_true(dir_remove(in_scratch("moved"), &err));
  assert_true(dir_remove(in_scratch("moved"), &err)); /* gone already */
  assert_int_equal(files_in_scratch(), 0);
  assert_int_equal(err.code, INK_OK);
}

static void removal_does_not_follow_links(void **state) {
  put("kept", "kept");
  dir_make(in_scratch("far"), NULL);
  put("far/kept", "kept");
  dir_make(in_scratch("gone"), NULL);
  assert_int_equal(symlink(in_scratch("far"), in_scratch("gone/link")), 0);
  assert_int_equal(symlink(in_scratch("far"), in_scratch("link")), 0);
  assert_true(dir_remove(in_scratch("gone"), NULL));
  assert_true(dir_remove(in_scratch("link"), NULL));
  check_contents("far/kept", "kept");
  assert_false(dir_exists(in_scratch("link")));
}

static void directory_errors_give_the_reason(void **state) {
  Error made = {0}, listed = {0}, renamed = {0}, synced = {0}, long_path = {0};
  Names names;
  char deep[2 * PATH_CAPACITY];
  put("file", "");
  assert_false(dir_make(in_scratch("file/inside"), &made));
  assert_non_null(strstr(made.text, "Not a directory"));
  assert_false(dir_list(in_scratch("absent"), &names, &listed));
  assert_non_null(strstr(listed.text, "No such file"));
  assert_false(dir_rename(in_scratch("absent"), in_scratch("b"), &renamed));
  assert_non_null(strstr(renamed.text, "No such file"));
  assert_false(dir_sync(in_scratch("absent"), &synced));
  memset(deep, 'd', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  assert_false(dir_make(deep, &long_path));
  assert_false(file_replace(deep, "", 0, &long_path));
}

static void joining(void **state) {
  char buf[PATH_CAPACITY];
  assert_string_equal(path_join(buf, "a", "b"), "a/b");
  assert_string_equal(path_join(buf, "a/", "b"), "a/b");
  assert_string_equal(path_join(buf, "/", "b"), "/b");
}

static void disk_space(void **state) {
  assert_true(disk_free(scratch) > 0);
  assert_int_equal(disk_free(in_scratch("absent")), -1);
}

/* Tries for the lock in another process: 0 if it was had. */
static int lock_elsewhere(const char *expected) {
  const pid_t child = fork();
  if (!child) {
    Error err = {0};
    const int lock = file_lock(scratch, &err);
    _exit(lock >= 0 ? 0 : strstr(err.text, expected) ? 1 : 2);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Locked, and the holder has not yet written its number. */
static void a_lock_without_a_process_names_none(void **state) {
  Error err = {0};
  put("lock", "");
  const int holder = open(in_scratch("lock"), O_RDWR);
  assert_int_equal(flock(holder, LOCK_EX), 0);
  assert_int_equal(file_lock(scratch, &err), -1);
  assert_non_null(strstr(err.text, "in use by another inkstone: wait"));
  close(holder);
}

static void the_lock_is_exclusive(void **state) {
  char own[40];
  Error err = {0};
  const int lock = file_lock(scratch, &err);
  assert_true(lock >= 0);
  snprintf(own, sizeof own, "(process %ld)", (long)getpid());
  assert_int_equal(lock_elsewhere(own), 1);
  assert_int_equal(file_lock(scratch, &err), -1); /* not even twice in one process */
  assert_non_null(strstr(err.text, own));
  file_unlock(scratch, lock);
  assert_false(file_exists(in_scratch("lock")));
  assert_int_equal(lock_elsewhere(own), 0); /* and that process ended without unlocking */
  assert_int_equal(lock_elsewhere(own), 0);
}

/* Somebody's own file of that name; a killed process may have left an empty one. */
static void what_is_no_lock_is_left_alone(void **state) {
  Error err = {0};
  put("lock", "mine");
  assert_int_equal(file_lock(scratch, &err), -1);
  assert_non_null(strstr(err.text, "is not a lock"));
  check_contents("lock", "mine");
  put("lock", "");
  const int lock = file_lock(scratch, NULL);
  assert_true(lock >= 0);
  file_unlock(scratch, lock);
}

/* The file was removed while this process waited: it locks the one that is there now. */
static void a_removed_lock_is_none(void **state) {
  const int old = file_lock(scratch, NULL);
  assert_true(old >= 0 && !unlink(in_scratch("lock")));
  const int new = file_lock(scratch, NULL);
  assert_true(new >= 0);
  file_unlock(scratch, old); /* removes only its own file */
  assert_true(file_exists(in_scratch("lock")));
  file_unlock(scratch, new);
}

static void a_lock_needs_its_directory(void **state) {
  Error err = {0};
  assert_int_equal(file_lock(in_scratch("absent"), &err), -1);
  assert_non_null(strstr(err.text, "No such file"));
}

/* A link that somebody laid where we would write is not followed. */
static void links_laid_beforehand_are_not_followed(void **state) {
  char name[64];
  Error err = {0};
  put("victim", "theirs");
  snprintf(name, sizeof name, "file.tmp%d", (int)getpid() % 1000000);
  assert_int_equal(symlink("victim", in_scratch(name)), 0);
  assert_true(file_replace(in_scratch("file"), "new", 3, &err));
  check_contents("file", "new");
  check_contents("victim", "theirs");
  assert_int_equal(symlink("victim", in_scratch("lock")), 0);
  assert_int_equal(file_lock(scratch, &err), -1);
  assert_non_null(strstr(err.text, "is a link"));
  check_contents("victim", "theirs");
}

/* Of a link that is named as the output the file changes, not the link. */
static void a_link_stays_one(void **state) {
  struct stat info;
  put("file", "old");
  assert_int_equal(symlink("file", in_scratch("link")), 0);
  assert_true(file_replace(in_scratch("link"), "new", 3, NULL));
  check_contents("file", "new");
  assert_true(!lstat(in_scratch("link"), &info) && S_ISLNK(info.st_mode));
}

/* Devices and pipes are written into, and stay what they are. */
static void what_is_no_file_is_written_into(void **state) {
  struct stat info;
  char text[8] = "";
  Error err = {0};
  assert_int_equal(mkfifo(in_scratch("fifo"), 0600), 0);
  const int reader = open(in_scratch("fifo"), O_RDONLY | O_NONBLOCK);
  assert_true(file_replace(in_scratch("fifo"), "piped", 5, &err));
  assert_int_equal(read(reader, text, sizeof text), 5);
  close(reader);
  assert_true(!strncmp(text, "piped", 5) && !stat(in_scratch("fifo"), &info) && S_ISFIFO(info.st_mode));
  assert_false(file_replace("/dev/full", "x", 1, &err));
  assert_non_null(strstr(err.text, "/dev/full: cannot be written: No space left"));
  assert_true(!stat("/dev/full", &info) && S_ISCHR(info.st_mode));
}

static void paths_that_are_too_long_are_said(void **state) {
  char buf[PATH_CAPACITY], path[PATH_CAPACITY + 8];
  FileView view;
  for (size_t length = PATH_CAPACITY - 20; length < sizeof path; length++) {
    Error err = {0}, unwritten = {0};
    memset(path, 'a', length);
    for (size_t i = 0; i < length; i += 200) path[i] = '/';
    path[length] = '\0';
    assert_false(file_view(path_join(buf, path, "config.json"), &view, &err));
    assert_true(strlen(buf) < PATH_CAPACITY);
    assert_false(file_replace(path, "x", 1, &unwritten));
    if (length >= PATH_CAPACITY) assert_non_null(strstr(unwritten.text, "the path is too long"));
  }
}

#define test(f) cmocka_unit_test_setup_teardown(f, scratch_open, scratch_close)

/* Files in memory are files: what was there does not stay in front of what is new. */
static void files_of_dev_shm_are_replaced(void **state) {
  char path[] = "/dev/shm/inkstone-test-XXXXXX";
  const int descriptor = mkstemp(path);
  if (descriptor < 0) skip();
  close(descriptor);
  Error err = {0};
  FileView file;
  assert_true(file_replace(path, "first", 5, &err) && file_replace(path, "second", 6, &err));
  assert_true(file_view(path, &file, &err));
  assert_int_equal(file.size, 6);
  file_view_close(&file);
  remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test(views),
      test(a_view_of_a_pipe),
      test(what_cannot_be_viewed),
      test(replacing),
      test(abandoned_writing_changes_nothing),
      test(a_file_made_meanwhile_stays),
      test(a_full_disk_leaves_the_old_file),
      test(a_target_that_cannot_be_replaced_stays),
      test(an_unwritable_directory_leaves_the_old_file),
      test(directories),
      test(removal_does_not_follow_links),
      test(directory_errors_give_the_reason),
      test(joining),
      test(disk_space),
      test(the_lock_is_exclusive),
      test(a_lock_without_a_process_names_none),
      test(a_lock_needs_its_directory),
      test(what_is_no_lock_is_left_alone),
      test(a_removed_lock_is_none),
      test(links_laid_beforehand_are_not_followed),
      test(a_link_stays_one),
      test(what_is_no_file_is_written_into),
      test(paths_that_are_too_long_are_said),
      cmocka_unit_test(files_of_dev_shm_are_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
