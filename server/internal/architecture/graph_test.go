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

// prefix is that of the import paths of our own packages.
const prefix = "github.com/gatehouse-chat/gatehouse/"

// root is the top folder of the repository.
const root = "../../.."

// graph maps each package to the packages that it imports directly; tests do not count.
// Our own packages are named without the prefix.
type graph map[string][]string

// load returns the graph of the packages and of all their dependencies.
func load(t *testing.T, env []string, patterns ...string) graph {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=ImportPath,Imports"}, patterns...)...)
	list.Dir = root
	list.Env = append(append(os.Environ(), "GOWORK="), env...)
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
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

// ours reports whether a package is one of ours to which rules apply: not one that is
// for tests only.
func ours(name string) bool {
	module, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"server", "shared", "wasm", "web"}, module) && !forTests(name)
}

// forTests reports whether a package is for tests only.
func forTests(name string) bool {
	return strings.HasSuffix(path.Base(name), "test") || matchAny(testSupport, name)
}

// standard reports whether a package belongs to Go's standard library.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && !slices.Contains([]string{"server", "shared", "wasm", "web"}, first)
}

// match reports whether a pattern, "x" or "x/...", matches a package. "x/..." matches x
// and all packages below it.
func match(pattern, name string) bool {
	below, tree := strings.CutSuffix(pattern, "/...")
	return name == below || tree && strings.HasPrefix(name, below+"/")
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

// importChain returns a shortest chain of imports that leads from a package to one that
// the pattern matches, or nil.
func (g graph) importChain(from, pattern string) []string {
	type step struct {
		name string
		back *step
	}
	seen := map[string]bool{from: true}
	for next := []*step{{name: from}}; len(next) > 0; next = next[1:] {
		if match(pattern, next[0].name) {
			var chain []string
			for s := next[0]; s != nil; s = s.back {
				chain = append(chain, s.name)
			}
			slices.Reverse(chain)
			return chain
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
