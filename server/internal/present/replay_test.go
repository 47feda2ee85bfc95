package present

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/present/presenttest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// A replay that is cut off anywhere is gone on with by another, and by as many as
// it takes.
func TestReplaysThatAreCutOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom(presenttest.Fragments()), 1, 25).Draw(t, "words")
		event := func(seq int, kind string, payload protocol.Payload) session.StoredEvent {
			return session.StoredEvent{Seq: int64(seq), Name: protocol.EventAgent, Kind: kind, RunID: "r", Payload: agentEvent("k", "r", kind, payload).Payload}
		}
		log := []session.StoredEvent{event(1, protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "a"})}
		for _, words := range pieces {
			log = append(log, event(len(log)+1, protocol.RunChunk, &protocol.TextPayload{Content: words}))
		}
		whole := strings.Join(pieces, "")
		log = append(log, event(len(log)+1, protocol.RunCompleted, &protocol.RunCompletedPayload{MessageID: "a", Content: whole}))
		shown := timeline.New("k")
		for at := 0; at < len(log); {
			rest := log[at:]
			r := NewReplay(func(_ string, through int64) (string, error) {
				return strings.Join(pieces[:max(0, min(int(through)-1, len(pieces)))], ""), nil
			})
			for i := range rapid.IntRange(1, len(rest)).Draw(t, "until") {
				shown.Apply(timeline.Event{Name: rest[i].Name, Seq: rest[i].Seq, Payload: r.Payload(rest, i, false)})
				at++
			}
		}
		var blocks []string
		for _, b := range shown.Message("a").Blocks {
			blocks = append(blocks, b.HTML+b.Text)
		}
		if want := format.Blocks(whole); !slices.Equal(blocks, want) {
			t.Fatalf("shown is %q, want %q", blocks, want)
		}
	})
}
