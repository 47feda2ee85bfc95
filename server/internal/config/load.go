package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// DefaultFile is read from the working directory if it exists and no other file was
// named.
const DefaultFile = "config.json5"

const (
	variablePrefix = "GATEHOUSE_"
	fileVariable   = "GATEHOUSE_CONFIG"
	fileFlag       = "config"
)

// Flags are the values of the command line flags; an empty value was not given.
type Flags struct {
	ConfigFile string // -config
	Listen     string // -listen
	DataDir    string // -data-dir
	LogFormat  string // -log-format
	LogLevel   string // -log-level
}

// named returns the value of the flag that the schema calls name.
func (f Flags) named(name string) string {
	switch name {
	case "listen":
		return f.Listen
	case "data-dir":
		return f.DataDir
	case "log-format":
		return f.LogFormat
	case "log-level":
		return f.LogLevel
	}
	return ""
}

// A Source is where Load reads a configuration from.
type Source struct {
	Flags Flags
	Env   []string // in the form of os.Environ; an empty variable counts as not set
	Dir   string   // the working directory; empty: that of the process
}

// Load reads the configuration.
//
// Relative paths in the file are relative to its folder, those from environment and
// flags to the working directory. All paths are absolute in the result, and ~/ is
// the home folder.
//
// Load reads the files of gateway.token_file, webhook.secret_file and api_key_file,
// and checks those of tls.cert_file and tls.key_file. It opens nothing else and uses
// no network.
//
// The error, if any, is Faults, or says that the working directory cannot be found.
// Warnings are returned with an error, too.
func Load(src Source) (Config, []Warning, error) {
	dir, err := filepath.Abs(src.Dir)
	if err != nil {
		return Config{}, nil, fmt.Errorf("find the working directory: %w", err)
	}
	l := loader{
		draft: newDraft(), dir: dir, fileDir: dir, flags: src.Flags, env: environment(src.Env),
	}
	l.readFile()
	l.override()
	l.checkVariables()
	l.resolvePaths()
	l.readSecrets()
	l.checkPair()
	return l.finish()
}

// A loader is a draft that also reads environment, flags and files.
type loader struct {
	*draft
	dir     string // the working directory, absolute
	fileDir string // the folder of the configuration file; dir if there is no file
	flags   Flags
	env     map[string]string // without empty variables
}

func environment(pairs []string) map[string]string {
	env := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	for name, value := range env {
		if value == "" {
			delete(env, name)
		}
	}
	return env
}

// readFile reads the file that was named, or else the default file if it exists.
func (l *loader) readFile() {
	name, source := l.flags.ConfigFile, "flag -"+fileFlag
	if name == "" {
		name, source = l.env[fileVariable], "environment "+fileVariable
	}
	named := name != ""
	if !named {
		name, source = DefaultFile, DefaultFile
	}
	file := l.absolute(name, l.dir)
	data, mode, err := readAtMost(file, maxFileBytes+1)
	switch {
	case err == nil:
		l.config.File, l.fileDir = name, filepath.Dir(file)
		l.file(name, data)
		l.checkFileMode(uint32(mode))
	case named:
		l.fault(location{source: source}, "", fmt.Sprintf(
			"must name a file that can be read: %s: %v; "+
				"without it %s of the working directory is read, if there is one",
			strconv.Quote(name), reason(err), DefaultFile))
	case !errors.Is(err, fs.ErrNotExist):
		l.fault(location{source: source}, "", fmt.Sprintf(
			"cannot be read: %v; mend that, or take the file away", reason(err)))
	}
}

// override applies environment and flags. Every source is checked, whether or not
// another one has faults or wins.
func (l *loader) override() {
	for _, k := range l.keys {
		if k.env != "" {
			l.overrideKey(k, "environment "+k.env, l.env[k.env])
		}
	}
	for _, k := range l.keys {
		if k.flag != "" {
			l.overrideKey(k, "flag -"+k.flag, l.flags.named(k.flag))
		}
	}
	if p := l.given["gateway.token"]; strings.HasPrefix(p.source, "environment ") {
		l.config.Gateway.TokenFile = ""
	}
}

func (l *loader) overrideKey(k key, source, value string) {
	if value == "" {
		return
	}
	l.given[k.path] = location{source: source}
	text := node{shape: shapeText, text: value}
	l.problems(source, k.path, k.read(target{config: &l.config}, text))
}

// checkVariables warns of unknown variables with our prefix.
func (l *loader) checkVariables() {
	known := []string{strings.TrimPrefix(fileVariable, variablePrefix)}
	for _, k := range l.keys {
		if k.env != "" {
			known = append(known, strings.TrimPrefix(k.env, variablePrefix))
		}
	}
	var names []string
	for name := range l.env {
		short, ours := strings.CutPrefix(name, variablePrefix)
		if ours && !slices.Contains(known, short) {
			names = append(names, short)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "TOKEN" {
			l.warn(location{source: "environment " + variablePrefix + name}, "", "only doctor and "+
				"conformance read this variable; the gateway's own token is "+variablePrefix+"GATEWAY_TOKEN")
			continue
		}
		hint := "known: " + variablePrefix + strings.Join(known, ", "+variablePrefix)
		if near := Nearest(name, known); near != "" {
			hint = "did you mean " + variablePrefix + near + "? (" + hint + ")"
		}
		l.warn(location{source: "environment " + variablePrefix + name}, "",
			"unknown variable, ignored; "+hint)
	}
}

// resolvePaths makes every path absolute.
func (l *loader) resolvePaths() {
	c := &l.config
	if c.DataDir == "" {
		c.DataDir = l.defaultDataDir()
	}
	c.DataDir = l.resolve("data_dir", c.DataDir)
	c.Gateway.TokenFile = l.resolve("gateway.token_file", c.Gateway.TokenFile)
	c.Webhook.SecretFile = l.resolve("webhook.secret_file", c.Webhook.SecretFile)
	c.TLS.CertFile = l.resolve("tls.cert_file", c.TLS.CertFile)
	c.TLS.KeyFile = l.resolve("tls.key_file", c.TLS.KeyFile)
	for name, a := range c.Agents.List {
		a.APIKeyFile = l.resolve(join("agents.list", name)+".api_key_file", a.APIKeyFile)
		c.Agents.List[name] = a
	}
}

// resolve returns the path that a key was set to as an absolute one, "" for "".
func (l *loader) resolve(key, name string) string {
	source := l.given[key].source
	if strings.HasPrefix(source, "environment ") || strings.HasPrefix(source, "flag ") {
		return l.absolute(name, l.dir)
	}
	return l.absolute(name, l.fileDir)
}

func (l *loader) absolute(name, dir string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok && l.env["HOME"] != "" {
		return filepath.Join(l.env["HOME"], rest)
	}
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// defaultDataDir follows the XDG Base Directory Specification, version 0.8: relative
// values of its variables are ignored.
func (l *loader) defaultDataDir() string {
	switch data, home := l.env["XDG_DATA_HOME"], l.env["HOME"]; {
	case filepath.IsAbs(data):
		return filepath.Join(data, "gatehouse")
	case filepath.IsAbs(home):
		return filepath.Join(home, ".local", "share", "gatehouse")
	}
	return filepath.Join(l.dir, "gatehouse-data")
}

// readAtMost returns the first most bytes of a file, and its permissions.
func readAtMost(name string, most int64) ([]byte, fs.FileMode, error) {
	f, err := os.Open(name) // #nosec G304 -- the operator names it, by flag, environment or configuration
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, info.Mode().Perm(), err
}

// reason returns the error without the file's name.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
