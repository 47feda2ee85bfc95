package client

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// Uploaded reports whether the gateway has the content of every file. The program uploads
// the files over HTTP before it sends the message.
func (m *Outgoing) Uploaded() bool {
	for i := range m.Files {
		if m.Files[i].Media.Path == "" {
			return false
		}
	}
	return true
}

// Media returns the files as params of chat.send.
func (m *Outgoing) Media() []protocol.Media {
	var list []protocol.Media
	for i := range m.Files {
		f := &m.Files[i].Media
		list = append(list, protocol.Media{Path: f.Path, Filename: f.Filename})
	}
	return list
}

// TakeMedia takes what other, another copy of the same message, knows of uploaded files.
func (m *Outgoing) TakeMedia(other *Outgoing) {
	for i := range m.Files {
		f := &m.Files[i]
		if i < len(other.Files) && f.Media.Path == "" && f.Key == other.Files[i].Key {
			*f = other.Files[i]
		}
	}
}
