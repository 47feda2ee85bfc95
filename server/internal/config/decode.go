package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A location says where a key was set.
type location struct {
	source string // as in Fault
	position
}

// A draft is a Config while its sources are read.
type draft struct {
	keys     []key // the schema
	config   Config
	given    map[string]location // where each key was set, by path; bad values too
	faulted  map[string]bool     // paths that have a fault
	faults   Faults
	warnings []Warning
}

// newDraft returns a draft of the defaults.
func newDraft() *draft {
	keys := schema()
	return &draft{
		keys: keys, config: defaults(keys), given: map[string]location{}, faulted: map[string]bool{},
	}
}

func (d *draft) fault(p location, path, problem string) {
	d.faulted[path] = true
	d.faults = append(d.faults, Fault{p.source, p.line, p.column, path, problem})
}

func (d *draft) warn(p location, path, problem string) {
	d.warnings = append(d.warnings, Warning{p.source, p.line, p.column, path, problem})
}

// problems adds faults about path, or about items of the list at path.
func (d *draft) problems(source, path string, ps []problem) {
	for _, p := range ps {
		d.fault(location{source, p.at}, path+p.suffix, p.text)
	}
}

// file reads the content of a configuration file; name is the source in its faults.
func (d *draft) file(name string, data []byte) {
	tree, problems := parseTree(data)
	if problems != nil {
		d.problems(name, "", problems)
		return
	}
	f := fileReader{draft: d, name: name}
	f.object(tree, sections(d.keys), "", target{config: &d.config})
	d.exclusive("gateway.token", "gateway.token_file")
	d.exclusive("webhook.secret", "webhook.secret_file")
	for _, agent := range d.config.agentNames() {
		path := join("agents.list", agent)
		d.exclusive(path+".api_key", path+".api_key_file")
	}
}

// A fileReader reads one file into a draft.
type fileReader struct {
	*draft
	name string
}

// object reads the members of the object at path; s describes what it may contain.
func (f fileReader) object(n node, s *section, path string, t target) {
	if n.shape != shapeObject {
		f.problems(f.name, path, mismatch(n, "an object in { }", ""))
		return
	}
	first := map[string]position{}
	entries := s.sections[anyName]
	for _, m := range n.members {
		p := join(path, m.key)
		if at, twice := first[m.key]; twice {
			f.fault(location{f.name, m.at}, p, fmt.Sprintf(
				"is given twice, first on line %d, column %d; leave one out", at.line, at.column))
		} else {
			first[m.key] = m.at
			f.given[p] = location{f.name, m.at}
		}
		switch k, isKey := s.keys[m.key]; {
		case entries != nil:
			f.entry(m, entries, p, t)
		case isKey:
			f.problems(f.name, p, k.read(t, m.value))
		case s.sections[m.key] != nil:
			f.section(m, s.sections[m.key], p, t)
		default:
			f.fault(location{f.name, m.at}, p, f.unknownKey(m.key, s))
		}
	}
}

// section reads an object with keys of its own. If the file has agents.list, its
// entries replace the default agent.
func (f fileReader) section(m member, s *section, path string, t target) {
	if s.sections[anyName] != nil && m.value.shape == shapeObject {
		t.config.Agents.List = map[string]Agent{}
	}
	f.object(m.value, s, path, t)
}

// entry reads one entry of agents.list.
func (f fileReader) entry(m member, s *section, path string, t target) {
	if !validAgentName.MatchString(m.key) {
		f.fault(location{f.name, m.at}, path, "an agent's name must be "+agentNameRule)
	}
	a := newAgent(f.keys)
	f.object(m.value, s, path, target{config: t.config, agent: &a})
	if m.value.shape != shapeObject {
		a.Provider = Builtin // the entry has a fault already: report no missing keys
	}
	t.config.Agents.List[m.key] = a
}

// unknownKey returns the problem of an unknown key: which key was probably meant,
// also one of another section, and which keys are accepted here.
func (f fileReader) unknownKey(name string, s *section) string {
	near := Nearest(name, s.names)
	if near == "" {
		for _, k := range f.keys {
			last := k.path[strings.LastIndexByte(k.path, '.')+1:]
			if normalizeName(last) == normalizeName(name) {
				near = k.path
				break
			}
		}
	}
	accepted := "accepted here: " + strings.Join(s.names, ", ")
	if near == "" {
		return "unknown key; " + accepted
	}
	return "unknown key; did you mean " + near + "? (" + accepted + ")"
}

// locationOf returns where path was set. If path was not set, locationOf returns where
// the innermost enclosing object was set.
func (d *draft) locationOf(path string) location {
	for path != "" {
		if p, ok := d.given[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return location{source: "configuration"}
}

// agentNames returns the names in agents.list, sorted.
func (c Config) agentNames() []string { return slices.Sorted(maps.Keys(c.Agents.List)) }

// Parse reads the content of one configuration file; name is the source in its
// faults. Unlike Load it ignores environment and flags, reads no other file and
// leaves paths as they are written. The error, if any, is Faults.
func Parse(name string, data []byte) (Config, []Warning, error) {
	d := newDraft()
	d.file(name, data)
	return d.finish()
}

// finish fills in defaults, checks the rules between keys and returns the result.
func (d *draft) finish() (Config, []Warning, error) {
	d.extendTimeouts()
	d.config.fillDefaults()
	d.rules()
	if err := d.faults.sorted(); err != nil {
		return Config{}, d.warnings, err
	}
	return d.config, d.warnings, nil
}
