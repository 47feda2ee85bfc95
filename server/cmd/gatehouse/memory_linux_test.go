package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// memoryGroup makes a control group with that memory limit and returns its directory, or ""
// if this user or this kernel cannot.
func memoryGroup(t *testing.T, limit int) string {
	t.Helper()
	name := "gatehouse-test-" + strconv.Itoa(os.Getpid())
	for parent, file := range map[string]string{
		"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max",
	} {
		if _, err := os.Stat(filepath.Join(parent, "cgroup.procs")); err != nil {
			continue // not a hierarchy
		}
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		if err := os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(limit)), 0o600); err == nil {
			// Without swap, so that the limit is one. The file may not exist.
			_ = os.WriteFile(filepath.Join(dir, "memory.swap.max"), []byte("0"), 0o600)
			return dir
		}
	}
	return ""
}

// testMemoryLimit runs the program in a control group of 128 MB, and makes it work on many
// large messages and files at once. It must not be killed.
func testMemoryLimit(t *testing.T, binary string) {
	const limit = 128 << 20
	group := memoryGroup(t, limit)
	if group == "" {
		t.Log("not run: this needs the right to make control groups")
		return
	}
	inGroup := filepath.Join(t.TempDir(), "gatehouse")
	script := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs || exit 1\nexec %s \"$@\"\n", group, binary)
	if err := os.WriteFile(inGroup, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, inGroup, t.TempDir())
	if log := p.log.String(); !strings.Contains(log, "memory is limited by a control group") ||
		!strings.Contains(log, fmt.Sprintf("limit=%d for_go=%d", limit, 96<<20)) {
		t.Fatalf("the log does not have the limit:\n%s", log)
	}
	text := strings.Repeat("a line of **markdown** with `code` and [a link](https://example.com)\n\n", 2500)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			c := httpdtest.Dial(t, p.url, nil)
			defer c.Leave()
			c.OK(protocol.MethodConnect,
				`{"token":"`+p.token+`","user_id":"user","client":{"caps":["html"]}}`)
			key := fmt.Sprintf("k%d", i)
			c.OK(protocol.MethodChatSend, fmt.Sprintf(`{"sessionKey":%q,"message":"echo x"}`, key))
			for range 6 {
				c.OK(protocol.MethodChatInject, fmt.Sprintf(`{"sessionKey":%q,"message":%q}`, key, text))
				c.OK(protocol.MethodChatHistory, fmt.Sprintf(`{"sessionKey":%q,"limit":2}`, key))
				c.Events = nil
			}
			p.upload(strings.Repeat("a file of text\n", 1<<18)) // 4 MB
		})
	}
	all.Wait()
	select {
	case <-p.ended:
		t.Fatalf("the process was killed:\n%s", p.log.String())
	default:
	}
	peak := "unknown"
	for _, file := range []string{"memory.max_usage_in_bytes", "memory.peak"} {
		if text, err := os.ReadFile(filepath.Join(group, file)); err == nil {
			peak = strings.TrimSpace(string(text))
		}
	}
	t.Logf("resident %.1f MB at the end, the group's peak with the kernel's cache %s bytes",
		residentMB(t, p.cmd.Process.Pid), peak)
	p.client().OK(protocol.MethodStatus, "")
	p.kill()
}
