package config

import (
	"maps"
	"slices"
)

// Changes are the paths of the keys in which a new configuration differs from the
// active one, in the order of the reference.
type Changes struct {
	Live    []string // applied by the reload
	Restart []string // applied by the next restart only
}

// Reload returns the configuration that is active after a reload of next. Keys that need
// a restart keep their values of c. Both must be valid.
func (c Config) Reload(next Config) (Config, Changes) {
	merged, changes := next, Changes{}
	for _, k := range schema() {
		switch active, reloaded := (target{config: &c}), (target{config: &merged}); {
		case k.ofAgent() || k.same(active, reloaded):
		case k.isLive:
			changes.Live = append(changes.Live, k.path)
		default:
			k.copy(reloaded, active)
			changes.Restart = append(changes.Restart, k.path)
		}
	}
	changes.Live = append(changes.Live, c.changedAgents(next)...)
	return merged, changes
}

// changedAgents returns the keys of agents.list that differ in next. An agent that
// was added or removed counts as one key.
func (c Config) changedAgents(next Config) (paths []string) {
	all := maps.Clone(c.Agents.List)
	maps.Copy(all, next.Agents.List)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		path := join("agents.list", name)
		before, existed := c.Agents.List[name]
		after, exists := next.Agents.List[name]
		if !existed || !exists {
			paths = append(paths, path)
			continue
		}
		for _, k := range schema() {
			if k.ofAgent() && !k.same(target{agent: &before}, target{agent: &after}) {
				paths = append(paths, k.pathOfAgent(name))
			}
		}
	}
	return paths
}

// A Setting is one key of the configuration with its value, to be shown to admins.
type Setting struct {
	Key   string
	Value string // as in a configuration file; of a secret only whether it is set
	Live  bool   // a change needs no restart
}

// Settings returns all keys except those of agents, in the order of the reference.
func (c Config) Settings() []Setting {
	var all []Setting
	for _, k := range schema() {
		if !k.ofAgent() {
			all = append(all, Setting{Key: k.path, Value: k.show(target{config: &c}),
				Live: k.isLive})
		}
	}
	return all
}
