package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs the program's command in this process.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json5")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCommands(t *testing.T) {
	t.Parallel()
	good := configFile(t,
		`{ gateway: { listen: "127.0.0.1:1", token: "a-token-for-this-test" } } // fine`)
	bad := configFile(t, "{ gateway: { lisen: ':8080', rate_limit_rpm: 'many' },\n  data_dir: 7 }")
	seed := configFile(t,
		"# config.json5\ngateway: {\n  allowed_origins: [\"https://app.example.com\"]\n}")
	none := filepath.Join(t.TempDir(), "none.json5")
	for _, row := range []struct {
		args string
		code int
		out  []string
		errs []string
	}{
		{"version", exitOK, []string{"gatehouse devel "}, nil},
		{"help", exitOK, []string{"Usage:", "-data-dir"}, nil},
		{"serve -h", exitOK, []string{"Usage:"}, nil},
		{"-help", exitOK, []string{"Usage:"}, nil},
		{"nonsense", exitUsage, nil, []string{"nonsense", "gatehouse help"}},
		{"config", exitUsage, nil, []string{"config"}},
		{"config nonsense", exitUsage, nil, []string{"config nonsense"}},
		{"serve -nonsense", exitUsage, nil, []string{"nonsense", "gatehouse help"}},
		{"-listen", exitUsage, nil, []string{"listen"}},
		{"serve more", exitUsage, nil, []string{"unexpected argument", "more"}},
		{"token more", exitUsage, nil, []string{"unexpected argument"}},
		{"config check -config " + good, exitOK, []string{good + " is fine.\n"}, nil},
		{"config check", exitOK,
			[]string{"There is no config.json5 here: the defaults are used.\n"}, nil},
		{"config check -config " + bad, exitFault, nil,
			[]string{bad + ":1", "lisen", "listen", "rate_limit_rpm", "data_dir", ":2"}},
		{"config check -config " + seed, exitFault, nil, []string{seed, "#"}},
		{"config check -config " + none, exitFault, nil, []string{none}},
		{"config check -listen nonsense", exitFault, nil, []string{"listen", "nonsense"}},
		{"config check -log-level loud", exitFault, nil, []string{"log-level", "loud"}},
		{"serve -config " + bad, exitFault, nil, []string{"lisen"}},
		{"token -config " + good, exitOK, []string{"a-token-for-this-test\n"}, nil},
		{"health -config " + good, exitFault, nil, []string{"does not answer"}},
	} {
		code, out, errs := command(t, strings.Fields(row.args)...)
		if code != row.code {
			t.Errorf("%s: exit code %d, want %d\n%s%s", row.args, code, row.code, out, errs)
		}
		for _, word := range row.out {
			if !strings.Contains(out, word) {
				t.Errorf("%s: no %q in %s", row.args, word, out)
			}
		}
		for _, word := range row.errs {
			if !strings.Contains(errs, word) {
				t.Errorf("%s: no %q in %s", row.args, word, errs)
			}
		}
		if row.code != exitOK && out != "" {
			t.Errorf("%s: printed %s", row.args, out)
		}
	}
}

func TestTokenCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	code, first, errs := command(t, "token", "-data-dir", dir)
	if code != exitOK || errs != "" || !strings.HasPrefix(first, "gt_") ||
		strings.Count(first, "\n") != 1 {
		t.Fatalf("exit code %d: %s%s", code, first, errs)
	}
	if _, again, _ := command(t, "token", "-data-dir", dir); again != first {
		t.Errorf("then %s, first %s", again, first)
	}
	if err := os.Chmod(filepath.Join(dir, "gateway.token"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, again, errs := command(t, "token", "-data-dir", dir)
	if code != exitOK || again != first || !strings.Contains(errs, "chmod 600") {
		t.Errorf("with a file that others can read: exit code %d: %s%s", code, again, errs)
	}
}
