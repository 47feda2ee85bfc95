package client

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// Files are uploaded over HTTP before the message that carries them can be sent.

// Uploaded reports whether the gateway has the content of every file.
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

// TakeMedia copies the uploads from other, another copy of the same message.
func (m *Outgoing) TakeMedia(other *Outgoing) {
	for i := range m.Files {
		f := &m.Files[i]
		if i < len(other.Files) && f.Media.Path == "" && f.Key == other.Files[i].Key {
			*f = other.Files[i]
		}
	}
}
