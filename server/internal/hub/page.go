package hub

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxPage bounds the events of a page as they are in its frame, in bytes. One
	// event always fits, at least without its formatted text.
	maxPage = protocol.MaxFrameBytes - 4<<10
	// maxPageRead bounds the payloads that are read for a page, in bytes.
	maxPageRead = 448 << 10
)

// ReadPage gives up to limit events of a session's log after a seq, in the form that the
// member takes. If they do not fit one frame, ReadPage gives fewer, but at least one if
// the log has one. The events count as replayed. ReadPage refuses with NOT_FOUND and
// FORBIDDEN.
func (h *Hub) ReadPage(
	ctx context.Context, log Log, m *Member, key, epoch string, after int64, limit int,
) (*protocol.ChatReplayResult, error) {
	span := session.Span{Events: limit, Bytes: maxPageRead}
	part, err := log.Replay(ctx, m.caller().To(key), epoch, after, span)
	if err != nil {
		return nil, err
	}
	result := &protocol.ChatReplayResult{
		SessionKey: key, Epoch: part.Session.Epoch, LastSeq: part.Session.LastSeq, Reset: part.Reset,
	}
	formatter := h.live.NewReplay(ctx, m.UserID, present.Log{
		AnswerText: func(runID string, through int64) (string, error) {
			return log.AnswerText(ctx, key, part.Session.Epoch, runID, through)
		},
	})
	left := maxPage
	for i, e := range part.Events {
		f := protocol.Frame{Type: protocol.TypeEvent, Event: e.Name, Payload: e.Payload, Seq: e.Seq}
		if m.HTML {
			f.Payload = formatter.Payload(part, i)
		}
		if i == 0 && len(f.Payload)+len(f.Event)+frameCost > left {
			f.Payload = e.Payload
		}
		if left -= len(f.Payload) + len(f.Event) + frameCost; i > 0 && left < 0 {
			break
		}
		result.Events = append(result.Events, f)
	}
	h.replayed.Add(int64(len(result.Events)))
	return result, nil
}
