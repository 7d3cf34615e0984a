// The C face of the pretend device.
#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

// What went over the border between the host and the device, and how many operations ran there.
typedef struct {
  int64_t ops;
  int64_t uploads, uploaded;     // copies to the device, and their bytes
  int64_t waits;                 // uploads that the host waits for
  int64_t downloads, downloaded; // copies to the host, and their bytes
  int64_t replays;               // of graphs
} pretend_counts;

void pretend_register(const char *name); // to be called once
void pretend_read(pretend_counts *out);
void pretend_limit(int64_t bytes); // of the device's memory; 0 for none

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
