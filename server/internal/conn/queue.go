package conn

import "slices"

// queue holds the frames that have not left yet. It exists only while there are any.
type queue struct {
	frames [][]byte
	off    int // bytes of frames[0] that have left
	busy   int // frames in the chunk handed out last
	bytes  int // bytes still to leave

	waiting []flush // for what was queued when they came
}

func (q *queue) push(frame []byte) {
	q.frames = append(q.frames, frame)
	q.bytes += len(frame)
}

// chunk returns bytes to write next: the first frame's rest, and as many whole
// frames behind it as fit buf's capacity. It is valid until advance.
func (q *queue) chunk(buf []byte) []byte {
	first := q.frames[0][q.off:]
	q.busy = 1
	if len(q.frames) == 1 || len(first)+len(q.frames[1]) > cap(buf) {
		return first
	}
	buf = append(buf[:0], first...)
	for _, frame := range q.frames[1:] {
		if len(buf)+len(frame) > cap(buf) {
			break
		}
		buf = append(buf, frame...)
		q.busy++
	}
	return buf
}

// advance drops n bytes that have left.
func (q *queue) advance(n int) {
	q.bytes -= n
	q.off += n
	q.busy = 0
	q.leave(n)
	done := 0
	for done < len(q.frames) && q.off >= len(q.frames[done]) {
		q.off -= len(q.frames[done])
		done++
	}
	q.frames = slices.Delete(q.frames, 0, done)
}

// truncate drops every frame of which nothing has left or is about to.
func (q *queue) truncate() {
	q.drop()
	keep := q.busy
	if q.off > 0 {
		keep = max(keep, 1)
	}
	for _, frame := range q.frames[keep:] {
		q.bytes -= len(frame)
	}
	q.frames = slices.Delete(q.frames, keep, len(q.frames))
}
