package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// prefix begins the import paths of our own packages.
const prefix = "github.com/gatehouse-chat/gatehouse/"

// root is the top of the tree.
const root = "../../.."

// graph has, for each package, what its files other than tests import directly.
// Our own packages go without their prefix.
type graph map[string][]string

// load asks the go command for packages and all that they depend on.
func load(t *testing.T, env []string, patterns ...string) graph {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=ImportPath,Imports"}, patterns...)...)
	list.Dir = root
	list.Env = append(append(os.Environ(), "GOWORK="), env...)
	var said bytes.Buffer
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &said)
	}
	g := graph{}
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := packages.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for i := range p.Imports {
			p.Imports[i] = strings.TrimPrefix(p.Imports[i], prefix)
		}
		g[strings.TrimPrefix(p.ImportPath, prefix)] = p.Imports
	}
}

// ours reports whether a package is one of ours, and matters to rules: tests and
// what serves them do not.
func ours(name string) bool {
	module, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"server", "shared", "wasm", "web"}, module) && !forTests(name)
}

// forTests reports whether a package is for tests alone.
func forTests(name string) bool {
	return strings.HasSuffix(path.Base(name), "test") || matchAny(testSupport, name)
}

// standard reports whether a package belongs to Go.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && !slices.Contains([]string{"server", "shared", "wasm", "web"}, first)
}

// match reports whether a pattern, "x" or "x/...", covers a package.
func match(pattern, name string) bool {
	below, tree := strings.CutSuffix(pattern, "/...")
	return name == below || tree && strings.HasPrefix(name, below+"/")
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

// linked gives the way by which a package comes to link what a pattern covers,
// or nil.
func (g graph) linked(from, pattern string) []string {
	type step struct {
		name string
		back *step
	}
	seen := map[string]bool{from: true}
	for next := []*step{{name: from}}; len(next) > 0; next = next[1:] {
		if match(pattern, next[0].name) {
			var way []string
			for s := next[0]; s != nil; s = s.back {
				way = append(way, s.name)
			}
			slices.Reverse(way)
			return way
		}
		for _, name := range g[next[0].name] {
			if !seen[name] {
				seen[name] = true
				next = append(next, &step{name, next[0]})
			}
		}
	}
	return nil
}
