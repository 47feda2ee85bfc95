package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// A folder is a working directory with files. $DIR in a variable of the environment is
// replaced by the path of the directory.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T, files map[string]string) folder {
	t.Helper()
	f := folder{t, t.TempDir()}
	for name, content := range files {
		f.write(name, content, 0o600)
	}
	return f
}

func (f folder) write(name, content string, mode os.FileMode) {
	f.t.Helper()
	name = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		f.t.Fatal(err)
	}
}

// load returns the configuration, and the warnings and faults with $DIR for the
// folder.
func (f folder) load(flags Flags, env ...string) (c Config, warnings, faults string) {
	f.t.Helper()
	env = slices.Clone(env)
	for i := range env {
		env[i] = strings.ReplaceAll(env[i], "$DIR", f.dir)
	}
	c, ws, err := Load(Source{Flags: flags, Env: env, Dir: f.dir})
	lines := make([]string, len(ws))
	for i, w := range ws {
		lines[i] = w.String()
	}
	if err != nil {
		faults = strings.ReplaceAll(err.Error(), f.dir, "$DIR")
	}
	return c, strings.ReplaceAll(strings.Join(lines, "\n"), f.dir, "$DIR"), faults
}

// mustLoad does what load does, and fails if there are faults or warnings.
func (f folder) mustLoad(flags Flags, env ...string) Config {
	f.t.Helper()
	c, warnings, faults := f.load(flags, env...)
	if warnings != "" || faults != "" {
		f.t.Fatalf("warnings %q, faults %q", warnings, faults)
	}
	return c
}

func TestLoadOfNothingGivesTheDefaults(t *testing.T) {
	t.Parallel()
	f := newFolder(t, nil)
	want := Config{
		Gateway:   Gateway{Listen: "127.0.0.1:8080", DrainTimeout: 30e9, Pairing: true, Limits: Limits{10_000, 50, 250, 1000, 1000, 0}},
		DataDir:   filepath.Join(f.dir, ".local/share/gatehouse"),
		Retention: Retention{Pieces: 24 * time.Hour},
		Media:     Media{MaxBytes: 20 << 20, Quota: 500 << 20, Orphans: 24 * time.Hour},
		Webhook:   Webhook{Events: []string{WebhookRequested, WebhookResolved}},
		Log:       Log{Format: LogText, Level: slog.LevelInfo},
		Agents: Agents{Default: "default", List: map[string]Agent{
			"default": {Provider: Builtin, Timeout: 300e9, FirstTokenTimeout: 180e9, IdleTimeout: 60e9, Reasoning: "think, thinking, thought, reasoning, [THINK] [/THINK]", HistoryMessages: 40, Images: true, Label: "default"},
		}},
	}
	got := f.mustLoad(Flags{}, "HOME=$DIR")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{
		"config.json5": `{gateway: {listen: ":1", token: "token-of-the-file"}, data_dir: "file", log: {level: "debug"}}`,
	})
	env := []string{"GATEHOUSE_LISTEN=:2", "GATEHOUSE_DATA_DIR=env", "GATEHOUSE_GATEWAY_TOKEN=token-of-the-environment"}
	for _, c := range []struct {
		name                         string
		flags                        Flags
		env                          []string
		listen, token, dir, log, lvl string
	}{
		{"file", Flags{}, nil, ":1", "token-of-the-file", "file", "text", "DEBUG"},
		{"environment", Flags{}, env, ":2", "token-of-the-environment", "env", "text", "DEBUG"},
		{"an empty variable is none", Flags{}, []string{"GATEHOUSE_LISTEN=", "GATEHOUSE_GATEWAY_TOKEN="}, ":1", "token-of-the-file", "file", "text", "DEBUG"},
		{"flags", Flags{Listen: ":3", DataDir: "flag", LogFormat: "json", LogLevel: "error"}, env, ":3", "token-of-the-environment", "flag", "json", "ERROR"},
	} {
		got := f.mustLoad(c.flags, c.env...)
		if got.Gateway.Listen != c.listen || !got.Gateway.Token.Equal(c.token) || got.DataDir != filepath.Join(f.dir, c.dir) ||
			string(got.Log.Format) != c.log || got.Log.Level.String() != c.lvl {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
}

func TestWhichFileIsRead(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{
		"config.json5": `{gateway: {listen: ":1"}}`, "env.json5": `{gateway: {listen: ":2"}}`, "sub/flag.json5": `{gateway: {listen: ":3"}}`,
	})
	for _, c := range []struct {
		flag, env, want, file string
	}{
		{"", "", ":1", "config.json5"},
		{"", "env.json5", ":2", "env.json5"},
		{"", "$DIR/env.json5", ":2", f.dir + "/env.json5"},
		{"", "~/env.json5", ":2", "~/env.json5"},
		{"sub/flag.json5", "env.json5", ":3", "sub/flag.json5"},
	} {
		got := f.mustLoad(Flags{ConfigFile: c.flag}, "HOME=$DIR", "GATEHOUSE_CONFIG="+c.env)
		if got.Gateway.Listen != c.want || got.File != c.file {
			t.Errorf("-config %q, GATEHOUSE_CONFIG %q: got the file of %s, named %q, want of %s, %q", c.flag, c.env, got.Gateway.Listen, got.File, c.want, c.file)
		}
	}
	if got := newFolder(t, nil).mustLoad(Flags{}, "HOME=$DIR"); got.File != "" {
		t.Errorf("without a file, File is %q", got.File)
	}
}

func TestWherePathsStart(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{
		"sub/config.json5": `{data_dir: "data", gateway: {token_file: "token"}, agents: {list: {default: {provider: "anthropic", model: "m", api_key_file: "../key"}}}}`,
		"sub/home.json5":   `{data_dir: "~/data"}`,
		"sub/token":        "\n 0123456789abcdef \r\n", "key": "k\n",
	})
	c := f.mustLoad(Flags{ConfigFile: "sub/config.json5"})
	a := c.Agents.List["default"]
	if c.DataDir != filepath.Join(f.dir, "sub/data") || c.Gateway.TokenFile != filepath.Join(f.dir, "sub/token") || a.APIKeyFile != filepath.Join(f.dir, "key") {
		t.Errorf("paths of the file: got %s, %s, %s", c.DataDir, c.Gateway.TokenFile, a.APIKeyFile)
	}
	if !c.Gateway.Token.Equal("0123456789abcdef") || !a.APIKey.Equal("k") {
		t.Errorf("got token %q, key %q", c.Gateway.Token.Reveal(), a.APIKey.Reveal())
	}
	if err := c.Validate(); err != nil {
		t.Errorf("not valid after Load: %v", err)
	}
	for _, d := range []struct {
		flags Flags
		env   []string
		want  string
	}{
		{Flags{}, []string{"GATEHOUSE_DATA_DIR=env"}, "env"},
		{Flags{DataDir: "flag"}, []string{"GATEHOUSE_DATA_DIR=env"}, "flag"},
		{Flags{DataDir: "/flag"}, nil, "/flag"},
		{Flags{}, []string{"HOME=$DIR", "GATEHOUSE_DATA_DIR=~/x"}, "x"},
		{Flags{ConfigFile: "sub/home.json5"}, []string{"HOME=$DIR"}, "data"},
		{Flags{}, []string{"HOME=$DIR", "XDG_DATA_HOME=$DIR/share"}, "share/gatehouse"},
		{Flags{}, []string{"HOME=$DIR", "XDG_DATA_HOME=relative"}, ".local/share/gatehouse"},
		{Flags{}, nil, "gatehouse-data"},
	} {
		want := d.want
		if !filepath.IsAbs(want) {
			want = filepath.Join(f.dir, want)
		}
		if got := f.mustLoad(d.flags, d.env...).DataDir; got != want {
			t.Errorf("%+v, %q: got %s, want %s", d.flags, d.env, got, want)
		}
	}
}

func TestTokenOfEnvironmentReplacesTokenFile(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{"config.json5": `{gateway: {token_file: "not there"}}`})
	c := f.mustLoad(Flags{}, "GATEHOUSE_GATEWAY_TOKEN=0123456789abcdef")
	if !c.Gateway.Token.Equal("0123456789abcdef") || c.Gateway.TokenFile != "" {
		t.Errorf("got %+v", c.Gateway)
	}
}

func TestKeysOfTheEnvironment(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{"file": "of-file", "config.json5": `{agents: {default: "a", list: {
		a: {provider: "anthropic", model: "m"},
		o: {provider: "openai", model: "m"},
		own: {provider: "openai", model: "m", api_key: "own"},
		file: {provider: "openai", model: "m", api_key_file: "file"},
		local: {provider: "openai", model: "m", base_url: "http://127.0.0.1:11434/v1/"},
		demo: {provider: "builtin"},
	}}}`})
	c, warnings, faults := f.load(Flags{}, "OPENAI_API_KEY=openai", "ANTHROPIC_API_KEY=anthropic")
	if want := "environment OPENAI_API_KEY: agents.list.local.api_key: this key is sent to http://127.0.0.1:11434/v1; to send another one, set api_key or api_key_file"; warnings != want || faults != "" {
		t.Errorf("got warnings %q and faults %q, want %q", warnings, faults, want)
	}
	for name, want := range map[string]string{"a": "anthropic", "o": "openai", "own": "own", "file": "of-file", "local": "openai", "demo": ""} {
		if got := c.Agents.List[name].APIKey.Reveal(); got != want {
			t.Errorf("%s: got key %q, want %q", name, got, want)
		}
	}
}

func TestFaultsOfLoad(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 64<<10+1)
	f := newFolder(t, map[string]string{
		"bad.json5": "{log: {level: 1}}", "broken.json5": "{", "large.json5": strings.Repeat(" ", 1<<20+1), "dir/x": "",
		"short": "0123456789abcde", "empty": "\n", "big": big, "spaced": "two words",
		"token.json5":  "{gateway: {\n token_file: 'short'}}",
		"tokens.json5": "{gateway: {token_file: 'nowhere', token: '0123456789abcdef'}}",
		"keys.json5": `{agents: {default: "a", list: {
a: {provider: "anthropic", model: "m", api_key_file: "nowhere"},
b: {provider: "anthropic", model: "m", api_key_file: "empty"},
c: {provider: "anthropic", model: "m", api_key_file: "big"},
d: {provider: "anthropic", model: "m", api_key_file: "spaced"},
e: {provider: "anthropic", model: "m"},
f: {provider: "anthropic", model: "m", api_key_file: "dir"},
}}}`,
	})
	const keyRule = "must be text of 1 to 4096 printable ASCII characters without spaces; got "
	for _, c := range []struct {
		name  string
		flags Flags
		env   []string
		want  []string
	}{
		{"a flag's file is not there", Flags{ConfigFile: "x.json5"}, []string{"GATEHOUSE_CONFIG=bad.json5"}, []string{
			`flag -config: must name a file that can be read: "x.json5": no such file or directory; without it config.json5 of the working directory is read, if there is one`}},
		{"the environment's file is not there", Flags{}, []string{"GATEHOUSE_CONFIG=x.json5"}, []string{
			`environment GATEHOUSE_CONFIG: must name a file that can be read: "x.json5": no such file or directory; without it config.json5 of the working directory is read, if there is one`}},
		{"the file is a folder", Flags{ConfigFile: "dir"}, nil, []string{
			`flag -config: must name a file that can be read: "dir": is a directory; without it config.json5 of the working directory is read, if there is one`}},
		{"a large file", Flags{ConfigFile: "large.json5"}, nil, []string{
			`large.json5: is larger than 1048576 bytes, the most a configuration may have`}},
		{"all sources at once", Flags{ConfigFile: "bad.json5", Listen: "8080", LogFormat: "xml", LogLevel: "loud"},
			[]string{"GATEHOUSE_LISTEN=80", "GATEHOUSE_GATEWAY_TOKEN=hidden", "GATEHOUSE_DATA_DIR= "}, []string{
				`bad.json5:1:15: log.level: must be "debug", "info", "warn" or "error"; got 1`,
				`environment GATEHOUSE_LISTEN: gateway.listen: ` + listenRule + `; got "80"`,
				`environment GATEHOUSE_GATEWAY_TOKEN: gateway.token: ` + tokenRule + `; got 6 characters`,
				`environment GATEHOUSE_DATA_DIR: data_dir: must be a path in quotes; got " "`,
				`flag -listen: gateway.listen: ` + listenRule + `; got "8080"`,
				`flag -log-format: log.format: must be "text" or "json"; got "xml"`,
				`flag -log-level: log.level: must be "debug", "info", "warn" or "error"; got "loud"`,
			}},
		{"a broken file hides no other source", Flags{ConfigFile: "broken.json5", LogLevel: "loud"}, nil, []string{
			`broken.json5:1:2: syntax error: the file ends before the { of line 1, column 1 is closed`,
			`flag -log-level: log.level: must be "debug", "info", "warn" or "error"; got "loud"`,
		}},
		{"token_file", Flags{ConfigFile: "token.json5"}, nil, []string{
			`token.json5:2:2: gateway.token_file: what "$DIR/short" holds ` + tokenRule + `; got 15 characters`}},
		{"token and token_file", Flags{ConfigFile: "tokens.json5"}, nil, []string{
			`tokens.json5:1:12: gateway.token_file: excludes gateway.token, which is given too; leave one out`,
			`tokens.json5:1:12: gateway.token_file: must name a file that can be read: "$DIR/nowhere": no such file or directory`}},
		{"api_key_file", Flags{ConfigFile: "keys.json5"}, []string{"ANTHROPIC_API_KEY=a b"}, []string{
			`keys.json5:2:40: agents.list.a.api_key_file: must name a file that can be read: "$DIR/nowhere": no such file or directory`,
			`keys.json5:3:40: agents.list.b.api_key_file: what "$DIR/empty" holds ` + keyRule + `0 characters`,
			`keys.json5:4:40: agents.list.c.api_key_file: "$DIR/big" is larger than 65536 bytes; it must hold the secret alone`,
			`keys.json5:5:40: agents.list.d.api_key_file: what "$DIR/spaced" holds ` + keyRule + `a space or another character outside that range`,
			`keys.json5:7:40: agents.list.f.api_key_file: must name a file that can be read: "$DIR/dir": is a directory`,
			`environment ANTHROPIC_API_KEY: agents.list.e.api_key: ` + keyRule + `a space or another character outside that range`,
		}},
	} {
		got, _, faults := f.load(c.flags, c.env...)
		if want := strings.Join(c.want, "\n"); faults != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, faults, want)
		}
		if got.Agents.List != nil {
			t.Errorf("%s: a configuration came with faults", c.name)
		}
	}
}

func TestDefaultFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{"config.json5/x": ""})
	const want = "config.json5: cannot be read: is a directory; mend that, or take the file away"
	if _, _, faults := f.load(Flags{}); faults != want {
		t.Errorf("got %q, want %q", faults, want)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	f := newFolder(t, map[string]string{
		"config.json5": `{gateway: {token_file: "token"}, agents: {list: {default: {provider: "anthropic", model: "m", api_key_file: "key"}}}}`,
	})
	f.write("token", "0123456789abcdef", 0o640)
	f.write("key", "key", 0o604)
	c, warnings, faults := f.load(Flags{}, "GATEHOUSE_LISTN=:1", "GATEHOUSE_TOKEN=x", "GATEHOUSE_XYZ=1", "GATEHOUSE_=1", "GATEHOUSE_EMPTY=", "GATEHOUSEX=1", "OTHER=1")
	want := `environment GATEHOUSE_: unknown variable, ignored; known: GATEHOUSE_CONFIG, GATEHOUSE_LISTEN, GATEHOUSE_GATEWAY_TOKEN, GATEHOUSE_DATA_DIR
environment GATEHOUSE_LISTN: unknown variable, ignored; did you mean GATEHOUSE_LISTEN? (known: GATEHOUSE_CONFIG, GATEHOUSE_LISTEN, GATEHOUSE_GATEWAY_TOKEN, GATEHOUSE_DATA_DIR)
environment GATEHOUSE_TOKEN: only doctor and conformance read this variable; the gateway's own token is GATEHOUSE_GATEWAY_TOKEN
environment GATEHOUSE_XYZ: unknown variable, ignored; known: GATEHOUSE_CONFIG, GATEHOUSE_LISTEN, GATEHOUSE_GATEWAY_TOKEN, GATEHOUSE_DATA_DIR
config.json5:1:12: gateway.token_file: "$DIR/token" can be read by others than its owner (mode 0640): run chmod 600 on it
config.json5:1:95: agents.list.default.api_key_file: "$DIR/key" can be read by others than its owner (mode 0604): run chmod 600 on it`
	if warnings != want || faults != "" {
		t.Errorf("got\n%s\nwant\n%s\nfaults %q", warnings, want, faults)
	}
	if !c.Gateway.Token.Equal("0123456789abcdef") {
		t.Error("a warning kept the token from being read")
	}
}

// TestTrustedByAll warns a gateway that trusts the headers of every client.
func TestTrustedByAll(t *testing.T) {
	t.Parallel()
	for proxies, warns := range map[string]int{
		`"10.0.0.0/8", "0.0.0.0/0"`: 1, `"::/0", "0.0.0.0/0"`: 2, `"0.0.0.0/1", "::1"`: 0,
	} {
		_, warnings, err := Parse("config.json5", []byte(`{ gateway: { trusted_proxies: [`+proxies+
			`], public_url: "https://chat.example.com" } }`))
		if err != nil || len(warnings) != warns || warns > 0 &&
			!strings.Contains(warnings[0].Problem, "trusts every client") {
			t.Errorf("%s: %v, %v", proxies, warnings, err)
		}
	}
}

// TestUnknownNameWarning warns a gateway behind a proxy of which no key says by which name
// browsers reach it.
func TestUnknownNameWarning(t *testing.T) {
	t.Parallel()
	for more, warns := range map[string]bool{
		"":                        true,
		`allowed_origins: ["*"],`: true,
		`allowed_origins: ["https://app.example"],`: false,
		`public_url: "https://chat.example.com",`:   false,
		`hosts: ["chat.example.com"],`:              false,
	} {
		_, warnings, err := Parse("config.json5",
			[]byte(`{gateway: {`+more+` trusted_proxies: ["10.0.0.1"]}}`))
		warned := len(warnings) == 1 && warnings[0].Path == "gateway.trusted_proxies" &&
			warnings[0].Line == 1 && strings.Contains(warnings[0].Problem, "gateway.hosts")
		if err != nil || warned != warns || !warns && len(warnings) > 0 {
			t.Errorf("%s: %v, %v", more, warnings, err)
		}
	}
}
