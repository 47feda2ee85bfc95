package present

import (
	"errors"
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

// answerLog is the log of one answer in pieces.
func answerLog(pieces []string, end string) (log []session.StoredEvent) {
	add := func(kind string, payload protocol.Payload) {
		log = append(log, session.StoredEvent{
			Seq: int64(len(log) + 1), Name: protocol.EventAgent, Kind: kind, RunID: "r",
			Payload: agentEvent("k", "r", kind, payload).Payload,
		})
	}
	add(protocol.RunStarted, &protocol.RunStartedPayload{MessageID: "a"})
	for _, words := range pieces {
		add(protocol.RunChunk, &protocol.TextPayload{Content: words})
	}
	switch end {
	case protocol.RunCompleted:
		add(end, &protocol.RunCompletedPayload{MessageID: "a", Content: strings.Join(pieces, "")})
	case protocol.RunFailed:
		add(end, &protocol.RunFailedPayload{MessageID: "a", Error: "It failed."})
	default:
		add(end, &protocol.RunCancelledPayload{MessageID: "a"})
	}
	return log
}

func published(e session.StoredEvent) session.Event {
	return session.Event{SessionKey: "k", UserID: "ann", Seq: e.Seq, Name: e.Name, Kind: e.Kind, RunID: e.RunID, Payload: e.Payload}
}

// part is what a reading of the log gives while the log has the first n events.
func part(log []session.StoredEvent, after, n int) session.Replay {
	return session.Replay{Session: session.Record{Key: "k", LastSeq: int64(n)}, Events: log[after:n]}
}

func apply(shown *timeline.Timeline, e session.StoredEvent, payload []byte) {
	shown.Apply(timeline.Event{Name: e.Name, Seq: e.Seq, Payload: payload})
}

func blocksOf(shown *timeline.Timeline) (blocks []string) {
	for _, b := range shown.Message("a").Blocks {
		blocks = append(blocks, b.HTML+b.Text)
	}
	return blocks
}

var ends = []string{protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled}

// A replay that is cut off anywhere is gone on with by another, and by as many as it
// takes, while the log grows and others read it live. When the reader has caught up, live
// events go on from there.
func TestReplaysThatAreCutOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom(presenttest.Fragments()), 1, 25).Draw(t, "words")
		log := answerLog(pieces, rapid.SampledFrom(ends).Draw(t, "end"))
		text := func(through int64) string {
			return strings.Join(pieces[:max(0, min(int(through)-1, len(pieces)))], "")
		}
		readable := rapid.Bool().Draw(t, "readable")
		live := NewLive(NewFormatter())
		shown := timeline.New("k")
		at, stored := 0, 0
		publish := func(to int) {
			for _, e := range log[stored:to] {
				live.Payload(published(e), rapid.Bool().Draw(t, "wanted"))
			}
			stored = to
		}
		for at < len(log) {
			publish(rapid.IntRange(max(stored, at+1), len(log)).Draw(t, "stored"))
			r := live.NewReplay(t.Context(), "ann", Log{func(_ string, through int64) (string, error) {
				if !readable && through < int64(len(log)) {
					return "", errors.New("the pieces are not known any more")
				}
				return text(through), nil
			}})
			p := part(log, at, stored)
			live.Restate("k", session.Caller{UserID: "ann"})
			for i := range rapid.IntRange(1, len(p.Events)).Draw(t, "until") {
				apply(shown, p.Events[i], r.Payload(p, i))
				at++
			}
			if at < stored || rapid.Bool().Draw(t, "leave") {
				continue
			}
			if r.Behind() { // as the hub does
				live.Restate("k", session.Caller{UserID: "ann"})
			}
			for ; at < len(log); at++ {
				apply(shown, log[at], live.Payload(published(log[at]), true))
			}
		}
		if got, want := blocksOf(shown), format.Blocks(text(int64(len(log)))); !slices.Equal(got, want) {
			t.Fatalf("shown is %q, want %q", got, want)
		}
	})
}

// When a reader has caught up in the middle of an answer, all of the answer so far is
// shown formatted.
func TestReplayUpToAnOpenAnswer(t *testing.T) {
	t.Parallel()
	for _, text := range presenttest.Fragments() {
		pieces := []string{"# Head\n\nA *paragraph*.\n\n", text, "\n\nan **end**"}
		log := answerLog(pieces, protocol.RunCompleted)
		for _, running := range []bool{true, false} {
			live := NewLive(NewFormatter())
			if running { // else the process that wrote the answer was another one
				for _, e := range log[:4] {
					live.Payload(published(e), false)
				}
			}
			p := part(log, 0, 4)
			shown := timeline.New("k")
			r := live.NewReplay(t.Context(), "ann", Log{func(string, int64) (string, error) {
				if running {
					t.Error("the text of an answer is read that is in memory")
				}
				return strings.Join(pieces, ""), nil
			}})
			for i := range p.Events {
				apply(shown, p.Events[i], r.Payload(p, i))
			}
			if r.Behind() == running {
				t.Errorf("running: %v, behind: %v", running, r.Behind())
			}
			if got, want := blocksOf(shown), format.Blocks(strings.Join(pieces, "")); !slices.Equal(got, want) {
				t.Errorf("running: %v: shown is %q, want %q", running, got, want)
			}
		}
	}
}

// A replay formats an answer that has ended once, at its end, and the next replay and the
// history do not format it again.
func TestReplaysFormatAnAnswerOnce(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		pieces := slices.Repeat([]string{"Some *words* of an answer.\n\n"}, 200)
		whole := strings.Join(pieces, "")
		log := answerLog(pieces, end)
		f := NewFormatter()
		live := NewLive(f)
		p := part(log, 0, len(log))
		var first *protocol.HTML
		for range 2 {
			r := live.NewReplay(t.Context(), "ann", Log{func(string, int64) (string, error) { return whole, nil }})
			formatted := 0
			for i := range p.Events {
				payload := string(r.Payload(p, i))
				if strings.Contains(payload, `"blocks"`) {
					formatted++
				}
			}
			if formatted != 1 {
				t.Errorf("%s: %d of %d events have blocks, want the last one", end, formatted, len(log))
			}
			list := []protocol.Message{{ID: "a", Role: protocol.FromAssistant, Content: whole, Status: protocol.StatusComplete}}
			if !f.recall(&list[0]) || first != nil && list[0].HTML != first {
				t.Errorf("%s: the answer was formatted again, or not kept", end)
			}
			first = list[0].HTML
		}
	}
}
