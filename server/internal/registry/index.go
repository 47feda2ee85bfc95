package registry

import "slices"

// index finds connections by one of their properties. Connections that lack the property
// are not in it.
type index map[string][]*Connection

func (x index) add(key string, c *Connection) {
	if key != "" {
		x[key] = append(x[key], c)
	}
}

func (x index) remove(key string, c *Connection) {
	if key == "" {
		return
	}
	if rest := without(x[key], c); len(rest) > 0 {
		x[key] = rest
	} else {
		delete(x, key)
	}
}

// without takes a connection out of a list, whose order stays.
func without(list []*Connection, c *Connection) []*Connection {
	if i := slices.Index(list, c); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
