package config

import (
	"maps"
	"slices"
	"strings"
)

// Changes are the keys in which a configuration differs from the one in force,
// in the order of the reference.
type Changes struct {
	Live    []string // those that can be changed while the gateway serves
	Restart []string // those that wait for a restart
}

// Reload returns what holds when next is put in the place of c: next, but with
// what needs a restart as it is in c. Both must be valid.
func (c Config) Reload(next Config) (Config, Changes) {
	merged, changes := next, Changes{}
	for _, k := range schema() {
		switch in, other := (target{config: &c}), (target{config: &merged}); {
		case k.ofAgent() || k.same(in, other):
		case k.isLive:
			changes.Live = append(changes.Live, k.path)
		default:
			k.copy(other, in)
			changes.Restart = append(changes.Restart, k.path)
		}
	}
	changes.Live = append(changes.Live, c.changedAgents(next)...)
	return merged, changes
}

// changedAgents returns the keys of agents.list that differ in next; an agent
// that came or went is one.
func (c Config) changedAgents(next Config) (paths []string) {
	all := maps.Clone(c.Agents.List)
	maps.Copy(all, next.Agents.List)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		path := join("agents.list", name)
		was, stood := c.Agents.List[name]
		is, stands := next.Agents.List[name]
		if !stood || !stands {
			paths = append(paths, path)
			continue
		}
		for _, k := range schema() {
			if k.ofAgent() && !k.same(target{agent: &was}, target{agent: &is}) {
				paths = append(paths, strings.Replace(k.path, "agents.list."+anyName, path, 1))
			}
		}
	}
	return paths
}

// A Setting is one key of the configuration and what it is, as a file would give
// it; of a secret only whether it is set.
type Setting struct {
	Key   string
	Value string
	Live  bool // a change needs no restart
}

// Settings returns all keys but those of agents, in the order of the reference.
func (c Config) Settings() []Setting {
	var all []Setting
	for _, k := range schema() {
		if !k.ofAgent() {
			all = append(all, Setting{Key: k.path, Value: k.show(target{config: &c}), Live: k.isLive})
		}
	}
	return all
}
