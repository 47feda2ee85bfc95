package view

// list keeps the children of a container those of a slice of keys, moving and
// making as few as it easily can.
type list struct {
	parent Element
	rows   []row
}

type row struct {
	key         string
	el          Element
	fingerprint string // of what stands there; "" for what the server rendered
}

// adopt takes over the children that the server rendered; key reads an item's.
func adoptList(parent Element, key func(Element) string) list {
	l := list{parent: parent}
	if parent != nil {
		for _, el := range parent.Children() {
			l.rows = append(l.rows, row{key: key(el), el: el})
		}
	}
	return l
}

// arrange removes the rows that are in no key, makes those that are missing, and
// puts all in the order of keys, which must not repeat: rows[i] is then that of
// keys[i]. Without a container there is nothing to do.
func (l *list) arrange(keys []string, fresh func(i int) Element) {
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
			r = row{key: key, el: fresh(i)}
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

// retain removes the rows in no key, and the second of two with one key.
func (l *list) retain(keys []string) []row {
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	kept := make([]row, 0, len(l.rows))
	for _, r := range l.rows {
		if wanted[r.key] {
			wanted[r.key] = false
			kept = append(kept, r)
		} else {
			r.el.Remove()
		}
	}
	return kept
}

func take(rows []row, key string) (row, []row, bool) {
	for i, r := range rows {
		if r.key == key {
			return r, append(rows[:i:i], rows[i+1:]...), true
		}
	}
	return row{}, rows, false
}

// entry is a row as it should be. Its print is all that is drawn of it, so that a
// row whose print stays is left alone.
type entry struct {
	key         string
	fingerprint string
	draw        func(Element)
}

// set makes the list these entries, whose keys must not repeat.
func (l *list) set(entries []entry, fresh func() Element) {
	keys := make([]string, len(entries))
	for i := range entries {
		keys[i] = entries[i].key
	}
	l.arrange(keys, func(int) Element { return fresh() })
	for i := range l.rows {
		if r, e := &l.rows[i], &entries[i]; r.fingerprint != e.fingerprint {
			e.draw(r.el)
			r.fingerprint = e.fingerprint
		}
	}
}

// joined puts texts together, each with its end marked.
func fingerprintOf(parts ...string) string {
	all := ""
	for _, p := range parts {
		all += p + "\x00"
	}
	return all
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}
