package run

import (
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxPiece bounds the text of one event, in bytes.
	maxPiece = 16 << 10
	// What waits to be stored is bounded, in bytes of text and in events; beyond
	// it the agent waits.
	maxWaiting       = 256 << 10
	maxWaitingPieces = 256
)

// pieces gathers what an agent says between two appends to the log.
type pieces struct {
	ready chan struct{} // holds one when something waits

	mu      sync.Mutex
	room    sync.Cond
	waiting []piece
	size    int // of waiting, in bytes
	total   int // of the answer, in bytes as inside a frame
	limit   int // of total
	closed  bool
}

// piece is an event in the making.
type piece struct {
	kind kind
	text []byte // of an activity, its phase
}

type kind uint8

const (
	activity kind = iota
	thinking
	text
)

func newPieces(limit int) *pieces {
	p := &pieces{ready: make(chan struct{}, 1), limit: limit}
	p.room.L = &p.mu
	return p
}

var errClosed = errors.New("run: nothing more is stored")

// add takes what the agent says. It waits while the store is behind, and gives
// errTooLong, and takes nothing, when the answer would be over its limit.
func (p *pieces) add(said agent.Piece) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for (p.size > maxWaiting || len(p.waiting) > maxWaitingPieces) && !p.closed {
		p.room.Wait()
	}
	if p.closed {
		return errClosed
	}
	if p.total += encoded(said.Text) + encoded(said.Thinking) + encoded(said.Activity); p.total > p.limit {
		return errTooLong
	}
	p.announce(said.Activity)
	p.gather(thinking, said.Thinking)
	p.gather(text, said.Text)
	if len(p.waiting) > 0 {
		select {
		case p.ready <- struct{}{}:
		default:
		}
	}
	return nil
}

// encoded is how many bytes s takes inside a longer text in a frame.
func encoded(s string) int { return session.Encoded(s) - len(`""`) }

// announce takes an activity; of several in a row the last one counts.
func (p *pieces) announce(phase string) {
	if phase == "" {
		return
	}
	if last := p.last(activity); last != nil {
		last.text = []byte(phase)
		return
	}
	p.waiting = append(p.waiting, piece{activity, []byte(phase)})
}

// gather adds text to the last waiting piece if it is of the same kind and has
// room, else as a new one.
func (p *pieces) gather(of kind, s string) {
	for s != "" {
		n := cutAt(s, maxPiece)
		last := p.last(of)
		if last == nil || len(last.text)+n > maxPiece {
			p.waiting = append(p.waiting, piece{kind: of})
			last = p.last(of)
		}
		last.text = append(last.text, s[:n]...)
		p.size += n
		s = s[n:]
	}
}

// last is the last waiting piece, if it is of that kind.
func (p *pieces) last(of kind) *piece {
	if i := len(p.waiting) - 1; i >= 0 && p.waiting[i].kind == of {
		return &p.waiting[i]
	}
	return nil
}

// cutAt is the length of the longest start of s that has at most n bytes and
// ends between characters.
func cutAt(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for back := range utf8.UTFMax {
		if utf8.RuneStart(s[n-back]) {
			return n - back
		}
	}
	return n // not UTF-8
}

// take gives what waits.
func (p *pieces) take() []session.Piece {
	p.mu.Lock()
	defer p.mu.Unlock()
	batch := make([]session.Piece, len(p.waiting))
	for i, q := range p.waiting {
		switch q.kind {
		case activity:
			batch[i].Activity = &protocol.Activity{Phase: string(q.text)}
		case thinking:
			batch[i].Thinking = string(q.text)
		case text:
			batch[i].Text = string(q.text)
		}
	}
	p.waiting, p.size = nil, 0
	p.room.Broadcast()
	return batch
}

// close makes every add fail, also one that waits. It reports whether something
// was refused because the answer was over its limit.
func (p *pieces) close() (over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.room.Broadcast()
	return p.total > p.limit
}
