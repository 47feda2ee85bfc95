package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
)

// testManualRestore takes the backups that the manual describes, kills the program, and
// restores as the manual says, word by word. Everything must be as it was backed up.
func testManualRestore(t *testing.T, binary string) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("there is no sqlite3")
	}
	blocks := docstest.Blocks(t, "restore")
	if len(blocks) != 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	work, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	shell := func(text string) string {
		t.Helper()
		run := exec.CommandContext(t.Context(), "sh", "-e", "-u", "-c",
			`gatehouse() { "$BINARY" "$@"; }; data="$GATEHOUSE_DATA_DIR"`+"\n"+text)
		run.Dir = work
		run.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + work, "BINARY=" + binary,
			"GATEHOUSE_DATA_DIR=" + data}
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", text, err, out)
		}
		return string(out)
	}
	p := startProcess(t, binary, data)
	kept := p.upload("kept")
	p.fill(p.client(), "before", 20)
	for _, b := range docstest.BlocksOf(t, "operation") {
		if b.Kind == "run" && strings.Contains(b.Text, "backup") {
			shell(b.Text)
		}
	}
	check := func(how string) {
		t.Helper()
		p = startProcess(t, binary, data)
		if notes := p.notes(); notes["before"] != 20 || notes["after"] != 0 {
			t.Errorf("%s: restored are %v", how, notes)
		}
		if got := p.download(kept); got != "kept" {
			t.Errorf("%s: the file is %q", how, got)
		}
	}
	for i, how := range []string{"by the command", "by hand"} {
		p.fill(p.client(), "after", 400) // so that the log was begun anew since the backup
		p.kill()
		shell(blocks[i].Text)
		check(how)
	}
	p.kill()
	if out := shell(blocks[2].Text); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("recovered: %s", out)
	}
	for _, name := range []string{"backup", "backup/gatehouse.db", "backup/gateway.token",
		"backup-1/gatehouse.db", "recovered.db"} {
		info, err := os.Stat(filepath.Join(work, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
