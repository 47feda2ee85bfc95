package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// testManual runs the commands and requests in the manual against a gateway.
func testManual(t *testing.T, binary string) {
	dir := t.TempDir()
	writeFiles(t, dir)
	for name, text := range map[string]string{
		"config.json5": `{ gateway: { trusted_proxies: ["127.0.0.0/8", "::1"] } }`,
		"report.csv":   "a,b\n1,2\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startProcess(t, binary, filepath.Join(dir, "data"), "-config",
		filepath.Join(dir, "config.json5"))
	if err := os.WriteFile(filepath.Join(dir, "admin.token"), []byte(p.token+"\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for _, b := range docstest.Blocks(t, "banner") {
		b.Text = strings.ReplaceAll(b.Text, "http://localhost:8080", p.url)
		checkLines(t, b, p.out.String())
	}
	m := &manual{p: p, dir: dir, binary: binary}
	ran := 0
	for name := range docstest.Pages(t) {
		printed := ""
		for _, b := range docstest.BlocksOf(t, name) {
			switch b.Kind {
			case "run":
				ran++
				printed = m.run(t, b)
			case "output":
				checkLines(t, b, printed)
			case "frames":
				ran++
				m.converse(t, b)
			}
		}
	}
	checkPrivate(t, dir)
	if ran < 12 {
		t.Errorf("%d blocks were run", ran)
	}
}

// checkPrivate tests that what the blocks have made is for its owner alone: most of it is
// secret.
func checkPrivate(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && path != dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("a block of the manual has made %s with the mode %v: begin with umask 077", path,
				info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// manual runs blocks of the manual against a gateway.
type manual struct {
	p      *process
	dir    string // the working directory
	binary string
}

// run runs a block in a shell, and returns what was printed. The shell's command
// gatehouse is the program under test; the variable TOKEN is the gateway's token.
func (m *manual) run(t *testing.T, b docstest.Block) (printed string) {
	t.Helper()
	if program, needs := strings.CutPrefix(b.Note, "needs "); needs {
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("%s.md:%d is not run: there is no %s", b.Page, b.Line, program)
			return ""
		}
	}
	script := strings.NewReplacer("http://localhost:8080", m.p.url, "https://chat.example.com",
		m.p.url).Replace(b.Text)
	if strings.Contains(script, "gatehouse conformance ") { // all rows would take minutes
		script = strings.TrimSpace(script) + ` -proxied -rows "^HTTP: GET"`
	}
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-u", "-c",
		`gatehouse() { "$BINARY" "$@"; }`+"\n"+script)
	shell.Dir = m.dir
	shell.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + m.dir, "BINARY=" + m.binary, "TOKEN=" + m.p.token,
		"GATEHOUSE_LISTEN=" + strings.TrimPrefix(m.p.url, "http://"), "GATEHOUSE_DATA_DIR=" +
			m.p.dir,
	}
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("%s.md:%d: %s: %v\n%s", b.Page, b.Line, b.Text, err, out)
	}
	if strings.Contains(string(out), `{"error":`) {
		t.Errorf("%s.md:%d: %s: the gateway refuses: %s", b.Page, b.Line, b.Text, out)
	}
	return string(out)
}

// converse sends the requests in a block, and compares the frames that arrive with the
// other lines.
func (m *manual) converse(t *testing.T, b docstest.Block) {
	t.Helper()
	c := httpdtest.Dial(t, m.p.url, nil)
	defer c.Leave()
	if !strings.Contains(b.Text, `"method":"connect"`) {
		c.OK(protocol.MethodConnect, `{"token":"`+m.p.token+`","user_id":"me"}`)
	}
	var answer protocol.Frame
	for line := range strings.Lines(b.Text) {
		text := strings.TrimSpace(strings.TrimLeft(line, "→← "))
		var frame map[string]any
		if err := json.Unmarshal([]byte(fillEllipses.Replace(text)), &frame); err != nil {
			t.Errorf("%s.md:%d: %s: %v", b.Page, b.Line, line, err)
			return
		}
		switch {
		case frame["type"] == "req":
			m.fillIn(t, frame["params"])
			params, err := json.Marshal(frame["params"])
			if err != nil {
				t.Fatal(err)
			}
			answer = c.Call(frame["method"].(string), string(params))
			if !answer.OK {
				t.Errorf("%s.md:%d: %s: %v", b.Page, b.Line, line, answer.Error)
			}
		case frame["type"] == "event":
			for compare(frame, decoded(t, c.Event(frame["event"].(string)))) != nil {
			}
		default:
			delete(frame, "id")
			if err := compare(frame, decoded(t, answer)); err != nil {
				t.Errorf("%s.md:%d: %s: %v", b.Page, b.Line, line, err)
			}
		}
	}
}

// fillEllipses removes the ellipses, so that a frame in the manual is valid JSON.
var fillEllipses = strings.NewReplacer(",…}", "}", "{…,", "{", "{…}", "{}")

// fillIn replaces placeholders in params: the token, and the epoch of a session's log.
func (m *manual) fillIn(t *testing.T, params any) {
	t.Helper()
	all, _ := params.(map[string]any)
	if _, has := all["token"]; has {
		all["token"] = m.p.token
	}
	cursors, _ := all["resume"].([]any)
	for _, c := range cursors {
		cursor := c.(map[string]any)
		client := m.p.client()
		var status protocol.ChatStatusResult
		client.Read(client.OK(protocol.MethodChatStatus,
			`{"sessionKey":"`+cursor["sessionKey"].(string)+`"}`),
			&status)
		client.Leave()
		cursor["epoch"] = status.Epoch
	}
}

func decoded(t *testing.T, f protocol.Frame) (frame map[string]any) {
	t.Helper()
	text := f.AppendJSON(nil)
	if err := json.Unmarshal(text, &frame); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return frame
}

// compare returns an error if shown, a value in the manual, has a part that sent lacks.
// Texts are compared up to an ellipsis, numbers not at all.
func compare(shown, sent any) error {
	switch shown := shown.(type) {
	case map[string]any:
		sent, ok := sent.(map[string]any)
		if !ok {
			return errors.New("it is no object")
		}
		for key, value := range shown {
			if _, there := sent[key]; !there {
				return fmt.Errorf("there is no %s in %v", key, sent)
			}
			if err := compare(value, sent[key]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	case []any:
		sent, ok := sent.([]any)
		if !ok || len(sent) < len(shown) {
			return fmt.Errorf("it is %v", sent)
		}
		for i := range shown {
			if err := compare(shown[i], sent[i]); err != nil {
				return err
			}
		}
	case string:
		begins, _, _ := strings.Cut(shown, "…")
		if sent, ok := sent.(string); !ok || !strings.HasPrefix(sent, begins) ||
			!strings.Contains(shown, "…") && sent != shown {
			return fmt.Errorf("it is %v, not %q", sent, shown)
		}
	case bool:
		if sent != shown {
			return fmt.Errorf("it is %v", sent)
		}
	}
	return nil
}
