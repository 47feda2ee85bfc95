package builtin

import (
	"embed"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
)

//go:embed answers/*.md
var answers embed.FS

const maxQuoteRunes = 280

// reply is what the demo agent answers to a message.
type reply struct {
	thinking string
	text     string
	slow     bool  // stream slowly, however long it takes
	failure  error // fail with this error after the text
}

// replyTo returns the reply to the last user message.
func replyTo(messages []agent.Message) reply {
	question, nth, first := "", 0, true
	var files []agent.File
	for _, m := range messages {
		switch m.Role {
		case agent.User:
			question, files = m.Text, m.Files
			nth++
		case agent.Assistant:
			first = false
		}
	}
	question = strings.ToValidUTF8(strings.ReplaceAll(question, "\x00", ""), "\uFFFD")
	if text, ok := echo(question); ok {
		return reply{text: text}
	}
	if len(files) > 0 && strings.TrimSpace(question) == "" {
		return reply{text: received(files)}
	}
	r := commandReply(command(question))
	if r.text == "" {
		r = commandReply(mentionedCommand(question))
	}
	if r.text == "" {
		r.text = chat(question, nth)
	}
	if first && r.failure == nil && r.text != answer("connect") {
		r.text += "\n\n---\n\n" + answer("connect")
	}
	if len(files) > 0 {
		r.text = received(files) + "\n\n" + r.text
	}
	return r
}

// received returns a text that lists the files of a message.
func received(files []agent.File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "I got %s from you:\n\n", count(len(files), "file"))
	for _, f := range files {
		fmt.Fprintf(&b, "- `%s` (%s, %s)\n", strings.ReplaceAll(f.Name, "`", "'"), f.MimeType,
			count(int(f.Size), "byte"))
	}
	b.WriteString("\nI am the demo agent and cannot look into files. " +
		"A real model can look at pictures and read texts.")
	return b.String()
}

// commandReply returns the reply to a command. If there is no such command, the reply is
// empty.
func commandReply(command string) reply {
	switch command {
	case "help", "?", "commands":
		return reply{text: answer("help")}
	case "markdown", "md", "formatting":
		return reply{text: answer("markdown")}
	case "code", "long", "connect", "thanks":
		return reply{text: answer(command)}
	case "thank you", "thanks a lot":
		return reply{text: answer("thanks")}
	case "hello", "hi", "hey", "hello there", "hi there", "good morning", "good evening":
		return reply{text: answer("hello")}
	case "slow":
		return reply{text: answer("slow"), slow: true}
	case "think":
		return reply{thinking: answer("thinking"), text: answer("thought")}
	case "error", "fail":
		return reply{text: answer("error"), failure: &agent.Error{
			Code: agent.Unavailable, Retryable: true, Emitted: true,
			Message: "The demo agent broke off on purpose, because you asked for an error.",
		}}
	default:
		return reply{}
	}
}

// mentionedCommand returns the command that a short message contains, as in "show me some
// markdown", or "".
func mentionedCommand(question string) string {
	const short = 8
	words := strings.FieldsFunc(strings.ToLower(question), func(r rune) bool {
		return !unicode.IsLetter(r)
	})
	if len(words) > short {
		return ""
	}
	if len(words) > 3 && words[0] == "what" && words[1] == "can" && words[2] == "you" {
		return "help"
	}
	for _, word := range words {
		switch word {
		case "markdown", "code", "help":
			return word
		case "story":
			return "long"
		}
	}
	return ""
}

// answer returns the text of the file answers/NAME.md.
func answer(name string) string {
	text, err := answers.ReadFile("answers/" + name + ".md")
	if err != nil {
		return "" // cannot happen: the files are embedded, and a test reads each
	}
	return strings.TrimSpace(string(text))
}

// command returns the message in the form that commandReply compares: for "/Show me
// markdown, please!", it is "markdown".
func command(message string) string {
	s := strings.ToLower(strings.TrimSpace(message))
	if s == "?" {
		return s
	}
	s = strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsPunct(r) || r == '`'
	})
	for _, prefix := range []string{"please ", "can you ", "show me ", "show ", "try ", "say "} {
		s = strings.TrimPrefix(s, prefix)
	}
	s = strings.TrimSuffix(s, " please")
	return strings.TrimRight(s, ",. ")
}

// echo returns what follows the word echo, unchanged, and whether the message is that
// command.
func echo(message string) (string, bool) {
	s := strings.TrimLeftFunc(message, unicode.IsSpace)
	s = strings.TrimPrefix(s, "/")
	if len(s) < len("echo ") || !strings.EqualFold(s[:len("echo")], "echo") {
		return "", false
	}
	rest := s[len("echo"):]
	if !unicode.IsSpace(rune(rest[0])) && rest[0] != ':' {
		return "", false
	}
	text := rest[1:]
	return text, strings.TrimSpace(text) != ""
}

// chat returns the reply to a message that is no command. The message is the nth of the
// user in the session.
func chat(message string, nth int) string {
	quoted := quote(message)
	if quoted == "" {
		return "That message arrived, but there is nothing in it that I could quote. I am the " +
			"demo agent; say **help** and I will show you what can be tried here."
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(message))
	closing := []string{
		"I am only the demo agent, so I cannot tell you what to make of it. But it was written " +
			"down before I saw it, and so is every word of this reply: reload the page, and both " +
			"will still be here.",
		"A real model would have something to say about that now. I am the demo agent and merely " +
			"admire it. Say **help** for the things I can do.",
		"As the demo agent I have no opinion on this, only good manners: thank you for " +
			"saying it. " +
			"If you want to see more than manners, say **markdown**, **code** or **long**.",
		"I am the demo agent and understood every letter of it, though none of the meaning. For " +
			"that, connect a model (say **connect**), and keep this page open: nothing you wrote " +
			"gets lost.",
	}[h.Sum32()%4]
	return fmt.Sprintf("You said:\n\n> %s\n\nThat is %s, your %s in this session. %s", quoted,
		count(words(message), "word"), ordinal(nth), closing)
}

// quote returns the message on one line, shortened.
func quote(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if short := printable.Cut(message, maxQuoteRunes); short != message {
		return short + " …"
	}
	return message
}

func count(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func ordinal(n int) string {
	if n <= 1 {
		return "first message"
	}
	return fmt.Sprintf("message number %d", n)
}
