// Package builtin is the demo agent. It needs no model, no key and no network, tells
// users so, and streams like a model. Its answers depend on the conversation alone. Some
// commands show what the gateway can do; "help" lists them.
package builtin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// DefaultWordsPerSecond is about the speed of a hosted model.
const DefaultWordsPerSecond = 45

const (
	slowWordsPerSecond = 4
	maxDuration        = time.Minute // of an answer: long texts stream faster, except slow ones
	firstDelay         = 10          // the delay before the first piece, in pieces
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

// demo is the agent. It emits one piece an interval.
type demo struct{ interval time.Duration }

// Run implements [agent.Agent].
func (d *demo) Run(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	reply := replyTo(r.Messages)
	s := streamer{ctx: ctx, emit: emit, ticker: time.NewTicker(d.pieceInterval(reply))}
	defer s.ticker.Stop()
	if err := s.stream(reply); err != nil {
		return agent.Usage{}, err
	}
	usage := agent.Usage{OutputTokens: words(reply.thinking) + words(reply.text),
		Finish: agent.FinishStop}
	for _, m := range r.Messages {
		usage.InputTokens += words(m.Text)
	}
	return usage, nil
}

// pieceInterval returns the time between two pieces of r.
func (d *demo) pieceInterval(r reply) time.Duration {
	if r.slow {
		return d.interval * DefaultWordsPerSecond / slowWordsPerSecond
	}
	count := 1
	for range pieces(r.text) {
		count++
	}
	return max(1, min(d.interval, maxDuration/time.Duration(count)))
}

func words(s string) int { return len(strings.Fields(s)) }

// streamer emits the pieces of a reply, one a tick.
type streamer struct {
	ctx    context.Context
	emit   func(agent.Piece) error
	ticker *time.Ticker
}

func (s *streamer) stream(r reply) error {
	for range firstDelay {
		if err := s.wait(); err != nil {
			return err
		}
	}
	if r.thinking != "" {
		if err := s.streamThinking(r.thinking); err != nil {
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

func (s *streamer) streamThinking(text string) error {
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

func (s *streamer) emitNext(p agent.Piece) error {
	if err := s.wait(); err != nil {
		return err
	}
	return s.emit(p)
}

func (s *streamer) wait() error {
	select {
	case <-s.ctx.Done():
	case <-s.ticker.C:
	}
	return s.ctx.Err()
}

// pieces splits text into pieces: words with the spaces that follow, and parts of words
// that have more than maxPieceRunes characters. The pieces together are the text.
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
