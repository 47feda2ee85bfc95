package architecture

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// linked are the modules from which the gateway and the browser's client are built,
// each with what is built of it. The other modules of go.work hold what building,
// developing and testing need beyond them.
var linked = []struct{ module, of, env string }{
	{"server", "./server/cmd/gatehouse", ""},
	{"shared", "./server/cmd/gatehouse", ""},
	{"web", "./server/cmd/gatehouse", ""},
	{"wasm", "./wasm", "GOOS=js GOARCH=wasm"},
}

// inTests are the modules that tests need so generally that they stay with the code
// which they test.
var inTests = []string{"go.uber.org/goleak", "pgregory.net/rapid"}

// modules are the directories of the modules in go.work, relative to the root.
func modules(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^\t\./(\S+)$`).FindAllStringSubmatch(read(t, "go.work"), -1) {
		all = append(all, m[1])
	}
	if len(all) < len(linked) {
		t.Fatalf("go.work names %v", all)
	}
	return all
}

// goCommand runs the go command in dir, which is relative to the root.
func goCommand(t *testing.T, dir, env string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = filepath.Join(root, dir)
	command.Env = append(append(os.Environ(), "GOWORK="), strings.Fields(env)...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return out
}

// required are the modules that a go.mod names, without the indirect ones.
func required(t *testing.T, module string) []string {
	t.Helper()
	var file struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(goCommand(t, module, "GOWORK=off", "mod", "edit", "-json"), &file); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range file.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	return direct
}

// providers lists, as "path version", the modules that a program is built from.
func providers(t *testing.T, dir, env, program string) []string {
	t.Helper()
	const format = `{{with .Module}}{{.Path}} {{.Version}}{{end}}`
	lines := strings.Split(strings.TrimSpace(string(goCommand(t, dir, env, "list", "-deps", "-f", format, program))), "\n")
	slices.Sort(lines)
	return slices.Compact(lines)
}

// TestModulesNameWhatIsBuiltIn holds that the go.mod files which the gateway and the
// client are built from name no module that only tests or tools need.
func TestModulesNameWhatIsBuiltIn(t *testing.T) {
	t.Parallel()
	for _, l := range linked {
		var builtIn []string
		for _, line := range providers(t, "", l.env, l.of) {
			path, _, _ := strings.Cut(line, " ")
			builtIn = append(builtIn, path)
		}
		for _, path := range required(t, l.module) {
			if !slices.Contains(builtIn, path) && !slices.Contains(inTests, path) {
				t.Errorf("%s/go.mod names %s, of which nothing is built into %s: "+
					"what only tests and tools need belongs to server/e2e, server/cmd/dev or web/static/build", l.module, path, l.of)
			}
		}
	}
}

// TestToolsDoNotChooseVersions holds that the gateway is built from the same versions
// with the workspace as from server/go.mod alone. In a workspace the highest version
// that any module names wins, those of tools and tests included.
func TestToolsDoNotChooseVersions(t *testing.T) {
	t.Parallel()
	theirs := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
	}
	workspace := theirs(providers(t, "server", "", "./cmd/gatehouse"))
	alone := theirs(providers(t, "server", "GOWORK=off", "./cmd/gatehouse"))
	if len(alone) < 20 || !slices.Equal(workspace, alone) {
		t.Errorf("with the workspace the gateway is built from\n%v, without from\n%v: run go work sync, then go mod tidy in each module", workspace, alone)
	}
}

func TestMakefileNamesEveryModule(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	variable := func(name string) []string {
		m := regexp.MustCompile(`(?m)^` + name + `\s*:= (.*)$`).FindStringSubmatch(makefile)
		if m == nil {
			t.Fatalf("the Makefile has no %s", name)
		}
		return strings.Fields(m[1])
	}
	for _, l := range linked {
		if !slices.Contains(variable("TREES"), l.module) {
			t.Errorf("TREES lacks %s", l.module)
		}
	}
	named := slices.Concat(variable("TREES"), variable("MODULES")[1:]) // which begins with $(TREES)
	slices.Sort(named)
	if want := slices.Sorted(slices.Values(modules(t))); !slices.Equal(named, want) {
		t.Errorf("MODULES are %v, go.work has %v", named, want)
	}
}
