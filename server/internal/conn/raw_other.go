//go:build !unix

package conn

import (
	"errors"
	"net"
	"syscall"
)

// Without non-blocking sockets, a drain goroutine makes every write.

func rawOf(net.Conn) syscall.RawConn { return nil }

func readNow(uintptr, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }

func writeNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
