package conn

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// However frames are cut into chunks, and chunks into writes, the bytes written are
// whole frames in the order of the pushes. truncate removes only frames of which
// nothing was written or is being written.
func TestQueueSendsWholeFramesInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var pushed [][]byte
		var left, chunk []byte
		buf := make([]byte, 0, 32)
		push := func(t *rapid.T) {
			frame := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "frame")
			pushed = append(pushed, frame)
			q.push(frame)
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": push,
			"take": func(t *rapid.T) {
				if chunk == nil && len(q.frames) > 0 {
					chunk = q.chunk(buf)
				}
			},
			"wrote": func(t *rapid.T) {
				if chunk == nil {
					return
				}
				n := rapid.IntRange(0, len(chunk)).Draw(t, "n")
				left = append(left, chunk[:n]...)
				q.advance(n)
				chunk = nil
			},
			"truncate": func(t *rapid.T) {
				started := len(left) + len(chunk)
				q.truncate()
				for i, size := 0, 0; i < len(pushed); i++ {
					if size >= started {
						pushed = pushed[:i]
						break
					}
					size += len(pushed[i])
				}
			},
			"": func(t *rapid.T) {
				all := bytes.Join(pushed, nil)
				if !bytes.HasPrefix(all, left) {
					t.Fatalf("left %q of %q", left, all)
				}
				if q.bytes != len(all)-len(left) {
					t.Fatalf("%d bytes queued, want %d", q.bytes, len(all)-len(left))
				}
			},
		})
	})
}
