package app

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestListenAdvice(t *testing.T) {
	t.Parallel()
	failed := func(errno syscall.Errno) error {
		return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", errno)}
	}
	for _, row := range []struct {
		err  error
		says []string
	}{
		{failed(syscall.EACCES), []string{"port 443 ", "CAP_NET_BIND_SERVICE", "AmbientCapabilities", "setcap"}},
		{failed(syscall.EADDRINUSE), []string{"another program", ":443"}},
		{failed(syscall.EADDRNOTAVAIL), []string{"no such address", ":443"}},
	} {
		got := listenAdvice(row.err, "192.0.2.1:443")
		for _, word := range row.says {
			if !strings.Contains(got, word) {
				t.Errorf("%v: no %q in %q", row.err, word, got)
			}
		}
	}
	if got := listenAdvice(failed(syscall.EMFILE), ":443"); got != "" {
		t.Errorf("too many files: %q", got)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, says := range map[string]string{
		taken.Addr().String(): "gateway.listen: listen tcp " + taken.Addr().String() + ": bind: address already in use; another program",
		"192.0.2.1:0":         "this machine has no such address",
	} {
		if _, err := listen("gateway.listen", address); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want …%s…", address, err, says)
		}
	}
}
