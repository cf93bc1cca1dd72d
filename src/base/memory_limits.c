/* memory_limits.c - the memory this process uses, and its limits. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/engine.h"
#include "base/integers.h"
#include "base/memory.h"

/* The number after `skip` others in a file of /proc or /sys; `fallback` if there is none ("max"). */
static int64_t read_number(const char *path, int skip, int64_t fallback) {
  long long value = 0;
  bool found = true;
  FILE *f = fopen(path, "re");
  if (!f) return fallback;
  for (int i = 0; found && i <= skip; i++) found = fscanf(f, "%lld", &value) == 1;
  fclose(f);
  return found && value >= 0 ? value : fallback;
}

int64_t mem_resident(void) {
  return read_number("/proc/self/statm", 1, 0) * sysconf(_SC_PAGESIZE);
}

/* Limits apply to nested groups, so the minimum over all ancestors is taken. A container often sees only
 * the innermost groups, mounted as the root. */
static int64_t least_limit_of_ancestors(const char *mount, char *group, const char *name) {
  int64_t least = INT64_MAX;
  for (;;) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s%s/%s", mount, group, name) < (int)sizeof path)
      least = int64_min(least, read_number(path, 0, INT64_MAX));
    char *slash = strrchr(group, '/');
    if (!slash) return least;
    *slash = '\0';
  }
}

/* Lines are "number:controllers:/path"; version 2 has a single one, "0::/path". */
int64_t mem_group_limit(const char *proc_file, const char *mount) {
  char line[4096], mount_v1[4096];
  int64_t least = INT64_MAX;
  snprintf(mount_v1, sizeof mount_v1, "%s/memory", mount);
  FILE *f = fopen(proc_file, "re");
  if (!f) return least;
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) continue;
    *group++ = '\0';
    if (!controllers[1])
      least = int64_min(least, least_limit_of_ancestors(mount, group, "memory.max"));
    else if (strstr(controllers, "memory"))
      least = int64_min(least, least_limit_of_ancestors(mount_v1, group, "memory.limit_in_bytes"));
  }
  fclose(f);
  return least;
}

int64_t mem_available(void) {
  int64_t least = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
  least = int64_min(least, mem_group_limit("/proc/self/cgroup", "/sys/fs/cgroup"));
  struct rlimit space;
  if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur < (rlim_t)least) least = (int64_t)space.rlim_cur;
  if (engine_now()->memory) least = int64_min(least, engine_now()->memory);
  return least;
}

bool mem_require(int64_t bytes, const char *name, Error *err) {
  const int64_t may = mem_available(), held = mem_held();
  return bytes <= may - held ||
         fail_as(err, INK_MEMORY,
                 "%s: needs about %lld MB of memory in addition to the %lld MB in use, and this process is "
                 "limited to %lld MB: split the input, or raise the limit",
                 name, (long long)(bytes >> 20) + 1, (long long)held >> 20, (long long)may >> 20);
}
