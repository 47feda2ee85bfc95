package view

// list is a container whose children are kept in the order of a slice of keys. Updating
// it moves and creates few children.
type list struct {
	parent Element
	rows   []row
}

// row is one child of a list.
type row struct {
	key         string
	el          Element
	fingerprint string // of what was drawn last; "" if the gateway rendered the row
}

// adoptList takes over the children that the gateway rendered. key returns a child's key.
func adoptList(parent Element, key func(Element) string) list {
	l := list{parent: parent}
	if parent != nil {
		for _, el := range parent.Children() {
			l.rows = append(l.rows, row{key: key(el), el: el})
		}
	}
	return l
}

// arrange makes rows[i] the row with keys[i]: it removes the rows of other keys, creates
// missing rows with newRow, and orders the rows. Keys must not repeat. Without a container it
// does nothing.
func (l *list) arrange(keys []string, newRow func(i int) Element) {
	if l.parent == nil {
		return
	}
	old := l.retain(keys)
	rows := make([]row, 0, len(keys))
	for i, key := range keys {
		if len(old) > 0 && old[0].key == key {
			rows, old = append(rows, old[0]), old[1:]
			continue
		}
		r, rest, found := take(old, key)
		if found {
			old = rest
		} else {
			r = row{key: key, el: newRow(i)}
		}
		var before Element
		if len(old) > 0 {
			before = old[0].el
		}
		l.parent.Insert(r.el, before)
		rows = append(rows, r)
	}
	l.rows = rows
}

// retain removes the rows whose key is not in keys, and rows whose key repeats. It
// returns the others.
func (l *list) retain(keys []string) []row {
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	retained := make([]row, 0, len(l.rows))
	for _, r := range l.rows {
		if wanted[r.key] {
			wanted[r.key] = false
			retained = append(retained, r)
		} else {
			r.el.Remove()
		}
	}
	return retained
}

// take removes the row with that key from rows.
func take(rows []row, key string) (row, []row, bool) {
	for i, r := range rows {
		if r.key == key {
			return r, append(rows[:i:i], rows[i+1:]...), true
		}
	}
	return row{}, rows, false
}

// entry is what a row should show. fingerprint contains everything that draw writes: a
// row is drawn again only if its fingerprint has changed.
type entry struct {
	key         string
	fingerprint string
	draw        func(Element)
}

// set shows these entries, whose keys must not repeat.
func (l *list) set(entries []entry, newRow func() Element) {
	keys := make([]string, len(entries))
	for i := range entries {
		keys[i] = entries[i].key
	}
	l.arrange(keys, func(int) Element { return newRow() })
	for i := range l.rows {
		if r, e := &l.rows[i], &entries[i]; r.fingerprint != e.fingerprint {
			e.draw(r.el)
			r.fingerprint = e.fingerprint
		}
	}
}

// fingerprintOf joins texts so that different texts give different results.
func fingerprintOf(parts ...string) string {
	all := ""
	for _, p := range parts {
		all += p + "\x00"
	}
	return all
}

// flag is a bool for fingerprintOf.
func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}
