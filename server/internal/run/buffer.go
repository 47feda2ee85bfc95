package run

import (
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxPiece limits the text of one event, in bytes.
	maxPiece = 16 << 10
	// The limits on a buffer, in bytes of text and in pieces. An agent that is faster
	// than the store waits.
	maxBuffered       = 256 << 10
	maxBufferedPieces = 256
)

// buffer holds what an agent has emitted since the last append to the log. Its methods
// may be called by several goroutines.
type buffer struct {
	ready chan struct{} // holds one element if the buffer is not empty
	limit int           // of total

	// mu guards the following fields.
	mu      sync.Mutex
	notFull sync.Cond // is signalled when the buffer was emptied or closed
	pending []piece
	size    int // of the text in pending, in bytes
	total   int // of the answer so far, in bytes of JSON
	closed  bool
}

// piece is the content of one event. Consecutive texts of one kind share a piece.
type piece struct {
	kind   kind
	text   []byte        // the phase, if the kind is activity
	reason string        // of a wait; see protocol.Activity
	until  protocol.Time // the end of that wait
}

type kind uint8

const (
	activity kind = iota
	thinking
	text
	textWasThinking // without text
)

// newBuffer returns an empty buffer for an answer of at most limit bytes of JSON.
func newBuffer(limit int) *buffer {
	b := &buffer{ready: make(chan struct{}, 1), limit: limit}
	b.notFull.L = &b.mu
	return b
}

var errClosed = errors.New("run: the run has ended")

// add appends what the agent has emitted. It blocks while the buffer is full. If the
// answer would get longer than the limit, only what fits is added, and the error is
// errTooLong.
func (b *buffer) add(emitted agent.Piece) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for (b.size > maxBuffered || len(b.pending) > maxBufferedPieces) && !b.closed {
		b.notFull.Wait()
	}
	if b.closed {
		return errClosed
	}
	emitted, fits := b.fitLocked(emitted)
	b.addActivityLocked(piece{kind: activity, text: []byte(emitted.Activity)})
	if emitted.TextWasThinking {
		b.pending = append(b.pending, piece{kind: textWasThinking})
	}
	b.addTextLocked(thinking, emitted.Thinking)
	b.addTextLocked(text, emitted.Text)
	b.signalLocked()
	if !fits {
		return errTooLong
	}
	return nil
}

// fitLocked adds the length of emitted to the total. If the answer would get longer than
// the limit, it returns the beginning of emitted that fits.
func (b *buffer) fitLocked(emitted agent.Piece) (cut agent.Piece, fits bool) {
	length := jsonLen(emitted.Text) + jsonLen(emitted.Thinking) + jsonLen(emitted.Activity)
	left := b.limit - b.total
	if b.total += length; length <= left {
		return emitted, true
	}
	left = max(0, left-jsonLen(emitted.Activity))
	emitted.Thinking = beginning(emitted.Thinking, left)
	emitted.Text = beginning(emitted.Text, left-jsonLen(emitted.Thinking))
	return emitted, false
}

// beginning returns as many whole characters of s as fit into limit bytes of JSON.
func beginning(s string, limit int) string {
	used := 0
	for i, r := range s {
		if used += jsonLen(string(r)); used > limit {
			return s[:i]
		}
	}
	return s
}

// addWait adds the activity of a run that waits before it asks its agent again.
func (b *buffer) addWait(reason string, until time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	b.addActivityLocked(piece{kind: activity, text: []byte(protocol.PhaseRetrying),
		reason: reason, until: protocol.At(until)})
	b.signalLocked()
	return nil
}

// signalLocked makes ready readable if there are pieces.
func (b *buffer) signalLocked() {
	if len(b.pending) > 0 {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	}
}

// jsonLen returns the length of s inside a longer JSON string.
func jsonLen(s string) int { return session.EncodedLen(s) - len(`""`) }

// addActivityLocked adds an activity, unless it is empty. Of several in a row, only the
// last one is kept.
func (b *buffer) addActivityLocked(a piece) {
	if len(a.text) == 0 {
		return
	}
	if last := b.lastLocked(activity); last != nil {
		*last = a
		return
	}
	b.pending = append(b.pending, a)
}

// addTextLocked appends s to the last piece if the piece is of the same kind and short
// enough. Otherwise it adds new pieces.
func (b *buffer) addTextLocked(of kind, s string) {
	for s != "" {
		n := prefixLen(s, maxPiece)
		last := b.lastLocked(of)
		if last == nil || len(last.text)+n > maxPiece {
			b.pending = append(b.pending, piece{kind: of})
			last = b.lastLocked(of)
		}
		last.text = append(last.text, s[:n]...)
		b.size += n
		s = s[n:]
	}
}

// lastLocked returns the last piece if it is of that kind, else nil.
func (b *buffer) lastLocked(of kind) *piece {
	if i := len(b.pending) - 1; i >= 0 && b.pending[i].kind == of {
		return &b.pending[i]
	}
	return nil
}

// prefixLen returns the length of the longest prefix of s that has at most n bytes and
// ends between two characters.
func prefixLen(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for back := range utf8.UTFMax {
		if utf8.RuneStart(s[n-back]) {
			return n - back
		}
	}
	return n // s is not UTF-8
}

// take empties the buffer and returns its pieces.
func (b *buffer) take() []session.Piece {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := make([]session.Piece, len(b.pending))
	for i, q := range b.pending {
		switch q.kind {
		case activity:
			batch[i].Activity = &protocol.Activity{Phase: string(q.text), Reason: q.reason,
				Until: q.until}
		case thinking:
			batch[i].Thinking = string(q.text)
		case text:
			batch[i].Text = string(q.text)
		case textWasThinking:
			batch[i].TextWasThinking = true
		}
	}
	b.pending, b.size = nil, 0
	b.notFull.Broadcast()
	return batch
}

// close makes every add fail, also one that is blocked. It reports whether the answer was
// longer than the limit.
func (b *buffer) close() (tooLong bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.notFull.Broadcast()
	return b.total > b.limit
}
