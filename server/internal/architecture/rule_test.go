package architecture

import (
	"fmt"
	"slices"
	"strings"
)

// rule is one thing that is to hold in a graph.
type rule interface {
	// breaches names what breaks the rule, and says why it is there.
	breaches(graph) []string
	// names are the packages and patterns that the rule speaks of.
	names() []string
}

// confined packages import, beyond Go's own, only what is named.
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

// never do these packages import those.
type never struct {
	from, to []string
	why      string
}

func (r never) names() []string { return slices.Concat(r.from, r.to) }

func (r never) breaches(g graph) []string {
	return g.imports(r.why, func(from, to string) bool { return matchAny(r.from, from) && matchAny(r.to, to) })
}

// only these of our packages import those.
type only struct {
	what, by []string
	why      string
}

func (r only) names() []string { return slices.Concat(r.what, r.by) }

func (r only) breaches(g graph) []string {
	return g.imports(r.why, func(from, to string) bool { return matchAny(r.what, to) && !matchAny(r.by, from) })
}

// imports names the imports by our own packages that are wrong.
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

// unlinked is what a program must not hold, not even through others.
type unlinked struct {
	who  string
	what []string
	why  string
}

func (r unlinked) names() []string { return append([]string{r.who}, r.what...) }

func (r unlinked) breaches(g graph) []string {
	var all []string
	for _, pattern := range r.what {
		if way := g.linked(r.who, pattern); way != nil {
			all = append(all, fmt.Sprintf("%s, but: %s", strings.Join(way, " → "), r.why))
		}
	}
	return all
}
