package memlimit

import (
	"testing"
	"testing/fstest"
)

const (
	v2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	v1 = "34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
		"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	mib = 1 << 20
)

func TestFind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		group int64 // 0: none
		file  string
	}{
		"no control groups": {nil, 0, ""},
		"version 2, in a container": {map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/memory.max": "134217728\n", "sys/fs/cgroup/memory.high": "max\n",
		}, 128 * mib, "sys/fs/cgroup/memory.max"},
		"version 2, no limit": {map[string]string{
			"proc/self/cgroup": "0::/user.slice\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/user.slice/memory.max": "max\n",
		}, 0, ""},
		"version 2, the lower of high and max": {map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/a/memory.max": "268435456\n", "sys/fs/cgroup/a/memory.high": "209715200\n",
		}, 200 * mib, "sys/fs/cgroup/a/memory.high"},
		"version 2, a parent's": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/gatehouse.service\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/system.slice/gatehouse.service/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max":                   "536870912\n",
		}, 512 * mib, "sys/fs/cgroup/system.slice/memory.max"},
		"version 1": {map[string]string{
			"proc/self/cgroup": "4:memory:/a/b\n1:cpu:/\n0::/\n", "proc/self/mountinfo": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "268435456\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
		}, 256 * mib, "sys/fs/cgroup/memory/a/memory.limit_in_bytes"},
		"version 1, in a container": {map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/docker/abc\n",
			"proc/self/mountinfo": "35 31 0:32 /docker/abc /sys/fs/cgroup/cpu,memory ro - " +
				"cgroup cgroup rw,cpu,memory\n",
			"sys/fs/cgroup/cpu,memory/memory.limit_in_bytes": "134217728\n",
		}, 128 * mib, "sys/fs/cgroup/cpu,memory/memory.limit_in_bytes"},
		"a group outside of what is mounted": {map[string]string{
			"proc/self/cgroup": "0::/../other\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/memory.max": "134217728\n",
		}, 128 * mib, "sys/fs/cgroup/memory.max"},
		"both versions": {map[string]string{
			"proc/self/cgroup":                           "4:memory:/\n0::/\n",
			"proc/self/mountinfo":                        v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "67108864\n",
		}, 64 * mib, "sys/fs/cgroup/memory/memory.limit_in_bytes"},
		"a mount point with a space": {map[string]string{
			"proc/self/cgroup":         "0::/\n",
			"proc/self/mountinfo":      `31 23 0:28 / /sys/my\040groups rw - cgroup2 cgroup2 rw` + "\n",
			"sys/my groups/memory.max": "67108864\n",
		}, 64 * mib, "sys/my groups/memory.max"},
		"rubbish": {map[string]string{
			"proc/self/cgroup": "x\n0:\n\n:::\n0::/\n", "proc/self/mountinfo": " - \nx - cgroup2\n" + v2,
			"sys/fs/cgroup/memory.max": "-1\n",
		}, 0, ""},
	} {
		root := fstest.MapFS{}
		for file, text := range test.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		limit, ok := find(root)
		if ok != (test.group > 0) || limit.Group != test.group || limit.File != test.file ||
			ok && limit.Go != goAllowance(test.group) {
			t.Errorf("%s: %+v, %v; want %d of %s", name, limit, ok, test.group, test.file)
		}
	}
}

func TestGoAllowance(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64]int64{
		40 * mib: 30 * mib, 128 * mib: 96 * mib, 320 * mib: 288 * mib, 1000 * mib: 900 * mib,
	} {
		if got := goAllowance(limit); got != want {
			t.Errorf("of %d MiB: %d MiB, want %d", limit/mib, got/mib, want/mib)
		}
	}
}
