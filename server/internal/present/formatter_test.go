package present

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/turn"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func answer(id, text string) protocol.Message {
	return protocol.Message{ID: id, Role: protocol.FromAssistant, Content: text, Status: protocol.StatusComplete}
}

// What was formatted is kept as long as the text is the same.
func TestFormatterKeepsWhatEnded(t *testing.T) {
	t.Parallel()
	f := NewFormatter()
	streaming := answer("s", "*so far*")
	streaming.Status = protocol.StatusStreaming
	list := func() []protocol.Message {
		return []protocol.Message{answer("a", "*one*"), streaming,
			{ID: "q", Role: protocol.FromUser, Content: "*question*"}, answer("b", "*two*")}
	}
	first, second := list(), list()
	for _, l := range [][]protocol.Message{first, second} {
		if err := f.Messages(t.Context(), "ann", l); err != nil {
			t.Fatal(err)
		}
		for i, m := range l {
			if formatted := m.HTML != nil; formatted != (m.ID != "q") {
				t.Errorf("%d: formatted: %v", i, formatted)
			} else if formatted && !slices.Equal(m.HTML.Blocks, format.Blocks(m.Content)) {
				t.Errorf("%d is formatted as %q", i, m.HTML.Blocks)
			}
		}
	}
	if first[0].HTML != second[0].HTML || first[3].HTML != second[3].HTML {
		t.Error("an answer that has ended was formatted twice")
	}
	if first[1].HTML == second[1].HTML {
		t.Error("an answer that grows is kept")
	}
	edited := []protocol.Message{answer("a", "*other*")}
	if err := f.Messages(t.Context(), "ann", edited); err != nil || !slices.Equal(edited[0].HTML.Blocks, format.Blocks("*other*")) {
		t.Errorf("an edited message is formatted as %q, %v", edited[0].HTML.Blocks, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	f := NewFormatter()
	text := strings.Repeat("word ", 20_000)
	const messages = cacheBytes / 100_000 * 2
	for i := range messages {
		// The first one is used all the time.
		if err := f.Messages(t.Context(), "ann", []protocol.Message{answer(fmt.Sprint(i), text), answer("0", text)}); err != nil {
			t.Fatal(err)
		}
		if f.cache.bytes > cacheBytes {
			t.Fatalf("%d bytes are kept", f.cache.bytes)
		}
	}
	kept := func(id string) bool { _, ok := f.cache.get(id, text); return ok }
	if !kept("0") || kept("1") || !kept(fmt.Sprint(messages-1)) {
		t.Errorf("kept are the first: %v, the second: %v, the last: %v", kept("0"), kept("1"), kept(fmt.Sprint(messages-1)))
	}
	if len(f.cache.byID) != f.cache.used.Len() {
		t.Errorf("%d ids, %d entries", len(f.cache.byID), f.cache.used.Len())
	}
	for f.cache.used.Len() > 0 {
		f.cache.removeLocked(f.cache.used.Back())
	}
	if f.cache.bytes != 0 || len(f.cache.byID) != 0 {
		t.Errorf("%d bytes and %d ids are left", f.cache.bytes, len(f.cache.byID))
	}
}

// A page of long messages has the newest formatted, and the next request goes on there.
func TestPageHasABudget(t *testing.T) {
	t.Parallel()
	f := NewFormatter()
	var page []protocol.Message
	for i := range 8 {
		page = append(page, answer(fmt.Sprint(i), strings.Repeat("word ", 20<<10)))
	}
	for want := 2; want <= 8; want += 2 {
		if err := f.Messages(t.Context(), "ann", page); err != nil {
			t.Fatal(err)
		}
		for i, m := range page {
			if (m.HTML != nil) != (i >= len(page)-want) {
				t.Errorf("want the newest %d formatted: %d is: %v", want, i, m.HTML != nil)
			}
		}
	}
	alone := []protocol.Message{answer("large", strings.Repeat("word ", 51<<10))}
	if err := f.Messages(t.Context(), "ann", alone); err != nil || alone[0].HTML == nil {
		t.Errorf("a large message alone is not formatted: %v", err)
	}
}

// While the texts of one user keep the formatter busy, whatever was formatted before is
// there at once, for this user and all others, and the texts of others have their turn.
func TestFormattingTakesTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := NewFormatter()
		known := []protocol.Message{answer("known", "*known*")}
		if err := f.Messages(t.Context(), "ann", known); err != nil {
			t.Fatal(err)
		}
		busy, err := f.turns.Take(t.Context(), "greedy")
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error)
		for range turn.MaxWaiting {
			go func() { waiting <- f.Messages(t.Context(), "greedy", []protocol.Message{answer("new", "*new*")}) }()
		}
		synctest.Wait()
		if err := f.Messages(t.Context(), "greedy", []protocol.Message{answer("new", "*new*")}); refusalCode(err) != protocol.ResourceExhausted {
			t.Errorf("one too many: %v", err)
		}
		if err := f.Messages(t.Context(), "greedy", []protocol.Message{answer("known", "*known*")}); err != nil {
			t.Errorf("what is known has to wait: %v", err)
		}
		for _, user := range []string{"ann", "ben"} {
			m := []protocol.Message{answer("of "+user, "*new*")}
			if err := f.Messages(t.Context(), user, m); err != nil || m[0].HTML == nil {
				t.Errorf("%s: %v", user, err)
			}
		}
		busy()
		for range turn.MaxWaiting {
			if err := <-waiting; err != nil {
				t.Error(err)
			}
		}
	})
}

// Nobody formats for a client that has gone.
func TestFormattingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	f := NewFormatter()
	m := []protocol.Message{answer("a", "*new*")}
	if err := f.Messages(ctx, "ann", m); !errors.Is(err, context.Canceled) || m[0].HTML != nil {
		t.Errorf("%v, %v", err, m[0].HTML)
	}
}

func refusalCode(err error) protocol.Code {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}
