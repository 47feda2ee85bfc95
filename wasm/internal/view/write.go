package view

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// The following functions write only what differs. They do nothing if el is nil, since not
// every page has every element.

func setText(el Element, text string) {
	if el != nil && el.Text() != text {
		el.SetText(text)
	}
}

func setAttr(el Element, name, value string) {
	if el != nil && el.Attr(name) != value {
		el.SetAttr(name, value)
	}
}

func setFlag(el Element, name string, on bool) {
	if el != nil && el.Flag(name) != on {
		el.SetFlag(name, on)
	}
}

func setBool(el Element, name string, on bool) {
	if on {
		setAttr(el, name, "true")
	} else {
		setAttr(el, name, "false")
	}
}

// setSlot sets the text of every slot with that name below el.
func setSlot(el Element, slot, text string) {
	if el == nil {
		return
	}
	for _, place := range el.Find(markup.AttrSlot, slot) {
		setText(place, text)
	}
}

// setTime sets the time of every <time> slot with that name below el.
func setTime(el Element, slot string, t Time) {
	if el == nil {
		return
	}
	for _, place := range el.Find(markup.AttrSlot, slot) {
		setAttr(place, "datetime", t.Stamp)
		setText(place, t.Text)
	}
}

// first returns the first element below el whose attribute has that value, or nil.
func first(el Element, attr, value string) Element {
	if el == nil {
		return nil
	}
	if found := el.Find(attr, value); len(found) > 0 {
		return found[0]
	}
	return nil
}
