package pdftext

import (
	"errors"
	"os"
	"runtime/debug"
	"syscall"
)

// maxMemory limits the memory of the process, in bytes.
const maxMemory = 512 << 20

// limitProcess limits what the process may use. If the machine runs out of memory first,
// the kernel kills this process before the gateway.
func limitProcess() error {
	debug.SetMemoryLimit(maxMemory / 2)
	errs := []error{os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)}
	for resource, limit := range map[int]uint64{
		syscall.RLIMIT_DATA:  maxMemory,
		syscall.RLIMIT_CPU:   uint64(Timeout.Seconds()) + 1,
		syscall.RLIMIT_CORE:  0,
		syscall.RLIMIT_FSIZE: 0,
	} {
		errs = append(errs, syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}))
	}
	return errors.Join(errs[1:]...) // without /proc, the limit on the memory is enough
}
