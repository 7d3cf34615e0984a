// Stands for NVIDIA's driver in tests: libcuda.so.1 and libnvidia-ml.so.1 in one, answering what
// the environment says. Signatures are those of cuda.h and nvml.h.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int set(const char *name, int otherwise) {
  const char *v = getenv(name);
  return v ? atoi(v) : otherwise;
}

int cuInit(unsigned flags) { return flags ? 1 : set("FAKE_INIT", 0); }
int cuDriverGetVersion(int *v) { return *v = set("FAKE_CUDA", 13020), 0; }
int cuDeviceGetCount(int *n) { return *n = set("FAKE_DEVICES", 2), 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) {
  *context = (void *)(uintptr_t)(device + 1);
  return set("FAKE_RETAIN", 0);
}

int nvmlInit_v2(void) { return set("FAKE_NVML_INIT", 0); }
const char *nvmlErrorString(int r) { return r == 999 ? "Unknown Error" : "?"; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  return length < 80 ? 7 : (strcpy(version, "580.95.05"), 0);
}
int nvmlSystemGetCudaDriverVersion(int *v) { return cuDriverGetVersion(v); }
int nvmlDeviceGetCount_v2(unsigned *n) { return *n = (unsigned)set("FAKE_DEVICES", 2), 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  *device = (void *)(uintptr_t)(index + 1);
  return set("FAKE_NVML_HANDLE", 0);
}
int nvmlDeviceGetName(void *device, char *name, unsigned length) {
  return length < 96 ? 7 : (strcpy(name, device == (void *)1 ? "NVIDIA H100 80GB HBM3" : "NVIDIA T4"), 0);
}
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long memory[3]) {
  memory[0] = 80ull << 30, memory[1] = 79ull << 30, memory[2] = 1ull << 30;
  return 0;
}
int nvmlDeviceGetUtilizationRates(void *device, unsigned rates[2]) {
  if (device != (void *)1) return 3; // NVML_ERROR_NOT_SUPPORTED
  rates[0] = 87, rates[1] = 40;
  return 0;
}
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
  return sensor ? 2 : (*celsius = 41, 0);
}
