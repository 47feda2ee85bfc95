package builtin

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/agenttest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	question := "slow" // the one answer that may take longer than maxDuration
	slow := func(t *testing.T) agent.Agent {
		return &demo{interval: 15 * time.Second}
	}
	agenttest.Contract(t, agenttest.Subject{
		Question: []agent.Message{{Role: agent.User, Text: "hi"},
			{Role: agent.Assistant, Text: "Hello."}, {Role: agent.User, Text: question}},
		Answering: func(t *testing.T) (agent.Agent, string) {
			return newDemo(t, 0), answer(question)
		},
		Endless: slow,
		Silent:  slow,
	})
}

func newDemo(t *testing.T, rate int) agent.Agent {
	t.Helper()
	a, err := New(Config{WordsPerSecond: rate})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// result is the outcome of one run.
type result struct {
	text, thinking string
	pieces         []agent.Piece
	usage          agent.Usage
	err            error
	took           time.Duration
}

func ask(t *testing.T, a agent.Agent, messages ...agent.Message) result {
	var got result
	start := time.Now()
	got.usage, got.err = a.Run(t.Context(), agent.Request{Messages: messages},
		func(p agent.Piece) error {
			got.text += p.Text
			got.thinking += p.Thinking
			got.pieces = append(got.pieces, p)
			return nil
		})
	got.took = time.Since(start)
	return got
}

func user(text string) agent.Message { return agent.Message{Role: agent.User, Text: text} }

// later returns a conversation in which text is the second user message.
func later(text string) []agent.Message {
	return []agent.Message{user("hi"), {Role: agent.Assistant, Text: "Hello."}, user(text)}
}

func TestFirstAnswerTellsHowToConnectAModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newDemo(t, 0)
		for _, question := range []string{"hi", "help", "What is the weather?", "connect", ""} {
			got := ask(t, a, user(question))
			for _, want := range []string{"This is a demo", "agents:", "default:",
				`base_url: "http://127.0.0.1:11434/v1"`} {
				if strings.Count(got.text, want) != 1 {
					t.Errorf("the first answer to %q holds %q %d times, want once:\n%s", question,
						want, strings.Count(got.text, want), got.text)
				}
			}
		}
		got := ask(t, a, later("What is the weather?")...)
		if strings.Contains(got.text, "agents:") || !strings.Contains(got.text, "demo agent") {
			t.Errorf("a later answer must name the demo without the configuration: %s", got.text)
		}
	})
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ message, want string }{
		{"help", answer("help")},
		{" HELP! ", answer("help")},
		{"/help", answer("help")},
		{"?", answer("help")},
		{"`markdown`", answer("markdown")},
		{"Show me markdown, please", answer("markdown")},
		{"please show code.", answer("code")},
		{"long", answer("long")},
		{"connect", answer("connect")},
		{"slow", answer("slow")},
		{"think", answer("thought")},
		{"thank you!", answer("thanks")},
		{"Hello", answer("hello")},
		{"echo Hello,  *world*", "Hello,  *world*"},
		{"/echo one\ntwo", "one\ntwo"},
		{"Echo: x", " x"},
		{"echo\nline", "line"},
	} {
		t.Run(c.message, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := ask(t, newDemo(t, 0), later(c.message)...)
				if got.err != nil || got.text != c.want || c.want == "" {
					t.Errorf("the answer is %q, %v; want %q", got.text, got.err, c.want)
				}
			})
		})
	}
}

func TestCommandInsideAShortMessage(t *testing.T) {
	t.Parallel()
	for question, want := range map[string]string{
		"What can you show me?":                 "help",
		"Show me some markdown":                 "markdown",
		"Write some code, please":               "code",
		"Tell me a long story about gatehouses": "long",
	} {
		got := replyTo([]agent.Message{{Role: agent.User, Text: question}}).text
		if !strings.HasPrefix(got, answer(want)) {
			t.Errorf("%q is not answered with %s: %.60q", question, want, got)
		}
	}
}

func TestChatQuotesTheMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newDemo(t, 0)
		for _, c := range []struct{ message, want string }{
			{"How tall\nis the gate?", "> How tall is the gate?\n"},
			{"echo", "> echo\n"},
			{"echoes fade", "> echoes fade\n"},
			{"the long way", "That is 3 words, your message number 2 in this session."},
			{strings.Repeat("ü", 400), "> " + strings.Repeat("ü", 280) + " …\n"},
			{" \n ", "nothing in it that I could quote"},
		} {
			if got := ask(t, a, later(c.message)...); !strings.Contains(got.text, c.want) {
				t.Errorf("the answer to %q is %q, want %q in it", c.message, got.text, c.want)
			}
		}
	})
}

func TestHelpListsTheCommands(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"markdown", "code", "long", "slow", "think", "error", "connect"} {
		if !strings.Contains(answer("help"), "| `"+name+"` |") {
			t.Errorf("help does not list %q", name)
		}
		if commandReply(name).text == "" {
			t.Errorf("%q has no answer", name)
		}
	}
	if n := words(answer("long")); n < 1800 || n > 2300 {
		t.Errorf("long has %d words, want about 2,000", n)
	}
}

func TestErrorFailsAfterText(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := ask(t, newDemo(t, 0), user("error"))
		var failure *agent.Error
		if !errors.As(got.err, &failure) || !failure.Retryable || !failure.Emitted ||
			failure.Message == "" {
			t.Errorf("the run ended with %#v, want a retryable *agent.Error", got.err)
		}
		if got.text != answer("error") {
			t.Errorf("the text before it is %q", got.text)
		}
	})
}

func TestThinkingComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := ask(t, newDemo(t, 0), later("think")...)
		if got.thinking != answer("thinking") {
			t.Errorf("the thinking is %q", got.thinking)
		}
		hasText := false
		for _, p := range got.pieces {
			hasText = hasText || p.Text != ""
			if hasText && p.Thinking != "" {
				t.Fatal("thinking after text")
			}
		}
		if got.pieces[0].Activity != "thinking" {
			t.Errorf("the first piece is %+v, want the activity", got.pieces[0])
		}
	})
}

func TestPace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		message  string
		rate     int
		min, max time.Duration
	}{
		{"markdown", 0, 2 * time.Second, 10 * time.Second},
		{"markdown", 1000, 0, 500 * time.Millisecond},
		{"long", 0, 30 * time.Second, 62 * time.Second},
		{"slow", 0, 15 * time.Second, 30 * time.Second},
		{"echo " + strings.Repeat("word ", 6_000), 0, 50 * time.Second, 62 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got := ask(t, newDemo(t, c.rate), later(c.message)...); got.took < c.min ||
				got.took > c.max {
				t.Errorf("%.20q at %d words/s took %v, want %v to %v", c.message, c.rate, got.took,
					c.min, c.max)
			}
		})
	}
}

func TestNegativeRate(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{WordsPerSecond: -1}); err == nil {
		t.Error("a negative rate was accepted")
	}
}

func TestPiecesAreTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a ü\n本]{0,80}`)).Draw(t, "text")
		var b strings.Builder
		for p := range pieces(text) {
			if p == "" || len([]rune(p)) > maxPieceRunes {
				t.Fatalf("piece %q", p)
			}
			b.WriteString(p)
		}
		if b.String() != text {
			t.Fatalf("the pieces are %q, want %q", b.String(), text)
		}
	})
}

func TestRepliesAreDeterministicAndNeverEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.String().Draw(t, "message")
		one, two := replyTo(later(message)), replyTo(later(message))
		if one.text == "" || one.text != two.text {
			t.Fatalf("the replies are %q and %q", one.text, two.text)
		}
	})
}

func TestFiles(t *testing.T) {
	t.Parallel()
	file := agent.File{Name: "a`b.png", MimeType: "image/png", Size: 1}
	for _, text := range []string{"", " \n", "markdown", "whatever this is"} {
		got := replyTo([]agent.Message{{Role: agent.User, Text: text,
			Files: []agent.File{file, file}}}).text
		if !strings.HasPrefix(got,
			"I got 2 files from you:\n\n- `a'b.png` (image/png, one byte)\n") {
			t.Errorf("the answer to %q is %q", text, got)
		}
		if without := replyTo([]agent.Message{{Role: agent.User,
			Text: text}}).text; strings.TrimSpace(text) != "" &&
			!strings.HasSuffix(got, without) {
			t.Errorf("the answer to %q is %q, without files %q", text, got, without)
		}
	}
}
