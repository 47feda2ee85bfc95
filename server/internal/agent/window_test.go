package agent_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// history returns messages from a short form: each is a letter for its role (s, u or a)
// and a digit for the size of its text, as in "u3 a4".
func history(s string) []agent.Message {
	roles := map[byte]agent.Role{'s': agent.System, 'u': agent.User, 'a': agent.Assistant}
	var messages []agent.Message
	for f := range strings.FieldsSeq(s) {
		messages = append(messages,
			agent.Message{Role: roles[f[0]], Text: strings.Repeat("x", int(f[1]-'0'))})
	}
	return messages
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, history, want string
		messages, bytes     int
	}{
		{"no limits", "s1 u2 a3 u4", "s1 u2 a3 u4", 0, 0},
		{"all fits exactly", "u2 a3 u4", "u2 a3 u4", 3, 9},
		{"messages", "u1 a2 u3 a4 u5", "u3 a4 u5", 3, 0},
		{"an answer without its question is left out", "u1 a2 u3 a4 u5", "u3 a4 u5", 4, 0},
		{"bytes", "u9 a9 u3 a4 u5", "u3 a4 u5", 0, 12},
		{"nothing older than a message that is too large", "u1 a1 u9 a1 u1", "u1", 0, 5},
		{"the question stays, whatever its size", "u1 a1 u9", "u9", 0, 5},
		{"and what follows it", "u1 a1 u9 s9", "u9 s9", 1, 5},
		{"a leading system message stays", "s1 u1 a1 u1", "s1 u1 a1 u1", 4, 0},
		{"also before an answer that is left out", "u1 a1 s2 u1", "s2 u1", 3, 0},
		{"system messages stay where they are", "u1 s2 a1 u1", "u1 s2 a1 u1", 4, 0},
		{"an old system message is left out", "s1 u1 a1 u1 a1 u1", "u1 a1 u1", 3, 0},
		{"an answer at the end", "u1 a1", "u1 a1", 0, 0},
		{"no question", "s1 a1", "", 0, 0},
		{"nothing", "", "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := agent.Window(history(c.history), c.messages, c.bytes)
			if !same(got, history(c.want)) {
				t.Errorf("Window(%s, %d, %d) = %v, want %s", c.history, c.messages, c.bytes,
					got, c.want)
			}
		})
	}
}

func same(a, b []agent.Message) bool {
	return slices.EqualFunc(a, b, func(x, y agent.Message) bool { return reflect.DeepEqual(x, y) })
}

func TestWindowProperties(t *testing.T) {
	t.Parallel()
	message := rapid.Custom(func(t *rapid.T) agent.Message {
		return agent.Message{
			Role: rapid.SampledFrom([]agent.Role{agent.System, agent.User, agent.Assistant}).Draw(t,
				"role"),
			Text: rapid.StringOfN(rapid.Rune(), 0, 8, -1).Draw(t, "text"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(message).Draw(t, "history")
		maxMessages := rapid.IntRange(-1, 12).Draw(t, "messages")
		maxBytes := rapid.IntRange(-1, 60).Draw(t, "bytes")
		before := slices.Clone(all)
		got := agent.Window(all, maxMessages, maxBytes)
		if !same(all, before) {
			t.Fatal("the history was changed")
		}
		isUser := func(m agent.Message) bool { return m.Role == agent.User }
		if !slices.ContainsFunc(all, isUser) {
			if got != nil {
				t.Fatalf("a window %v without a question", got)
			}
			return
		}
		checkWindow(t, all, got, maxMessages, maxBytes)
	})
}

func checkWindow(t *rapid.T, all, got []agent.Message, maxMessages, maxBytes int) {
	last := len(all) - 1
	for all[last].Role != agent.User {
		last--
	}
	if tail := all[last:]; len(got) < len(tail) || !same(got[len(got)-len(tail):], tail) {
		t.Fatalf("%v does not end with the question and what follows it", got)
	}
	first := slices.IndexFunc(got, func(m agent.Message) bool { return m.Role != agent.System })
	if got[first].Role != agent.User {
		t.Fatalf("%v does not begin with a question", got)
	}
	if !same(got[first:], all[len(all)-len(got[first:]):]) {
		t.Fatalf("%v is not the end of the history from its first question on", got)
	}
	if len(got) == len(all)-last {
		return // only what the window must have
	}
	size := 0
	for _, m := range got {
		size += len(m.Text)
	}
	if maxMessages > 0 && len(got) > maxMessages || maxBytes > 0 && size > maxBytes {
		t.Fatalf("%d messages of %d bytes, over the limits %d and %d", len(got), size, maxMessages,
			maxBytes)
	}
}
