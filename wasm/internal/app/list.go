package app

// The functions of package slices are linked once for each type of slice; these
// once for all slices of pointers.

// inserted is list with e at that index.
func inserted[E any](list []E, at int, e E) []E {
	list = append(list, e)
	copy(list[at+1:], list[at:])
	list[at] = e
	return list
}

// without is list, in its place, without the elements that go.
func without[E any](list []E, goes func(E) bool) []E {
	kept := list[:0]
	for _, e := range list {
		if !goes(e) {
			kept = append(kept, e)
		}
	}
	clear(list[len(kept):])
	return kept
}
