package architecture

import (
	"fmt"
	"slices"
	"strings"
)

// rule is a condition that a graph must meet. All fields are patterns, except why.
type rule interface {
	// breaches returns a sentence for each breach of the rule, with the rule's reason.
	breaches(graph) []string
	// names returns the patterns in the rule.
	names() []string
}

// confined: the packages who import only the packages to, and the standard library.
type confined struct {
	who, to []string
	why     string
}

func (r confined) names() []string { return slices.Concat(r.who, r.to) }

func (r confined) breaches(g graph) []string {
	return g.imports(r.why, func(from, to string) bool {
		return matchAny(r.who, from) && !standard(to) && !matchAny(r.to, to)
	})
}

// never: the packages from do not import the packages to.
type never struct {
	from, to []string
	why      string
}

func (r never) names() []string { return slices.Concat(r.from, r.to) }

func (r never) breaches(g graph) []string {
	return g.imports(r.why, func(from, to string) bool { return matchAny(r.from, from) && matchAny(r.to, to) })
}

// only: of our packages, only the packages by import the packages what.
type only struct {
	what, by []string
	why      string
}

func (r only) names() []string { return slices.Concat(r.what, r.by) }

func (r only) breaches(g graph) []string {
	return g.imports(r.why, func(from, to string) bool { return matchAny(r.what, to) && !matchAny(r.by, from) })
}

// imports returns a sentence for each import by our own packages that is wrong.
func (g graph) imports(why string, wrong func(from, to string) bool) []string {
	var all []string
	for from, imports := range g {
		for _, to := range imports {
			if ours(from) && wrong(from, to) {
				all = append(all, fmt.Sprintf("%s imports %s, but: %s", from, to, why))
			}
		}
	}
	slices.Sort(all)
	return all
}

// unlinked: the program who does not contain the packages what, not even as
// dependencies of its dependencies.
type unlinked struct {
	who  string
	what []string
	why  string
}

func (r unlinked) names() []string { return append([]string{r.who}, r.what...) }

func (r unlinked) breaches(g graph) []string {
	var all []string
	for _, pattern := range r.what {
		if chain := g.importChain(r.who, pattern); chain != nil {
			all = append(all, fmt.Sprintf("%s, but: %s", strings.Join(chain, " → "), r.why))
		}
	}
	return all
}
