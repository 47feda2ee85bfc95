// Package builtin is the demo agent: it answers without a model, a key or a network, says so, and streams as a model
// does. Its answers depend on the conversation alone, and a handful of words ("help" lists them) make it show what
// the gateway can do.
package builtin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// DefaultWordsPerSecond is about what a hosted model manages.
const DefaultWordsPerSecond = 45

const (
	slowWordsPerSecond = 4
	longestAnswer      = time.Minute // longer texts are told faster, unless they are meant to be slow
	firstPause         = 10          // words that could have been said before the first
	maxPieceRunes      = 16
)

// Config describes the agent. Its zero value is ready for use.
type Config struct {
	WordsPerSecond int // 0 is DefaultWordsPerSecond
}

// New returns the demo agent. A negative rate is an error.
func New(c Config) (agent.Agent, error) {
	if c.WordsPerSecond < 0 {
		return nil, fmt.Errorf("words per second: %d is negative", c.WordsPerSecond)
	}
	if c.WordsPerSecond == 0 {
		c.WordsPerSecond = DefaultWordsPerSecond
	}
	return &demo{interval: max(time.Second/time.Duration(c.WordsPerSecond), 1)}, nil
}

type demo struct{ interval time.Duration }

// Run implements [agent.Agent].
func (d *demo) Run(ctx context.Context, r agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	reply := replyTo(r.Messages)
	s := speaker{ctx: ctx, emit: emit, ticker: time.NewTicker(d.pace(reply))}
	defer s.ticker.Stop()
	if err := s.say(reply); err != nil {
		return agent.Usage{}, err
	}
	usage := agent.Usage{OutputTokens: words(reply.thinking) + words(reply.text), Finish: agent.FinishStop}
	for _, m := range r.Messages {
		usage.InputTokens += words(m.Text)
	}
	return usage, nil
}

// pace is the time between two pieces.
func (d *demo) pace(r reply) time.Duration {
	if r.slow {
		return d.interval * DefaultWordsPerSecond / slowWordsPerSecond
	}
	count := 1
	for range pieces(r.text) {
		count++
	}
	return max(1, min(d.interval, longestAnswer/time.Duration(count)))
}

func words(s string) int { return len(strings.Fields(s)) }

// speaker emits a reply one piece a tick.
type speaker struct {
	ctx    context.Context
	emit   func(agent.Piece) error
	ticker *time.Ticker
}

func (s *speaker) say(r reply) error {
	for range firstPause {
		if err := s.wait(); err != nil {
			return err
		}
	}
	if r.thinking != "" {
		if err := s.think(r.thinking); err != nil {
			return err
		}
	}
	for piece := range pieces(r.text) {
		if err := s.emitNext(agent.Piece{Text: piece}); err != nil {
			return err
		}
	}
	if r.failure != nil {
		return r.failure
	}
	return nil
}

func (s *speaker) think(text string) error {
	if err := s.emitNext(agent.Piece{Activity: "thinking"}); err != nil {
		return err
	}
	for piece := range pieces(text) {
		if err := s.emitNext(agent.Piece{Thinking: piece}); err != nil {
			return err
		}
	}
	return s.emitNext(agent.Piece{Activity: "writing"})
}

func (s *speaker) emitNext(p agent.Piece) error {
	if err := s.wait(); err != nil {
		return err
	}
	return s.emit(p)
}

func (s *speaker) wait() error {
	select {
	case <-s.ctx.Done():
	case <-s.ticker.C:
	}
	return s.ctx.Err()
}

// pieces cuts text behind the spaces that follow a word, and inside words that are very long or written without
// spaces. The pieces together are the text.
func pieces(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, runes, space := 0, 0, false
		for i, r := range text {
			isSpace := r == ' ' || r == '\n' || r == '\t'
			if (space && !isSpace || runes >= maxPieceRunes) && i > start {
				if !yield(text[start:i]) {
					return
				}
				start, runes = i, 0
			}
			space = isSpace
			runes++
		}
		if start < len(text) {
			yield(text[start:])
		}
	}
}
