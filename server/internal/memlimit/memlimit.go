// Package memlimit finds out how much memory the control groups of Linux allow this process,
// and makes Go's garbage collector keep to that. Without a limit of its own, a Go program
// lets its heap grow to twice what it needs, and the kernel kills a container that reaches
// its limit. With one, the collector works more often instead: the program slows down.
package memlimit

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// Limit is the memory that a control group allows.
type Limit struct {
	Group int64  // what the group allows, in bytes
	Go    int64  // what Go may use of that, in bytes
	File  string // the file with the group's limit
}

// Apply sets Go's memory limit to what the control groups of this process allow, less a
// reserve for what is not Go's. It does nothing, and returns false, if there is no such
// limit or if the environment has GOMEMLIMIT, which Go itself obeys.
func Apply() (Limit, bool) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return Limit{}, false
	}
	limit, ok := find(os.DirFS("/"))
	if ok {
		debug.SetMemoryLimit(limit.Go)
	}
	return limit, ok
}

const (
	// unlimited is more than any machine has. Version 1 of control groups writes a number
	// near the largest int64 for "no limit".
	unlimited = 1 << 60
	// mostReserve and the tenth of the limit that goAllowance leaves are for what Go does
	// not count: SQLite's memory, the program's code and the kernel's buffers.
	mostReserve = 32 << 20
)

// goAllowance returns how much of the limit Go may use: nine tenths, but at most the limit
// less 32 MiB, and at least three quarters of small limits.
func goAllowance(limit int64) int64 {
	return limit - max(limit/10, min(mostReserve, limit/4))
}

// hierarchy is a tree of control groups that is mounted.
type hierarchy struct {
	root, mount string   // the group at the mount point, and the mount point
	group       string   // the group of this process
	files       []string // the names of files with limits
}

// find returns the lowest memory limit of the groups of this process and their parents.
func find(root fs.FS) (lowest Limit, ok bool) {
	for _, h := range hierarchies(root) {
		for dir := h.dir(); ; dir = path.Dir(dir) {
			for _, name := range h.files {
				file := path.Join(dir, name)
				if n := readLimit(root, file); n > 0 && (!ok || n < lowest.Group) {
					lowest, ok = Limit{Group: n, Go: goAllowance(n), File: file}, true
				}
			}
			if dir == h.mount || len(dir) <= len(h.mount) {
				break
			}
		}
	}
	return lowest, ok
}

// dir returns the directory of the process's group. In a container, the group may be
// outside of what is mounted; then the mount point is the group.
func (h hierarchy) dir() string {
	below, inside := strings.CutPrefix(h.group, strings.TrimSuffix(h.root, "/"))
	if !inside || strings.HasPrefix(h.group, "/..") {
		return h.mount
	}
	return path.Join(h.mount, below)
}

// hierarchies returns the mounted hierarchies that limit memory.
func hierarchies(root fs.FS) (all []hierarchy) {
	one, two := groups(root)
	text, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil
	}
	// 35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		before, after, found := strings.Cut(lines.Text(), " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if !found || len(place) < 5 || len(kind) < 3 {
			continue
		}
		h := hierarchy{root: unescape(place[3]), mount: unescape(place[4])}
		switch {
		case kind[0] == "cgroup2" && two != "":
			h.group, h.files = two, []string{"memory.max", "memory.high"}
		case kind[0] == "cgroup" && one != "" && hasOption(kind[2], "memory"):
			h.group, h.files = one, []string{"memory.limit_in_bytes"}
		default:
			continue
		}
		h.mount = strings.TrimPrefix(path.Clean(h.mount), "/")
		all = append(all, h)
	}
	return all
}

// groups returns the process's group for memory in the hierarchies of version 1 and 2.
func groups(root fs.FS) (one, two string) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return "", ""
	}
	for line := range strings.Lines(string(text)) { // 4:memory:/docker/123, or 0::/docker/123
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			two = parts[2]
		case hasOption(parts[1], "memory"):
			one = parts[2]
		}
	}
	return one, two
}

// hasOption reports whether a list with commas has an item.
func hasOption(list, item string) bool {
	for option := range strings.SplitSeq(list, ",") {
		if option == item {
			return true
		}
	}
	return false
}

// unescape decodes the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// readLimit returns the limit in a file, or 0 if there is none.
func readLimit(root fs.FS, file string) int64 {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64) // or "max"
	if err != nil || n >= unlimited || n > math.MaxInt64 {
		return 0
	}
	return int64(n)
}
