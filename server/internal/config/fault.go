package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Fault is one mistake in a configuration.
type Fault struct {
	Source  string // the file as it was named, "environment NAME" or "flag -NAME"
	Line    int    // 1-based; 0 when the source has no lines
	Column  int    // 1-based, in characters (code points)
	Path    string // the key, such as gateway.rate_limit_rpm; empty for the whole source
	Problem string // what is wrong, what is accepted, what to do
}

// Error returns the fault as one line: source:line:column: path: problem.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Source)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.Path != "" {
		b.WriteString(": " + f.Path)
	}
	b.WriteString(": " + f.Problem)
	return b.String()
}

// Faults is the error that Load, Parse and Validate return: all mistakes, in the
// order of the file, then those of the environment, then those of the flags.
type Faults []Fault

// Error returns one fault a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted returns the faults in the order of the file, those without a line last. It
// returns a nil error if there are none.
func (fs Faults) sorted() error {
	if len(fs) == 0 {
		return nil
	}
	slices.SortStableFunc(fs, func(a, b Fault) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return fs
}

// A Warning is something that an admin should know and that does not keep the
// gateway from starting.
type Warning Fault

// String returns the warning as one line, in the form of Fault.Error.
func (w Warning) String() string { return Fault(w).Error() }

// maxShown bounds, in characters, how much of a value a message repeats.
const maxShown = 60

// shorten returns at most maxShown characters of s.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxShown {
			return s[:i] + "…"
		}
	}
	return s
}

// quote returns s as messages show it: quoted, on one line, at most maxShown
// characters.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// join returns the path of the key name beneath path. A name with unusual
// characters is quoted, as in agents.list["a b"].
func join(path, name string) string {
	plain := name != "" && len(name) <= maxShown
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		plain = plain && (letter || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '$')
	}
	switch {
	case !plain:
		return path + "[" + quote(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}
