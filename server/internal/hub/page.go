package hub

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// pageRoom bounds the events of a Page as they are in its frame, in bytes. One
	// event always fits, without its formatted text at least.
	pageRoom = protocol.MaxFrameBytes - 4<<10
	// pageBytes bounds the payloads that are read for it.
	pageBytes = 448 << 10
)

// Page is up to limit events of a session's log after a seq, as this member
// takes them, in one frame: it may end early, and has at least one event if
// there is one. They count as replayed. Refuses with NOT_FOUND and FORBIDDEN.
func (h *Hub) Page(ctx context.Context, log Log, m *Member, key, epoch string, after int64, limit int) (*protocol.ChatReplayResult, error) {
	part, err := log.Replay(ctx, m.caller().To(key), epoch, after, session.Span{Events: limit, Bytes: pageBytes})
	if err != nil {
		return nil, err
	}
	result := &protocol.ChatReplayResult{
		SessionKey: key, Epoch: part.Session.Epoch, LastSeq: part.Session.LastSeq, Reset: part.Reset,
	}
	html := present.NewReplay(func(runID string, through int64) (string, error) {
		return log.Said(ctx, key, part.Session.Epoch, runID, through)
	})
	last := len(part.Events) > 0 && part.Events[len(part.Events)-1].Seq == part.Session.LastSeq
	room := pageRoom
	for i, e := range part.Events {
		f := protocol.Frame{Type: protocol.TypeEvent, Event: e.Name, Payload: e.Payload, Seq: e.Seq}
		if m.HTML {
			f.Payload = html.Payload(part.Events, i, last)
		}
		if i == 0 && len(f.Payload)+len(f.Event)+frameCost > room {
			f.Payload = e.Payload
		}
		if room -= len(f.Payload) + len(f.Event) + frameCost; i > 0 && room < 0 {
			break
		}
		result.Events = append(result.Events, f)
	}
	h.replayed.Add(int64(len(result.Events)))
	return result, nil
}
