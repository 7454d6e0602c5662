// The handler may come between any two instructions of any thread: it calls only what POSIX lists as safe
// there, allocates nothing, and learns the name of the file from the kernel's list of mappings.
#include "mapping_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int exit_status;
static atomic_flag is_handling = ATOMIC_FLAG_INIT;

// The mapping that was looked for; of a path that is longer, the beginning.
static struct {
  uintptr_t start, end, offset;
  char path[4096];
} mapping;

struct reader {
  int descriptor;
  ssize_t count, next;
  char bytes[1024];
};

// The next byte, or -1 at the end.
static int next_byte(struct reader *reader) {
  if (reader->next >= reader->count) {
    do {
      reader->count = read(reader->descriptor, reader->bytes, sizeof reader->bytes);
    } while (reader->count < 0 && errno == EINTR);
    reader->next = 0;
    if (reader->count <= 0) return -1;
  }
  return (unsigned char)reader->bytes[reader->next++];
}

// A hexadecimal number and the byte behind it, which must be `end`.
static int read_number(struct reader *reader, char end, uintptr_t *number) {
  *number = 0;
  for (;;) {
    int byte = next_byte(reader);
    if (byte == end) return 1;
    int digit = byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
    if (digit < 0) return 0;
    *number = *number << 4 | (uintptr_t)digit;
  }
}

// "START-END PERMISSIONS OFFSET DEVICE INODE   PATH": whether there is a line, read to its end.
static int read_mapping(struct reader *reader) {
  int byte = 0;
  if (!read_number(reader, '-', &mapping.start) || !read_number(reader, ' ', &mapping.end)) return 0;
  for (int spaces = 0; spaces < 1;) {
    if ((byte = next_byte(reader)) < 0) return 0;
    spaces += byte == ' ';
  }
  if (!read_number(reader, ' ', &mapping.offset)) return 0;
  for (int spaces = 0; spaces < 1;) {
    if ((byte = next_byte(reader)) < 0) return 0;
    spaces += byte == ' ';
  }
  do byte = next_byte(reader);
  while (byte != ' ' && byte != '\n' && byte >= 0);
  while (byte == ' ') byte = next_byte(reader);
  size_t length = 0;
  for (; byte != '\n' && byte >= 0; byte = next_byte(reader)) {
    if (length + 1 < sizeof mapping.path) mapping.path[length++] = (char)byte;
  }
  mapping.path[length] = 0;
  return 1;
}

static int find_mapping(uintptr_t address) {
  struct reader reader = {.descriptor = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
  if (reader.descriptor < 0) return 0;
  int found = 0;
  while (!found && read_mapping(&reader)) found = address >= mapping.start && address < mapping.end;
  close(reader.descriptor);
  return found && mapping.path[0] == '/';
}

static void put(const char *text) {
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text += written;
    length -= (size_t)written;
  }
}

static void put_number(uint64_t number) {
  char digits[24];
  char *first = digits + sizeof digits - 1;
  *first = 0;
  do *--first = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  put(first);
}

// The line that says what happened at a byte of the mapped file.
static void report(uint64_t position) {
  // Nothing in a name steers the terminal.
  for (char *byte = mapping.path; *byte; byte++) {
    if ((unsigned char)*byte < 0x20 || *byte == 0x7F) *byte = '?';
  }
  struct stat status;
  int is_known = stat(mapping.path, &status) == 0;
  // Progress that was drawn goes.
  struct termios settings;
  if (tcgetattr(STDERR_FILENO, &settings) == 0) put("\r\033[2K");
  put("error: ");
  put(mapping.path);
  if (is_known && (uint64_t)status.st_size > position) {
    put(": cannot read the mapped file: Input/output error. Check the disk.\n");
    return;
  }
  put(": the file became shorter while it was read: expected more than ");
  put_number(position);
  put(" bytes");
  if (is_known) {
    put(", found ");
    put_number((uint64_t)status.st_size);
  }
  put(". Run the command again when the file is whole and nothing writes to it.\n");
}

static void handle(int number, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_code != BUS_ADRERR) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  // Another thread is at it already and ends the process.
  if (atomic_flag_test_and_set(&is_handling)) {
    for (;;) pause();
  }
  uintptr_t address = (uintptr_t)info->si_addr;
  if (!find_mapping(address)) {
    // Not ours: the instruction is repeated, and the fault ends the process.
    signal(number, SIG_DFL);
    return;
  }
  report(address - mapping.start + mapping.offset);
  _exit(exit_status);
}

void mapping_fault_install(int status) {
  exit_status = status;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}
