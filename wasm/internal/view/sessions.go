package view

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// Session is an entry of the list of chats.
type Session struct {
	Key     string
	Href    string
	Label   string
	Time    Time
	Running bool
	Pinned  bool
	Current bool
	Hidden  bool // does not match the search
}

// Sessions is the list of chats in the page.
type Sessions struct {
	doc  Document
	list list
}

// NewSessions takes over the list that the gateway rendered.
func NewSessions(doc Document) *Sessions {
	return &Sessions{doc, adoptList(doc.ByID(markup.IDSessionList),
		func(el Element) string { return el.Attr(markup.AttrSessionKey) })}
}

// Draw shows these sessions. Their keys must not repeat.
func (v *Sessions) Draw(sessions []Session) {
	entries := make([]entry, len(sessions))
	none := len(sessions) > 0
	for i := range sessions {
		s := &sessions[i]
		none = none && s.Hidden
		entries[i] = entry{
			key: s.Key,
			fingerprint: fingerprintOf(s.Href, s.Label, s.Time.Stamp, s.Time.Text,
				flag(s.Running), flag(s.Pinned), flag(s.Current), flag(s.Hidden)),
			draw: func(el Element) { drawSession(el, s) },
		}
	}
	v.list.set(entries, func() Element { return v.doc.Clone(markup.TemplateSession) })
	setFlag(v.doc.ByID(markup.IDSessionNone), "hidden", !none)
}

func drawSession(el Element, s *Session) {
	setAttr(el, markup.AttrSessionKey, s.Key)
	setBool(el, markup.AttrPinned, s.Pinned)
	setFlag(el, "hidden", s.Hidden)
	state, current := markup.SessionIdle, "false"
	if s.Running {
		state = markup.SessionRunning
	}
	if s.Current {
		current = "page"
	}
	setAttr(el, markup.AttrState, state)
	setAttr(el, "aria-current", current)
	link := first(el, markup.AttrSlot, markup.SlotLink)
	setAttr(link, "href", s.Href)
	setAttr(link, "title", s.Label)
	setSlot(el, markup.SlotLabel, s.Label)
	setTime(el, markup.SlotTime, s.Time)
}

// CloseMenu closes the menu that an element is in, if any.
func CloseMenu(inside Element) {
	if menu := inside.Closest("open"); menu != nil {
		menu.SetFlag("open", false)
	}
}
