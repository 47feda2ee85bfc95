package run

import (
	"errors"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxPiece bounds the text of one event, in bytes.
	maxPiece = 16 << 10
	// maxWaiting bounds the text that waits to be stored; beyond it the agent
	// waits.
	maxWaiting = 256 << 10
)

// pieces gathers what an agent says between two appends to the log.
type pieces struct {
	ready chan struct{} // holds one when something waits

	mu      sync.Mutex
	room    sync.Cond
	waiting []session.Piece
	size    int // of waiting, in bytes
	total   int // of the answer, in bytes as inside a frame
	limit   int
	closed  bool
}

func newPieces(limit int) *pieces {
	p := &pieces{ready: make(chan struct{}, 1), limit: limit}
	p.room.L = &p.mu
	return p
}

var errClosed = errors.New("run: nothing more is stored")

// add takes what the agent says. It waits while the store is behind, and gives
// errTooLong when the answer is over its limit.
func (p *pieces) add(said agent.Piece) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.size > maxWaiting && !p.closed {
		p.room.Wait()
	}
	if p.closed {
		return errClosed
	}
	if p.total += session.Encoded(said.Text) + session.Encoded(said.Thinking); p.total > p.limit {
		return errTooLong
	}
	if said.Activity != "" {
		p.waiting = append(p.waiting, session.Piece{Activity: &protocol.Activity{Phase: said.Activity}})
	}
	p.gather(said.Thinking, func(q *session.Piece) *string { return &q.Thinking })
	p.gather(said.Text, func(q *session.Piece) *string { return &q.Text })
	select {
	case p.ready <- struct{}{}:
	default:
	}
	return nil
}

// gather adds text to the last waiting piece if it is of the same kind and has
// room, else as a new one.
func (p *pieces) gather(text string, field func(*session.Piece) *string) {
	for text != "" {
		n := cutAt(text, maxPiece)
		if last := len(p.waiting) - 1; last >= 0 {
			if f := field(&p.waiting[last]); *f != "" && len(*f)+n <= maxPiece {
				*f += text[:n]
				p.size += n
				text = text[n:]
				continue
			}
		}
		var q session.Piece
		*field(&q) = text[:n]
		p.waiting = append(p.waiting, q)
		p.size += n
		text = text[n:]
	}
}

// cutAt is the length of the longest start of s that has at most n bytes and
// ends between characters.
func cutAt(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return n
}

// take gives what waits.
func (p *pieces) take() []session.Piece {
	p.mu.Lock()
	defer p.mu.Unlock()
	batch := p.waiting
	p.waiting, p.size = nil, 0
	p.room.Broadcast()
	return batch
}

// close makes every add fail, also one that waits.
func (p *pieces) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.room.Broadcast()
}
