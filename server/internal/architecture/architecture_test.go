package architecture

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// programs loads the packages that run natively.
func programs(t *testing.T) graph {
	t.Helper()
	return load(t, nil, "work")
}

// client loads the packages that are compiled to WebAssembly.
func client(t *testing.T) graph {
	t.Helper()
	return load(t, []string{"GOOS=js", "GOARCH=wasm"}, "./wasm/...")
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	checkRules(t, programs(t), native)
}

func TestClient(t *testing.T) {
	t.Parallel()
	checkRules(t, client(t), browser)
}

func checkRules(t *testing.T, g graph, rules []rule) {
	t.Helper()
	for _, r := range rules {
		for _, breach := range r.breaches(g) {
			t.Error(breach)
		}
	}
}

func TestTestSupportStaysInTests(t *testing.T) {
	t.Parallel()
	for from, imports := range programs(t) {
		for _, to := range imports {
			if ours(from) && forTests(to) {
				t.Errorf("%s imports %s, which is for tests only", from, to)
			}
		}
	}
}

// TestRulesNameExistingPackages finds rules that have no effect since a package was
// renamed.
func TestRulesNameExistingPackages(t *testing.T) {
	t.Parallel()
	known := programs(t)
	maps.Copy(known, client(t))
	names := slices.Concat(domain, common, adapters, testSupport)
	for _, r := range slices.Concat(native, browser) {
		names = append(names, r.names()...)
	}
	for _, name := range names {
		exists := false
		for known := range known {
			exists = exists || match(name, known)
		}
		if !exists {
			t.Errorf("a rule names %s, which does not exist", name)
		}
	}
}

// TestRulesCanFail proves that each kind of rule finds what breaks it.
func TestRulesCanFail(t *testing.T) {
	t.Parallel()
	g := graph{
		"server/a":        {"fmt", "server/a/below", "example.org/lib/deep"},
		"server/a/below":  {"net/http"},
		"server/b":        {"server/a"},
		"server/btest":    {"server/a"},
		"example.org/lib": {"server/a"},
		"net/http":        {"net/url"},
	}
	for _, c := range []struct {
		rule rule
		want string // the breaches, one a line
	}{
		{confined{[]string{"server/a"}, []string{"server/a/..."}, "why"}, "server/a imports example.org/lib/deep, but: why"},
		{confined{[]string{"server/a/..."}, []string{"server/a/...", "example.org/lib/..."}, "why"}, ""},
		{never{[]string{"server/a/..."}, []string{"net/http"}, "why"}, "server/a/below imports net/http, but: why"},
		{never{[]string{"server/a"}, []string{"net/http"}, "why"}, ""},
		{only{[]string{"server/a"}, []string{"server/c"}, "why"}, "server/b imports server/a, but: why"},
		{only{[]string{"server/a"}, []string{"server/b"}, "why"}, ""},
		{unlinked{"server/b", []string{"net/url", "log/..."}, "why"}, "server/b → server/a → server/a/below → net/http → net/url, but: why"},
		{unlinked{"server/b", []string{"net/urls", "net/http/..."}, "why"}, "server/b → server/a → server/a/below → net/http, but: why"},
	} {
		if got := strings.Join(c.rule.breaches(g), "\n"); got != c.want {
			t.Errorf("%+v: %q, want %q", c.rule, got, c.want)
		}
	}
}
