package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
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
		{"serve -h", exitOK, []string{"Usage:", "gatehouse serve", "-accept-empty"}, nil},
		{"config -h", exitOK, []string{"gatehouse config check"}, nil},
		{"help nonsense", exitUsage, nil, []string{`unknown command "nonsense"; try gatehouse help` + "\n"}},
		{"help servee", exitUsage, nil, []string{`did you mean "serve"?`}},
		{"-h -listen", exitOK, []string{"Usage:", "gatehouse doctor URL"}, nil},
		{"--help serve", exitOK, []string{"gatehouse serve: "}, nil},
		{"-config x config check", exitUsage, nil, []string{"the command comes before its flags"}},
		{"-listen :1 token", exitUsage, nil, []string{"the command comes before its flags"}},
		{"doctor -token x", exitUsage, nil, []string{"did you mean -token-file?"}},
		{"backup x -data-dir=", exitUsage, nil, []string{"-data-dir has an empty value; give it one"}},
		{"token -config=", exitUsage, nil, []string{"leave -config out"}},
		{"doctor -token-file= http://localhost:1", exitUsage, nil, []string{"-token-file has an empty value"}},
		{"-version", exitOK, []string{"gatehouse devel "}, nil},
		{"--version", exitOK, []string{"gatehouse devel "}, nil},
		{"tokn", exitUsage, nil, []string{`unknown command "tokn" (did you mean "token"?); try gatehouse help`}},
		{"config chek", exitUsage, nil, []string{`did you mean "config check"?`}},
		{"check", exitUsage, nil, []string{`did you mean "config check"?`}},
		{"serve -lisen :1", exitUsage, nil, []string{"unknown flag -lisen (did you mean -listen?); try gatehouse help serve"}},
		{"serve -datadir x", exitUsage, nil, []string{"did you mean -data-dir?"}},
		{"restore x -chek", exitUsage, nil, []string{"did you mean -check?"}},
		{"version more", exitUsage, nil, []string{"unexpected argument"}},
		{"-help", exitOK, []string{"Usage:"}, nil},
		{"nonsense", exitUsage, nil, []string{"nonsense", "gatehouse help"}},
		{"config", exitUsage, nil, []string{`did you mean "config check"?`}},
		{"config nonsense", exitUsage, nil, []string{"config nonsense"}},
		{"serve -nonsense", exitUsage, nil, []string{"nonsense", "gatehouse help serve"}},
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

// TestConfigCheckFindsWhatServeRefuses tests that both commands refuse the same
// configurations with the same sentence, and that the check creates nothing.
func TestConfigCheckFindsWhatServeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	for name, text := range map[string]string{
		"file": "x", "words/gateway.token": "two words\n", "media/media": "x",
		"device/gatehouse.db/x": "x", "lost/gatehouse.mark": "x", "other/gatehouse.db": "hello",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		`data_dir: "` + file + `"`:                                      file + " is a file",
		`data_dir: "` + file + `/below"`:                                "file",
		`data_dir: "` + dir + `/words"`:                                 "gateway token",
		`data_dir: "` + dir + `/media"`:                                 "must be a directory",
		`data_dir: "` + dir + `/device"`:                                "must be a file",
		`data_dir: "` + dir + `/lost"`:                                  "gatehouse.db is missing",
		`data_dir: "` + dir + `/other"`:                                 "is not a database of SQLite",
		`data_dir: "/proc/1/none"`:                                      "cannot be created",
		`media: { max_bytes: "2MiB", quota: "1MiB" }`:                   "media.quota",
		`agents: { list: {} }`:                                          "at least one agent",
		`gateway: { token_file: "` + dir + `/none" }`:                   "token_file",
		`gateway: { listen: ":9090", metrics_listen: "127.0.0.1:9090"}`: "another address",
		`tls: { cert_file: "` + file + `", key_file: "` + file + `" }`:  "cert_file",
	} {
		config := configFile(t, "{ "+text+" }")
		said := make([]string, 2)
		for i, name := range []string{"config check", "serve"} {
			args := append(strings.Fields(name), "-config", config)
			if !strings.Contains(text, "listen") {
				args = append(args, "-listen", "127.0.0.1:0")
			}
			if !strings.Contains(text, "data_dir") {
				args = append(args, "-data-dir", filepath.Join(dir, "new"))
			}
			code, out, errs := command(t, args...)
			if code != exitFault || out != "" || !strings.Contains(errs, want) {
				t.Errorf("%s: %s: exit code %d, want %q: %s%s", text, name, code, want, out, errs)
			}
			lines := strings.Split(strings.TrimSpace(errs), "\n")
			said[i] = strings.TrimPrefix(lines[len(lines)-1], "gatehouse: ")
		}
		if said[0] != said[1] {
			t.Errorf("%s: config check says %q, serve says %q", text, said[0], said[1])
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Errorf("a data directory was created: %v", err)
	}
}

// TestConfigCheckWarnsOfOthers checks a data directory and a configuration file that other
// users can read. The warnings must name the command that mends that.
func TestConfigCheckWarnsOfOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	database := filepath.Join(dir, "gatehouse.db")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(database, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	file := configFile(t, `{ gateway: { token: "a-token-for-this-test" } }`)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(dir, "gateway.token")
	if err := os.WriteFile(token, []byte("short"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, stored := command(t, "config", "check", "-config", configFile(t, "{}"), "-data-dir", dir)
	for _, want := range []string{"run chmod 600 " + token + "\n", "has only 5 characters"} {
		if !strings.Contains(stored, want) {
			t.Errorf("no %q in %s", want, stored)
		}
	}
	code, _, errs := command(t, "config", "check", "-config", file, "-data-dir", dir)
	for _, want := range []string{"run chmod 700 " + dir + "\n", "run chmod 600 " + database + "\n",
		"which holds gateway.token: run chmod 640 or 600 on it"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in %s", want, errs)
		}
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700, database: 0o600, file: 0o640} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if again, _, errs := command(t, "config", "check", "-config", file, "-data-dir",
		dir); code != exitOK || again != exitOK || errs != "" {
		t.Errorf("exit codes %d and %d: %s", code, again, errs)
	}
}

// TestTokenCommand tests that the command prints the token alone to standard output, says
// where the token is from, and creates neither a token nor a directory.
func TestTokenCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	for _, when := range []string{"no directory", "an empty directory"} {
		code, out, errs := command(t, "token", "-data-dir", dir)
		if code != exitFault || out != "" || !strings.Contains(errs, dir+"/gateway.token") ||
			!strings.Contains(errs, "-data-dir") {
			t.Errorf("%s: exit code %d: %s%s", when, code, out, errs)
		}
		if files, err := os.ReadDir(dir); when == "no directory" && !os.IsNotExist(err) ||
			len(files) > 0 {
			t.Errorf("%s: created %v, %v", when, files, err)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := auth.LoadToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := stored.Token.Reveal() + "\n"
	code, out, errs := command(t, "token", "-data-dir", dir)
	if code != exitOK || out != want ||
		errs != "gatehouse: this token is from "+dir+"/gateway.token\n" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if err := os.Chmod(filepath.Join(dir, "gateway.token"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs = command(t, "token", "-data-dir", dir)
	if code != exitOK || out != want || !strings.Contains(errs, "chmod 600") {
		t.Errorf("with a file that others can read: exit code %d: %s%s", code, out, errs)
	}
	inline := configFile(t, `{ gateway: { token: "a-token-for-this-test" } }`)
	if _, out, errs := command(t, "token", "-config", inline, "-data-dir", dir); out !=
		"a-token-for-this-test\n" || !strings.Contains(errs, "from "+inline+" (gateway.token)") {
		t.Errorf("from the configuration: %s%s", out, errs)
	}
	file := tokenFile(t, "another-token-of-this-test")
	named := configFile(t, `{ gateway: { token_file: "`+file+`" } }`)
	if _, out, errs := command(t, "token", "-config", named); out !=
		"another-token-of-this-test\n" || !strings.Contains(errs, "from "+file) {
		t.Errorf("from its own file: %s%s", out, errs)
	}
}

// TestTokenOfEnvironment tests that the command names the variable that it has read.
func TestTokenOfEnvironment(t *testing.T) {
	t.Setenv(gatewayTokenVariable, "a-token-of-the-environment")
	inline := configFile(t, `{ gateway: { token: "a-token-for-this-test" } }`)
	if _, out, errs := command(t, "token", "-config", inline); out !=
		"a-token-of-the-environment\n" || !strings.Contains(errs, gatewayTokenVariable) {
		t.Errorf("%s%s", out, errs)
	}
}

// TestHelpOfCommands tests that the help of each command is about that command: it names
// the command's flags and arguments, and those of no other command.
func TestHelpOfCommands(t *testing.T) {
	t.Parallel()
	every := regexp.MustCompile(`(?m)^    (-[a-z-]+)`)
	for _, c := range commands() {
		code, long, errs := command(t, append(strings.Fields(c.name), "-h")...)
		_, same, _ := command(t, append([]string{"help"}, strings.Fields(c.name)...)...)
		if c.name == "help" {
			continue
		}
		if code != exitOK || errs != "" || long != same || long == usage() ||
			!strings.HasPrefix(long, "gatehouse "+c.name+": "+c.does) {
			t.Errorf("%s -h: exit code %d: %s%s", c.name, code, long, errs)
		}
		if c.args != "" && !strings.Contains(long, " "+c.args+"\n") {
			t.Errorf("%s -h does not name %s:\n%s", c.name, c.args, long)
		}
		// An unknown flag comes last, so that no command does anything.
		refused := func(flag string) bool {
			_, _, errs := command(t, append(strings.Fields(c.name), flag, "1s", "-nonsense")...)
			return strings.Contains(errs, "unknown flag "+flag)
		}
		for _, found := range every.FindAllStringSubmatch(long, -1) {
			if refused(found[1]) {
				t.Errorf("%s has no flag %s, which its help has", c.name, found[1])
			}
		}
		for _, other := range []string{"-rows", "-origin", "-accept-empty", "-replace", "-data-dir"} {
			has := strings.Contains(long, "    "+other)
			if refused(other) == has && len(c.groups) > 0 {
				t.Errorf("%s -h has %s: %v, and the command does not agree", c.name, other, has)
			}
		}
	}
}
