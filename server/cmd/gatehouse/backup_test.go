package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// upload uploads a text file and returns its path.
func (p *process) upload(content string) string {
	p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "notes.txt")
	if err != nil {
		p.t.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	if err := form.Close(); err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost,
		p.url+"/api/media/upload", &body)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+p.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	_, rest, found := strings.Cut(string(text), `"path":"`)
	path, _, _ := strings.Cut(rest, `"`)
	if err != nil || !found {
		p.t.Fatalf("the upload: HTTP %d, %v: %s", answer.StatusCode, err, text)
	}
	return path
}

// download returns the content of a file.
func (p *process) download(path string) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Sprintf("HTTP %d, %v", answer.StatusCode, err)
	}
	return string(text)
}

// kill kills the process, as a crash would.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.waitExit()
}

// fill injects notes into the session "k".
func (p *process) fill(c *httpdtest.Client, name string, n int) {
	p.t.Helper()
	c.OK(protocol.MethodChatSend, `{"sessionKey":"k","message":"echo the session exists"}`)
	for i := range n {
		c.OK(protocol.MethodChatInject, fmt.Sprintf(`{"sessionKey":"k","message":"%s %d %s"}`, name, i,
			strings.Repeat("x", 4000)))
	}
}

// notes counts the notes of each name in the session "k".
func (p *process) notes() map[string]int {
	p.t.Helper()
	c, found := p.client(), map[string]int{}
	defer c.Leave()
	for before, more := int64(0), true; more; {
		var page protocol.ChatHistoryResult
		c.Read(c.OK(protocol.MethodChatHistory,
			fmt.Sprintf(`{"sessionKey":"k","limit":50,"before":%d}`, before)), &page)
		for _, m := range page.Messages {
			name, _, _ := strings.Cut(m.Content, " ")
			found[name]++
		}
		before, more = page.Messages[0].Seq, page.HasMore
	}
	return found
}

// program runs a command of the program and returns what it prints.
func program(t *testing.T, binary string, args ...string) (code int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	run := exec.CommandContext(ctx, binary, args...)
	run.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	run.Dir = t.TempDir()
	out, err := run.CombinedOutput()
	if run.ProcessState == nil {
		t.Fatalf("%v: %v", args, err)
	}
	return run.ProcessState.ExitCode(), string(out)
}

// mustRun runs a command that must succeed.
func mustRun(t *testing.T, binary string, args ...string) {
	t.Helper()
	if code, text := program(t, binary, args...); code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, text)
	}
}

// testBackup makes a backup while the program writes, kills the program, and restores the
// backup. Everything must be as it was when the backup was made.
func testBackup(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := p.client()
	kept := p.upload("kept")
	c.OK(protocol.MethodChatSend,
		`{"sessionKey":"k","message":"echo sent","media":[{"path":"`+kept+`","filename":"notes.txt"}]}`)
	p.fill(c, "before", 100)
	writer, stop, ended := p.client(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if !writer.Try(protocol.MethodChatInject,
				fmt.Sprintf(`{"sessionKey":"other","message":"%d %s"}`, i, strings.Repeat("y", 9000))) {
				return
			}
		}
	}()
	backup := filepath.Join(t.TempDir(), "backup")
	mustRun(t, binary, "backup", backup, "-data-dir", p.dir)
	close(stop)
	<-ended
	mustRun(t, binary, "restore", "-check", backup)
	if code, text := program(t, binary, "restore", backup, "-replace", "-data-dir",
		p.dir); code != exitFault || !strings.Contains(text, "another process uses the data directory") {
		t.Errorf("a restore under a running gateway: exit code %d: %s", code, text)
	}
	lost := p.upload("lost")
	p.fill(c, "after", 400) // more than a checkpoint
	token := p.token
	p.kill()

	if code, text := program(t, binary, "restore", backup, "-data-dir", p.dir); code != exitFault ||
		!strings.Contains(text, "has data already") {
		t.Errorf("a restore over data: exit code %d: %s", code, text)
	}
	mustRun(t, binary, "restore", backup, "-replace", "-data-dir", p.dir)
	mustRun(t, binary, "restore", "-check", backup)
	other := filepath.Join(t.TempDir(), "another")
	mustRun(t, binary, "restore", "-data-dir", other, backup)
	for _, dir := range []string{p.dir, other} {
		p := startProcess(t, binary, dir)
		if notes := p.notes(); notes["before"] != 100 || notes["after"] != 0 || notes["sent"] != 1 {
			t.Errorf("restored are %v", notes)
		}
		if p.token != token || p.download(kept) != "kept" || p.download(lost) == "lost" {
			t.Errorf("the token is %s, was %s; the files are %q and %q", p.token, token, p.download(kept),
				p.download(lost))
		}
		p.signal(syscall.SIGTERM)
		p.checkStopped()
	}
	aside, err := filepath.Glob(filepath.Join(p.dir, "before-restore-*"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("aside are %v, %v", aside, err)
	}
	p = startProcess(t, binary, aside[0])
	if notes := p.notes(); notes["after"] != 400 {
		t.Errorf("the replaced data has %v", notes)
	}
	p.kill()
}

// testForeignLog puts a copy of the database back beside the log that a killed gateway has
// left, in the two ways that people use. The start must refuse and must change neither; the
// way that the manual describes must work.
func testForeignLog(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := p.client()
	p.fill(c, "before", 50)
	backup := filepath.Join(t.TempDir(), "backup")
	mustRun(t, binary, "backup", backup, "-data-dir", p.dir)
	p.fill(c, "after", 400)
	p.kill()
	original, good := filepath.Join(p.dir, "gatehouse.db"), filepath.Join(backup, "gatehouse.db")
	for _, way := range []string{"cp", "mv"} {
		copied := filepath.Join(t.TempDir(), "copy.db")
		mustCopy(t, good, copied)
		before := mustRead(t, original+"-wal")
		if out, err := exec.Command(way, copied, original).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", way, err, out)
		}
		code, text := program(t, binary, "-listen", "127.0.0.1:0", "-data-dir", p.dir)
		if code != exitFault || !strings.Contains(text, "does not belong to gatehouse.db") ||
			!strings.Contains(text, "move gatehouse.db-wal and gatehouse.db-shm away") {
			t.Errorf("%s: exit code %d: %s", way, code, text)
		}
		if !bytes.Equal(mustRead(t, original), mustRead(t, good)) ||
			!bytes.Equal(mustRead(t, original+"-wal"), before) {
			t.Errorf("%s: the refused start has changed the files", way)
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(original + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	p = startProcess(t, binary, p.dir)
	if notes := p.notes(); notes["before"] != 50 || notes["after"] != 0 {
		t.Errorf("restored by hand are %v", notes)
	}
	p.kill()
}

// testLostDatabase starts beside a mark without a database, and with a damaged database.
func testLostDatabase(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	p.fill(p.client(), "note", 100)
	p.signal(syscall.SIGTERM)
	p.checkStopped()
	database := filepath.Join(p.dir, "gatehouse.db")
	whole := mustRead(t, database)
	damaged := bytes.Clone(whole)
	copy(damaged[len(damaged)/2/4096*4096:], bytes.Repeat([]byte{0x5a}, 8192))
	start := func() (int, string) {
		return program(t, binary, "-listen", "127.0.0.1:0", "-data-dir", p.dir)
	}
	for name, row := range map[string]struct {
		text []byte // nil: no file
		want string
	}{
		"missing": {nil, "-accept-empty"}, "empty": {[]byte{}, "-accept-empty"},
		"damaged": {damaged, "the database is damaged"},
	} {
		if err := os.Remove(database); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if row.text != nil {
			if err := os.WriteFile(database, row.text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if code, text := start(); code != exitFault || !strings.Contains(text, row.want) ||
			!strings.Contains(text, "gatehouse restore DIR -replace") ||
			strings.Count(text, "\n") != 1 {
			t.Errorf("%s: exit code %d: %s", name, code, text)
		}
	}
	if err := os.WriteFile(database, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p = startProcess(t, binary, p.dir, "-accept-empty")
	p.client().Refused(protocol.NotFound, "", protocol.MethodChatHistory, `{"sessionKey":"k"}`)
	p.kill()
	p = startProcess(t, binary, p.dir) // the new database is no sign of a lost one
	p.kill()
}

// testBackupCutOff kills backups at random moments. What is left must never pass for a
// backup.
func testBackupCutOff(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	p.fill(p.client(), "note", 300)
	whole := 0
	for i := range 8 {
		to := filepath.Join(t.TempDir(), "backup")
		run := exec.Command(binary, "backup", to, "-data-dir", p.dir)
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*8) * time.Millisecond) // a real process
		_ = run.Process.Kill()
		_ = run.Wait() // it may have ended before
		code, text := program(t, binary, "restore", "-check", to)
		if code != exitOK && !strings.Contains(text, "is no complete backup") &&
			!strings.Contains(text, "no such file") {
			t.Errorf("a backup that was killed after %d ms: exit code %d: %s", i*8, code, text)
		}
		if code == exitOK {
			whole++
		}
		if code, text := program(t, binary, "backup", to, "-data-dir", p.dir); code == exitOK &&
			strings.Contains(text, "is not empty") {
			t.Errorf("over the rest of another backup: %s", text)
		}
	}
	if whole == 8 {
		t.Error("no backup was cut off")
	}
	p.kill()
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func mustCopy(t *testing.T, from, to string) {
	t.Helper()
	if err := os.WriteFile(to, mustRead(t, from), 0o600); err != nil {
		t.Fatal(err)
	}
}
