//go:build !js

package client

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// A message that two tabs have uploaded is sent with the files of one of them.
func TestTakeMedia(t *testing.T) {
	t.Parallel()
	file := func(path string) []protocol.Attachment {
		return []protocol.Attachment{{Key: "a", Media: protocol.Media{Path: path}}}
	}
	m := &Outgoing{Files: file("")}
	m.TakeMedia(&Outgoing{Files: file("/api/media/1")})
	m.TakeMedia(&Outgoing{Files: file("/api/media/2")})
	m.TakeMedia(&Outgoing{})
	if path := m.Files[0].Media.Path; path != "/api/media/1" {
		t.Errorf("the path is %q, want /api/media/1", path)
	}
}
