package forwarded

import "strings"

// readForwarded reads the lines of the header Forwarded. A line that breaks the grammar
// counts for nothing, and so do the lines before that one: proxies add to the end. there
// is false if there is no such header.
func readForwarded(lines []string) (c Claims, there bool) {
	var elements []element
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		there = true
		read, ok := readElements(line)
		if !ok {
			elements = []element{{forName: "malformed"}}
			continue
		}
		elements = append(elements, read...)
	}
	var chain []hop
	for _, e := range elements {
		if c.Scheme == "" {
			c.Scheme = scheme(e.proto)
		}
		if e.host != "" {
			c.Hosts = append(c.Hosts, e.host)
		}
		if e.forName != "" {
			a, ok := address(e.forName)
			chain = append(chain, hop{a, !ok})
		}
	}
	if chain != nil {
		c.chains = [][]hop{chain}
	}
	return c, there
}

// element is what one proxy adds to the header.
type element struct {
	forName, proto, host string
}

// readElements reads a line of the header: elements with commas between them, each of
// them pairs with semicolons between them. Values may be quoted. Unquoted values may have
// all characters that do not end them, since not all proxies quote IPv6 addresses.
func readElements(line string) (all []element, ok bool) {
	e, seen := element{}, map[string]bool{}
	for rest := strings.TrimLeft(line, " \t"); ; {
		name, value, after, ok := readPair(rest)
		if !ok || name != "" && seen[name] {
			return nil, false
		}
		seen[name] = name != ""
		switch name {
		case "for":
			e.forName = value
		case "proto":
			e.proto = value
		case "host":
			e.host = value
		}
		after = strings.TrimLeft(after, " \t")
		if after == "" || after[0] == ',' {
			all = append(all, e)
			e, seen = element{}, map[string]bool{}
		}
		if after == "" {
			return all, true
		}
		if after[0] != ',' && after[0] != ';' {
			return nil, false
		}
		rest = strings.TrimLeft(after[1:], " \t")
	}
}

// readPair reads name=value at the beginning of s. Both are empty where there is no pair,
// as between two commas. The name is returned in lower case.
func readPair(s string) (name, value, rest string, ok bool) {
	if s == "" || s[0] == ',' || s[0] == ';' {
		return "", "", s, true
	}
	i := strings.IndexAny(s, "=,;\" \t")
	if i <= 0 || s[i] != '=' {
		return "", "", "", false
	}
	name, s = strings.ToLower(s[:i]), s[i+1:]
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = readQuoted(s[1:])
		return name, value, rest, ok
	}
	i = strings.IndexAny(s, ",;\" \t")
	if i < 0 {
		i = len(s)
	}
	return name, s[:i], s[i:], i > 0
}

// readQuoted reads the rest of a quoted string (RFC 9110 §5.6.4) behind its first quote.
func readQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
