// Package reasoning separates a model's reasoning from its answer, for models whose
// servers send both as one text with marks between them, such as the tag think.
package reasoning

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// Default is the reasoning setting of an agent that has none.
const Default = "think, thinking, thought, reasoning, [THINK] [/THINK]"

// off is the setting that leaves every text as it is.
const off = "off"

// Rule says what a reasoning setting must be.
const Rule = `"off", or up to 8 tags with commas between them, each a name as in ` +
	`"think" or two marks as in "[THINK] [/THINK]"`

var errSetting = errors.New("must be " + Rule)

// Tag is the marks around the reasoning in a model's text.
type Tag struct{ Open, Close string }

const (
	maxTags    = 8
	maxMarkLen = 64
	// maxSpace limits the white space that is held back, in bytes.
	maxSpace = 4 << 10
)

// Parse reads an agent's reasoning setting. An empty setting is the default, and
// "off" gives no tags.
func Parse(setting string) ([]Tag, error) {
	switch strings.TrimSpace(setting) {
	case "":
		setting = Default
	case off:
		return nil, nil
	}
	var tags []Tag
	for item := range strings.SplitSeq(setting, ",") {
		t, ok := parseTag(strings.Fields(item))
		if !ok || len(tags) == maxTags {
			return nil, errSetting
		}
		tags = append(tags, t)
	}
	return tags, nil
}

func parseTag(marks []string) (Tag, bool) {
	t := Tag{}
	switch len(marks) {
	case 1:
		name := strings.TrimSuffix(strings.TrimPrefix(marks[0], "<"), ">")
		if strings.ContainsAny(name, "<>/[]|") {
			return Tag{}, false
		}
		t = Tag{Open: "<" + name + ">", Close: "</" + name + ">"}
	case 2:
		t = Tag{Open: marks[0], Close: marks[1]}
	}
	ok := t.Open != "" && t.Open != t.Close && len(t.Open) <= maxMarkLen &&
		len(t.Close) <= maxMarkLen && len(t.Open) > 1 && len(t.Close) > 1
	return t, ok
}

// maxAttributes limits what may stand between the name of an opening tag and its end.
const maxAttributes = 128

// attributes cuts text behind the name of an opening tag. ok says that white space follows
// the name, and nothing that ends the tag before its >.
func (t Tag) attributes(text string) (inside string, ended, ok bool) {
	name, isTag := strings.CutSuffix(t.Open, ">")
	if !isTag || name[0] != '<' || !hasPrefixFold(text, name) {
		return "", false, false
	}
	inside, _, ended = strings.Cut(text[len(name):], ">")
	ok = inside != "" && strings.ContainsRune(" \t\r\n", rune(inside[0])) &&
		len(inside) <= maxAttributes && !strings.Contains(inside, "<")
	return inside, ended, ok
}

// openLen returns the length of the opening mark at the beginning of text, or 0. A tag may
// have attributes.
func (t Tag) openLen(text string) int {
	if hasPrefixFold(text, t.Open) {
		return len(t.Open)
	}
	if inside, ended, ok := t.attributes(text); ok && ended {
		return len(t.Open) + len(inside)
	}
	return 0
}

// mayOpen reports whether text may be the beginning of an opening mark.
func (t Tag) mayOpen(text string) bool {
	_, ended, ok := t.attributes(text)
	return hasPrefixFold(t.Open, text) || ok && !ended
}

// Without returns a whole text without the reasoning at its beginning. It is for
// answers that were stored before their reasoning was separated.
func Without(tags []Tag, text string) string {
	for _, t := range tags {
		if t.openLen(strings.TrimLeftFunc(text, unicode.IsSpace)) > 0 {
			s := New(tags, false)
			pieces := append(s.Write(text), s.End(true)...)
			answer := ""
			for _, p := range pieces {
				answer += p.Text
			}
			return answer
		}
	}
	return text
}

// Splitter separates the reasoning in a model's text from the answer, piece by piece.
// Marks may be cut anywhere between two pieces.
//
//   - An opening mark counts only before the answer's first word. Anywhere else it is
//     text, for example in an answer about such marks.
//   - A closing mark without an opening one says that everything before it was reasoning,
//     since chat templates may put the opening mark into the prompt. If the mark is in
//     code, or mentioned in a sentence, it is text.
//   - White space around reasoning is dropped.
type Splitter struct {
	// LoneClose says that a closing mark without an opening one was found. NoClose says
	// that there was none although New was told to expect one.
	LoneClose, NoClose bool

	tags []Tag
	// fromStart says that the model's earlier answers have begun with reasoning that no
	// mark opens.
	fromStart bool

	state   splitState
	close   string          // the mark that ends the reasoning; "" if any of the tags may
	held    string          // text that cannot be decided yet
	thought bool            // whether there was reasoning, or the place where it could begin is over
	assumed strings.Builder // the reasoning that only fromStart says is reasoning
	line    codeTracker     // the answer so far
}

type splitState uint8

const (
	atStart   splitState = iota // before the first word of the answer
	inThought                   // between the marks
	inAnswer
)

// New returns a Splitter for one answer. fromStart says that the model's earlier answers
// have begun with reasoning that no mark opens: then the text is reasoning until a closing
// mark. If none comes, End repeats the text as the answer.
func New(tags []Tag, fromStart bool) *Splitter {
	return &Splitter{tags: tags, fromStart: fromStart}
}

// Write returns what the next piece of text adds to the reasoning and to the answer.
func (s *Splitter) Write(text string) (pieces []agent.Piece) {
	if len(s.tags) == 0 {
		return []agent.Piece{{Text: text}}
	}
	s.held += text
	for {
		p, more := s.step(false)
		if p != (agent.Piece{}) {
			pieces = append(pieces, p)
		}
		if !more {
			return pieces
		}
	}
}

// End returns what is held back. stopped says that the model has finished its answer by
// itself, so that there is an answer.
func (s *Splitter) End(stopped bool) (pieces []agent.Piece) {
	for more := len(s.tags) > 0; more; {
		var p agent.Piece
		if p, more = s.step(true); p != (agent.Piece{}) {
			pieces = append(pieces, p)
		}
	}
	if s.state == inThought && s.assumed.Len() > 0 && stopped {
		// The answer had no reasoning, so it was shown as reasoning by mistake.
		s.NoClose = true
		pieces = append(pieces, agent.Piece{Text: s.assumed.String()})
	}
	return pieces
}

// step decides about some of the held text. more says that there is more to decide. last
// says that no text follows the held text.
func (s *Splitter) step(last bool) (p agent.Piece, more bool) {
	if s.held == "" {
		return agent.Piece{}, false
	}
	switch s.state {
	case atStart:
		return s.start(last)
	case inThought:
		return s.think(last)
	default:
		return s.answer(last)
	}
}

// start decides whether the text begins with reasoning.
func (s *Splitter) start(last bool) (agent.Piece, bool) {
	text := strings.TrimLeftFunc(s.held, unicode.IsSpace)
	if s.thought {
		s.held = text
	}
	for _, t := range s.tags {
		switch {
		case t.openLen(text) > 0:
			s.state, s.close, s.thought, s.held = inThought, t.Close, true, text[t.openLen(text):]
			return agent.Piece{}, true
		case hasPrefixFold(text, t.Close): // without reasoning, or once more after it
			s.thought, s.held = true, text[len(t.Close):]
			return agent.Piece{}, true
		case !last && (t.mayOpen(text) || hasPrefixFold(t.Close, text)):
			return agent.Piece{}, false
		}
	}
	switch {
	case len(s.held)-len(text) > maxSpace:
		s.state = inAnswer
	case text == "":
		p := agent.Piece{Text: s.held} // white space alone, at the end
		s.held = ""
		return p, false
	case s.fromStart && !s.thought:
		s.state, s.held = inThought, text
	default:
		s.state = inAnswer
	}
	return agent.Piece{}, true
}

// think returns reasoning up to its closing mark.
func (s *Splitter) think(last bool) (agent.Piece, bool) {
	at, mark, partial := s.findMark(s.held, s.closing())
	assumed := !s.thought
	switch {
	case at >= 0 && !partial:
		p := s.reasoning(strings.TrimRightFunc(s.held[:at], unicode.IsSpace))
		s.held = s.held[at+len(mark):]
		s.state, s.thought = atStart, true
		s.assumed.Reset()
		s.line = codeTracker{}
		s.LoneClose = s.LoneClose || assumed
		return p, true
	case last:
		p := s.reasoning(s.held)
		s.held = ""
		return p, false
	case at < 0:
		at = len(s.held)
	}
	// White space before a mark is no reasoning.
	if words := len(strings.TrimRightFunc(s.held[:at], unicode.IsSpace)); at-words <= maxSpace {
		at = words
	}
	p := s.reasoning(s.held[:at])
	s.held = s.held[at:]
	return p, false
}

// reasoning returns text as a piece of reasoning.
func (s *Splitter) reasoning(text string) agent.Piece {
	if s.line.empty() { // the first words
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	s.line.write(text)
	if !s.thought {
		s.assumed.WriteString(text)
	}
	return agent.Piece{Thinking: text}
}

// closing returns the marks that may end the reasoning.
func (s *Splitter) closing() []string {
	if s.close != "" {
		return []string{s.close}
	}
	marks := make([]string, len(s.tags))
	for i, t := range s.tags {
		marks[i] = t.Close
	}
	return marks
}

// answer returns text of the answer up to a closing mark that has no opening one.
func (s *Splitter) answer(last bool) (agent.Piece, bool) {
	if s.thought {
		return s.take(len(s.held)), false
	}
	marks := s.closing()
	for _, t := range s.tags {
		marks = append(marks, t.Open)
	}
	at, mark, partial := s.findMark(s.held, marks)
	switch {
	case at < 0, partial && last:
		return s.take(len(s.held)), false
	case at > 0:
		return s.take(at), !partial
	case partial:
		return agent.Piece{}, false
	}
	after := s.held[len(mark):]
	switch {
	case s.isOpening(mark):
		s.thought = true // the answer is about such marks
		return agent.Piece{}, true
	case !last && !decidable(after):
		return agent.Piece{}, false
	case s.line.inCode() || mentioned(s.line.text(), after):
		return s.take(len(mark)), true
	}
	s.held = after
	s.state, s.thought, s.LoneClose = atStart, true, true
	return agent.Piece{TextWasThinking: true}, true
}

// take returns the first n bytes of the held text as text of the answer.
func (s *Splitter) take(n int) agent.Piece {
	p := agent.Piece{Text: s.held[:n]}
	if !s.thought {
		s.line.write(p.Text)
	}
	s.held = s.held[n:]
	return p
}

func (s *Splitter) isOpening(mark string) bool {
	for _, t := range s.tags {
		if t.Open == mark {
			return true
		}
	}
	return false
}

// findMark returns where the first of marks begins in text, or -1. partial says that only
// the beginning of the mark is there, at the end of text.
func (s *Splitter) findMark(text string, marks []string) (at int, mark string, partial bool) {
	for i := range len(text) {
		for _, m := range marks {
			if text[i]|0x20 != m[0]|0x20 {
				continue
			}
			if hasPrefixFold(text[i:], m) {
				return i, m, false
			}
			if hasPrefixFold(m, text[i:]) {
				return i, m, true
			}
		}
	}
	return -1, "", false
}

// hasPrefixFold reports whether s begins with prefix, whatever the case of ASCII letters.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// decidable reports whether text is long enough for mentioned.
func decidable(after string) bool {
	return strings.Contains(after, "\n") || utf8.RuneCountInString(after) >= 2
}

// mentioned reports whether a closing mark is part of a sentence, as in "close it with
// </think> and go on". before is the line up to the mark, and after is the text behind
// the mark.
func mentioned(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	if strings.ContainsRune("\"'([{“‘«„", last) {
		return true
	}
	word := strings.TrimRight(before, " ")
	if word == before || word == "" {
		return false
	}
	if last, _ = utf8.DecodeLastRuneInString(word); !unicode.IsLetter(last) &&
		!unicode.IsDigit(last) && !strings.ContainsRune(",;:", last) {
		return false
	}
	next, size := utf8.DecodeRuneInString(after)
	if next == ' ' {
		following, _ := utf8.DecodeRuneInString(after[size:])
		return unicode.IsLower(following)
	}
	return strings.ContainsRune(".,;:!?)", next) && after != ""
}
